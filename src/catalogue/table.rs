//! The canonical tables, from `tables.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Complaint;
use crate::engine::{Column, Schema, Type};

/// All canonical tables by name.
#[derive(Debug)]
pub struct Tables(pub BTreeMap<String, Table>);

/// A canonical table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Name.
    pub name: String,
    /// What a row is.
    pub about: String,
    /// Who keeps the evidence of it, as a role; none where the program makes the table from others.
    pub kept_by: Option<String>,
    /// Several rows of one record: there is a `position` column.
    pub child: bool,
    /// The columns by which two records are the same one.
    pub identity: Vec<String>,
    /// Equal records in one file are several happenings.
    pub repeats: bool,
    /// Equal records of two files are two records all the same.
    pub apart: bool,
    /// Of equal records, the one that has these columns is kept.
    pub prefer: Vec<String>,
    /// How completeness by number is judged.
    pub sequence: Option<Sequence>,
    /// What tells its log streams apart, and dates their records.
    pub stream: Option<Stream>,
    /// How sources of different kinds tell the same happening.
    pub retold: Option<Retold>,
    /// Declared columns, in order of the file.
    pub columns: Vec<Declared>,
    schema: Schema,
}

/// Completeness by number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Columns within which the numbers run.
    pub by: Vec<String>,
    /// The number.
    pub number: String,
}

/// Log streams of a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The column that names the stream.
    pub by: String,
    /// The instant of a record.
    pub dated_by: String,
}

/// When two records of different formats tell the same happening, within a second.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retold {
    /// Columns that are equal, or empty in both.
    pub alike: Vec<String>,
    /// Columns in which the record that does not count says nothing, or the same.
    pub no_more: Vec<String>,
}

/// A declared column.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Name.
    pub name: String,
    /// What it holds.
    pub about: String,
    /// Type in the engine.
    pub kind: Type,
    /// A certificate serial in canonical form.
    pub serial: bool,
    /// Closed vocabulary; empty where it is open.
    pub values: Vec<String>,
    /// A row without it is unreadable for every test of the table.
    pub required: bool,
    /// Keeps raw text, precision and basis beside it.
    pub traced: bool,
    /// Filled when all evidence has been read.
    pub linked: bool,
    /// Left out when two rows are compared.
    pub origin: bool,
    /// Names people: never in what leaves the assessor.
    pub personal: bool,
    /// What an empty cell means, where that is a reason for not testing.
    pub empty_means: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    about: String,
    kept_by: Option<String>,
    #[serde(default)]
    child: bool,
    identity: Vec<String>,
    #[serde(default)]
    repeats: bool,
    #[serde(default)]
    apart: bool,
    #[serde(default)]
    prefer: Vec<String>,
    sequence: Option<Sequence>,
    stream: Option<Stream>,
    retold: Option<Retold>,
    columns: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    #[serde(rename = "type")]
    kind: String,
    about: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    traced: bool,
    #[serde(default)]
    linked: bool,
    #[serde(default)]
    origin: bool,
    class: Option<String>,
    empty_means: Option<String>,
}

/// The column that lists the declared columns of a row whose cell could not be settled:
/// `,revoked_at,role,`, or nothing.
pub const UNSETTLED: &str = "unsettled";
/// Fingerprint of the identity columns, and of the content: how duplicates are found.
pub const FINGERPRINTS: [&str; 2] = ["identity_print", "content_print"];

impl Tables {
    /// Reads `tables.toml`.
    pub fn read(file: &str, text: &str, complaints: &mut Vec<Complaint>) -> Option<Self> {
        let raw: toml::Table = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                complaints.push(Complaint::new(file, error));
                return None;
            }
        };
        let mut tables = BTreeMap::new();
        for (name, value) in raw {
            if name == "schema" {
                continue;
            }
            match value.try_into::<TableFile>().map_err(|error| error.to_string()).and_then(|t| Table::new(&name, t)) {
                Ok(table) => {
                    tables.insert(name, table);
                }
                Err(error) => complaints.push(Complaint::new(file, format!("table {name}: {error}"))),
            }
        }
        Some(Self(tables))
    }

    /// The tables that are stored. `engagement` is not: every bound statement carries its one row within
    /// itself, and a stored table of that name would hide it.
    pub fn stored(&self) -> impl Iterator<Item = &Table> {
        self.0.values().filter(|table| table.name != "engagement")
    }

    /// The table of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }
}

impl Table {
    fn new(name: &str, file: TableFile) -> Result<Self, String> {
        let mut columns = Vec::new();
        for (column, value) in file.columns {
            let raw: ColumnFile = value.try_into().map_err(|error| format!("column {column}: {error}"))?;
            let (kind, serial) = match raw.kind.as_str() {
                "text" => (Type::Text, false),
                "serial" => (Type::Text, true),
                "integer" => (Type::Integer, false),
                "boolean" => (Type::Boolean, false),
                "timestamp" => (Type::Timestamp, false),
                other => return Err(format!("column {column}: unknown type {other:?}")),
            };
            columns.push(Declared {
                name: column,
                about: raw.about,
                kind,
                serial,
                values: raw.values,
                required: raw.required,
                traced: raw.traced,
                linked: raw.linked,
                origin: raw.origin,
                personal: raw.class.as_deref() == Some("personal"),
                empty_means: raw.empty_means,
            });
        }
        let schema = physical(&columns, file.child);
        let sequence = file.sequence.iter().flat_map(|s| s.by.iter().chain([&s.number]));
        let retold = file.retold.iter().flat_map(|r| r.alike.iter().chain(&r.no_more));
        let named = file.identity.iter().chain(sequence).chain(retold);
        for column in named {
            if schema.position(column).is_none() {
                return Err(format!("no column {column:?}"));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            about: file.about,
            kept_by: file.kept_by,
            child: file.child,
            identity: file.identity,
            repeats: file.repeats,
            apart: file.apart,
            prefer: file.prefer,
            sequence: file.sequence,
            stream: file.stream,
            retold: file.retold,
            columns,
            schema,
        })
    }

    /// Every column as it stands in Parquet: `evidence`, `row`, `position` of a child table, the
    /// declared columns with the companions of traced ones, `unsettled`, and the fingerprints.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The columns that tell one row from every other.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let keys: &[&str] = if self.child { &["evidence", "row", "position"] } else { &["evidence", "row"] };
        keys.iter().map(ToString::to_string).collect()
    }

    /// The declared column of a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Declared> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The statement that gives the columns people see, in order.
    #[must_use]
    pub fn visible_columns(&self) -> Vec<&str> {
        self.schema.0.iter().map(|c| c.name.as_str()).filter(|name| !FINGERPRINTS.contains(name)).collect()
    }
}

fn physical(columns: &[Declared], child: bool) -> Schema {
    let column = |name: String, kind| Column { name, kind };
    let mut all = vec![column("evidence".to_owned(), Type::Integer), column("row".to_owned(), Type::Integer)];
    if child {
        all.push(column("position".to_owned(), Type::Integer));
    }
    for declared in columns {
        all.push(column(declared.name.clone(), declared.kind));
        if declared.traced {
            for companion in ["raw", "precision", "basis"] {
                all.push(column(format!("{}_{companion}", declared.name), Type::Text));
            }
        }
    }
    all.push(column(UNSETTLED.to_owned(), Type::Text));
    all.extend(FINGERPRINTS.map(|name| column(name.to_owned(), Type::Integer)));
    Schema(all)
}
