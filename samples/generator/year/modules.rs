//! The audit logs of the modules, as their own tool prints them. Their clocks are set to UTC.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;
use super::keys::CEREMONIES;

/// Planted: fewer events are recorded from here on, and no change says so.
const UNTICKETED: &str = "2022-01-18T21:40:05";

pub fn build(sample: &mut Sample) {
    let mut online: Vec<(Utc, String, &str)> = Vec::new();
    let mut offline: Vec<(Utc, String, &str)> = Vec::new();
    // The module in the machine room tests itself every night.
    for night in 0..366 {
        let at = Utc::at("2021-06-30T02:00:00").plus_days(night).plus(seed::below(&format!("year/selftest/{night}"), 900));
        online.push((at, "POST: Self Test passed [0]".to_owned(), ""));
    }
    for ceremony in CEREMONIES.iter().filter(|ceremony| ceremony.visible(sample.planted)) {
        let (from, until) = ceremony.span();
        if from < Utc::at("2021-06-30T00:00") || ceremony.id == "CER-2021-02" {
            continue;
        }
        let log = if ceremony.people(sample.planted).is_empty() || online_module(ceremony.id) { &mut online } else { &mut offline };
        log.push((from.plus(60), "POST: Self Test passed [0]".to_owned(), ""));
        log.push((from.plus(200), "[ADMIN,ADM2] FC:0x087 SFC:0x04 Get State [0]".to_owned(), ""));
        log.push((until.plus(-120), "[ADMIN,ADM2] FC:0x087 SFC:0x10 Get Audit Log [0]".to_owned(), ""));
    }
    online.push((Utc::at("2021-09-02T08:14:31"), "'ADM2' authentication(3) failed, failure counter: 1 [b0830013]".to_owned(), ""));
    online.push((Utc::at("2021-09-02T08:15:02"), "[ADM2] FC:0x087 SFC:0x04 Get State [0]".to_owned(), ""));
    online.push((
        Utc::at("2021-12-14T18:20:00"),
        "[ADMIN,ADM2] FC:0x087 SFC:0x0F change audit config param id:4(Events) from:0x0000053F to:0x0000073F [0]".to_owned(),
        "module/ticketed",
    ));
    if sample.planted {
        online.push((
            Utc::at(UNTICKETED),
            "[ADMIN] FC:0x087 SFC:0x0F change audit config param id:4(Events) from:0x0000073F to:0x00000007 [0]".to_owned(),
            "module/unticketed",
        ));
        let night = Utc::at("2022-03-19T22:12:30");
        offline.push((night, "POST: Self Test passed [0]".to_owned(), ""));
    }
    for (path, mut log) in [("hsm/hsm-01-audit.log", online), ("hsm/hsm-02-audit.log", offline)] {
        log.sort();
        for ((_, _, mark), line) in log.iter().zip(1..) {
            if !mark.is_empty() {
                sample.mark((*mark).to_owned(), path, line, None);
            }
        }
        let lines: Vec<String> = log.iter().map(|(at, text, _)| format!("{} {text}", stamp(*at))).collect();
        sample.add(path, lines.len(), lines.join("\n") + "\n");
    }
}

fn online_module(ceremony: &str) -> bool {
    ["CER-2021-03", "CER-2021-05"].contains(&ceremony)
}

/// `14.09.21 13:01:00`
fn stamp(at: Utc) -> String {
    let text = at.stamp();
    format!("{}.{}.{} {}", &text[8..10], &text[5..7], &text[2..4], &text[11..19])
}
