//! What can only be known when all evidence has been read: who issued what, whether signatures
//! verify, and which rules of its profile a certificate keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::ocsp;
use super::own::{Out, cell_text};
use super::table_file::Value;
use crate::catalogue::Catalogue;
use crate::catalogue::profile::{Check, Profile};
use crate::domain::digest;
use crate::domain::note::Note;
use crate::engine::{Cell, Engine, EngineError, Part, Rows};

/// A CA certificate of the evidence.
struct Authority {
    certificate: String,
    der: Vec<u8>,
    key_id: Option<String>,
    kind: String,
    not_before: Option<i64>,
    not_after: Option<i64>,
    indefinite: bool,
}

type Authorities = BTreeMap<String, Vec<Authority>>;

/// Fills the linked columns of `certificates`, `crls` and `ocsp_responses`, and writes `certificate_rules`.
pub(super) fn link(engine: &mut Engine, catalogue: &Catalogue, environment: &str, folder: &Path) -> Result<Vec<Note>, EngineError> {
    let mut notes = Vec::new();
    let authorities = authorities(engine)?;
    if !engine.files("certificates").is_empty() {
        certificates(engine, catalogue, &authorities, folder)?;
        notes.extend(absent_issuers(engine, "certificates", "issuer_certificate")?);
        notes.extend(rules(engine, catalogue, environment, folder)?);
    }
    if !engine.files("crls").is_empty() {
        crls(engine, catalogue, &authorities, folder)?;
        notes.extend(absent_issuers(engine, "crls", "issuer_role")?);
    }
    if !engine.files("ocsp_responses").is_empty() {
        ocsp_responses(engine, catalogue, folder)?;
    }
    Ok(notes)
}

/// Says whose certificate would be needed to test the chain.
fn absent_issuers(engine: &Engine, table: &str, found: &str) -> Result<Vec<Note>, EngineError> {
    let rows = engine
        .query(&format!("SELECT issuer, MIN(evidence) AS evidence, COUNT(*) AS n FROM {table} WHERE {found} IS NULL GROUP BY issuer"))?;
    let notes = rows.sorted_by(&["issuer"]).into_iter().map(|row| {
        let count = rows.named(row, "n").integer().unwrap_or_default().unsigned_abs();
        let issuer = rows.named(row, "issuer").text().unwrap_or_default();
        let number = rows.named(row, "evidence").integer().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        let what = format!(
            "{count} {table} name the issuer \"{issuer}\", whose certificate is not in the evidence: the chain could not be tested"
        );
        Note::on("N-CHAIN-001", number, what).times(count).about(table)
    });
    Ok(notes.collect())
}

fn authorities(engine: &Engine) -> Result<Authorities, EngineError> {
    let rows = engine.query(
        "SELECT certificate, der, subject_name, subject_key_id, kind, not_before, not_after, indefinite \
         FROM certificates WHERE kind = 'root' OR kind = 'issuing'",
    )?;
    let mut authorities = Authorities::new();
    for row in rows.sorted_by(&["certificate"]) {
        let text = |name: &str| rows.named(row, name).text();
        let Some(der) = text("der").and_then(|der| STANDARD.decode(der).ok()) else { continue };
        authorities.entry(text("subject_name").unwrap_or_default()).or_default().push(Authority {
            certificate: text("certificate").unwrap_or_default(),
            der,
            key_id: text("subject_key_id"),
            kind: text("kind").unwrap_or_default(),
            not_before: rows.named(row, "not_before").integer(),
            not_after: rows.named(row, "not_after").integer(),
            indefinite: rows.named(row, "indefinite").truth() == Some(true),
        });
    }
    Ok(authorities)
}

/// The issuer by name, and among several of one name by key identifier, else by the key that verifies.
fn issuer<'a>(
    authorities: &'a Authorities,
    name: &str,
    key_id: Option<&str>,
    verify: &dyn Fn(&Authority) -> Option<bool>,
) -> Option<(&'a Authority, Option<bool>)> {
    let candidates = authorities.get(name)?;
    let by_key = candidates.iter().find(|authority| key_id.is_some() && authority.key_id.as_deref() == key_id);
    let chosen = by_key.or_else(|| candidates.iter().find(|authority| verify(authority) == Some(true))).or_else(|| candidates.first())?;
    Some((chosen, verify(chosen)))
}

/// What the check of a signature says; nothing where its algorithm is not supported.
pub(super) fn verdict(result: &Result<(), X509Error>) -> Option<bool> {
    match result {
        Ok(()) => Some(true),
        Err(X509Error::SignatureVerificationError) => Some(false),
        Err(_) => None,
    }
}

