//! `engagement.toml`: what was asked for, what was handed over, and who saw it.

use super::Sample;
use std::fmt::Write as _;

const HEAD: &str = r#"# An invented engagement: nothing in it comes from a real certification authority.
schema = 1

[engagement]
title = "S1SPKI Secure cohort (invented sample)"
audited_party = "Invented Operator Ltd (sample)"
kind = "subsequent"
period = { start = 2021-07-01, end = 2022-06-30 }
as_of = 2022-07-31
environment = "live"
marking = "SAMPLE - invented data"
assessor = "A. Sample"

[readings]
g2 = "H1"

[[scope.exclude]]
control = "AU-02"
reason = "whether there was an occasion for every type of event was judged by hand, see working paper W-14"
by = "A. Sample"
on = 2022-07-20

[[scope.exclude]]
control = "SY-14"
reason = "scans were looked at on the operator's premises and not handed over, see working paper W-15"
by = "A. Sample"
on = 2022-07-20
"#;

const PROFILES: [(&str, &str); 4] = [
    ("certificates/organisation/**", "organisation"),
    ("certificates/device/**", "device"),
    ("certificates/ca/root.pem", "root-ca"),
    ("certificates/ca/issuing-*.pem", "issuing-ca"),
];

/// The evidence of one export: what it is, where, further lines of its `[[source]]`, how it was made, what it feeds.
struct Kind(&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const KINDS: &[Kind] = &[
    Kind(
        "CA log of ca-01",
        "ca/server-*.log",
        "stream = \"ca-01\"\nhost = \"hsm-01\"\n",
        "server.log of ca-01, all members",
        &["ca_events", "key_events", "certificates"],
    ),
    Kind(
        "CA log of root-01",
        "ca/root-01.log",
        "stream = \"root-01\"\nhost = \"hsm-02\"\n",
        "server.log of root-01",
        &["ca_events", "key_events"],
    ),
    Kind(
        "audit table of ra-01",
        "ca/ra-01-audit.jsonl",
        "stream = \"ra-01\"\n",
        "AuditRecordData where nodeId is ra-01, in the order of sequenceNumber",
        &["ca_events"],
    ),
    Kind(
        "audit log of hsm-01",
        "hsm/hsm-01-audit.log",
        "zone = \"UTC\"\nstream = \"hsm-01\"\nhost = \"hsm-01\"\n",
        "csadm GetAuditLog",
        &["key_events"],
    ),
    Kind(
        "audit log of hsm-02",
        "hsm/hsm-02-audit.log",
        "zone = \"UTC\"\nstream = \"hsm-02\"\nhost = \"hsm-02\"\n",
        "csadm GetAuditLog",
        &["key_events"],
    ),
    Kind("certificates of the root and the issuing CAs", "certificates/ca/*.pem", "", "every CA certificate in use", &["certificates"]),
    Kind(
        "organisation certificates",
        "certificates/organisation/*.pem",
        "",
        "every organisation certificate issued in the period",
        &["certificates"],
    ),
    Kind("device certificates", "certificates/device/*.pem", "", "every device certificate issued in the period", &["certificates"]),
    Kind("CRLs of the issuing CAs", "crl/issuing-*.pem", "", "every CRL published in the period, and the last one before it", &["crls"]),
    Kind("ARLs of the root", "crl/root-arl.pem", "", "every ARL of the period, and the last one before it", &["crls"]),
    Kind("database of the infrastructure CA", "openssl/index.txt", "", "index.txt, copied from the CA directory", &["certificate_status"]),
    Kind(
        "roles, vetting and training",
        "registers/people.xlsx",
        "",
        "the three registers, as one workbook",
        &["roles", "vetting", "training"],
    ),
    Kind(
        "shares, custodians and custody log",
        "registers/shares.xlsx",
        "zone = \"UTC\"\n",
        "the three registers, as one workbook",
        &["share_sets", "custodians", "custody_movements"],
    ),
    Kind(
        "modules",
        "registers/modules.xlsx",
        "zone = \"UTC\"\n",
        "inventory, validation records, attributes and counters, as one workbook",
        &["hsms", "module_validations", "key_attributes", "key_counters"],
    ),
    Kind(
        "keys",
        "registers/keys.xlsx",
        "zone = \"UTC\"\n",
        "key register, copies and certificates of destruction, as one workbook",
        &["keys", "key_copies", "destructions"],
    ),
    Kind(
        "ceremony records",
        "registers/ceremonies.xlsx",
        "zone = \"UTC\"\n",
        "the records of every ceremony, as one workbook",
        &["ceremonies", "ceremony_people", "ceremony_steps", "ceremony_items"],
    ),
];

/// Registers kept as CSV, by file and table.
const REGISTERS: &[(&str, &str)] = &[
    ("access-reviews", "access_reviews"),
    ("accounts", "accounts"),
    ("approvals", "approvals"),
    ("assets", "resources"),
    ("assignments", "assignments"),
    ("backups", "backups"),
    ("baseline", "baseline_settings"),
    ("changes", "changes"),
    ("device-keys", "device_keys"),
    ("documents", "documents"),
    ("doors", "door_access"),
    ("incidents", "incidents"),
    ("key-rotations", "key_rotations"),
    ("log-deliveries", "log_deliveries"),
    ("log-reviews", "log_reviews"),
    ("module-clocks", "time_status"),
    ("personnel", "people"),
    ("repository", "lodgings"),
    ("requests", "requests"),
    ("revocations", "revocation_requests"),
];

pub fn text(sample: &Sample) -> String {
    let mut text = HEAD.to_owned();
    let mut expected = String::new();
    for Kind(what, path, settled, query, feeds) in KINDS {
        add(&mut text, &mut expected, sample, path, settled, query, what, feeds);
    }
    for (file, table) in REGISTERS {
        let path = format!("registers/{file}.csv");
        add(
            &mut text,
            &mut expected,
            sample,
            &path,
            "zone = \"UTC\"\n",
            "the whole register, as CSV",
            &format!("register: {file}"),
            &[table],
        );
    }
    for host in super::systems::HOSTS {
        let path = format!("config/{host}/sshd*");
        add(
            &mut text,
            &mut expected,
            sample,
            &path,
            &format!("host = \"{host}\"\n"),
            "sshd -T, as root",
            &format!("configuration of sshd on {host}"),
            &["settings"],
        );
        let path = format!("config/{host}/chronyc-tracking.txt");
        add(
            &mut text,
            &mut expected,
            sample,
            &path,
            &format!("host = \"{host}\"\n"),
            "chronyc -n tracking, each Monday",
            &format!("clock of {host}"),
            &["time_status"],
        );
    }
    for (month, on) in [("2021-07", "2021-07-01"), ("2022-06", "2022-06-30")] {
        let path = format!("config/ca-01/{month}/*");
        let start = text.len();
        add(
            &mut text,
            &mut expected,
            sample,
            &path,
            "host = \"ca-01\"\n",
            "ejbca.sh ca exportprofiles",
            &format!("certificate profiles, {month}"),
            &["settings"],
        );
        let dated = text.split_off(start).replace("2022-07-18", on);
        text += &dated;
    }
    text = text.replace("on = 2022-07-18, query = \"sshd -T", "on = 2022-06-28, query = \"sshd -T");
    text += &expected;
    for (path, profile) in PROFILES {
        let _ = write!(text, "\n[[profile]]\npath = \"{path}\"\nprofile = \"{profile}\"\n");
    }
    let ra_oldest = if sample.planted { "2021-10-15T08:30:00Z" } else { "2019-06-01T08:30:00Z" };
    for (name, gap, oldest) in [
        ("ca-01", "PT12H", "2019-06-01T09:00:00Z"),
        ("ra-01", "PT24H", ra_oldest),
        ("root-01", "P240D", "2019-06-01T09:00:00Z"),
        ("hsm-01", "PT30H", "2019-06-01T09:00:00Z"),
        ("hsm-02", "P200D", "2019-06-01T09:00:00Z"),
    ] {
        let _ = write!(
            text,
            "\n[[stream]]\nname = \"{name}\"\nlive_since = 2019-06-01\nallowed_gap = \"{gap}\"\n\
             oldest_record = {{ at = {oldest}, how = \"observed\", by = \"A. Sample\", on = 2022-07-20 }}\n"
        );
    }
    text
}

#[allow(clippy::too_many_arguments, reason = "the two sections of one kind of evidence")]
fn add(text: &mut String, expected: &mut String, sample: &Sample, path: &str, settled: &str, query: &str, what: &str, feeds: &[&str]) {
    let count: usize = matching(sample, path).sum();
    let _ = write!(
        text,
        "\n[[source]]\npath = \"{path}\"\n{settled}\
         obtained = {{ how = \"observed\", by = \"A. Sample\", on = 2022-07-18, query = \"{query}\", source_count = {count} }}\n"
    );
    let feeds: Vec<String> = feeds.iter().map(|table| format!("\"{table}\"")).collect();
    let _ = write!(
        expected,
        "\n[[expected]]\nwhat = \"{what}\"\npath = \"{path}\"\ncovers = \"period\"\ncount = {}\nfeeds = [{}]\n",
        matching(sample, path).count(),
        feeds.join(", ")
    );
}

/// The records of every file a path of this engagement stands for: it has one `*` at most.
fn matching<'a>(sample: &'a Sample, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    let (before, after) = path.split_once('*').unwrap_or((path, ""));
    let one = !path.contains('*');
    sample
        .records
        .iter()
        .filter(move |(file, _)| if one { file.as_str() == path } else { file.starts_with(before) && file.ends_with(after) })
        .map(|(_, records)| *records)
}
