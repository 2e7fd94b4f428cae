//! The audit table of the RA node, exported as JSON lines.

use super::super::seed;
use super::super::time::Utc;
use super::Sample;

const PATH: &str = "ca/ra-01-audit.jsonl";
const FIRST_NUMBER: usize = 52_000;
/// Three records in a row; the planted variant has lost them.
const LOST: [&str; 3] = ["2020-10-09T11:02:10", "2020-10-09T11:02:41", "2020-10-09T11:03:15"];
/// The planted variant has a second record with the number of the last one before this instant.
const TWICE: &str = "2020-10-16T21:00:00";

struct Record {
    at: Utc,
    number: usize,
    lost: bool,
}

pub fn build(sample: &mut Sample) {
    let mut records = records();
    if sample.planted {
        let after = Utc::at(TWICE);
        let last = records.iter().rposition(|record| record.at < after);
        let last = last.expect("the node is logging by then");
        let copy = Record { at: after, number: records[last].number, lost: false };
        records.insert(last + 1, copy);
        records.retain(|record| !record.lost);
    }
    let mut lines = Vec::new();
    let mut previous: Option<usize> = None;
    for record in &records {
        lines.push(line(record));
        match previous {
            Some(number) if record.number == number => {
                sample.mark("node/twice".to_owned(), PATH, lines.len(), None);
            }
            Some(number) if record.number > number + 1 => {
                sample.mark("node/lost".to_owned(), PATH, lines.len(), None);
            }
            _ => {}
        }
        previous = Some(record.number);
    }
    sample.add(PATH, lines.len(), lines.join("\n") + "\n");
}

/// A record each morning and each evening of the period, one before and one after it.
fn records() -> Vec<Record> {
    let mut times = vec![Utc::at("2020-08-31T20:00:00"), Utc::at("2020-11-01T04:00:00")];
    for day in 0..61 {
        for (hour, span) in [(8, 1200), (19, 2400)] {
            let jitter = seed::below(&format!("node/{day}/{hour}"), span);
            let at = Utc::at("2020-09-01T00:00:00").plus_days(day).plus_hours(hour).plus(jitter);
            times.push(at);
        }
    }
    let lost = LOST.map(Utc::at);
    times.extend(lost);
    times.sort();
    (FIRST_NUMBER..).zip(times).map(|(number, at)| Record { at, number, lost: lost.contains(&at) }).collect()
}

fn line(record: &Record) -> String {
    let number = record.number;
    // A label of its own for each record, so that two with one number still differ.
    let label = format!("node/{number}/{}", record.at.0);
    let millisecond = record.at.0 * 1000 + seed::below(&label, 1000);
    let morning = record.at.civil().hour < 12 && !record.lost;
    let (event, module, details) = if morning {
        ("ADMINWEB_ADMINISTRATORLOGGEDIN", "ADMINWEB", r#""remoteip=192.0.2.21""#)
    } else {
        ("ACCESS_CONTROL", "ACCESSCONTROL", "null")
    };
    let service = if morning { "EJBCA" } else { "CORE" };
    let officer = seed::below(&label, 3) + 1;
    format!(
        r#"{{"pk":"{}","nodeId":"ra-01","sequenceNumber":{number},"timeStamp":{millisecond},"eventType":"{event}","eventStatus":"SUCCESS","authToken":"CN=RA Officer {officer},O=Sample,C=GB","service":"{service}","module":"{module}","customId":null,"searchDetail1":null,"searchDetail2":null,"additionalDetails":{details},"rowProtection":"1:2:123:{}"}}"#,
        seed::hex(&format!("pk/{label}"), 16),
        seed::hex(&format!("protection/{label}"), 32),
    )
}