fn certificates(engine: &mut Engine, catalogue: &Catalogue, authorities: &Authorities, folder: &Path) -> Result<(), EngineError> {
    let rows = engine
        .query("SELECT certificate, der, issuer_name, authority_key_id, kind, not_before, not_after, indefinite FROM certificates")?;
    let mut out = Out::create(
        &folder.join("certificates.links.parquet"),
        &[("link", 't'), ("issuer_certificate", 't'), ("signature_ok", 'b'), ("key_id_matches", 'b'), ("within_issuer", 'b')],
    )?;
    for row in rows.sorted_by(&["certificate"]) {
        let text = |name: &str| rows.named(row, name).text();
        let Some(der) = text("der").and_then(|der| STANDARD.decode(der).ok()) else { continue };
        let key_id = text("authority_key_id");
        let verify = |authority: &Authority| {
            let (_, child) = X509Certificate::from_der(&der).ok()?;
            let (_, parent) = X509Certificate::from_der(&authority.der).ok()?;
            verdict(&child.verify_signature(Some(parent.public_key())))
        };
        let found = issuer(authorities, &text("issuer_name").unwrap_or_default(), key_id.as_deref(), &verify);
        let within = found.as_ref().and_then(|(authority, _)| within(&rows, row, authority));
        out.row(&[
            cell_text(text("certificate")),
            cell_text(found.as_ref().map(|(authority, _)| authority.certificate.clone())),
            Value::or_null(found.as_ref().and_then(|(_, ok)| *ok), Value::Boolean),
            Value::or_null(
                found.as_ref().and_then(|(authority, _)| Some(*key_id.as_ref()? == *authority.key_id.as_ref()?)),
                Value::Boolean,
            ),
            Value::or_null(within, Value::Boolean),
        ])?;
    }
    let links = out.finish()?;
    replace(engine, catalogue, "certificates", "certificate", links, folder)
}

fn within(rows: &Rows, row: usize, authority: &Authority) -> Option<bool> {
    let starts = rows.named(row, "not_before").integer()? >= authority.not_before?;
    let ends =
        rows.named(row, "indefinite").truth()? || authority.indefinite || rows.named(row, "not_after").integer()? <= authority.not_after?;
    Some(starts && ends)
}

fn crls(engine: &mut Engine, catalogue: &Catalogue, authorities: &Authorities, folder: &Path) -> Result<(), EngineError> {
    let rows = engine.query("SELECT crl, der, issuer_name, authority_key_id FROM crls")?;
    let mut out = Out::create(&folder.join("crls.links.parquet"), &[("link", 't'), ("issuer_role", 't'), ("signature_ok", 'b')])?;
    for row in rows.sorted_by(&["crl"]) {
        let text = |name: &str| rows.named(row, name).text();
        let Some(der) = text("der").and_then(|der| STANDARD.decode(der).ok()) else { continue };
        let verify = |authority: &Authority| {
            let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
            let (_, parent) = X509Certificate::from_der(&authority.der).ok()?;
            verdict(&list.verify_signature(parent.public_key()))
        };
        let found = issuer(authorities, &text("issuer_name").unwrap_or_default(), text("authority_key_id").as_deref(), &verify);
        out.row(&[
            cell_text(text("crl")),
            cell_text(found.as_ref().map(|(authority, _)| authority.kind.clone())),
            Value::or_null(found.as_ref().and_then(|(_, ok)| *ok), Value::Boolean),
        ])?;
    }
    let links = out.finish()?;
    replace(engine, catalogue, "crls", "crl", links, folder)
}

