//! Certificates: read leniently, so that a malformed one is reported and not lost.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Digest as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, KeyUsage, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::landing::Landing;
use super::table_file::Value;
use crate::domain::{digest, serial};

/// The last instant that is kept; notAfter of 9999-12-31 is flagged as indefinite instead.
const LAST_SECOND: i64 = 253_402_207_200;
/// 99991231235959Z, seconds since 1970.
const NO_END: i64 = 253_402_300_799;

/// Lands the certificate of a cell of base64.
pub(super) fn land(landing: &mut Landing<'_>, row: u64, text: &str, from_log: bool) {
    let text = text.trim();
    let armoured = text.strip_prefix("-----BEGIN CERTIFICATE-----").and_then(|rest| rest.split_once("-----END"));
    let text: Cow<'_, str> = armoured.map_or(Cow::Borrowed(text), |(body, _)| body.split_whitespace().collect());
    // DER begins 30: what begins so in hexadecimal begins MA to MI in base64.
    let Some(der) = digest::from_hex(&text).filter(|_| text.starts_with("30")).or_else(|| STANDARD.decode(text.as_bytes()).ok()) else {
        landing.refuse("certificates", row, "not base64");
        return;
    };
    let (rest, certificate) = match X509Certificate::from_der(&der) {
        Ok(parsed) => parsed,
        Err(error) => {
            landing.refuse("certificates", row, &format!("not a certificate that can be read: {error}"));
            return;
        }
    };
    if !rest.is_empty() {
        landing.remark("N-OBJ-003", row, &format!("{} octets after the certificate", rest.len()));
    }
    let octets = der.get(..der.len() - rest.len()).unwrap_or(&der);
    let id = digest::sha256(octets);
    let facts = Facts::of(&certificate);
    let subject = certificate.subject();
    let key = certificate.public_key();
    let point = key.subject_public_key.data.as_ref();
    let seconds = |time: i64| if (-62_135_596_800..=LAST_SECOND).contains(&time) { Value::Time(time * 1_000_000) } else { Value::Null };
    let attribute = |oid: &str| {
        let found = subject.iter_attributes().find(|attribute| attribute.attr_type().to_id_string() == oid);
        Value::or_null(found.and_then(|attribute| attribute.as_str().ok()), Value::text)
    };
    let not_after = certificate.validity().not_after.timestamp();
    let bool_or = |truth: bool| Value::Boolean(truth);
    landing.decoded(
        "certificates",
        row,
        None,
        &[
            ("certificate", Value::text(&id)),
            ("source_kind", Value::text(if from_log { "log" } else { "file" })),
            ("der", Value::Text(STANDARD.encode(octets))),
            ("version", Value::Integer(i64::from(certificate.version().0) + 1)),
            ("serial", Value::or_null(serial::from_hex(&digest::hex(certificate.raw_serial())), Value::Text)),
            ("serial_raw", Value::Text(digest::hex(certificate.raw_serial()))),
            ("issuer", Value::Text(name(certificate.issuer()))),
            ("issuer_name", Value::Text(digest::sha256(certificate.issuer().as_raw()))),
            ("subject", Value::Text(name(subject))),
            ("subject_name", Value::Text(digest::sha256(subject.as_raw()))),
            ("subject_empty", bool_or(subject.iter().next().is_none())),
            ("common_name", attribute("2.5.4.3")),
            ("organisational_unit", attribute("2.5.4.11")),
            ("unique_identifier", Value::or_null(unique_identifier(subject), Value::Text)),
            ("not_before", seconds(certificate.validity().not_before.timestamp())),
            ("not_after", seconds(not_after)),
            ("indefinite", bool_or(not_after == NO_END)),
            ("signature_algorithm", Value::Text(certificate.signature_algorithm.algorithm.to_id_string())),
            ("key_algorithm", Value::Text(key.algorithm.algorithm.to_id_string())),
            (
                "curve",
                Value::or_null(key.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()), |oid| Value::Text(oid.to_id_string())),
            ),
            ("public_key", Value::Text(digest::sha256(key.raw))),
            ("point_uncompressed", bool_or(point.len() == 65 && point.first() == Some(&4))),
            ("subject_key_id", Value::or_null(facts.subject_key_id, Value::Text)),
            ("expected_key_id", Value::Text(expected_key_id(point))),
            ("authority_key_id", Value::or_null(facts.authority_key_id, Value::Text)),
            ("is_ca", bool_or(facts.is_ca)),
            ("basic_constraints_critical", bool_or(facts.basic_constraints_critical)),
            ("path_length", Value::or_null(facts.path_length, Value::Integer)),
            ("key_usage", Value::or_null(facts.key_usage.clone(), Value::Text)),
            ("key_usage_critical", bool_or(facts.key_usage_critical)),
            ("kind", Value::text(kind(&certificate, facts.is_ca, facts.key_usage.as_deref()))),
        ],
    );
    land_children(landing, row, &id, &certificate, facts.policies, facts.alternative_names);
}

