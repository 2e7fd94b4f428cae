//! `views/*.jsonl`: what the pictures and sheets need beyond the results, from the tables by SQL. Every row
//! says where it stands: evidence id, path and place instead of the numbers that the tables keep.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::folder::{FolderError, RunFolder};
use super::record::Matter;
use crate::engine::Rows;

/// File and statements; a file holds the rows of its statements one after the other.
const VIEWS: &[(&str, &[&str])] = &[
    (
        "coverage.jsonl",
        &["WITH numbers AS (SELECT stream, seq FROM ca_events WHERE stream IS NOT NULL AND seq IS NOT NULL \
             UNION ALL SELECT stream, seq FROM key_events WHERE stream IS NOT NULL AND seq IS NOT NULL), \
             once AS (SELECT stream, seq FROM numbers GROUP BY stream, seq), \
             ordered AS (SELECT stream, seq, LAG(seq) OVER (PARTITION BY stream ORDER BY seq) AS previous FROM once), \
             numbered AS (SELECT stream, SUM(CASE WHEN seq > previous + 1 THEN 1 ELSE 0 END) AS breaks \
             FROM ordered GROUP BY stream) \
             SELECT s.evidence, s.row, s.stream, s.system, s.first, s.last, s.records, s.undated, s.allowed_gap, s.live_since, \
             s.oldest_record_at, n.breaks FROM log_streams AS s LEFT JOIN numbered AS n ON s.stream = n.stream"],
    ),
    ("holes.jsonl", &["SELECT evidence, row, stream, after, due_at, ends_at, beyond FROM log_holes"]),
    (
        "certificates.jsonl",
        &["WITH rules AS (SELECT certificate, SUM(CASE WHEN holds THEN 1 ELSE 0 END) AS rules_kept, \
           SUM(CASE WHEN NOT holds THEN 1 ELSE 0 END) AS rules_broken, SUM(CASE WHEN holds IS NULL THEN 1 ELSE 0 END) AS rules_undecided \
           FROM certificate_rules GROUP BY certificate) \
           SELECT c.certificate, c.evidence, c.row, c.kind, c.profile, c.serial, c.subject, c.issuer, c.not_before, c.not_after, \
           c.indefinite, c.public_key, c.signature_ok, r.rules_kept, r.rules_broken, r.rules_undecided \
           FROM certificates AS c LEFT JOIN rules AS r ON c.certificate = r.certificate"],
    ),
    (
        "rules.jsonl",
        &["SELECT certificate, evidence, row, profile, rule, holds, expected, found, reason FROM certificate_rules \
           WHERE profile IS NOT NULL AND (holds IS NULL OR NOT holds)"],
    ),
    (
        "crls.jsonl",
        &[
            "SELECT crl, evidence, row, issuer, issuer_name, issuer_role, crl_number, is_delta, this_update, next_update, entries, signature_ok \
           FROM crls",
        ],
    ),
    ("keys.jsonl", &[REGISTERED, ONLY_LOGGED, ONLY_CERTIFIED]),
    (
        "ceremonies.jsonl",
        &["SELECT ceremony, evidence, row, kind, started_at, ended_at, location, key_id, hsm, script, outcome FROM ceremonies"],
    ),
    (
        "ceremony-people.jsonl",
        &["SELECT ceremony, evidence, row, person, role, organisation, arrived_at, departed_at, signed FROM ceremony_people"],
    ),
];

/// Columns of views, and of the tables they come from, that would be good to show to everybody.
const PUBLIC: &[(&str, &str, &str)] = &[("ceremonies.jsonl", "ceremonies", "kind"), ("ceremony-people.jsonl", "ceremony_people", "role")];

/// Keys of the register, with the certificates of their public key and the log records of their id or label.
const REGISTERED: &str = "WITH named AS (SELECT evidence, row, key_id, label, kind, purpose, algorithm, size, owner, hsm, public_key, \
    share_set, ceremony, generated_at, activated_at, usage_ends_at, deactivated_at, destroyed_at, state, \
    CASE WHEN label = key_id THEN NULL ELSE label END AS alias FROM keys), \
    logged AS (SELECT key_ref, COUNT(*) AS events, MIN(time) AS first_event, MAX(time) AS last_event FROM key_events \
    WHERE key_ref IS NOT NULL GROUP BY key_ref), \
    certified AS (SELECT public_key, COUNT(*) AS certificates, MIN(not_before) AS first_not_before, MAX(not_after) AS last_not_after \
    FROM certificates WHERE public_key IS NOT NULL GROUP BY public_key) \
    SELECT 'register' AS stands_in, k.evidence, k.row, k.key_id, k.label, k.kind, k.purpose, k.algorithm, k.size, k.owner, k.hsm, \
    k.public_key, k.share_set, k.ceremony, k.generated_at, k.activated_at, k.usage_ends_at, k.deactivated_at, k.destroyed_at, k.state, \
    c.certificates, c.first_not_before, c.last_not_after, i.events AS events_of_id, i.first_event AS first_of_id, \
    i.last_event AS last_of_id, a.events AS events_of_label, a.first_event AS first_of_label, a.last_event AS last_of_label \
    FROM named AS k LEFT JOIN certified AS c ON k.public_key = c.public_key LEFT JOIN logged AS i ON k.key_id = i.key_ref \
    LEFT JOIN logged AS a ON k.alias = a.key_ref";

