//! Layouts of evidence, from `formats/<name>.toml`: how a file is recognised, which reader reads it,
//! and what each of its records becomes in the canonical tables.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::Complaint;
use super::table::Tables;

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
    /// The file is PEM or DER.
    pub objects: bool,
}

/// The reader of a format, with its settings.
#[derive(Debug)]
pub enum Reader {
    /// Log lines.
    Lines(Lines),
    /// Delimited text.
    Delimited(Delimited),
    /// One JSON object a line.
    JsonLines,
    /// Certificates and CRLs, PEM or DER.
    X509,
    /// Configuration: one key and value a line.
    KeyValue(KeyValue),
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
    pub pattern: Option<Regex>,
    /// A line that says it is a record.
    pub claims: Option<Regex>,
    /// A line that is known to be no record.
    pub other: Option<Regex>,
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
    /// Other names of a column.
    pub synonyms: BTreeMap<String, Vec<String>>,
}

/// Settings of configuration files.
#[derive(Debug)]
pub struct KeyValue {
    /// What begins a comment.
    pub comment: String,
    /// A line that begins a conditional block.
    pub block: Option<Regex>,
    /// A line that reads other files.
    pub include: Option<Regex>,
    /// Found in a dump of the effective configuration only.
    pub effective: Option<Regex>,
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
    /// The columns, or a decoder that fills them all.
    pub content: Content,
}

/// A condition on a field.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The field holds something.
    Present,
    /// The field is one of these.
    OneOf(Vec<String>),
}