fn land_children(
    landing: &mut Landing<'_>,
    row: u64,
    id: &str,
    certificate: &X509Certificate<'_>,
    policies: Vec<String>,
    alternative: Vec<(String, String)>,
) {
    for (position, extension) in (1..).zip(certificate.extensions()) {
        let values = [
            ("certificate", Value::text(id)),
            ("oid", Value::Text(extension.oid.to_id_string())),
            ("critical", Value::Boolean(extension.critical)),
        ];
        landing.decoded("certificate_extensions", row, Some(position), &values);
    }
    for (position, oid) in (1..).zip(policies) {
        landing.decoded("certificate_policies", row, Some(position), &[("certificate", Value::text(id)), ("oid", Value::Text(oid))]);
    }
    let subject =
        certificate.subject().iter_attributes().map(|attribute| ("subject", attribute.attr_type().to_id_string(), value(attribute)));
    let alternative = alternative.into_iter().map(|(kind, value)| ("alternative", kind, value));
    for (position, (place, kind, value)) in (1..).zip(subject.chain(alternative)) {
        let values =
            [("certificate", Value::text(id)), ("place", Value::text(place)), ("kind", Value::Text(kind)), ("value", Value::Text(value))];
        landing.decoded("certificate_names", row, Some(position), &values);
    }
}

#[derive(Default)]
struct Facts {
    subject_key_id: Option<String>,
    authority_key_id: Option<String>,
    is_ca: bool,
    basic_constraints_critical: bool,
    path_length: Option<i64>,
    key_usage: Option<String>,
    key_usage_critical: bool,
    policies: Vec<String>,
    alternative_names: Vec<(String, String)>,
}

impl Facts {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut facts = Self::default();
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => facts.subject_key_id = Some(digest::hex(id.0)),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    facts.authority_key_id = id.key_identifier.as_ref().map(|id| digest::hex(id.0));
                }
                ParsedExtension::BasicConstraints(constraints) => {
                    facts.is_ca = constraints.ca;
                    facts.basic_constraints_critical = extension.critical;
                    facts.path_length = constraints.path_len_constraint.map(i64::from);
                }
                ParsedExtension::KeyUsage(usage) => {
                    facts.key_usage = Some(key_usage(*usage));
                    facts.key_usage_critical = extension.critical;
                }
                ParsedExtension::CertificatePolicies(policies) => {
                    facts.policies.extend(policies.iter().map(|policy| policy.policy_id.to_id_string()));
                }
                ParsedExtension::SubjectAlternativeName(names) => {
                    facts.alternative_names.extend(names.general_names.iter().map(alternative_name));
                }
                _ => {}
            }
        }
        facts
    }
}

/// A CA certificate that names itself as issuer is a root; a flag or a bit makes another one an
/// issuing CA, so that a CA certificate that lacks one of them is still looked at as one.
fn kind(certificate: &X509Certificate<'_>, is_ca: bool, key_usage: Option<&str>) -> &'static str {
    let ca = is_ca || key_usage.is_some_and(|usage| usage.contains("keyCertSign"));
    let own = certificate.issuer().as_raw() == certificate.subject().as_raw() && certificate.subject().iter().next().is_some();
    match (own, ca) {
        (true, _) => "root",
        (false, true) => "issuing",
        (false, false) => "end-entity",
    }
}

pub(super) fn key_usage(usage: KeyUsage) -> String {
    let bits = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    let set: Vec<&str> = bits.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    set.join(",")
}

pub(super) fn alternative_name(name: &GeneralName<'_>) -> (String, String) {
    match name {
        GeneralName::OtherName(oid, value) => (format!("otherName {}", oid.to_id_string()), digest::hex(value)),
        GeneralName::DNSName(name) => ("dNSName".to_owned(), (*name).to_owned()),
        GeneralName::RFC822Name(name) => ("rfc822Name".to_owned(), (*name).to_owned()),
        GeneralName::URI(name) => ("uniformResourceIdentifier".to_owned(), (*name).to_owned()),
        GeneralName::DirectoryName(directory) => ("directoryName".to_owned(), self::name(directory)),
        other => ("other".to_owned(), format!("{other:?}")),
    }
}

/// 0100, then the low 60 bits of SHA-1 of the key (RFC 5280 4.2.1.2, method 2).
fn expected_key_id(key: &[u8]) -> String {
    let hash = sha1::Sha1::digest(key);
    let mut id: Vec<u8> = hash.iter().skip(12).copied().collect();
    if let Some(first) = id.first_mut() {
        *first = 0x40 | (*first & 0x0f);
    }
    digest::hex(&id)
}

fn unique_identifier(subject: &X509Name<'_>) -> Option<String> {
    let attribute = subject.iter_attributes().find(|attribute| attribute.attr_type().to_id_string() == "2.5.4.45")?;
    // A BIT STRING: the first octet counts unused bits.
    attribute.attr_value().data.get(1..).map(digest::hex)
}

/// A distinguished name, attributes in the order in which they are encoded.
pub(super) fn name(name: &X509Name<'_>) -> String {
    let attributes: Vec<String> = name
        .iter_attributes()
        .map(|attribute| {
            let oid = attribute.attr_type().to_id_string();
            let short = match oid.as_str() {
                "2.5.4.3" => "CN",
                "2.5.4.5" => "serialNumber",
                "2.5.4.6" => "C",
                "2.5.4.7" => "L",
                "2.5.4.8" => "ST",
                "2.5.4.10" => "O",
                "2.5.4.11" => "OU",
                "2.5.4.45" => "x500UniqueIdentifier",
                "0.9.2342.19200300.100.1.25" => "DC",
                "1.2.840.113549.1.9.1" => "E",
                other => other,
            };
            format!("{short}={}", value(attribute))
        })
        .collect();
    attributes.join(", ")
}

fn value(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> String {
    match attribute.as_str() {
        Ok(text) => text.to_owned(),
        Err(_) => format!("#{}", digest::hex(attribute.attr_value().data)),
    }
}
