//! What is written in a format file, and how it becomes a [`Format`]: every name resolved, every
//! pattern compiled, or a complaint.

use std::collections::BTreeMap;

use regex::Regex;

use super::Complaint;
use super::format::{
    Bits, Blocks, Condition, Content, Delimited, Emit, EventText, Format, From, JsonLines, KeyValue, Lines, Mapping, OfBit, Outline, Pairs,
    Reader, Recognise, Transform, Xml,
};
pub use super::format_text::FormatFile;
use super::format_text::{BitsFile, ConditionFile, DelimitedFile, EmitFile, JsonLinesFile, MappingFile, OneOrMore};
use super::table::Tables;
use super::xml_path::{XmlPath, is_name};
use crate::domain::pattern::Pattern;

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
            magic: file.recognise.magic.clone(),
            unless: compiler.regex(file.recognise.unless.as_deref()),
            root: file.recognise.root.clone(),
        };
        let reader = compiler.reader(file);
        let like: &[EmitFile] = match file.emits_like.as_ref().map(|other| all.get(other)) {
            Some(Some(other)) if !other.emit.is_empty() => &other.emit,
            Some(_) => {
                compiler.complain("emits_like needs the name of a format with emissions of its own");
                &[]
            }
            None if file.emit.is_empty() => {
                compiler.complain("no [[emit]], and no emits_like");
                &[]
            }
            None => &[],
        };
        let emits = like.iter().chain(&file.emit).filter_map(|emit| compiler.emit(emit)).collect();
        if matches!(reader, Some(Reader::Xml(_))) {
            compiler.paths();
        }
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
        self.compiled(pattern, Regex::new)
    }

    fn compiled<P>(&mut self, pattern: Option<&str>, compile: impl Fn(&str) -> Result<P, regex::Error>) -> Option<P> {
        match compile(pattern?) {
            Ok(pattern) => Some(pattern),
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
            "lines" => self.lines(file),
            "delimited" => {
                let empty = DelimitedFile::default();
                let delimited = file.delimited.as_ref().unwrap_or(&empty);
                Some(Reader::Delimited(Delimited {
                    delimiter: delimited.delimiter,
                    header: delimited.header.clone(),
                    quoted: delimited.quoted.unwrap_or(true),
                    empty: delimited.empty.clone(),
                    synonyms: delimited.synonyms.clone(),
                    maps: delimited.maps.clone(),
                }))
            }
            "json-lines" => {
                let written = |text: fn(&JsonLinesFile) -> Option<&String>| file.json_lines.as_ref().and_then(text).map(String::as_str);
                let prefix = self.regex(written(|settings| settings.prefix.as_ref()));
                let other = self.regex(written(|settings| settings.other.as_ref()));
                Some(Reader::JsonLines(JsonLines { prefix, other }))
            }
            "x509" => Some(Reader::X509),
            "key-value" => self.key_value(file),
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
            "evtx" => Some(Reader::Evtx),
            "event-xml" => Some(Reader::EventXml),
            "certutil-view" => Some(Reader::CertutilView),
            "event-text" => {
                let labels = file.event_text.as_ref().map(|settings| settings.labels.clone()).unwrap_or_default();
                Some(Reader::EventText(EventText { labels }))
            }
            "java-beans" => match &file.java_beans {
                Some(settings) if settings.records => Some(Reader::JavaBeansRecords(settings.maps.clone())),
                _ => Some(Reader::JavaBeans),
            },
            "xml" => {
                let Some(settings) = &file.xml else {
                    self.complain("reader \"xml\" needs a [xml] section");
                    return None;
                };
                let records = match &settings.record {
                    OneOrMore::One(record) => std::slice::from_ref(record),
                    OneOrMore::More(records) => records,
                };
                Some(Reader::Xml(Xml { records: self.ways(records), other: self.ways(&settings.other) }))
            }
            "outline" => Some(Reader::Outline(Outline { records: file.outline.as_ref().map(|outline| outline.records.clone()) })),
            other => {
                let known = "lines, delimited, json-lines, x509, key-value, blocks, outline, java-beans, xml, evtx, event-xml, event-text, \
                             certutil-view";
                self.complain(format!("unknown reader {other:?}; readers are {known}"));
                None
            }
        }
    }

    fn lines(&mut self, file: &FormatFile) -> Option<Reader> {
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
        let pairs = match lines.pairs.as_deref() {
            None => Pairs::Separated,
            Some("brackets") => Pairs::Brackets,
            Some("quoted") => Pairs::Quoted,
            Some("java-beans") => Pairs::JavaBeans,
            Some("json") => Pairs::Json,
            Some(_) => {
                self.complain("[lines] pairs are brackets, quoted, java-beans or json");
                return None;
            }
        };
        if lines.checksum.as_deref().is_some_and(|checksum| checksum != "boulder") {
            self.complain("[lines] checksum can only be \"boulder\"");
        }
        Some(Reader::Lines(Lines {
            start: self.regex(lines.start.as_deref()),
            separator: lines.separator.unwrap_or(';'),
            fixed: lines.fields.clone(),
            tail: lines.tail,
            pattern: self.compiled(lines.pattern.as_deref(), Pattern::new),
            series: lines.series.clone(),
            claims: self.regex(lines.claims.as_deref()),
            other: self.regex(lines.other.as_deref()),
            latin1: lines.encoding.is_some(),
            pairs,
            continued: lines.continued,
            ends: lines.ends.clone(),
            checksum: lines.checksum.is_some(),
        }))
    }

    fn key_value(&mut self, file: &FormatFile) -> Option<Reader> {
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
            last: settings.last,
            section: self.regex(settings.section.as_deref()),
            section_end: self.regex(settings.section_end.as_deref()),
            block: self.regex(settings.block.as_deref()),
            include: self.regex(settings.include.as_deref()),
            effective: self.regex(settings.effective.as_deref()),
            heading: self.regex(settings.heading.as_deref()),
            under: self.regex(settings.under.as_deref()),
            missing: self.regex(settings.missing.as_deref()),
            other: self.regex(settings.other.as_deref()),
        }))
    }

    /// Ways to elements: names parted by slashes.
    fn ways(&mut self, ways: &[String]) -> Vec<Vec<String>> {
        let wrong: Vec<&String> = ways.iter().filter(|way| !way.split('/').all(is_name)).collect();
        for way in wrong {
            self.complain(format!("{way:?} is no way to an element: names without a prefix, parted by slashes"));
        }
        ways.iter().map(|way| way.split('/').map(ToOwned::to_owned).collect()).collect()
    }

    /// Every field of an XML record is a path, or one of three words.
    fn paths(&mut self) {
        let fields = self.fields.clone();
        for field in fields.iter().filter(|field| !["name()", "line()", "record"].contains(&field.as_str())) {
            if let Err(why) = XmlPath::parse(field) {
                self.complain(why);
            }
        }
    }

    fn conditions(&mut self, raw: &BTreeMap<String, ConditionFile>) -> Vec<(usize, Condition)> {
        let mut conditions = Vec::new();
        for (field, condition) in raw {
            let condition = match condition {
                ConditionFile::Present(word) if word == "present" => Condition::Present,
                ConditionFile::Present(word) if word == "absent" => Condition::Absent,
                ConditionFile::Present(word) => {
                    self.complain(format!("condition on {field}: {word:?} is neither \"present\", \"absent\" nor a list"));
                    continue;
                }
                ConditionFile::OneOf(values) => Condition::OneOf(values.clone()),
                ConditionFile::Matches { matches } => match self.regex(Some(matches)) {
                    Some(pattern) => Condition::Matches(pattern),
                    None => continue,
                },
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
        let bits = match &emit.bits {
            Some(bits) => Some(self.bits(bits)?),
            None => None,
        };
        if bits.is_some() && !table.child {
            self.complain(format!("table {} has one row for each record, and bits would give several", emit.table));
        }
        Some(Emit { table: emit.table.clone(), incidental: emit.incidental, when, bits, content })
    }

    fn bits(&mut self, raw: &BitsFile) -> Option<Bits> {
        let (names, tells) = (self.by_bit(&raw.names)?, self.by_bit(&raw.tells)?);
        Some(Bits { of: self.field(&raw.of), hex: raw.hex, names, tells })
    }

    fn by_bit<V: Clone>(&mut self, raw: &BTreeMap<String, V>) -> Option<BTreeMap<u64, V>> {
        let value = |bit: &String| bit.parse::<u64>().ok().filter(|value| value.is_power_of_two());
        if let Some(bit) = raw.keys().find(|bit| value(bit).is_none()) {
            self.complain(format!("{bit:?} is not the value of a bit"));
            return None;
        }
        Some(raw.iter().filter_map(|(bit, what)| Some((value(bit)?, what.clone()))).collect())
    }

    fn mapping(&mut self, table: &str, column: &str, raw: &MappingFile) -> Option<Mapping> {
        let from = match (raw.from.as_deref(), &raw.value) {
            (Some("source.stream"), None) => From::Stream,
            (Some("source.host"), None) => From::Host,
            (Some("source.obtained"), None) => From::Obtained,
            (Some("source.file"), None) => From::FileName,
            (Some("bit.value"), None) => From::Bit(OfBit::Value),
            (Some("bit.name"), None) => From::Bit(OfBit::Name),
            (Some("bit.set"), None) => From::Bit(OfBit::Set),
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
            "hex-integer" => Transform::HexInteger,
            "boolean" => Transform::Boolean,
            "datetime" => Transform::Datetime(raw.pattern.clone().unwrap_or_else(|| "auto".to_owned())),
            "asn1-time" => Transform::Asn1Time,
            "epoch-milliseconds" => Transform::EpochMilliseconds,
            "epoch-seconds" => Transform::EpochSeconds,
            "epoch-microseconds" => Transform::EpochMicroseconds,
            "bits" => Transform::Bits,
            "yubihsm-entry" => Transform::YubihsmEntry,
            "yubihsm-result" => Transform::YubihsmResult,
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
