//! `engagement.toml`: what the assessor declares of the assessment and of the evidence.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::conclusion::Conclusion;
use super::control::STAGES;
use super::parameter::Value;
pub use super::source::{Obtained, Source};
use super::{Complaint, instrument};
use crate::domain::instant;
use crate::domain::period::Period;

/// An engagement, as declared or as assumed for a bare folder.
#[derive(Debug, Clone, Default)]
pub struct Engagement {
    /// There is an `engagement.toml`.
    pub declared: bool,
    /// Title.
    pub title: String,
    /// Audited party.
    pub audited_party: Option<String>,
    /// Assessor.
    pub assessor: Option<String>,
    /// Protective marking.
    pub marking: Option<String>,
    /// stage-1, stage-2, subsequent or self-assessment.
    pub kind: String,
    /// First and last day of the period.
    pub period: Option<(Date, Date)>,
    /// The day the assessment looks back from.
    pub as_of: Option<Date>,
    /// live, test or unknown.
    pub environment: String,
    /// The reading of G2.23 and G2.24 used: one of [`READINGS`], or `own` for controls of the assessor's.
    pub reading: String,
    /// A file of hashes in the manner of sha256sum, inside the engagement folder.
    pub hashes: Option<String>,
    /// Declarations on files.
    pub sources: Vec<Source>,
    /// Evidence agreed before fieldwork.
    pub expected: Vec<Expected>,
    /// Profiles by path.
    pub profiles: Vec<ProfilePath>,
    /// Declarations on log streams.
    pub streams: Vec<StreamDeclaration>,
    /// Parameters: control, name.
    pub parameters: BTreeMap<String, BTreeMap<String, Setting>>,
    /// Controls left out.
    pub excluded: Vec<Exclusion>,
    /// The only controls in scope, where not all are.
    pub only: Option<Only>,
    /// What the assessor concludes.
    pub conclusion: Option<Conclusion>,
}

/// Evidence agreed before fieldwork.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What it is.
    pub what: String,
    /// Glob over paths in the evidence folder.
    pub path: String,
    /// `period` where it covers the whole period.
    pub covers: Option<String>,
    /// Number of files.
    pub count: Option<u64>,
    /// The tables it feeds: known when it never came.
    #[serde(default)]
    pub feeds: Vec<String>,
}

/// A profile for the certificates of a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilePath {
    /// Glob over paths in the evidence folder.
    pub path: String,
    /// Profile.
    pub profile: String,
}

/// A declaration on a log stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamDeclaration {
    /// Name.
    pub name: String,
    /// The day the system went live.
    pub live_since: Option<toml::value::Datetime>,
    /// Longest plausible silence.
    pub allowed_gap: Option<String>,
    /// The oldest record on the system itself, as seen by a person.
    pub oldest_record: Option<OldestRecord>,
}

/// A witnessed query for the oldest record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldestRecord {
    /// Its instant, with an offset.
    pub at: toml::value::Datetime,
    /// observed or direct.
    pub how: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
}

/// A parameter with who set it and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// ISO 8601 period.
    pub value: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
    /// Why.
    pub reason: String,
}

/// The only controls in scope: all others are left out for one reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Controls.
    pub controls: Vec<String>,
    /// Why no others.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
}

/// A control left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Control.
    pub control: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngagementFile {
    #[serde(rename = "schema")]
    _schema: u32,
    engagement: Head,
    #[serde(default)]
    readings: Readings,
    #[serde(default)]
    source: Vec<Source>,
    #[serde(default)]
    expected: Vec<Expected>,
    #[serde(default)]
    profile: Vec<ProfilePath>,
    #[serde(default)]
    stream: Vec<StreamDeclaration>,
    #[serde(default)]
    parameters: BTreeMap<String, BTreeMap<String, Setting>>,
    #[serde(default)]
    scope: Scope,
    conclusion: Option<Conclusion>,
}

