//! What is written in a format file, and how it becomes a [`Format`]: every name resolved, every
//! pattern compiled, or a complaint.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::Complaint;
use super::format::{
    Blocks, Condition, Content, Delimited, Emit, Format, From, KeyValue, Lines, Mapping, Part, Reader, Recognise, Transform,
};
use super::table::Tables;

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
    blocks: Option<BlocksFile>,
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
    encoding: Option<String>,
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
    comment: OneOrMore,
    pattern: Option<String>,
    adds: Option<String>,
    #[serde(default)]
    open: bool,
    block: Option<String>,
    include: Option<String>,
    effective: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlocksFile {
    begin: String,
    dated: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
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
    #[serde(rename = "match", default)]
    patterns: Vec<(String, String)>,
    like: Option<String>,
    default: Option<String>,
    #[serde(default)]
    fold: bool,
    #[serde(default)]
    only_when: BTreeMap<String, ConditionFile>,
    part: Option<Part>,
    or: Option<Box<MappingFile>>,
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
                if lines.encoding.as_deref().is_some_and(|encoding| encoding != "latin-1") {
                    self.complain("[lines] encoding can only be \"latin-1\"; UTF-8 and UTF-16 need no setting");
                }
                Some(Reader::Lines(Lines {
                    start: self.regex(lines.start.as_deref()),
                    separator: lines.separator.unwrap_or(';'),
                    fixed: lines.fields.clone(),
                    tail: lines.tail,
                    pattern: self.regex(lines.pattern.as_deref()),
                    claims: self.regex(lines.claims.as_deref()),
                    other: self.regex(lines.other.as_deref()),
                    latin1: lines.encoding.is_some(),
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
                    comment: match &settings.comment {
                        OneOrMore::One(comment) => vec![comment.clone()],
                        OneOrMore::More(comments) => comments.clone(),
                    },
                    pattern: self.regex(settings.pattern.as_deref()),
                    adds: self.regex(settings.adds.as_deref()),
                    open: settings.open,
                    block: self.regex(settings.block.as_deref()),
                    include: self.regex(settings.include.as_deref()),
                    effective: self.regex(settings.effective.as_deref()),
                }))
            }
            "blocks" => {
                let Some(settings) = &file.blocks else {
                    self.complain("reader \"blocks\" needs a [blocks] section");
                    return None;
                };
                Some(Reader::Blocks(Blocks {
                    begin: settings.begin.clone(),
                    dated: self.regex(settings.dated.as_deref()),
                    needs: settings.needs.clone(),
                    also: settings.also.clone(),
                }))
            }
            "outline" => Some(Reader::Outline),
            "java-beans" => Some(Reader::JavaBeans),
            other => {
                let known = "lines, delimited, json-lines, x509, key-value, blocks, outline, java-beans";
                self.complain(format!("unknown reader {other:?}; readers are {known}"));
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
                    "certificate-request" => Content::CertificateRequest(field),
                    "ocsp-response" => Content::OcspResponse(field),
                    other => {
                        let known = "certificate, crl, certificate-request, ocsp-response";
                        self.complain(format!("unknown decoder {other:?}; decoders are {known}"));
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
            (Some("source.obtained"), None) => From::Obtained,
            (Some("source.file"), None) => From::FileName,
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
            "clock-offset" => Transform::ClockOffset,
            "match" => {
                let mut patterns = Vec::new();
                for (pattern, text) in &raw.patterns {
                    patterns.extend(self.regex(Some(pattern)).map(|pattern| (pattern, text.clone())));
                }
                Transform::Match { patterns, default: raw.default.clone() }
            }
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
        let or = match &raw.or {
            Some(or) => Some(Box::new(self.mapping(table, column, or)?)),
            None => None,
        };
        Some(Mapping { from, only_when: self.conditions(&raw.only_when), part: raw.part.clone(), transform, or })
    }

    fn map_of(&self, format: &str, table: &str, column: &str) -> Option<BTreeMap<String, String>> {
        let emit = self.all.get(format)?.emit.iter().find(|emit| emit.table == table)?;
        emit.columns.get(column)?.map.clone()
    }
}