/// The certificate of a responder may be in the response itself, or in the evidence.
fn ocsp_responses(engine: &mut Engine, catalogue: &Catalogue, folder: &Path) -> Result<(), EngineError> {
    let rows = engine.query("SELECT response, der FROM ocsp_responses WHERE der IS NOT NULL")?;
    let certificates = engine.query("SELECT certificate, der FROM certificates")?;
    let decoded = |rows: &Rows, row: usize| rows.named(row, "der").text().and_then(|der| STANDARD.decode(der).ok());
    let mut known: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for der in certificates.sorted_by(&["certificate"]).into_iter().filter_map(|row| decoded(&certificates, row)) {
        let Ok((_, certificate)) = X509Certificate::from_der(&der) else { continue };
        for name in ocsp::names_of(&certificate) {
            known.entry(name).or_default().push(der.clone());
        }
    }
    let columns = [("link", 't'), ("responder_certificate", 't'), ("signature_ok", 'b')];
    let mut out = Out::create(&folder.join("ocsp_responses.links.parquet"), &columns)?;
    let mut seen = BTreeSet::new();
    for row in rows.sorted_by(&["response"]) {
        let response = rows.named(row, "response").text().unwrap_or_default();
        let Some(der) = decoded(&rows, row).filter(|_| seen.insert(response.clone())) else { continue };
        let Ok((_, Some(basic))) = ocsp::open(&der) else { continue };
        let name = basic.named();
        let candidates = basic.certificates.iter().copied().chain(known.get(&name).into_iter().flatten().map(Vec::as_slice));
        let by = candidates.filter_map(|octets| {
            let (_, certificate) = X509Certificate::from_der(octets).ok()?;
            let is = ocsp::names_of(&certificate).contains(&name);
            is.then(|| (digest::sha256(certificate.as_raw()), basic.verified_by(certificate.public_key())))
        });
        let by: Vec<(String, Option<bool>)> = by.collect();
        // Several certificates may have the name of the responder: the one whose key verifies is its own.
        let found = by.iter().find(|(_, verified)| *verified == Some(true)).or_else(|| by.first());
        out.row(&[
            cell_text(Some(response)),
            cell_text(found.map(|(certificate, _)| certificate.clone())),
            Value::or_null(found.and_then(|(_, verified)| *verified), Value::Boolean),
        ])?;
    }
    let links = out.finish()?;
    replace(engine, catalogue, "ocsp_responses", "response", links, folder)
}

/// Registers a table anew with its linked columns filled.
fn replace(engine: &mut Engine, catalogue: &Catalogue, name: &str, key: &str, links: Part, folder: &Path) -> Result<(), EngineError> {
    let Some(table) = catalogue.tables.get(name) else { return Ok(()) };
    let schema = crate::engine::Schema(vec![]);
    engine.register("links", schema, vec![links]);
    let columns: Vec<String> = table
        .schema()
        .0
        .iter()
        .map(|column| {
            let linked = table.column(&column.name).is_some_and(|declared| declared.linked);
            format!("{}.{}", if linked { "l" } else { "t" }, column.name)
        })
        .collect();
    let path = folder.join(format!("{name}.parquet"));
    engine.write(&format!("SELECT {} FROM {name} AS t LEFT JOIN links AS l ON t.{key} = l.link", columns.join(", ")), &path)?;
    engine.forget("links");
    engine.register(name, table.schema().clone(), vec![Part { path, evidence: None }]);
    Ok(())
}

/// Writes `certificate_rules`: every rule of every certificate's profile. A certificate without a
/// profile has all rules of all profiles, undecided.
fn rules(engine: &mut Engine, catalogue: &Catalogue, environment: &str, folder: &Path) -> Result<Vec<Note>, EngineError> {
    let Some(table) = catalogue.tables.get("certificate_rules") else { return Ok(Vec::new()) };
    let policies = policies(engine)?;
    let rows = engine.query("SELECT * FROM certificates")?;
    let mut out = Out::for_table(&folder.join("certificate_rules.parquet"), table)?;
    let mut without: BTreeMap<i64, u64> = BTreeMap::new();
    let mut everything: Vec<&str> =
        catalogue.profiles.values().flat_map(|profile| profile.rules.iter().map(|rule| rule.id.as_str())).collect();
    everything.sort_unstable();
    everything.dedup();
    for row in rows.sorted_by(&["evidence", "row"]) {
        let text = |name: &str| rows.named(row, name).text();
        let mut write = |position: i64, profile: Option<&str>, rule: &str, finding: Finding| {
            out.table_row(&[
                ("evidence", Value::or_null(rows.named(row, "evidence").integer(), Value::Integer)),
                ("row", Value::or_null(rows.named(row, "row").integer(), Value::Integer)),
                ("position", Value::Integer(position)),
                ("certificate", cell_text(text("certificate"))),
                ("serial", cell_text(text("serial"))),
                ("subject", cell_text(text("subject"))),
                ("kind", cell_text(text("kind"))),
                ("profile", cell_text(profile.map(ToOwned::to_owned))),
                ("rule", Value::text(rule)),
                ("holds", Value::or_null(finding.holds, Value::Boolean)),
                ("expected", Value::Text(finding.expected)),
                ("found", Value::Text(finding.found)),
                ("reason", cell_text(finding.reason)),
            ])
        };
        let assigned = text("profile");
        let profile = assigned.as_deref().and_then(|name| Some((name, catalogue.profiles.get(name)?)));
        if let Some((name, profile)) = profile {
            for (position, rule) in (1..).zip(&profile.rules) {
                let finding = judge(profile, &rule.check, &rule.expected, &rows, row, &policies, environment);
                write(position, Some(name), &rule.id, finding)?;
            }
        } else {
            *without.entry(rows.named(row, "evidence").integer().unwrap_or_default()).or_default() += 1;
            for (position, rule) in (1..).zip(&everything) {
                let finding = Finding {
                    holds: None,
                    expected: String::new(),
                    found: String::new(),
                    reason: Some("no profile is assigned".to_owned()),
                };
                write(position, None, rule, finding)?;
            }
        }
    }
    let part = out.finish()?;
    engine.register("certificate_rules", table.schema().clone(), vec![part]);
    Ok(without
        .into_iter()
        .map(|(evidence, count)| {
            let number = u32::try_from(evidence).unwrap_or_default();
            let what = format!("{count} certificates have no profile; the rules of profiles are not tested on them");
            Note::on("N-PROF-001", number, what).times(count).about("certificate_rules")
        })
        .collect())
}

