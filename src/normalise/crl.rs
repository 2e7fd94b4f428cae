//! Revocation lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::name;
use super::landing::Landing;
use super::table_file::Value;
use crate::domain::{ber, digest, serial};

/// Lands the CRL of a cell of base64, and its entries.
pub(super) fn land(landing: &mut Landing<'_>, row: u64, text: &str) {
    let Ok(der) = STANDARD.decode(text.trim()) else {
        landing.refuse("crls", row, "not base64");
        return;
    };
    let (rest, crl) = match CertificateRevocationList::from_der(&der) {
        Ok(parsed) => parsed,
        Err(error) => {
            landing.refuse("crls", row, &format!("not a CRL that can be read: {error}"));
            return;
        }
    };
    if !rest.is_empty() {
        landing.remark("N-OBJ-003", row, &format!("{} octets after the CRL", rest.len()));
    }
    let octets = der.get(..der.len() - rest.len()).unwrap_or(&der);
    let id = digest::sha256(octets);
    let issuer_name = digest::sha256(crl.issuer().as_raw());
    let time = |seconds: i64| Value::or_null(seconds.checked_mul(1_000_000), Value::Time);
    let this_update = time(crl.last_update().timestamp());
    let key_id = crl.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| digest::hex(id.0)),
        _ => None,
    });
    let number = crl.crl_number().and_then(|number| i64::try_from(number).ok());
    let delta = crl.extensions().iter().find(|extension| extension.oid.to_id_string() == "2.5.29.27");
    let base_number = delta.and_then(|extension| base_number(extension.value));
    let mut entries = 0;
    for (position, entry) in (1..).zip(crl.iter_revoked_certificates()) {
        entries = position;
        let values = [
            ("crl", Value::text(&id)),
            ("issuer_name", Value::text(&issuer_name)),
            ("this_update", this_update.clone()),
            ("serial", Value::or_null(serial::from_hex(&digest::hex(entry.raw_serial())), Value::Text)),
            ("revoked_at", time(entry.revocation_date.timestamp())),
            ("reason", Value::or_null(entry.reason_code(), |(_, reason)| Value::Integer(i64::from(reason.0)))),
        ];
        landing.decoded("crl_entries", row, Some(position), &values);
    }
    landing.decoded(
        "crls",
        row,
        None,
        &[
            ("crl", Value::text(&id)),
            ("der", Value::Text(STANDARD.encode(octets))),
            ("issuer", Value::Text(name(crl.issuer()))),
            ("issuer_name", Value::text(&issuer_name)),
            ("crl_number", Value::or_null(number, Value::Integer)),
            ("is_delta", Value::Boolean(delta.is_some())),
            ("base_number", Value::or_null(base_number, Value::Integer)),
            ("this_update", this_update),
            ("next_update", crl.next_update().map_or(Value::Null, |next| time(next.timestamp()))),
            ("signature_algorithm", Value::Text(crl.signature_algorithm.algorithm.to_id_string())),
            ("authority_key_id", Value::or_null(key_id, Value::Text)),
            ("entries", Value::Integer(entries)),
        ],
    );
}

/// The number of the list that a delta is made against (RFC 5280 5.2.4); nothing where it is beyond 63 bits.
fn base_number(value: &[u8]) -> Option<i64> {
    let (number, _) = ber::first(value).filter(|(element, _)| element.tag == ber::INTEGER)?;
    let digits = number.content.iter().skip_while(|octet| **octet == 0);
    digits.clone().count().le(&7).then(|| digits.fold(0, |number, octet| number * 256 + i64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_base_is_an_integer_or_nothing() {
        assert_eq!(base_number(&[0x02, 0x02, 0x01, 0x02]), Some(258));
        assert_eq!(base_number(&[0x02, 0x01, 0x00]), Some(0));
        for value in [&[0x02, 0x09, 1, 1, 1, 1, 1, 1, 1, 1, 1][..], &[0x02, 0x02, 0x01], &[0x04, 0x01, 0x01], &[]] {
            assert_eq!(base_number(value), None);
        }
    }
}
