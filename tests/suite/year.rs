//! The sample that is shipped, and its clean twin: what was planted is found, nothing else is, and no loss of
//! evidence makes a result better.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::generator::{Variant, year};
use crate::world::{World, shipped};

#[derive(Deserialize)]
struct Deviations {
    deviation: Vec<Deviation>,
}

#[derive(Deserialize)]
struct Deviation {
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    control: String,
    test: String,
    /// `line 12`, `object 3`, `sheet "Vetting", row 14`, after the path; or a stream.
    at: String,
}

#[test]
fn the_shipped_samples_are_what_the_generator_gives() {
    for (folder, variant) in [("secure-cohort", Variant::Planted), ("secure-cohort-clean", Variant::Clean)] {
        let (committed, generated) = (shipped(folder), year::files(variant));
        assert_eq!(committed.keys().collect::<Vec<_>>(), generated.keys().collect::<Vec<_>>());
        for (name, octets) in &generated {
            assert!(committed[name] == *octets, "{folder}/{name} is not what the generator gives");
        }
    }
}

#[test]
fn exactly_the_deviations_planted_in_the_year_are_found() {
    let text = String::from_utf8(shipped("secure-cohort").remove("deviations.toml").unwrap()).unwrap();
    let planted: Deviations = toml::from_str(&text).unwrap();
    assert!(planted.deviation.len() >= 45, "{} deviations are planted", planted.deviation.len());
    let expected: BTreeSet<(String, String, String)> =
        planted.deviation.into_iter().flat_map(|deviation| deviation.causes).map(|cause| (cause.control, cause.test, cause.at)).collect();
    let world = World::shipped("secure-cohort");
    let run = world.run().ends_with(1);
    let exceptions = run.exceptions();
    let on_streams: BTreeMap<(String, String), ()> =
        expected.iter().filter(|(.., at)| at.starts_with("stream ")).map(|(control, test, _)| ((control.clone(), test.clone()), ())).collect();
    let found: BTreeSet<(String, String, String)> = exceptions
        .iter()
        .map(|exception| {
            let key = (exception.control.clone(), exception.test.clone());
            let at = match (on_streams.contains_key(&key), exception.values.get("stream")) {
                (true, Some(Some(stream))) => format!("stream {stream}"),
                _ => format!("{}: {}", exception.path, exception.locator),
            };
            (key.0, key.1, at)
        })
        .collect();
    let missed: Vec<_> = expected.difference(&found).collect();
    let unplanned: Vec<_> = found.difference(&expected).collect();
    assert!(missed.is_empty() && unplanned.is_empty(), "not found: {missed:#?}\nnot planted: {unplanned:#?}");
}

#[test]
fn the_clean_twin_of_the_year_is_silent() {
    let world = World::shipped("secure-cohort-clean");
    let run = world.run().ends_with(0);
    assert_eq!(run.exceptions().len(), 0);
    for test in run.results().controls.iter().flat_map(|control| &control.tests) {
        assert_eq!(test.population + test.excluded + test.outside + test.unreadable, test.records, "{}", test.id);
        assert_eq!(test.undecided, 0, "{}: {}", test.id, test.reason);
    }
}