struct Policies(BTreeMap<String, (Vec<String>, bool)>);

/// Policies of each certificate, and whether the extension is critical.
fn policies(engine: &Engine) -> Result<Policies, EngineError> {
    let mut policies: BTreeMap<String, (Vec<String>, bool)> = BTreeMap::new();
    let rows = engine.query("SELECT certificate, oid FROM certificate_policies")?;
    for row in rows.sorted_by(&["certificate", "oid"]) {
        let entry = policies.entry(rows.named(row, "certificate").text().unwrap_or_default()).or_default();
        entry.0.extend(rows.named(row, "oid").text());
    }
    let rows = engine.query("SELECT certificate FROM certificate_extensions WHERE oid = '2.5.29.32' AND critical")?;
    for row in 0..rows.len() {
        policies.entry(rows.named(row, "certificate").text().unwrap_or_default()).or_default().1 = true;
    }
    Ok(Policies(policies))
}

struct Finding {
    holds: Option<bool>,
    expected: String,
    found: String,
    reason: Option<String>,
}

fn judge(profile: &Profile, check: &Check, expected: &str, rows: &Rows, row: usize, policies: &Policies, environment: &str) -> Finding {
    let text = |name: &str| rows.named(row, name).text();
    let shown = |name: &str| text(name).unwrap_or_else(|| "absent".to_owned());
    let decided = |holds: bool, found: String| Finding { holds: Some(holds), expected: expected.to_owned(), found, reason: None };
    let undecided =
        |reason: &str, found: String| Finding { holds: None, expected: expected.to_owned(), found, reason: Some(reason.to_owned()) };
    let none = (Vec::new(), false);
    let (oids, critical) = policies.0.get(&shown("certificate")).unwrap_or(&none);
    let listed = if oids.is_empty() { "no policy".to_owned() } else { oids.join(", ") };
    let _ = &profile.kind;
    match check {
        Check::Present(column) => decided(rows.named(row, column) != Cell::Null, shown(column)),
        Check::Is(column, value) => decided(text(column).as_ref() == Some(value), shown(column)),
        Check::OneOf(column, values) => decided(text(column).is_some_and(|text| values.contains(&text)), shown(column)),
        Check::Matches(column, pattern) => decided(text(column).is_some_and(|text| pattern.is_match(&text)), shown(column)),
        Check::Equals(column, other) => decided(text(column).is_some() && text(column) == text(other), shown(column)),
        Check::Indefinite => decided(rows.named(row, "indefinite").truth() == Some(true), format!("to {}", shown("not_after"))),
        Check::Validity(period, tolerance) => {
            if rows.named(row, "indefinite").truth() == Some(true) {
                return decided(false, "no end".to_owned());
            }
            let (start, end) = (rows.named(row, "not_before").integer(), rows.named(row, "not_after").integer());
            let (Some(start), Some(end)) = (start, end) else { return undecided("validity cannot be represented", String::new()) };
            let Some(due) = period.after(start) else { return undecided("validity cannot be computed", String::new()) };
            let slack = tolerance.seconds().unwrap_or(0).saturating_mul(1_000_000);
            let found = format!("{} to {}", shown("not_before"), shown("not_after"));
            decided(end.abs_diff(due) <= slack.unsigned_abs(), found)
        }
        Check::PolicyPresent => {
            let found = if *critical { listed } else { format!("{listed}, not critical") };
            decided(*critical && !oids.is_empty(), found)
        }
        Check::PolicyEnvironment(tests) => {
            let tested = oids.iter().any(|oid| tests.contains(oid));
            match environment {
                "live" => decided(!tested, listed),
                "test" => decided(tested || oids.is_empty(), listed),
                _ => undecided("the engagement does not say whether the environment is live or test", listed),
            }
        }
    }
}
