//! The reports shown in `reports/sample/` are those the program makes of the sample today. To make them
//! anew: `ASSURE_SHOW=1 cargo test --test suite shown`.

use std::fs;
use std::path::Path;

use super::world::World;

const SHOWN: [&str; 3] = ["report.html", "working-papers.html", "results.json"];

#[test]
fn the_reports_shown_are_those_of_today() {
    let world = World::shipped("secure-cohort");
    let run = world.run();
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample");
    for name in SHOWN {
        let made = fs::read(run.folder().join(name)).unwrap();
        if std::env::var_os("ASSURE_SHOW").is_some() {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join(name), &made).unwrap();
        }
        let shown = fs::read(place.join(name)).unwrap_or_default();
        assert!(made == shown, "reports/sample/{name} is not what the program makes today; see the head of this file");
    }
}
