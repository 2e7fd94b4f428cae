//! Layouts of evidence, from `formats/<name>.toml`: how a file is recognised, which reader reads it,
//! and what each of its records becomes in the canonical tables.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

pub use super::transform::Transform;
use crate::domain::pattern::Pattern;

/// A layout of evidence.
#[derive(Debug)]
pub struct Format {
    /// Name: the file's, without `.toml`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What the layout rests on: vendor page or specification.
    pub source: String,
    /// What to ask the operator for.
    pub export: String,
    /// How it is recognised.
    pub recognise: Recognise,
    /// What reads it.
    pub reader: Reader,
    /// The fields of a record that the emissions use, in the order of the reader's columns.
    pub fields: Vec<String>,
    /// What a record becomes.
    pub emits: Vec<Emit>,
}

/// How a file is recognised: by content, never by its name.
#[derive(Debug, Default)]
pub struct Recognise {
    /// A line that only this format has.
    pub any_line: Option<Regex>,
    /// Columns that its heading must have.
    pub header: Vec<String>,
    /// The file holds objects of a PKI: PEM, DER or a bundle of them.
    pub objects: bool,
    /// The octets a binary file begins with.
    pub magic: Option<String>,
    /// A line that this format never has.
    pub unless: Option<Regex>,
    /// Names, without a prefix, that the element at the top of an XML document may have.
    pub root: Vec<String>,
}

/// The reader of a format, with its settings.
#[derive(Debug)]
pub enum Reader {
    /// Log lines.
    Lines(Lines),
    /// Delimited text.
    Delimited(Delimited),
    /// One JSON object a line.
    JsonLines(JsonLines),
    /// Certificates, CRLs, requests and OCSP responses: PEM, DER or bundles.
    X509,
    /// Configuration: one key and value a line.
    KeyValue(KeyValue),
    /// Records of several lines, each `key : value`.
    Blocks(Blocks),
    /// Keys and values nested by indentation: the part of YAML that configuration dumps write.
    Outline(Outline),
    /// A map as `java.beans.XMLEncoder` writes it; nothing in it is ever made into an object.
    JavaBeans,
    /// Windows events in the binary file of an event log.
    Evtx,
    /// Windows events as XML, one or many.
    EventXml,
    /// Windows events as PowerShell lists them.
    EventText(EventText),
    /// Rows of the database of a Microsoft CA, as `certutil -view` prints them.
    CertutilView,
    /// Maps as `java.beans.XMLEncoder` writes them, each a record; its cells of these names hold maps as text.
    JavaBeansRecords(Vec<String>),
    /// Elements of an XML document.
    Xml(Xml),
}

/// Settings of log lines.
#[derive(Debug)]
pub struct Lines {
    /// Where a record begins in its line, for records of fixed fields.
    pub start: Option<Regex>,
    /// What separates the fixed fields.
    pub separator: char,
    /// Names of the fixed fields.
    pub fixed: Vec<String>,
    /// After the fixed fields comes a tail of `key=value`.
    pub tail: bool,
    /// A pattern with named groups, instead of fixed fields.
    pub pattern: Option<Pattern>,
    /// How its numbering begins anew, where it does.
    pub series: Option<Series>,
    /// A line that says it is a record.
    pub claims: Option<Regex>,
    /// A line that is known to be no record.
    pub other: Option<Regex>,
    /// A line that is not UTF-8 is read as Latin-1.
    pub latin1: bool,
    /// How the tail is written.
    pub pairs: Pairs,
    /// A line that does not begin a record goes on with the one above.
    pub continued: bool,
    /// Names of the fields after the tail.
    pub ends: Vec<String>,
    /// The groups `checksum` and `checked` of a line are a CRC-32 and its text, as boulder writes them.
    pub checksum: bool,
}

/// How the `tail` of a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// `key=value`, separated as the fields are.
    Separated,
    /// `[key=value][key=value]`, then words; a value may hold brackets.
    Brackets,
    /// `key=value key="quoted value"`.
    Quoted,
    /// A map in the XML of `java.beans.XMLEncoder`.
    JavaBeans,
    /// A JSON object.
    Json,
}

/// Settings of JSON lines.
#[derive(Debug, Default)]
pub struct JsonLines {
    /// What may stand before the object.
    pub prefix: Option<Regex>,
    /// A line that is known to be no record.
    pub other: Option<Regex>,
}

/// A numbering that begins anew, as at each boot: the field `series` tells one from the next.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The group that holds the number: where it is not greater than the one before, a new numbering begins.
    pub number: String,
    /// The group of the first record of a numbering by which it is called.
    pub named: String,
}

