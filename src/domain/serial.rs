//! Serial numbers as every table holds them: unsigned hexadecimal, lower case, even length, no
//! sign octet. Sources write them in upper case, with spaces, colons or `0x`, or in decimal.

/// Normalises a hexadecimal serial; `None` where the text is not one.
///
/// A spreadsheet's `1.23457E+19` is refused: its digits are lost.
#[must_use]
pub fn from_hex(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ':')).map(|c| c.to_ascii_lowercase()).collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(canonical(&digits))
}

/// Normalises a decimal serial of any length; `None` where the text is not one.
#[must_use]
pub fn from_decimal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut octets: Vec<u8> = Vec::new();
    for digit in text.bytes() {
        let mut carry = u32::from(digit - b'0');
        for octet in octets.iter_mut().rev() {
            let value = u32::from(*octet) * 10 + carry;
            *octet = u8::try_from(value & 0xff).unwrap_or(0);
            carry = value >> 8;
        }
        while carry > 0 {
            octets.insert(0, u8::try_from(carry & 0xff).unwrap_or(0));
            carry >>= 8;
        }
    }
    Some(canonical(&super::digest::hex(&octets)))
}

/// Leading zeros go, then one comes back where the length is odd; zero itself is `00`.
fn canonical(digits: &str) -> String {
    let stripped = digits.trim_start_matches('0');
    match stripped.len() {
        0 => "00".to_owned(),
        n if n % 2 == 1 => format!("0{stripped}"),
        _ => stripped.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_spellings_of_one_serial_are_one_serial() {
        for text in ["4B2387786EFC", "4b:23:87:78:6e:fc", "0x4b2387786efc", "00 4b 23 87 78 6e fc"] {
            assert_eq!(from_hex(text).as_deref(), Some("4b2387786efc"), "{text}");
        }
        assert_eq!(from_decimal("82615968755452").as_deref(), Some("4b2387786efc"));
        assert_eq!(from_hex("0").as_deref(), Some("00"));
    }

    #[test]
    fn a_serial_a_spreadsheet_has_rounded_is_refused() {
        assert_eq!(from_hex("1.23457E+19"), None);
        assert_eq!(from_decimal("1.23457E+19"), None);
        assert_eq!(from_hex(""), None);
    }

    proptest! {
        #[test]
        fn decimal_and_hexadecimal_agree(n in any::<u128>()) {
            prop_assert_eq!(from_decimal(&n.to_string()), from_hex(&format!("{n:x}")));
        }

        #[test]
        fn any_text_is_taken_or_refused(text in ".{0,60}") {
            if let Some(serial) = from_hex(&text) {
                prop_assert_eq!(serial.len() % 2, 0);
                let again = from_hex(&serial);
                prop_assert_eq!(again.as_deref(), Some(serial.as_str()));
            }
        }
    }
}