/// The readings of G2.23 and G2.24 that the checklists know: independence of User Systems, separation, monitoring,
/// cryptographic processing.
pub const READINGS: [&str; 4] = ["H1", "H2", "H3", "H4"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readings {
    g2: String,
}

impl Default for Readings {
    fn default() -> Self {
        Self { g2: "H1".to_owned() }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scope {
    #[serde(default)]
    exclude: Vec<Exclusion>,
    only: Option<Only>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: String,
    audited_party: Option<String>,
    assessor: Option<String>,
    marking: Option<String>,
    kind: String,
    period: PeriodFile,
    as_of: Option<toml::value::Datetime>,
    #[serde(default = "unknown")]
    environment: String,
    hashes: Option<String>,
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeriodFile {
    start: toml::value::Datetime,
    end: toml::value::Datetime,
}

impl Engagement {
    /// What is assumed for a folder without `engagement.toml`.
    #[must_use]
    pub fn assumed(title: &str) -> Self {
        let reading = Readings::default().g2;
        Self { title: title.to_owned(), kind: "self-assessment".to_owned(), environment: unknown(), reading, ..Self::default() }
    }

    /// Reads `engagement.toml`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(path: &str, text: &str) -> Result<Self, Vec<Complaint>> {
        let file: EngagementFile = toml::from_str(text).map_err(|error| vec![Complaint::new(path, error)])?;
        let mut complaints = Vec::new();
        let mut complain = |what: String| complaints.push(Complaint::new(path, what));
        let head = file.engagement;
        let start = instrument::date(&head.period.start);
        let end = instrument::date(&head.period.end);
        let period = start.zip(end).filter(|(start, end)| start <= end);
        if period.is_none() {
            complain("period: start and end are dates, and the end is not before the start".to_owned());
        }
        let as_of = head.as_of.as_ref().map(instrument::date);
        if as_of == Some(None) {
            complain("as_of is not a date".to_owned());
        }
        if !STAGES.contains(&head.kind.as_str()) {
            complain(format!("kind = {:?}: expected one of {}", head.kind, STAGES.join(", ")));
        }
        if file.readings.g2 != "own" && !READINGS.contains(&file.readings.g2.as_str()) {
            complain(format!("readings: g2 = {:?}: expected own or one of {}", file.readings.g2, READINGS.join(", ")));
        }
        if !["live", "test", "unknown"].contains(&head.environment.as_str()) {
            complain(format!("environment = {:?}: expected live or test", head.environment));
        }
        if let Some(conclusion) = &file.conclusion {
            conclusion.check(&head.kind, &mut complain);
        }
        let globs =
            file.source.iter().map(|s| &s.path).chain(file.expected.iter().map(|e| &e.path)).chain(file.profile.iter().map(|p| &p.path));
        for glob in globs {
            if let Err(error) = globset::Glob::new(glob) {
                complain(format!("path {glob:?}: {error}"));
            }
        }
        file.source.iter().for_each(|source| source.check(&mut complain));
        for expected in &file.expected {
            if expected.covers.as_deref().is_some_and(|covers| covers != "period") {
                complain(format!("expected {:?}: covers can only be \"period\"", expected.what));
            }
        }
        for stream in &file.stream {
            if stream
                .allowed_gap
                .as_deref()
                .is_some_and(|gap| Period::parse(gap).and_then(Period::seconds).is_none_or(|seconds| seconds > 100 * 366 * 86_400))
            {
                complain(format!("stream {:?}: allowed_gap is a period in days or less, such as PT12H", stream.name));
            }
            if stream.live_since.as_ref().is_some_and(|date| instrument::date(date).is_none()) {
                complain(format!("stream {:?}: live_since is a date", stream.name));
            }
            if let Some(oldest) = &stream.oldest_record {
                if oldest.instant().is_none() {
                    complain(format!("stream {:?}: oldest_record.at is a time with an offset, such as 2019-06-01T09:00:00Z", stream.name));
                }
                if !["observed", "direct"].contains(&oldest.how.as_str()) {
                    complain(format!("stream {:?}: oldest_record.how is observed or direct: an extract does not show it", stream.name));
                }
            }
        }
        for (control, settings) in &file.parameters {
            for (name, setting) in settings {
                if Value::parse(&setting.value).is_none() {
                    let what = "neither a period such as PT12H, P12M or 400 days nor a number";
                    complain(format!("parameter {control} {name}: {:?} is {what}", setting.value));
                }
            }
        }
        if !complaints.is_empty() {
            return Err(complaints);
        }
        Ok(Self {
            declared: true,
            title: head.title,
            audited_party: head.audited_party,
            assessor: head.assessor,
            marking: head.marking,
            kind: head.kind,
            period,
            as_of: as_of.flatten(),
            environment: head.environment,
            reading: file.readings.g2,
            hashes: head.hashes,
            sources: file.source,
            expected: file.expected,
            profiles: file.profile,
            streams: file.stream,
            parameters: file.parameters,
            excluded: file.scope.exclude,
            only: file.scope.only,
            conclusion: file.conclusion,
        })
    }

    /// What is declared of a file: the later entry wins, key by key.
    #[must_use]
    pub fn on(&self, path: &str) -> Source {
        let mut merged = Source {
            path: path.to_owned(),
            format: None,
            zone: None,
            date_order: None,
            stream: None,
            host: None,
            clock_ahead: None,
            sha256: None,
            obtained: None,
        };
        for source in self.sources.iter().filter(|source| matches(&source.path, path)) {
            let source = source.clone();
            merged.format = source.format.or(merged.format);
            merged.zone = source.zone.or(merged.zone);
            merged.date_order = source.date_order.or(merged.date_order);
            merged.stream = source.stream.or(merged.stream);
            merged.host = source.host.or(merged.host);
            merged.clock_ahead = source.clock_ahead.or(merged.clock_ahead);
            merged.sha256 = source.sha256.or(merged.sha256);
            merged.obtained = source.obtained.or(merged.obtained);
        }
        merged
    }

    /// The profile assigned to the certificates of a file: the later entry wins.
    #[must_use]
    pub fn profile_of(&self, path: &str) -> Option<&str> {
        self.profiles.iter().rev().find(|profile| matches(&profile.path, path)).map(|profile| profile.profile.as_str())
    }
}

impl OldestRecord {
    /// The instant of the record.
    #[must_use]
    pub fn instant(&self) -> Option<i64> {
        self.at.offset?;
        self.at.to_string().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
    }
}

impl StreamDeclaration {
    /// The instant the system went live.
    #[must_use]
    pub fn live_from(&self) -> Option<i64> {
        self.live_since.as_ref().and_then(instrument::date).map(instant::day)
    }
}

/// Whether a glob matches a path of the evidence folder: `*` stays within a folder, `**` does not.
#[must_use]
pub fn matches(glob: &str, path: &str) -> bool {
    globset::GlobBuilder::new(glob).literal_separator(true).build().is_ok_and(|glob| glob.compile_matcher().is_match(path))
}
