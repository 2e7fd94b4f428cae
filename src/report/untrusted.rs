//! Text from evidence, made safe to look at. Each writer still escapes for its own medium: this
//! only makes visible what a reader could not see, or what would change how the rest is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use super::results::Results;
use crate::domain::digest;

/// The text with control characters, direction controls and invisible characters as visible
/// escapes: `␛` for ESC, `[U+202E]` for a right-to-left override. Applied twice it changes nothing.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ 0x00..=0x1F => out.push(char::from_u32(0x2400 + code).unwrap_or('\u{FFFD}')),
            0x7F => out.push('␡'),
            code if hidden(code) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "[U+{code:04X}]");
            }
            _ => out.push(c),
        }
    }
    out
}

/// Characters that are drawn as nothing, or that reorder what stands beside them. Noncharacters
/// are among them because XML, and so a workbook, cannot hold them.
fn hidden(code: u32) -> bool {
    matches!(code,
        0x80..=0x9F
        | 0xAD
        | 0x034F
        | 0x061C
        | 0x115F..=0x1160
        | 0x17B4..=0x17B5
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x2028..=0x202E
        | 0x2060..=0x206F
        | 0x3164
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xFFA0
        | 0xFFF0..=0xFFFB
        | 0xFDD0..=0xFDEF
        | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
        || code & 0xFFFE == 0xFFFE
}

/// At most `units` UTF-16 units of the text, ending in `pointer` where something was cut.
pub(super) fn cut(text: String, units: usize, pointer: &str) -> String {
    if text.encode_utf16().count() <= units {
        return text;
    }
    let room = units.saturating_sub(pointer.encode_utf16().count());
    let mut used = 0;
    let mut out: String = text
        .chars()
        .take_while(|c| {
            used += c.len_utf16();
            used <= room
        })
        .collect();
    out.push_str(pointer);
    out
}

/// What Excel holds in a cell, in UTF-16 units.
const CELL: usize = 32_767;

/// A cell of the workbook, its text made visible.
pub(super) enum Cell {
    Text(String),
    Number(u64),
    /// A number that links to a cell of this workbook, such as `Exceptions!A5`.
    Link(u64, String),
    /// A text that does.
    Goto(String, String),
    /// A formula of ours, and the text it gives where nothing is filled in.
    Live(String, &'static str),
}

pub(super) fn words(text: impl AsRef<str>) -> Cell {
    lines(&[text])
}

pub(super) fn lines<T: AsRef<str>>(parts: &[T]) -> Cell {
    Cell::Text(parts.iter().map(|part| visible(part.as_ref())).collect::<Vec<_>>().join("\n"))
}

/// What of a visible text fits into a cell.
pub(super) fn cell_text(text: &str) -> String {
    cut(text.to_owned(), CELL, " … [cut; full text in results.json or exceptions.jsonl]")
}

/// Over the tool's cells of a row, so that an import can tell an edited one: 16 hexadecimal digits
/// of the SHA-256 of their texts with U+001F between, which no visible text holds.
pub(super) fn fingerprint(row: &[Cell]) -> String {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Goto(text, _) => cell_text(text),
        Cell::Number(n) | Cell::Link(n, _) => n.to_string(),
        Cell::Live(..) => String::new(),
    };
    let all = row.iter().map(text).collect::<Vec<_>>().join("\u{1f}");
    digest::short(&digest::sha256(all.as_bytes()), 16).to_owned()
}

/// What must not leave the assessor although a sentence of the program may mention it: paths, by
/// the evidence id that stands for them, and people. The second line of defence only: the report
/// that leaves is built from an allow-list of fields, and few of them are sentences.
#[derive(Debug)]
pub(super) struct Withheld(Vec<(String, String)>);

impl Withheld {
    pub(super) fn of(results: &Results) -> Self {
        let mut pairs = Vec::new();
        for evidence in &results.evidence {
            for path in std::iter::once(&evidence.path).chain(&evidence.also) {
                let name = path.rsplit('/').next().unwrap_or(path);
                // A file called `keys` would take the table's name out of every sentence.
                pairs.extend([path.as_str(), name].into_iter().filter(|n| !plain_word(n)).map(|n| (n, evidence.id.as_str())));
            }
        }
        let mut names = Vec::new();
        for control in &results.controls {
            names.extend(control.confirmed.iter().flat_map(|text| names_in(text)));
            names.extend(control.parameters.iter().flat_map(|p| names_in(&p.set_by)));
            names.extend(control.judgement.iter().flat_map(|j| [Some(j.prepared_by.as_str()), j.reviewed_by.as_deref()]).flatten());
        }
        names.extend(results.conclusion.iter().map(|conclusion| conclusion.by.as_str()));
        names.extend(results.evidence.iter().filter_map(|e| e.obtained.as_deref()).flat_map(names_in));
        // The title block names the organisations, on purpose.
        let parties = [results.engagement.assessor.as_deref(), results.engagement.audited_party.as_deref()];
        names.retain(|name| name.chars().count() > 2 && !parties.contains(&Some(*name)));
        pairs.extend(names.into_iter().map(|name| (name, "[name withheld]")));
        pairs.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
        pairs.dedup_by(|a, b| a.0 == b.0);
        Self(pairs.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect())
    }

    /// The text without them.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.0 {
            if text.contains(from.as_str()) {
                text = replace_whole(&text, from, to);
            }
        }
        for name in names_in(&text).into_iter().map(str::to_owned).collect::<Vec<_>>() {
            text = replace_whole(&text, &name, "[name withheld]");
        }
        for pattern in REACHING.iter().flatten() {
            text = pattern.replace_all(&text, "[address withheld]").into_owned();
        }
        text
    }
}

