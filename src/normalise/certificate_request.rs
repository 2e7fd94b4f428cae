//! Certification requests (RFC 2986).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;

use super::certificate::{alternative_name, key_usage, name};
use super::landing::Landing;
use super::linked::verdict;
use super::table_file::Value;
use crate::domain::digest;

/// Lands the request of a cell of base64. Its challenge password, if it has one, is left where it is.
pub(super) fn land(landing: &mut Landing<'_>, row: u64, text: &str) {
    let Ok(der) = STANDARD.decode(text.trim()) else {
        landing.refuse("certificate_requests", row, "not base64");
        return;
    };
    let (rest, request) = match X509CertificationRequest::from_der(&der) {
        Ok(parsed) => parsed,
        Err(error) => {
            landing.refuse("certificate_requests", row, &format!("not a certification request that can be read: {error}"));
            return;
        }
    };
    if !rest.is_empty() {
        landing.remark("N-OBJ-003", row, &format!("{} octets after the request", rest.len()));
    }
    let info = &request.certification_request_info;
    let key = &info.subject_pki;
    let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    landing.decoded(
        "certificate_requests",
        row,
        None,
        &[
            ("request", Value::Text(digest::sha256(request.as_raw()))),
            ("subject", Value::Text(name(&info.subject))),
            ("subject_name", Value::Text(digest::sha256(info.subject.as_raw()))),
            ("key_algorithm", Value::Text(key.algorithm.algorithm.to_id_string())),
            ("curve", Value::or_null(curve, |oid| Value::Text(oid.to_id_string()))),
            ("public_key", Value::Text(digest::sha256(key.raw))),
            ("signature_algorithm", Value::Text(request.signature_algorithm.algorithm.to_id_string())),
            ("signature_ok", Value::or_null(verdict(&request.verify_signature()), Value::Boolean)),
            ("extensions", Value::or_null(extensions(&request), Value::Text)),
        ],
    );
}

fn extensions(request: &X509CertificationRequest<'_>) -> Option<String> {
    let asked: Vec<String> = request
        .certification_request_info
        .iter_attributes()
        .filter_map(|attribute| match attribute.parsed_attribute() {
            ParsedCriAttribute::ExtensionRequest(asked) => Some(&asked.extensions),
            _ => None,
        })
        .flatten()
        .map(extension)
        .collect();
    (!asked.is_empty()).then(|| asked.join("; "))
}

/// `2.5.29.15 critical: digitalSignature`.
fn extension(extension: &X509Extension<'_>) -> String {
    let says = match extension.parsed_extension() {
        ParsedExtension::KeyUsage(usage) => key_usage(*usage),
        ParsedExtension::SubjectAlternativeName(names) => {
            let names = names.general_names.iter().map(alternative_name).map(|(kind, value)| format!("{kind}={value}"));
            names.collect::<Vec<_>>().join(", ")
        }
        ParsedExtension::BasicConstraints(constraints) if constraints.ca => "CA".to_owned(),
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().map(|policy| policy.policy_id.to_id_string()).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let critical = if extension.critical { " critical" } else { "" };
    let says = if says.is_empty() { says } else { format!(": {says}") };
    format!("{}{critical}{says}", extension.oid.to_id_string())
}