/// Settings of delimited text.
#[derive(Debug)]
pub struct Delimited {
    /// The delimiter; found from the heading where it is not given.
    pub delimiter: Option<char>,
    /// Names of the columns where there is no heading.
    pub header: Vec<String>,
    /// Quotes have a meaning.
    pub quoted: bool,
    /// What a cell of delimited text says where it holds nothing.
    pub empty: Vec<String>,
    /// Other names of a column.
    pub synonyms: BTreeMap<String, Vec<String>>,
    /// Columns whose cells hold maps in the XML of `java.beans.XMLEncoder`.
    pub maps: Vec<String>,
}

/// Settings of configuration files.
#[derive(Debug)]
pub struct KeyValue {
    /// What begins a comment.
    pub comment: Vec<String>,
    /// Groups `key` and `value` of a line, where the first white space or `=` does not part them.
    pub pattern: Option<Regex>,
    /// Keys whose lines add up: each is in force.
    pub adds: Option<Regex>,
    /// Nothing says which line of a key decides where it stands twice: none is taken to.
    pub open: bool,
    /// The last line of a key and scope decides, not the first.
    pub last: bool,
    /// A line that only names the scope of those below it, in the group `name`.
    pub section: Option<Regex>,
    /// A line that ends such a scope, where scopes stand in one another.
    pub section_end: Option<Regex>,
    /// A line that begins a conditional block.
    pub block: Option<Regex>,
    /// A line that reads other files.
    pub include: Option<Regex>,
    /// Found in a dump of the effective configuration only.
    pub effective: Option<Regex>,
    /// A line above keys that names their `scope`, or the key that was `asked` for.
    pub heading: Option<Regex>,
    /// Groups `key` and `value` of a line that belongs to the key above it.
    pub under: Option<Regex>,
    /// A line that says that what was asked for is not set.
    pub missing: Option<Regex>,
    /// A line that is known to set nothing.
    pub other: Option<Regex>,
}

/// Settings of keys and values nested by indentation.
#[derive(Debug, Default)]
pub struct Outline {
    /// The key at the top whose maps are records of their own: their keys are fields, `name` what the map stands under.
    pub records: Option<String>,
}

/// Settings of records of several lines.
#[derive(Debug)]
pub struct Blocks {
    /// The key that begins a record.
    pub begin: String,
    /// A line above a record that dates it, with named groups.
    pub dated: Option<Regex>,
    /// Keys without which a record is none.
    pub needs: Vec<String>,
    /// Other keys it may have; a line with any other key is rejected.
    pub also: Vec<String>,
}

/// Settings of Windows events as PowerShell lists them.
#[derive(Debug)]
pub struct EventText {
    /// Labels in a message, and the names of the data they stand for.
    pub labels: BTreeMap<String, String>,
}

/// Settings of XML documents. Elements are told by the end of the way to them, from the top.
#[derive(Debug)]
pub struct Xml {
    /// Elements that are records.
    pub records: Vec<Vec<String>>,
    /// Elements that have the name of a record and are known to be none.
    pub other: Vec<Vec<String>>,
}

/// What a record becomes in one table.
#[derive(Debug)]
pub struct Emit {
    /// The table.
    pub table: String,
    /// The file feeds the table only if it holds such a record.
    pub incidental: bool,
    /// Conditions on fields, all of which must hold.
    pub when: Vec<(usize, Condition)>,
    /// One row for each bit of a number, instead of one for the record.
    pub bits: Option<Bits>,
    /// The columns, or a decoder that fills them all.
    pub content: Content,
}

impl Emit {
    /// The text of a column that is the same in every row; nothing where it may be another.
    #[must_use]
    pub fn constant(&self, column: &str) -> Option<&str> {
        let Content::Columns(columns) = &self.content else { return None };
        match columns.iter().find(|(name, _)| name == column)? {
            (_, Mapping { from: From::Constant(text), or: None, .. }) => Some(text),
            _ => None,
        }
    }
}

/// The bits of a setting that is a sum of them.
#[derive(Debug)]
pub struct Bits {
    /// The field that holds the number.
    pub of: usize,
    /// A number that stands alone is hexadecimal.
    pub hex: bool,
    /// What each bit stands for, by its value.
    pub names: BTreeMap<u64, String>,
    /// The kinds of event that the logs of the component tell only where the bit is set.
    pub tells: BTreeMap<u64, Vec<String>>,
}

/// A condition on a field.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The field holds something.
    Present,
    /// The field holds nothing.
    Absent,
    /// The field is one of these.
    OneOf(Vec<String>),
    /// The pattern is found in the field.
    Matches(Regex),
}