/// Electronic addresses and telephone numbers, which only an assessor's own words could hold.
static REACHING: LazyLock<[Option<Regex>; 2]> = LazyLock::new(|| {
    [r"[^\s@<>()]+@[^\s@<>()]+\.[A-Za-z]{2,}", r"\+\d[\d ()-]{7,}\d|\b0\d{3,4} \d{3} ?\d{3,4}\b|\b07\d{9}\b"]
        .map(|pattern| Regex::new(pattern).ok())
});

/// A locator that says sheets by their number, so far as their names are known.
pub(super) fn numbered(locator: &str, sheets: &BTreeMap<String, u32>) -> String {
    let known = sheets.iter().find_map(|(name, number)| {
        let rest = locator.strip_prefix(&format!("sheet {name:?}"))?;
        (rest.is_empty() || rest.starts_with(',')).then(|| format!("sheet {number}{rest}"))
    });
    known.unwrap_or_else(|| locator.to_owned())
}

/// A locator with only the words and numbers that say a place: the name of a sheet, a column or a
/// record is text from evidence.
pub(super) fn place(locator: &str) -> String {
    const WORDS: [&str; 20] = [
        "line",
        "lines",
        "row",
        "rows",
        "record",
        "records",
        "object",
        "objects",
        "entry",
        "entries",
        "byte",
        "bytes",
        "offset",
        "octet",
        "sheet",
        "column",
        "page",
        "to",
        "and",
        "certificate",
    ];
    let number = |word: &str| {
        word.len() <= 10 && word.split('-').all(|n| !n.is_empty() && !n.starts_with('0') && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut out: Vec<String> = Vec::new();
    for word in locator.split_whitespace() {
        let bare = word.trim_end_matches(',');
        let comma = if bare.len() < word.len() { "," } else { "" };
        if WORDS.contains(&bare) || number(bare) {
            out.push(format!("{bare}{comma}"));
        } else if let Some(last) = out.last_mut().filter(|last| last.starts_with("[withheld]")) {
            *last = format!("[withheld]{comma}");
        } else {
            out.push(format!("[withheld]{comma}"));
        }
    }
    out.join(" ")
}

/// How things and people that evidence names are called in a report: by their name among the working
/// papers, by a number in what leaves the assessor. A name has one number throughout both reports.
#[derive(Debug)]
pub(super) struct Naming {
    hidden: bool,
    numbers: BTreeMap<(&'static str, String), usize>,
    last: BTreeMap<&'static str, usize>,
}

impl Naming {
    /// Names as they are.
    pub(super) fn open() -> Self {
        Self { hidden: false, numbers: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Numbers in the place of names.
    pub(super) fn hidden() -> Self {
        Self { hidden: true, ..Self::open() }
    }

    /// What a thing is called: `Module 2`, or its name where names may stand.
    pub(super) fn of(&mut self, kind: &'static str, name: &str) -> String {
        let number = *self.numbers.entry((kind, name.to_owned())).or_insert_with(|| {
            let last = self.last.entry(kind).or_default();
            *last += 1;
            *last
        });
        if self.hidden { format!("{kind} {number}") } else { name.to_owned() }
    }

    /// The text where names may stand, else the word instead.
    pub(super) fn only_open<'a>(&self, text: &'a str, instead: &'a str) -> &'a str {
        if self.hidden { instead } else { text }
    }

    /// What stands behind every number, in order.
    pub(super) fn key(&self) -> Vec<(String, &str)> {
        let mut all: Vec<(&str, usize, &str)> = self.numbers.iter().map(|((kind, name), number)| (*kind, *number, name.as_str())).collect();
        all.sort_unstable();
        all.into_iter().map(|(kind, number, name)| (format!("{kind} {number}"), name)).collect()
    }
}

fn plain_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// The names in `… by NAME on 2022-02-01 …`.
fn names_in(text: &str) -> Vec<&str> {
    text.match_indices("by ")
        .filter_map(|(at, by)| {
            let rest = text.get(at + by.len()..)?;
            let (name, date) = rest.split_once(" on ")?;
            let dated = date.bytes().take(5).map(|b| b.is_ascii_digit() || b == b'-').filter(|ok| *ok).count() == 5;
            (dated && !name.is_empty() && name != "[name withheld]").then_some(name)
        })
        .collect()
}

fn replace_whole(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        let inside = before.chars().next_back().or_else(|| out.chars().next_back()).is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if inside { from } else { to });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("a\u{1b}[2J\0\n\t\u{7f}"), "a␛[2J␀␊␉␡");
        assert_eq!(visible("\u{202e}txt.exe"), "[U+202E]txt.exe");
        assert_eq!(visible("a\u{200b}b\u{85}c\u{feff}"), "a[U+200B]b[U+0085]c[U+FEFF]");
        assert_eq!(visible("\u{ffff}\u{e0041}"), "[U+FFFF][U+E0041]");
    }

    #[test]
    fn what_can_be_seen_stays() {
        for text in ["Zoë – 東京 😀 naïve", "<script>{{ 7*7 }}</script>", "=cmd|' /C calc'!A0", "＝1"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn twice_is_once() {
        let all: String = (0..0x11_0000).filter_map(char::from_u32).collect();
        let once = visible(&all);
        assert_eq!(visible(&once), once);
    }

    #[test]
    fn cuts_by_utf16_units_and_never_inside_a_character() {
        assert_eq!(cut("short".into(), 10, "…"), "short");
        assert_eq!(cut("😀".repeat(10), 10, "…"), format!("{}…", "😀".repeat(4)));
        let long = cell_text(&"😀".repeat(20_000));
        assert!(long.encode_utf16().count() <= CELL && long.contains("[cut; full text"));
    }

    #[test]
    fn a_place_is_words_and_numbers() {
        assert_eq!(place("line 12"), "line 12");
        assert_eq!(place("rows 2-418"), "rows 2-418");
        assert_eq!(place("sheet \"Alice Smith\", row 4"), "sheet [withheld], row 4");
        let sheets = BTreeMap::from([("Alice".to_owned(), 2), ("Alice Smith".to_owned(), 3)]);
        assert_eq!(place(&numbered("sheet \"Alice Smith\", row 4", &sheets)), "sheet 3, row 4");
        assert_eq!(place(&numbered("sheet \"Alice\"", &sheets)), "sheet 2");
        assert_eq!(place(&numbered("sheet \"Bob\", row 4", &sheets)), "sheet [withheld], row 4");
        assert_eq!(place("record 07700900123"), "record [withheld]");
        assert_eq!(place(""), "");
    }

    #[test]
    fn names_are_found_where_the_program_puts_them() {
        assert_eq!(names_in("confirmed by J. Smith on 2022-02-01"), ["J. Smith"]);
        assert!(names_in("judged by the clause on paper").is_empty());
    }

    #[test]
    fn an_address_or_a_number_by_which_to_reach_somebody_is_withheld() {
        let withheld = Withheld(Vec::new());
        for text in ["a.b@c.example", "+44 20 7946 0000", "01632 960 123", "07700900123"] {
            assert_eq!(withheld.apply(&format!("ask {text}.")).replace('.', ""), "ask [address withheld]", "{text}");
        }
        for text in ["EV-0123456789ab", "2020-10-31T23:40:11Z", "1,234 of 0", &"0770".repeat(16)] {
            assert_eq!(withheld.apply(text), text);
        }
    }

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(replace_whole("a.log, ba.log and a.log.1", "a.log", "EV-1"), "EV-1, ba.log and EV-1.1");
    }
}
