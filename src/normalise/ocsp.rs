//! OCSP responses (RFC 6960 4.2.1). The crate for them (x509-ocsp) reads strict DER only and has had no
//! release since 2024; what is needed of a response are a dozen elements.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::asn1_rs::{BitString, GeneralizedTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::verify::verify_signature;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Name};

use super::certificate::name;
use super::landing::Landing;
use super::linked::verdict;
use super::table_file::Value;
use crate::domain::ber::{self, Element, INTEGER, OCTETS, OID, SEQUENCE, optional};
use crate::domain::{digest, serial};

/// id-pkix-ocsp-basic, as it is encoded.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
const STATUS: [(u8, &str); 6] =
    [(0, "successful"), (1, "malformedRequest"), (2, "internalError"), (3, "tryLater"), (5, "sigRequired"), (6, "unauthorized")];

/// A response that says something.
pub(super) struct Basic<'a> {
    /// What was signed.
    signed: Element<'a>,
    algorithm: Element<'a>,
    signature: Element<'a>,
    /// Certificates that came with it.
    pub(super) certificates: Vec<&'a [u8]>,
    /// Who answered: a name or the hash of a key.
    responder: Element<'a>,
    produced_at: Element<'a>,
    about: Vec<Element<'a>>,
}

/// What a response says of one certificate.
struct Single<'a> {
    hash_algorithm: Option<String>,
    issuer_name_hash: &'a [u8],
    issuer_key_hash: &'a [u8],
    serial: &'a [u8],
    status: &'static str,
    revoked_at: Option<i64>,
    reason: Option<i64>,
    this_update: Option<i64>,
    next_update: Option<i64>,
}

/// Lands the response of a cell of base64: a row for each certificate it is about, or one for none.
pub(super) fn land(landing: &mut Landing<'_>, row: u64, text: &str) {
    match STANDARD.decode(text.trim()) {
        Err(_) => landing.refuse("ocsp_responses", row, "not base64"),
        Ok(der) => {
            if let Err(why) = land_der(landing, row, &der) {
                landing.refuse("ocsp_responses", row, &format!("not an OCSP response that can be read: {why}"));
            }
        }
    }
}

fn land_der(landing: &mut Landing<'_>, row: u64, der: &[u8]) -> Result<(), &'static str> {
    let (status, basic) = open(der)?;
    let whole = ber::first(der).map_or(der, |(element, _)| element.whole);
    if whole.len() < der.len() {
        landing.remark("N-OBJ-003", row, &format!("{} octets after the response", der.len() - whole.len()));
    }
    let singles = match &basic {
        Some(basic) => basic.about.iter().map(|about| single(*about)).collect::<Option<Vec<_>>>().ok_or("what it says of a certificate")?,
        None => Vec::new(),
    };
    let common = common(whole, status, basic.as_ref());
    let none = singles.is_empty().then(Vec::new);
    let rows = singles.iter().map(said).chain(none);
    for (position, mut values) in (1..).zip(rows) {
        values.extend(common.iter().cloned());
        if position == 1 {
            values.push(("der", Value::Text(STANDARD.encode(whole))));
        }
        landing.decoded("ocsp_responses", row, Some(position), &values);
    }
    Ok(())
}

/// What every row of a response has.
fn common(der: &[u8], status: &'static str, basic: Option<&Basic<'_>>) -> Vec<(&'static str, Value)> {
    let mut values = vec![("response", Value::Text(digest::sha256(der))), ("response_status", Value::text(status))];
    let Some(basic) = basic else { return values };
    let algorithm = AlgorithmIdentifier::from_der(basic.algorithm.whole).ok().map(|(_, algorithm)| algorithm.algorithm.to_id_string());
    values.push(("signature_algorithm", Value::or_null(algorithm, Value::Text)));
    values.push(("produced_at", time(basic.produced_at).map_or(Value::Null, |seconds| stamp(Some(seconds)))));
    match basic.responder() {
        Responder::Name(der) => {
            let read = X509Name::from_der(der).ok().map(|(_, found)| name(&found));
            values.push(("responder", Value::or_null(read, Value::Text)));
            values.push(("responder_name", Value::Text(digest::sha256(der))));
        }
        Responder::Key(hash) => {
            values.push(("responder", Value::Text(format!("key {}", digest::hex(hash)))));
            values.push(("responder_key_id", Value::Text(digest::hex(hash))));
        }
    }
    values
}

fn said(single: &Single<'_>) -> Vec<(&'static str, Value)> {
    vec![
        ("serial", Value::or_null(serial::from_hex(&digest::hex(single.serial)), Value::Text)),
        ("hash_algorithm", Value::or_null(single.hash_algorithm.clone(), Value::Text)),
        ("issuer_name_hash", Value::Text(digest::hex(single.issuer_name_hash))),
        ("issuer_key_hash", Value::Text(digest::hex(single.issuer_key_hash))),
        ("status", Value::text(single.status)),
        ("revoked_at", stamp(single.revoked_at)),
        ("reason", Value::or_null(single.reason, Value::Integer)),
        ("this_update", stamp(single.this_update)),
        ("next_update", stamp(single.next_update)),
    ]
}

fn stamp(seconds: Option<i64>) -> Value {
    Value::or_null(seconds.and_then(|seconds| seconds.checked_mul(1_000_000)), Value::Time)
}

/// Opens a response: its status, and what it says where it says something.
pub(super) fn open(der: &[u8]) -> Result<(&'static str, Option<Basic<'_>>), &'static str> {
    const CUT: &str = "it is cut, or is not built as one";
    let (outer, _) = ber::first(der).filter(|(element, _)| element.tag == SEQUENCE).ok_or(CUT)?;
    let mut members = outer.children();
    let status = members.next().filter(|element| element.tag == 0x0a).and_then(|element| element.content.first()).ok_or(CUT)?;
    let status = STATUS.iter().find(|(code, _)| code == status).map(|(_, word)| *word).ok_or("its status is none of those there are")?;
    let Some(explicit) = members.next() else {
        return if members.broken { Err(CUT) } else { Ok((status, None)) };
    };
    let (bytes, _) = ber::first(explicit.content).ok_or(CUT)?;
    let mut bytes = bytes.children();
    let kind = bytes.next().filter(|element| element.tag == OID).ok_or(CUT)?;
    let response = bytes.next().filter(|element| element.tag == OCTETS).ok_or(CUT)?;
    if kind.content != BASIC {
        return Err("a response of another kind than id-pkix-ocsp-basic");
    }
    Ok((status, Some(basic(response.content).ok_or(CUT)?)))
}

