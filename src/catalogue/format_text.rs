//! What can be written in a format file, before any name in it is resolved.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::format::{Part, Series};

/// What was written in a format file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatFile {
    #[serde(rename = "schema")]
    pub(super) _schema: u32,
    pub(super) title: String,
    pub(super) reader: String,
    pub(super) source: String,
    pub(super) export: String,
    pub(super) recognise: RecogniseFile,
    pub(super) lines: Option<LinesFile>,
    pub(super) delimited: Option<DelimitedFile>,
    pub(super) key_value: Option<KeyValueFile>,
    pub(super) json_lines: Option<JsonLinesFile>,
    pub(super) java_beans: Option<JavaBeansFile>,
    pub(super) blocks: Option<BlocksFile>,
    pub(super) event_text: Option<EventTextFile>,
    pub(super) xml: Option<XmlFile>,
    pub(super) outline: Option<OutlineFile>,
    pub(super) emits_like: Option<String>,
    #[serde(default)]
    pub(super) emit: Vec<EmitFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecogniseFile {
    pub(super) any_line: Option<String>,
    #[serde(default)]
    pub(super) header: Vec<String>,
    #[serde(default)]
    pub(super) objects: bool,
    pub(super) magic: Option<String>,
    pub(super) unless: Option<String>,
    #[serde(default)]
    pub(super) root: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesFile {
    pub(super) start: Option<String>,
    pub(super) separator: Option<char>,
    #[serde(default)]
    pub(super) fields: Vec<String>,
    #[serde(default)]
    pub(super) tail: bool,
    pub(super) pattern: Option<String>,
    pub(super) series: Option<Series>,
    pub(super) claims: Option<String>,
    pub(super) other: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) pairs: Option<String>,
    #[serde(default)]
    pub(super) continued: bool,
    #[serde(default)]
    pub(super) ends: Vec<String>,
    pub(super) checksum: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonLinesFile {
    pub(super) prefix: Option<String>,
    pub(super) other: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JavaBeansFile {
    pub(super) records: bool,
    #[serde(default)]
    pub(super) maps: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DelimitedFile {
    pub(super) delimiter: Option<char>,
    #[serde(default)]
    pub(super) header: Vec<String>,
    pub(super) quoted: Option<bool>,
    #[serde(default)]
    pub(super) empty: Vec<String>,
    #[serde(default)]
    pub(super) synonyms: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) maps: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyValueFile {
    pub(super) comment: OneOrMore,
    pub(super) pattern: Option<String>,
    pub(super) adds: Option<String>,
    #[serde(default)]
    pub(super) open: bool,
    #[serde(default)]
    pub(super) last: bool,
    pub(super) section: Option<String>,
    pub(super) section_end: Option<String>,
    pub(super) block: Option<String>,
    pub(super) include: Option<String>,
    pub(super) effective: Option<String>,
    pub(super) heading: Option<String>,
    pub(super) under: Option<String>,
    pub(super) missing: Option<String>,
    pub(super) other: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlocksFile {
    pub(super) begin: String,
    pub(super) dated: Option<String>,
    #[serde(default)]
    pub(super) needs: Vec<String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventTextFile {
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct XmlFile {
    pub(super) record: OneOrMore,
    #[serde(default)]
    pub(super) other: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutlineFile {
    pub(super) records: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmitFile {
    pub(super) table: String,
    #[serde(default)]
    pub(super) incidental: bool,
    #[serde(default)]
    pub(super) when: BTreeMap<String, ConditionFile>,
    pub(super) decoder: Option<String>,
    pub(super) from: Option<String>,
    pub(super) bits: Option<BitsFile>,
    #[serde(default)]
    pub(super) columns: BTreeMap<String, MappingFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BitsFile {
    pub(super) of: String,
    #[serde(default)]
    pub(super) hex: bool,
    pub(super) names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) tells: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "\"present\", \"absent\", a list of values, or { matches = a pattern }")]
pub(super) enum ConditionFile {
    Present(String),
    OneOf(Vec<String>),
    Matches { matches: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingFile {
    pub(super) from: Option<String>,
    pub(super) value: Option<String>,
    #[serde(rename = "as")]
    pub(super) kind: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) map: Option<BTreeMap<String, String>>,
    #[serde(rename = "match", default)]
    pub(super) patterns: Vec<(String, String)>,
    pub(super) like: Option<String>,
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) fold: bool,
    #[serde(default)]
    pub(super) only_when: BTreeMap<String, ConditionFile>,
    pub(super) part: Option<Part>,
    pub(super) or: Option<Box<MappingFile>>,
}
