//! Clocks held against each other: what a module and the software that uses it both log of one moment.
//!
//! An activation that the software logs has a login or an activation in the log of the module beside it. Where
//! they are always as far apart, one of the two clocks is off; which of them, no log tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::note::Note;
use crate::engine::{Engine, EngineError};

/// Farthest that two records of one moment may be apart, in microseconds.
const FARTHEST: i64 = 30 * 60 * 1_000_000;
/// Least difference that is told of.
const TOLD: i64 = 30 * 1_000_000;
/// Most by which the differences of the pairs may differ.
const STEADY: i64 = 60 * 1_000_000;
/// Fewest pairs that show anything.
const PAIRS: usize = 3;

/// The uses of keys that module and software both log, each under the name of the module.
const USES: &str = "WITH held AS (SELECT token, MIN(hsm) AS module FROM keys WHERE token IS NOT NULL AND hsm IS NOT NULL GROUP BY token HAVING MIN(hsm) = MAX(hsm)), \
    placed AS (SELECT e.stream, e.time, e.evidence, e.event_type, e.hsm, COALESCE(e.hsm, h.module) AS module \
    FROM key_events AS e LEFT JOIN held AS h ON e.token = h.token \
    WHERE e.stream IS NOT NULL AND e.time IS NOT NULL AND e.outcome <> 'failure' AND e.retold IS NULL \
    AND e.event_type IN ('activate', 'login', 'keygen')) \
    SELECT stream, time, MIN(evidence) AS evidence, event_type, hsm, module FROM placed WHERE module IS NOT NULL \
    GROUP BY stream, time, event_type, hsm, module";

/// The uses that one stream tells of one module.
#[derive(Default)]
struct Teller {
    evidence: i64,
    uses: BTreeMap<String, BTreeSet<i64>>,
}

/// Says of each pair of streams whose clocks differ steadily by how much, over how many moments.
pub(super) fn notes(engine: &Engine) -> Result<Vec<Note>, EngineError> {
    if engine.files("key_events").is_empty() || engine.files("keys").is_empty() {
        return Ok(Vec::new());
    }
    let rows = engine.query(USES)?;
    let mut modules: BTreeMap<String, [BTreeMap<String, Teller>; 2]> = BTreeMap::new();
    for row in rows.sorted_by(&["stream", "time", "event_type"]) {
        let text = |name: &str| rows.named(row, name).text().unwrap_or_default();
        let number = |name: &str| rows.named(row, name).integer().unwrap_or_default();
        let [own, software] = modules.entry(text("module")).or_default();
        let teller = if text("hsm").is_empty() { software } else { own }.entry(text("stream")).or_default();
        teller.evidence = number("evidence");
        let what = if text("event_type") == "keygen" { "keygen" } else { "use" };
        teller.uses.entry(what.to_owned()).or_default().insert(number("time"));
    }
    let mut notes = Vec::new();
    for (module, [own, software]) in &modules {
        for (name, teller) in own {
            for (other_name, other) in software {
                let Some((ahead, pairs)) = difference(teller, other) else { continue };
                let number = u32::try_from(teller.evidence).unwrap_or_default();
                let seconds = ahead.abs() / 1_000_000;
                let (where_to, sign) = if ahead > 0 { ("ahead of", "") } else { ("behind", "-") };
                let what = format!(
                    "the clock of {name} seems to be {seconds} s {where_to} that of {other_name}, by {pairs} uses of keys of {module} that both logged"
                );
                let fix = format!(
                    "have both clocks measured; if it is this one, in engagement.toml, in the [[source]] of this file, set  clock_ahead = \"{sign}PT{seconds}S\""
                );
                notes.push(Note::on("N-TIME-009", number, what).times(pairs as u64).fix(fix).about("key_events"));
            }
        }
    }
    Ok(notes)
}

/// By how much the first clock is ahead of the second, and over how many pairs; nothing where they go together,
/// or where the differences say nothing.
fn difference(own: &Teller, software: &Teller) -> Option<(i64, usize)> {
    let mut apart: Vec<i64> = Vec::new();
    for (what, times) in &software.uses {
        let Some(others) = own.uses.get(what) else { continue };
        for time in times {
            let near = others.range(time - FARTHEST..=time + FARTHEST).map(|other| other - time);
            apart.extend(near.min_by_key(|apart| (apart.abs(), *apart)));
        }
    }
    apart.sort_unstable();
    let middle = *apart.get(apart.len() / 2)?;
    let steady = apart.last()? - apart.first()? <= STEADY;
    (apart.len() >= PAIRS && steady && middle.abs() >= TOLD).then_some((middle, apart.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller(minutes: &[i64], seconds_ahead: i64) -> Teller {
        let times = minutes.iter().map(|minute| (minute * 60 + seconds_ahead) * 1_000_000).collect();
        Teller { evidence: 1, uses: BTreeMap::from([("use".to_owned(), times)]) }
    }

    #[test]
    fn a_steady_difference_is_that_of_the_clocks() {
        let software = teller(&[0, 1_500, 3_000], 0);
        assert_eq!(difference(&teller(&[0, 1_500, 3_000], 42), &software), Some((42_000_000, 3)));
        assert_eq!(difference(&teller(&[0, 1_500, 3_000], -300), &software), Some((-300_000_000, 3)));
        assert_eq!(difference(&teller(&[0, 1_500, 3_000], 5), &software), None, "a login takes some seconds");
        assert_eq!(difference(&teller(&[0, 1_500], 42), &software), None, "two pairs show nothing");
        assert_eq!(difference(&teller(&[0, 1_505, 3_000], 42), &software), None, "what is not steady is no clock");
    }
}