impl Condition {
    /// Whether a field keeps it.
    #[must_use]
    pub fn holds(&self, field: Option<&str>) -> bool {
        match self {
            Self::Present => field.is_some_and(|text| !text.is_empty()),
            Self::Absent => field.is_none_or(str::is_empty),
            Self::OneOf(values) => field.is_some_and(|text| values.iter().any(|value| value == text)),
            Self::Matches(pattern) => field.is_some_and(|text| pattern.is_match(text)),
        }
    }
}

/// How a row is filled.
#[derive(Debug)]
pub enum Content {
    /// Column by column.
    Columns(Vec<(String, Mapping)>),
    /// A certificate in the field.
    Certificate(usize),
    /// A CRL in the field.
    Crl(usize),
    /// A certification request in the field.
    CertificateRequest(usize),
    /// An OCSP response in the field.
    OcspResponse(usize),
}

/// How a column is filled.
#[derive(Debug)]
pub struct Mapping {
    /// Where the text comes from.
    pub from: From,
    /// Only where these conditions hold; else empty.
    pub only_when: Vec<(usize, Condition)>,
    /// A part of the text.
    pub part: Option<Part>,
    /// What becomes of the text.
    pub transform: Transform,
    /// How the column is filled where this gives no text.
    pub or: Option<Box<Mapping>>,
}

/// Where a text comes from.
#[derive(Debug)]
pub enum From {
    /// A field of the record.
    Field(usize),
    /// The same text for every record.
    Constant(String),
    /// The stream the engagement names for the file.
    Stream,
    /// The host the engagement names for the file.
    Host,
    /// When the engagement says the file was obtained.
    Obtained,
    /// The name of the file, without its folders.
    FileName,
    /// The bit that the row is about.
    Bit(OfBit),
}

/// What is told of a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfBit {
    /// Its value: 1, 2, 4, …
    Value,
    /// What it stands for; empty where the format does not say.
    Name,
    /// Whether it is set.
    Set,
}

/// A part of a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What separates the parts.
    pub separator: String,
    /// Which one, from 0.
    pub index: usize,
}

impl Format {
    /// The tables it can feed, in order.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let mut tables: Vec<&str> = self.emits.iter().map(|emit| emit.table.as_str()).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    /// Whether a row may say what stands in the name of the file alone.
    #[must_use]
    pub fn reads_file_name(&self) -> bool {
        self.maps(Mapping::reads_file_name)
    }

    /// Whether its records are those of a log stream that only the engagement names.
    #[must_use]
    pub fn reads_stream(&self) -> bool {
        self.maps(Mapping::reads_stream)
    }

    /// Every word that a record of it can have in a column of a table; nothing where it may be any.
    #[must_use]
    pub fn tells(&self, table: &str, column: &str) -> Option<BTreeSet<&str>> {
        let mut words = BTreeSet::new();
        for emit in self.emits.iter().filter(|emit| emit.table == table) {
            let Content::Columns(columns) = &emit.content else { return None };
            let (_, mapping) = columns.iter().find(|(name, _)| name == column)?;
            mapping.words(&mut words)?;
        }
        Some(words)
    }

    fn maps(&self, so: impl Fn(&Mapping) -> bool) -> bool {
        let columns = |emit: &Emit| matches!(&emit.content, Content::Columns(columns) if columns.iter().any(|(_, mapping)| so(mapping)));
        self.emits.iter().any(columns)
    }
}

impl Mapping {
    /// Whether a record that does not say it is dated by when the file was obtained.
    #[must_use]
    pub fn rests_on_obtained(&self) -> bool {
        self.or.as_ref().is_some_and(|or| matches!(or.from, From::Obtained))
    }

    /// Adds every word that it can give; nothing where that may be any.
    fn words<'m>(&'m self, into: &mut BTreeSet<&'m str>) -> Option<()> {
        match (&self.transform, &self.from) {
            (Transform::Map { words, default, .. }, _) => into.extend(words.values().chain(default).map(String::as_str)),
            (Transform::Match { patterns, default }, _) => {
                let texts = patterns.iter().map(|(_, text)| text).chain(default);
                into.extend(texts.map(|text| (!text.contains('$')).then_some(text.as_str())).collect::<Option<Vec<_>>>()?);
            }
            (Transform::Text, From::Constant(text)) => {
                into.insert(text);
            }
            _ => return None,
        }
        self.or.as_ref().map_or(Some(()), |or| or.words(into))
    }

    fn reads_stream(&self) -> bool {
        match &self.or {
            // A source that names its streams itself needs no other name for them.
            Some(or) => or.reads_stream(),
            None => matches!(self.from, From::Stream),
        }
    }

    fn reads_file_name(&self) -> bool {
        matches!(self.from, From::FileName) || self.or.as_ref().is_some_and(|or| or.reads_file_name())
    }
}
