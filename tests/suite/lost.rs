//! Evidence that came, and is lost all the same: emptied, garbled, cut, quoted, out of its place, or announced
//! with words that do not count. Each of these once ended in "no exceptions noted" or in an accusation.

use std::fs;

use super::world::{Reading, World, names};

const ROLES: &str = "registers/roles.csv";
const ORGANISATION: &str = "certificates/organisation/organisation-2020.pem";

/// The engagement without what says how many records there should be.
fn without_counts(world: &World) {
    let count = regex::Regex::new(r", source_count = \d+|(?m)^count = \d+\n").unwrap();
    world.declare(|text| count.replace_all(text, "").into_owned());
}

fn every_file_replaced(octets: &[u8]) {
    let world = World::clean();
    let cache = tempfile::tempdir().unwrap();
    let before = world.weigh(&[], cache.path());
    for path in names(&world.folder.join("evidence")) {
        // No control judges these two by themselves.
        if ["openssl/index.txt", "crl/root-arl.crl"].contains(&path.as_str()) {
            continue;
        }
        let kept = fs::read(world.evidence(&path)).unwrap();
        world.put(&path, octets);
        let after = world.weigh(&[], cache.path());
        world.put(&path, kept);
        assert!(after.tests.values().all(|test| test.actual + test.potential == 0), "{path}: absent evidence accuses");
        let lost = after.tests.iter().filter(|(id, test)| before.tests[*id].favourable() && !test.favourable()).count();
        assert!(lost > 0, "{path}: every test speaks as well of it as before");
    }
}

#[test]
fn an_announced_file_that_is_empty_leaves_its_tests_undone() {
    every_file_replaced(b"");
}

#[test]
fn an_announced_file_that_is_garbled_leaves_its_tests_undone() {
    every_file_replaced(b"garbage\n");
}

#[test]
fn a_certificate_quoted_in_a_log_does_not_make_the_log_a_certificate_file() {
    let world = World::clean();
    let certificate = world.text("certificates/ca/root.pem");
    world.edit("ca/server-2020-10.log", |text| text.replacen('\n', &format!("\n{certificate}"), 1));
    let results = world.run().ends_with(4).results();
    let file = results.file("ca/server-2020-10.log");
    assert!(file.format.as_deref() != Some("x509"), "{file:?}");
    assert_ne!(results.test("RA-03", "three-way").outcome, "no_exceptions");
}

#[test]
fn a_block_that_lost_its_beginning_is_counted() {
    let world = World::clean();
    without_counts(&world);
    world.edit(ORGANISATION, |text| text.split_once('\n').unwrap().1.to_owned());
    let results = world.run().ends_with(4).results();
    assert_eq!((results.file(ORGANISATION).records, results.file(ORGANISATION).rejected), (23, 1));
    results.noted("N-OBJ-001", ORGANISATION);
    assert_eq!(results.test("PR-13", "signature").outcome, "could_not_test");
}

#[test]
fn rows_above_the_heading_of_a_register_are_rejected_and_titles_are_not() {
    let world = World::clean();
    without_counts(&world);
    world.edit(ROLES, |text| {
        let mut lines: Vec<&str> = text.lines().collect();
        let heading = lines.remove(0);
        lines.insert(3, heading);
        format!("Register of trusted roles,,,,,\n{}\n", lines.join("\n"))
    });
    let results = world.run().ends_with(4).results();
    assert_eq!(results.file(ROLES).rejected, 3);
    results.noted("N-CSV-002", ROLES);
    assert_eq!(results.test("PE-03", "overlap").outcome, "could_not_test");
}

#[test]
fn a_register_cut_in_its_last_cell_accuses_nobody() {
    let world = World::clean();
    world.put(ROLES, "Person,Role,System,Granted by,Granted on,Revoked on\nJ. Okafor,Auditor,all,M,2020-09-30,\nJ. Okafor,Registration officer,ra-01,M,2019-06-03,");
    let results = world.run().ends_with(4).results();
    results.noted("N-LINE-003", ROLES);
    assert_eq!(results.test("PE-03", "overlap").exceptions, 0);
    assert_eq!(results.file(ROLES).quality, "truncated");
}

#[test]
fn a_comment_behind_a_setting_is_no_part_of_it() {
    let world = World::clean();
    world.edit("config/ca-01/sshd_config", |text| text.replace("PermitRootLogin no", "PermitRootLogin no  # policy 4"));
    assert_eq!(world.run().ends_with(0).results().test("SY-02", "sshd").outcome, "no_exceptions");
}

