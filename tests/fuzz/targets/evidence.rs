//! A folder with one file of any octets, from what it is to the canonical tables: workbooks, JSON, PDFs, archives
//! and objects, their decoders and their cells. Every record has become rows or is counted.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use assure::catalogue::Catalogue;
use assure::catalogue::engagement::Engagement;
use assure::collect::collect;
use assure::normalise::normalise;
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&[]).expect("the shipped checklists load"));
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder for the evidence").keep());

fuzz_target!(|octets: &[u8]| {
    let (folder, cache) = (FOLDER.join("evidence"), FOLDER.join("cache"));
    let _ = fs::remove_dir_all(&cache);
    fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("file"), octets)).expect("the evidence is written");
    fs::create_dir_all(&cache).expect("a folder for the tables");
    let engagement = Engagement::default();
    let collected = collect(&folder, None, &engagement, &CATALOGUE).expect("the folder is walked");
    assert_eq!(collected.evidence.len(), 1);
    let tables = normalise(collected, &engagement, &CATALOGUE, &cache, &mut |_| ()).expect("the tables are made");
    for source in &tables.sources {
        assert!(tables.integrity_failures.is_empty());
        assert!(!tables.notes.iter().any(|note| note.what.contains("the reader failed")), "a reader panicked");
        if source.evidence.reason.is_none() {
            assert_eq!(source.records + source.rejected + source.blank + source.passed_over, source.total);
        }
    }
});