impl Condition {
    /// Whether a field keeps it.
    #[must_use]
    pub fn holds(&self, field: Option<&str>) -> bool {
        match self {
            Self::Present => field.is_some_and(|text| !text.is_empty()),
            Self::OneOf(values) => field.is_some_and(|text| values.iter().any(|value| value == text)),
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
    /// `true` or `false`.
    Boolean,
    /// An instant: a pattern, or `auto` for registers as people keep them.
    Datetime(String),
    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280 4.1.2.5).
    Asn1Time,
    /// Milliseconds since 1970.
    EpochMilliseconds,
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

/// What was written in a format file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatFile {
    #[serde(rename = "schema")]
    _schema: u32,
    title: String,
    reader: String,
    source: String,
    export: String,
    recognise: RecogniseFile,
    lines: Option<LinesFile>,
    delimited: Option<DelimitedFile>,
    key_value: Option<KeyValueFile>,
    emit: Vec<EmitFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecogniseFile {
    any_line: Option<String>,
    #[serde(default)]
    header: Vec<String>,
    #[serde(default)]
    objects: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinesFile {
    start: Option<String>,
    separator: Option<char>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    tail: bool,
    pattern: Option<String>,
    claims: Option<String>,
    other: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelimitedFile {
    delimiter: Option<char>,
    #[serde(default)]
    header: Vec<String>,
    quoted: Option<bool>,
    #[serde(default)]
    synonyms: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValueFile {
    comment: String,
    block: Option<String>,
    include: Option<String>,
    effective: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitFile {
    table: String,
    #[serde(default)]
    incidental: bool,
    #[serde(default)]
    when: BTreeMap<String, ConditionFile>,
    decoder: Option<String>,
    from: Option<String>,
    #[serde(default)]
    columns: BTreeMap<String, MappingFile>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "\"present\" or a list of values")]
enum ConditionFile {
    Present(String),
    OneOf(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    from: Option<String>,
    value: Option<String>,
    #[serde(rename = "as")]
    kind: Option<String>,
    pattern: Option<String>,
    map: Option<BTreeMap<String, String>>,
    like: Option<String>,
    default: Option<String>,
    #[serde(default)]
    fold: bool,
    #[serde(default)]
    only_when: BTreeMap<String, ConditionFile>,
    part: Option<Part>,
}

/// Reads every format file.
pub fn read_all(files: &BTreeMap<String, String>, complaints: &mut Vec<Complaint>) -> BTreeMap<String, FormatFile> {
    let mut formats = BTreeMap::new();
    for (path, text) in files {
        let Some(name) = path.strip_prefix("formats/").and_then(|name| name.strip_suffix(".toml")) else { continue };
        match toml::from_str(text) {
            Ok(file) => {
                formats.insert(name.to_owned(), file);
            }
            Err(error) => complaints.push(Complaint::new(path, error)),
        }
    }
    formats
}

impl Format {
    /// Resolves what was written against the tables and the other formats.
    pub fn compile(
        name: &str,
        file: &FormatFile,
        all: &BTreeMap<String, FormatFile>,
        tables: &Tables,
        complaints: &mut Vec<Complaint>,
    ) -> Option<Self> {
        let path = format!("formats/{name}.toml");
        let before = complaints.len();
        let mut compiler = Compiler { path: &path, all, tables, fields: Vec::new(), complaints };
        let recognise = Recognise {
            any_line: compiler.regex(file.recognise.any_line.as_deref()),
            header: file.recognise.header.clone(),
            objects: file.recognise.objects,
        };
        let reader = compiler.reader(file);
        let emits = file.emit.iter().filter_map(|emit| compiler.emit(emit)).collect();
        let fields = compiler.fields;
        (complaints.len() == before).then_some(())?;
        Some(Self {
            name: name.to_owned(),
            title: file.title.clone(),
            source: file.source.clone(),
            export: file.export.clone(),
            recognise,
            reader: reader?,
            fields,
            emits,
        })
    }

    /// The tables it can feed, in order.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let mut tables: Vec<&str> = self.emits.iter().map(|emit| emit.table.as_str()).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }
}

struct Compiler<'a> {
    path: &'a str,
    all: &'a BTreeMap<String, FormatFile>,
    tables: &'a Tables,
    fields: Vec<String>,
    complaints: &'a mut Vec<Complaint>,
}

impl Compiler<'_> {
    fn complain(&mut self, what: impl std::fmt::Display) {
        self.complaints.push(Complaint::new(self.path, what));
    }

    fn regex(&mut self, pattern: Option<&str>) -> Option<Regex> {
        match Regex::new(pattern?) {
            Ok(regex) => Some(regex),
            Err(error) => {
                self.complain(error);
                None
            }
        }
    }

    fn field(&mut self, name: &str) -> usize {
        self.fields.iter().position(|field| field == name).unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        })
    }

    fn reader(&mut self, file: &FormatFile) -> Option<Reader> {
        match file.reader.as_str() {
            "lines" => {
                let Some(lines) = &file.lines else {
                    self.complain("reader \"lines\" needs a [lines] section");
                    return None;
                };
                if lines.pattern.is_none() && lines.fields.is_empty() {
                    self.complain("[lines] needs either fields or a pattern");
                }
                Some(Reader::Lines(Lines {
                    start: self.regex(lines.start.as_deref()),
                    separator: lines.separator.unwrap_or(';'),
                    fixed: lines.fields.clone(),
                    tail: lines.tail,
                    pattern: self.regex(lines.pattern.as_deref()),
                    claims: self.regex(lines.claims.as_deref()),
                    other: self.regex(lines.other.as_deref()),
                }))
            }
            "delimited" => {
                let empty = DelimitedFile::default();
                let delimited = file.delimited.as_ref().unwrap_or(&empty);
                Some(Reader::Delimited(Delimited {
                    delimiter: delimited.delimiter,
                    header: delimited.header.clone(),
                    quoted: delimited.quoted.unwrap_or(true),
                    synonyms: delimited.synonyms.clone(),
                }))
            }
            "json-lines" => Some(Reader::JsonLines),
            "x509" => Some(Reader::X509),
            "key-value" => {
                let Some(settings) = &file.key_value else {
                    self.complain("reader \"key-value\" needs a [key_value] section");
                    return None;
                };
                Some(Reader::KeyValue(KeyValue {
                    comment: settings.comment.clone(),
                    block: self.regex(settings.block.as_deref()),
                    include: self.regex(settings.include.as_deref()),
                    effective: self.regex(settings.effective.as_deref()),
                }))
            }
            other => {
                self.complain(format!("unknown reader {other:?}; readers are lines, delimited, json-lines, x509, key-value"));
                None
            }
        }
    }

    fn conditions(&mut self, raw: &BTreeMap<String, ConditionFile>) -> Vec<(usize, Condition)> {
        let mut conditions = Vec::new();
        for (field, condition) in raw {
            let condition = match condition {
                ConditionFile::Present(word) if word == "present" => Condition::Present,
                ConditionFile::Present(word) => {
                    self.complain(format!("condition on {field}: {word:?} is neither \"present\" nor a list"));
                    continue;
                }
                ConditionFile::OneOf(values) => Condition::OneOf(values.clone()),
            };
            conditions.push((self.field(field), condition));
        }
        conditions
    }

    fn emit(&mut self, emit: &EmitFile) -> Option<Emit> {
        let Some(table) = self.tables.get(&emit.table) else {
            self.complain(format!("no table {:?}", emit.table));
            return None;
        };
        let when = self.conditions(&emit.when);
        let content = match (&emit.decoder, &emit.from) {
            (Some(decoder), Some(from)) => {
                let field = self.field(from);
                match decoder.as_str() {
                    "certificate" => Content::Certificate(field),
                    "crl" => Content::Crl(field),
                    other => {
                        self.complain(format!("unknown decoder {other:?}; decoders are certificate, crl"));
                        return None;
                    }
                }
            }
            (None, None) => {
                let mut columns = Vec::new();
                for (column, mapping) in &emit.columns {
                    if table.column(column).is_none() {
                        self.complain(format!("table {} has no column {column:?}", emit.table));
                        continue;
                    }
                    if let Some(mapping) = self.mapping(&emit.table, column, mapping) {
                        columns.push((column.clone(), mapping));
                    }
                }
                Content::Columns(columns)
            }
            _ => {
                self.complain("an emission has both decoder and from, or neither");
                return None;
            }
        };
        Some(Emit { table: emit.table.clone(), incidental: emit.incidental, when, content })
    }

    fn mapping(&mut self, table: &str, column: &str, raw: &MappingFile) -> Option<Mapping> {
        let from = match (raw.from.as_deref(), &raw.value) {
            (Some("source.stream"), None) => From::Stream,
            (Some("source.host"), None) => From::Host,
            (Some(field), None) => From::Field(self.field(field)),
            (None, Some(value)) => From::Constant(value.clone()),
            _ => {
                self.complain(format!("column {column} needs either from or value"));
                return None;
            }
        };
        let transform = match raw.kind.as_deref().unwrap_or("text") {
            "text" => Transform::Text,
            "lower" => Transform::Lower,
            "serial-hex" => Transform::SerialHex,
            "serial-decimal" => Transform::SerialDecimal,
            "integer" => Transform::Integer,
            "boolean" => Transform::Boolean,
            "datetime" => Transform::Datetime(raw.pattern.clone().unwrap_or_else(|| "auto".to_owned())),
            "asn1-time" => Transform::Asn1Time,
            "epoch-milliseconds" => Transform::EpochMilliseconds,
            "map" => {
                let words = raw.map.clone().or_else(|| self.map_of(raw.like.as_deref()?, table, column));
                let Some(words) = words else {
                    self.complain(format!("column {column}: a map needs map, or like = a format that has one"));
                    return None;
                };
                Transform::Map { words, default: raw.default.clone(), fold: raw.fold }
            }
            other => {
                self.complain(format!("column {column}: unknown transform {other:?}"));
                return None;
            }
        };
        Some(Mapping { from, only_when: self.conditions(&raw.only_when), part: raw.part.clone(), transform })
    }

    fn map_of(&self, format: &str, table: &str, column: &str) -> Option<BTreeMap<String, String>> {
        let emit = self.all.get(format)?.emit.iter().find(|emit| emit.table == table)?;
        emit.columns.get(column)?.map.clone()
    }
}
