//! What becomes of a text on its way into a table.

use std::collections::BTreeMap;

use regex::Regex;

/// What becomes of a text. The list is closed; anything else is a decoder in Rust.
#[derive(Debug)]
pub enum Transform {
    /// Kept.
    Text,
    /// Lower case.
    Lower,
    /// A serial in hexadecimal.
    SerialHex,
    /// A serial in decimal.
    SerialDecimal,
    /// A whole number.
    Integer,
    /// A whole number in hexadecimal, with or without `0x`.
    HexInteger,
    /// `true` or `false`.
    Boolean,
    /// An instant: a pattern, or `auto` for registers as people keep them. A pattern that ends in ` %Z` has the
    /// name of a zone there.
    Datetime(String),
    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280 4.1.2.5).
    Asn1Time,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Whole seconds since 1970.
    EpochSeconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// The 16 octets of an entry of the log of a `YubiHSM` 2 that its hash covers, in hexadecimal.
    YubihsmEntry,
    /// The numbers of the bits that are set in a hexadecimal number, the lowest being 0.
    Bits,
    /// What came of the command of such an entry: `success`, `failure`, or `unknown` where it is none.
    YubihsmResult,
    /// `0.000012345 seconds slow of NTP time`, in whole microseconds; slow is negative.
    ClockOffset,
    /// The text of the first pattern that is found, `$1` being what its first group caught; a text that
    /// none is found in is unreadable unless there is a default.
    Match {
        /// Patterns and texts, in order.
        patterns: Vec<(Regex, String)>,
        /// The text for anything else; empty leaves the cell empty.
        default: Option<String>,
    },
    /// One word for another; a word not in the list is unreadable unless there is a default.
    Map {
        /// The list.
        words: BTreeMap<String, String>,
        /// The word for anything else.
        default: Option<String>,
        /// Case and surrounding space do not matter.
        fold: bool,
    },
}