fn basic(octets: &[u8]) -> Option<Basic<'_>> {
    let (outer, _) = ber::first(octets)?;
    let mut members = outer.children().peekable();
    let (signed, algorithm, signature) = (members.next()?, members.next()?, members.next()?);
    let certificates = match optional(&mut members, 0xa0) {
        Some(explicit) => ber::first(explicit.content)?.0.children().map(|element| element.whole).collect(),
        None => Vec::new(),
    };
    let mut data = signed.children().peekable();
    optional(&mut data, 0xa0);
    let responder = data.next().filter(|element| matches!(element.tag, 0xa1 | 0xa2))?;
    ber::first(responder.content)?;
    let (produced_at, responses) = (data.next()?, data.next().filter(|element| element.tag == SEQUENCE)?);
    let mut about = responses.children();
    let all: Vec<Element<'_>> = about.by_ref().collect();
    (!about.broken).then_some(Basic { signed, algorithm, signature, certificates, responder, produced_at, about: all })
}

fn single(element: Element<'_>) -> Option<Single<'_>> {
    let mut members = element.children().peekable();
    let mut id = optional(&mut members, SEQUENCE)?.children();
    let algorithm = id.next()?;
    let issuer_name_hash = id.next().filter(|element| element.tag == OCTETS)?.content;
    let issuer_key_hash = id.next().filter(|element| element.tag == OCTETS)?.content;
    let serial = id.next().filter(|element| element.tag == INTEGER)?.content;
    let status = members.next()?;
    let this_update = time(members.next()?);
    let next_update = optional(&mut members, 0xa0).and_then(|explicit| time(ber::first(explicit.content)?.0));
    let mut revoked = status.children();
    let (word, revoked_at, reason) = match status.tag & 0x1f {
        0 => ("good", None, None),
        1 => {
            let at = revoked.next().and_then(time);
            let reason = revoked.next().and_then(|explicit| ber::first(explicit.content)?.0.content.first().copied());
            ("revoked", at, reason.map(i64::from))
        }
        _ => ("unknown", None, None),
    };
    let hash_algorithm = AlgorithmIdentifier::from_der(algorithm.whole).ok().map(|(_, algorithm)| algorithm.algorithm.to_id_string());
    Some(Single { hash_algorithm, issuer_name_hash, issuer_key_hash, serial, status: word, revoked_at, reason, this_update, next_update })
}

/// A `GeneralizedTime`, in seconds since 1970.
fn time(element: Element<'_>) -> Option<i64> {
    let (_, time) = GeneralizedTime::from_der(element.whole).ok()?;
    Some(time.utc_datetime().ok()?.unix_timestamp())
}

/// The two ways in which a response names the certificate of its responder.
pub(super) fn names_of(certificate: &X509Certificate<'_>) -> [String; 2] {
    use sha1::Digest as _;
    let key = sha1::Sha1::digest(&certificate.public_key().subject_public_key.data);
    [digest::sha256(certificate.subject().as_raw()), digest::hex(&key)]
}

/// Who answered.
pub(super) enum Responder<'a> {
    /// By the DER of a name.
    Name(&'a [u8]),
    /// By the SHA-1 of a key.
    Key(&'a [u8]),
}

impl<'a> Basic<'a> {
    /// Who answered.
    pub(super) fn responder(&self) -> Responder<'a> {
        let inner = ber::first(self.responder.content).map(|(element, _)| element);
        match inner {
            Some(element) if self.responder.tag == 0xa2 => Responder::Key(element.content),
            Some(element) => Responder::Name(element.whole),
            None => Responder::Name(&[]),
        }
    }

    /// What [`names_of`] the responder's certificate gives.
    pub(super) fn named(&self) -> String {
        match self.responder() {
            Responder::Name(der) => digest::sha256(der),
            Responder::Key(hash) => digest::hex(hash),
        }
    }

    /// Whether a key verifies the signature; nothing where its algorithm is not supported.
    pub(super) fn verified_by(&self, key: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
        let (_, algorithm) = AlgorithmIdentifier::from_der(self.algorithm.whole).ok()?;
        let (_, signature) = BitString::from_der(self.signature.whole).ok()?;
        verdict(&verify_signature(key, &algorithm, &signature, self.signed.whole))
    }
}