/// Keys that logs name and the register does not.
const ONLY_LOGGED: &str = "WITH logged AS (SELECT key_ref, MIN(evidence) AS evidence, COUNT(*) AS events, MIN(time) AS first_event, \
    MAX(time) AS last_event FROM key_events WHERE key_ref IS NOT NULL GROUP BY key_ref) \
    SELECT 'log only' AS stands_in, l.evidence, l.key_ref AS label, l.events AS events_of_label, l.first_event AS first_of_label, \
    l.last_event AS last_of_label FROM logged AS l LEFT JOIN (SELECT key_id AS name, key_id FROM keys) AS i ON l.key_ref = i.name \
    LEFT JOIN (SELECT label AS name, label FROM keys) AS a ON l.key_ref = a.name WHERE i.key_id IS NULL AND a.label IS NULL";

/// Keys of CA certificates that the register does not hold.
const ONLY_CERTIFIED: &str = "WITH certified AS (SELECT public_key, MIN(evidence) AS evidence, MIN(kind) AS kind, COUNT(*) AS certificates, \
    MIN(not_before) AS first_not_before, MAX(not_after) AS last_not_after FROM certificates \
    WHERE public_key IS NOT NULL AND kind IN ('root', 'issuing') GROUP BY public_key) \
    SELECT 'certificate only' AS stands_in, c.evidence, c.kind, c.public_key, c.certificates, c.first_not_before, c.last_not_after \
    FROM certified AS c LEFT JOIN (SELECT public_key AS spki, key_id FROM keys) AS k ON c.public_key = k.spki WHERE k.key_id IS NULL";

impl Matter<'_> {
    /// Writes the views; gives how many lines each has.
    pub(super) fn views(&self, folder: &RunFolder) -> Result<BTreeMap<String, u64>, FolderError> {
        let mut counts = BTreeMap::new();
        for (name, statements) in VIEWS {
            let fail = |error: crate::engine::EngineError| FolderError::Write {
                path: folder.path().join("views").join(name),
                source: io::Error::other(error.to_string()),
            };
            let parts: Vec<Rows> =
                statements.iter().map(|sql| self.normalised.engine.query(sql).map_err(fail)).collect::<Result<_, _>>()?;
            let closed = self.closed(name);
            folder.file(&format!("views/{name}"), |out| parts.iter().try_for_each(|rows| self.jsonl(rows, &closed, out)))?;
            counts.insert((*name).to_owned(), parts.iter().map(|rows| rows.len() as u64).sum());
        }
        let uses = self.key_uses().map_err(|error| FolderError::Write {
            path: folder.path().join("views/key-uses.jsonl"),
            source: io::Error::other(error.to_string()),
        })?;
        folder.file("views/key-uses.jsonl", |out| {
            uses.iter().try_for_each(|used| {
                serde_json::to_writer(&mut *out, used)?;
                out.write_all(b"\n")
            })
        })?;
        counts.insert("key-uses.jsonl".to_owned(), uses.len() as u64);
        Ok(counts)
    }

    /// Columns of a view whose values come from a closed vocabulary that names nobody: they may leave the
    /// assessor, and the view says so.
    fn closed(&self, view: &str) -> Vec<String> {
        let column = |table: &str, name: &str| self.catalogue.tables.get(table).and_then(|table| table.column(name)).cloned();
        let known = PUBLIC.iter().filter(|(of, ..)| *of == view).filter_map(|(_, table, name)| column(table, name));
        known.filter(|column| !column.values.is_empty() && !column.personal).map(|column| column.name).collect()
    }

    fn jsonl(&self, rows: &Rows, closed: &[String], out: &mut dyn Write) -> io::Result<()> {
        let public = (!closed.is_empty()).then(|| closed.join(","));
        let names = rows.names().iter().filter(|name| !["evidence", "row"].contains(&name.as_str()));
        let names: Vec<&String> = names.collect();
        for row in rows.sorted_by(&[]) {
            let mut object: BTreeMap<&str, Option<String>> =
                names.iter().map(|name| (name.as_str(), rows.named(row, name).text())).collect();
            let (source, locator) = self.place(&rows.named(row, "evidence"), &rows.named(row, "row"));
            object.insert("evidence", source.map(|source| source.evidence.id.clone()));
            object.insert("path", source.map(|source| source.evidence.path.clone()));
            object.insert("locator", rows.position("row").and(source).map(|_| locator));
            if let Some(columns) = &public {
                object.insert("closed", Some(columns.clone()));
            }
            serde_json::to_writer(&mut *out, &object)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
