//! `engagement.toml`: what was asked for, what was handed over, and who saw it.

use super::Sample;
use std::fmt::Write as _;

const HEAD: &str = r#"# An invented engagement: nothing in it comes from a real certification authority.
schema = 1

[engagement]
title = "S1SPKI Secure cohort (invented sample)"
audited_party = "Invented Operator Ltd (sample)"
kind = "subsequent"
period = { start = 2020-09-01, end = 2020-10-31 }
as_of = 2020-11-30
environment = "live"
marking = "SAMPLE - invented data"
assessor = "A. Sample"

[scope.only]
controls = ["AS-02", "AU-04", "AU-08", "DO-01", "PE-03", "PR-04", "PR-06", "PR-08", "PR-09", "PR-11", "PR-13", "RA-03", "RV-02", "SY-02"]
reason = "a small engagement"
by = "A. Sample"
on = 2020-11-02
"#;

const PROFILES: &str = r#"
[[profile]]
path = "certificates/organisation/**"
profile = "organisation"

[[profile]]
path = "certificates/device/**"
profile = "device"

[[profile]]
path = "certificates/ca/root.pem"
profile = "root-ca"

[[profile]]
path = "certificates/ca/issuing-1.pem"
profile = "issuing-ca"
"#;

/// A kind of evidence: the files of one export.
struct Kind {
    what: &'static str,
    path: &'static str,
    /// Further lines of its `[[source]]`.
    settled: &'static str,
    query: &'static str,
}

const KINDS: [Kind; 12] = [
    Kind { what: "CA log of ca-01", path: "ca/server-*.log", settled: "stream = \"ca-01\"\n", query: "server.log of ca-01, all members" },
    Kind {
        what: "audit table of ra-01",
        path: "ca/ra-01-audit.jsonl",
        settled: "stream = \"ra-01\"\n",
        query: "AuditRecordData where nodeId is ra-01, in the order of sequenceNumber",
    },
    Kind {
        what: "certificates of the root and the issuing CA",
        path: "certificates/ca/*.pem",
        settled: "",
        query: "every CA certificate in use",
    },
    Kind {
        what: "organisation certificates",
        path: "certificates/organisation/*.pem",
        settled: "",
        query: "every organisation certificate issued in the period",
    },
    Kind {
        what: "device certificates",
        path: "certificates/device/*.pem",
        settled: "",
        query: "every device certificate issued in the period",
    },
    Kind {
        what: "CRLs of the issuing CA",
        path: "crl/issuing-1-*.pem",
        settled: "",
        query: "every CRL published in the period, and the last one before it",
    },
    Kind { what: "ARL of the root", path: "crl/root-arl.crl", settled: "", query: "the ARL in force in the period" },
    Kind { what: "register of requests", path: "registers/requests.csv", settled: "zone = \"UTC\"\n", query: "the whole register, as CSV" },
    Kind {
        what: "register of approvals",
        path: "registers/approvals.csv",
        settled: "zone = \"UTC\"\n",
        query: "the whole register, as CSV",
    },
    Kind {
        what: "register of trusted roles",
        path: "registers/roles.csv",
        settled: "zone = \"UTC\"\n",
        query: "the whole register, as CSV",
    },
    Kind {
        what: "database of the infrastructure CA",
        path: "openssl/index.txt",
        settled: "",
        query: "index.txt, copied from the CA directory",
    },
    Kind {
        what: "configuration of sshd",
        path: "config/*/sshd_config",
        // Each host has a source of its own, below.
        settled: "",
        query: "",
    },
];

pub fn text(sample: &Sample) -> String {
    let mut text = HEAD.to_owned();
    for kind in KINDS.iter().filter(|kind| !kind.query.is_empty()) {
        source(&mut text, sample, kind.path, kind.settled, kind.query);
    }
    for host in ["ca-01", "ra-01"] {
        let path = format!("config/{host}/*");
        source(&mut text, sample, &path, &format!("host = \"{host}\"\n"), "sshd_config, copied as root");
    }
    for Kind { what, path, .. } in KINDS {
        let count = matching(sample, path).count();
        let _ = write!(
            text,
            "\n[[expected]]\nwhat = \"{what}\"\npath = \"{path}\"\ncovers = \"period\"\ncount = {count}\nfeeds = {}\n",
            feeds(path)
        );
    }
    text += PROFILES;
    let ra_oldest = if sample.planted { "2020-06-15T08:30:00Z" } else { "2019-06-01T08:30:00Z" };
    for (name, gap, oldest) in [("ca-01", "PT12H", "2019-06-01T09:00:00Z"), ("ra-01", "PT24H", ra_oldest)] {
        let _ = write!(
            text,
            "\n[[stream]]\nname = \"{name}\"\nlive_since = 2019-06-01\nallowed_gap = \"{gap}\"\n\
             oldest_record = {{ at = {oldest}, how = \"observed\", by = \"A. Sample\", on = 2020-11-20 }}\n"
        );
    }
    text
}

fn source(text: &mut String, sample: &Sample, path: &str, settled: &str, query: &str) {
    let count: usize = matching(sample, path).sum();
    let _ = write!(
        text,
        "\n[[source]]\npath = \"{path}\"\n{settled}\
         obtained = {{ how = \"observed\", by = \"A. Sample\", on = 2020-11-20, query = \"{query}\", source_count = {count} }}\n"
    );
}

/// The records of every file a path of this engagement stands for: it has one `*` at most.
fn matching<'a>(sample: &'a Sample, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    let (before, after) = path.split_once('*').unwrap_or((path, ""));
    sample.records.iter().filter(move |(file, _)| file.starts_with(before) && file.ends_with(after)).map(|(_, records)| *records)
}

/// The tables that the evidence of a path feeds: known also when it never came.
fn feeds(path: &str) -> &'static str {
    match path.split('/').next() {
        Some("ca") if path.contains("server") => r#"["ca_events", "key_events", "certificates"]"#,
        Some("ca") => r#"["ca_events"]"#,
        Some("certificates") => r#"["certificates"]"#,
        Some("crl") => r#"["crls"]"#,
        Some("config") => r#"["settings"]"#,
        Some("openssl") => r#"["certificate_status"]"#,
        _ if path.contains("requests") => r#"["requests"]"#,
        _ if path.contains("approvals") => r#"["approvals"]"#,
        _ => r#"["roles"]"#,
    }
}