#[test]
fn a_register_of_which_no_date_is_settled_decides_nothing() {
    let world = World::clean();
    world.edit("registers/approvals.csv", |text| {
        let date = regex::Regex::new(r"2020-(\d\d)-(\d\d) (\d\d:\d\d)").unwrap();
        date.replace_all(text, "03/04/2020 $3").into_owned()
    });
    let results = world.run().ends_with(4).results();
    results.noted("N-TIME-003", "registers/approvals.csv");
    assert_eq!(results.test("RA-03", "three-way").outcome, "could_not_test");
}

#[test]
fn a_hash_declared_for_a_second_copy_is_checked() {
    let world = World::clean();
    world.put("registers/zroles.csv", world.text(ROLES));
    let zeros = "0".repeat(64);
    world.declare(|text| format!("{text}\n[[source]]\npath = \"registers/zroles.csv\"\nsha256 = \"{zeros}\"\n"));
    world.run().results().noted("N-HASH-001", "registers/zroles.csv");
}

#[test]
fn a_line_of_the_file_of_hashes_that_is_none_is_refused() {
    let world = World::clean();
    fs::write(world.folder.join("sums.txt"), "not a hash  registers/roles.csv\n").unwrap();
    world.declare(|text| text.replacen("[engagement]", "[engagement]\nhashes = \"sums.txt\"", 1));
    world.run().ends_with(2);
}

#[test]
fn a_silence_of_a_million_years_is_refused() {
    let world = World::clean();
    world.declare(|text| text.replace("allowed_gap = \"PT12H\"", "allowed_gap = \"P4294967295D\""));
    world.run().ends_with(2);
}

fn criteria(world: &World, rows: &str) {
    fs::create_dir_all(world.folder.join("checklists")).unwrap();
    fs::write(world.folder.join("checklists/criteria.toml"), format!("schema = 1\n{rows}")).unwrap();
}

fn clause(text: &str, more: &str) -> String {
    format!(
        "[[criterion]]\ninstrument = \"s1spki-cp-secure\"\nversion = \"first\"\nclause = \"4.9.7\"\ntext = \"{text}\"\ncontrols = [\"RV-02\"]\nby = \"J. Smith\"\non = \"2020-11-29\"\nsheet = \"00\"\n{more}"
    )
}

#[test]
fn a_clause_without_a_text_or_left_out_confirms_nothing() {
    for rows in
        [clause("", "excluded = \"not tested here\"\n"), clause("The CA shall …", "excluded = \"not tested here\"\n"), clause(" ", "")]
    {
        let world = World::clean();
        criteria(&world, &rows);
        let results = world.run().results();
        assert!(results.control("RV-02").confirmed.is_none(), "{rows}");
    }
}

#[test]
fn an_invented_text_is_never_official_however_its_apostrophe_is_written() {
    let world = World::clean();
    criteria(&world, &clause("Illustrative, not the SEC’s text: the CA shall issue CRLs", ""));
    let results = world.run().results();
    assert_ne!(results.control("RV-02").basis.wording, "official");
    assert!(results.run.illustrative_criteria);
    assert_eq!(results.run.state, "indicative");
}

#[test]
fn who_ruled_a_version_stays_with_the_assessor() {
    let world = World::clean();
    fs::create_dir_all(world.folder.join("checklists")).unwrap();
    let ruling = "schema = 1\n[[version]]\ninstrument = \"s1spki-cp-secure\"\nversion = \"second\"\nfrom = 2020-10-10\nby = \"Jane Q. Whistle\"\non = 2020-11-01\nreason = \"told by Bob Whisperer\"\n";
    fs::write(world.folder.join("checklists/overrides.toml"), ruling).unwrap();
    let run = world.run();
    let issued = fs::read_to_string(run.folder().join("issue/report.html")).unwrap();
    assert!(!issued.contains("Whistle") && !issued.contains("Whisperer"));
}

#[test]
fn announced_evidence_that_did_not_come_is_placed_in_the_engagement_and_a_report_is_written() {
    let world = World::empty();
    world.put("config/sshd-T.txt", "port 22\npermitrootlogin no\npasswordauthentication no\n");
    let engagement = "schema = 1\n[engagement]\ntitle = \"A folder\"\nkind = \"subsequent\"\n\
                      period = { start = 2021-01-01, end = 2021-12-31 }\nenvironment = \"live\"\n\
                      [[expected]]\nwhat = \"the log\"\npath = \"log/*\"\n\
                      [scope.only]\ncontrols = [\"AS-09\"]\nreason = \"a test\"\nby = \"A. Sample\"\non = 2022-01-01\n";
    fs::write(world.folder.join("engagement.toml"), engagement).unwrap();
    let run = world.run().ends_with(1);
    let exceptions = run.exceptions();
    assert_eq!(exceptions.len(), 1);
    assert_eq!((exceptions[0].path.as_str(), exceptions[0].locator.as_str()), ("engagement.toml", "entry 1"));
    assert!(run.folder().join("report.html").is_file());
}
