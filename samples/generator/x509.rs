//! Certificates and CRLs of the sample, signed with ECDSA on P-256 (deterministic, RFC 6979).

use super::der;
use super::seed;
use super::time::Utc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;

pub const LIVE_POLICY: &str = "1.2.826.0.1.8641679.1.9.1.1";
pub const TEST_POLICY: &str = "1.2.826.0.1.8641679.1.2.1.4";
const DEVICE_TYPE: &str = "1.2.826.0.1.8641679.1.9.2.1";

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_KEY_ID: &str = "2.5.29.14";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const POLICIES: &str = "2.5.29.32";
const ALTERNATIVE_NAME: &str = "2.5.29.17";
const CRL_NUMBER: &str = "2.5.29.20";
const REASON_CODE: &str = "2.5.29.21";

/// A certification authority: its name, and the key it signs with.
pub struct Authority {
    pub name: Vec<u8>,
    pub key: SigningKey,
}

impl Authority {
    pub fn new(common_name: &str) -> Self {
        Self { name: name(&[("2.5.4.3", der::text(common_name))]), key: seed::key(common_name) }
    }
}

/// What a certificate says apart from its issuer.
pub struct Certificate {
    pub serial: Vec<u8>,
    pub subject: Vec<u8>,
    pub not_before: Utc,
    /// None: no end (99991231235959Z).
    pub not_after: Option<Utc>,
    pub key: SigningKey,
    pub extensions: Vec<Vec<u8>>,
}

impl Certificate {
    /// The certificate, naming `issuer` as its issuer and signed with `signer`. The two belong
    /// together in every certificate but the one planted with a wrong signature.
    pub fn sign(&self, issuer: &Authority, signer: &SigningKey) -> Vec<u8> {
        let end = match self.not_after {
            Some(at) => der::time(at),
            None => der::element(der::GENERALIZED_TIME, b"99991231235959Z"),
        };
        let to_be_signed = der::sequence(&[
            der::explicit(0, &der::integer(2)),
            der::element(der::INTEGER, &self.serial),
            signature_algorithm(),
            issuer.name.clone(),
            der::sequence(&[der::time(self.not_before), end]),
            self.subject.clone(),
            public_key_info(&self.key),
            der::explicit(3, &der::sequence(&self.extensions)),
        ]);
        signed(to_be_signed, signer)
    }
}

/// One entry of a CRL.
#[derive(Clone)]
pub struct Entry {
    pub serial: Vec<u8>,
    pub revoked_at: Utc,
    pub reason: u8,
}

/// A v2 CRL.
pub fn crl(issuer: &Authority, number: u32, this_update: Utc, next_update: Utc, entries: &[Entry]) -> Vec<u8> {
    let mut parts = vec![der::integer(1), signature_algorithm(), issuer.name.clone(), der::time(this_update), der::time(next_update)];
    let listed: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| {
            let reason = extension(REASON_CODE, false, &der::element(der::ENUMERATED, &[entry.reason]));
            der::sequence(&[der::element(der::INTEGER, &entry.serial), der::time(entry.revoked_at), der::sequence(&[reason])])
        })
        .collect();
    // RFC 5280 5.1.2.6: without entries the list itself is left out.
    if !listed.is_empty() {
        parts.push(der::sequence(&listed));
    }
    let number = extension(CRL_NUMBER, false, &der::integer(number));
    let extensions = der::sequence(&[authority_key_id(&issuer.key), number]);
    parts.push(der::explicit(0, &extensions));
    signed(der::sequence(&parts), &issuer.key)
}

pub fn basic_constraints(critical: bool, path_length: Option<u32>) -> Vec<u8> {
    let mut parts = vec![der::element(der::BOOLEAN, &[0xff])];
    parts.extend(path_length.map(der::integer));
    extension(BASIC_CONSTRAINTS, critical, &der::sequence(&parts))
}

/// The one purpose, or pair of purposes, of a key. Bits count from the top of the octet.
#[derive(Clone, Copy)]
pub enum Usage {
    Signature,
    Agreement,
    Authority,
}

pub fn key_usage(usage: Usage) -> Vec<u8> {
    let value = match usage {
        Usage::Signature => der::bits(7, &[0x80]),
        Usage::Agreement => der::bits(3, &[0x08]),
        Usage::Authority => der::bits(1, &[0x06]),
    };
    extension(KEY_USAGE, true, &value)
}

pub fn subject_key_id(key: &SigningKey) -> Vec<u8> {
    extension(SUBJECT_KEY_ID, false, &der::element(der::OCTET_STRING, &key_id(key)))
}

pub fn authority_key_id(key: &SigningKey) -> Vec<u8> {
    let value = der::sequence(&[der::element(0x80, &key_id(key))]);
    extension(AUTHORITY_KEY_ID, false, &value)
}

pub fn policy(identifier: &str) -> Vec<u8> {
    extension(POLICIES, true, &der::sequence(&[der::sequence(&[der::oid(identifier)])]))
}

/// The name of a device: its subject is empty, and its serial stands in a `hardwareModuleName`.
pub fn hardware_module_name(serial: &[u8]) -> Vec<u8> {
    let module = der::sequence(&[der::oid(DEVICE_TYPE), der::element(der::OCTET_STRING, serial)]);
    let other = [der::oid("1.3.6.1.5.5.7.8.4"), der::explicit(0, &module)].concat();
    extension(ALTERNATIVE_NAME, true, &der::sequence(&[der::explicit(0, &other)]))
}

/// A distinguished name, one attribute to an RDN.
pub fn name(attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> =
        attributes.iter().map(|(kind, value)| der::element(der::SET, &der::sequence(&[der::oid(kind), value.clone()]))).collect();
    der::sequence(&parts)
}

/// The objects as PEM blocks, one after another.
pub fn pem<'a>(label: &str, objects: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let mut out = String::new();
    for object in objects {
        let body = STANDARD.encode(object);
        let _ = writeln!(out, "-----BEGIN {label}-----");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            out += line;
            out.push('\n');
            rest = after;
        }
        let _ = writeln!(out, "-----END {label}-----");
    }
    out.into_bytes()
}

/// SHA-256 of the `SubjectPublicKeyInfo`, lower-case hexadecimal.
pub fn public_key(key: &SigningKey) -> String {
    super::seed::sha256(&public_key_info(key))
}

fn public_key_info(key: &SigningKey) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid("1.2.840.10045.2.1"), der::oid("1.2.840.10045.3.1.7")]);
    der::sequence(&[algorithm, der::bits(0, &point(key))])
}

/// The 65 octets of the uncompressed public point.
fn point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
}

/// RFC 5280 4.2.1.2 method 2: 0100 and the low 60 bits of SHA-1 of the key.
fn key_id(key: &SigningKey) -> Vec<u8> {
    let mut id = Sha1::digest(point(key))[12..].to_vec();
    id[0] = 0x40 | (id[0] & 0x0f);
    id
}

fn extension(identifier: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::oid(identifier)];
    if critical {
        // FALSE is the default, and DER leaves a default out.
        parts.push(der::element(der::BOOLEAN, &[0xff]));
    }
    parts.push(der::element(der::OCTET_STRING, value));
    der::sequence(&parts)
}

fn signature_algorithm() -> Vec<u8> {
    der::sequence(&[der::oid("1.2.840.10045.4.3.2")])
}

fn signed(to_be_signed: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let signature: Signature = key.sign(&to_be_signed);
    let value = der::bits(0, signature.to_der().as_bytes());
    der::sequence(&[to_be_signed, signature_algorithm(), value])
}
