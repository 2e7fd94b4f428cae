//! `[[source]]` of `engagement.toml`: what is declared of files, and how they were obtained.

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::instant::DateOrder;

/// A declaration on the files of a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Glob over paths in the evidence folder.
    pub path: String,
    /// Format to read them as.
    pub format: Option<String>,
    /// Zone of times without an offset (IANA name).
    pub zone: Option<String>,
    /// `dmy` or `mdy`.
    pub date_order: Option<String>,
    /// Log stream.
    pub stream: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// How far the clock of the source was ahead of true time, as measured: `PT42S`, `-PT0.5S`.
    pub clock_ahead: Option<String>,
    /// SHA-256 the operator gave for the one file.
    pub sha256: Option<String>,
    /// How they were obtained.
    pub obtained: Option<Obtained>,
}

/// How evidence was obtained.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obtained {
    /// provided, observed, direct or third-party.
    pub how: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
    /// Query or command.
    pub query: Option<String>,
    /// Records the source itself counts, over all files of the path.
    pub source_count: Option<u64>,
}

impl Source {
    /// Complains of what cannot be.
    pub(super) fn check(&self, complain: &mut dyn FnMut(String)) {
        if let Some(zone) = &self.zone
            && TimeZone::get(zone).is_err()
        {
            complain(format!("source {:?}: no zone {zone:?}; use a name such as UTC or Europe/London", self.path));
        }
        if self.date_order.as_deref().is_some_and(|order| !["dmy", "mdy"].contains(&order)) {
            complain(format!("source {:?}: date_order is \"dmy\" or \"mdy\"", self.path));
        }
        if self.clock_ahead.is_some() && self.ahead().is_none() {
            complain(format!("source {:?}: clock_ahead is a length of time such as PT42S, or -PT42S for a clock behind", self.path));
        }
        if let Some(obtained) = &self.obtained
            && !["provided", "observed", "direct", "third-party"].contains(&obtained.how.as_str())
        {
            complain(format!("source {:?}: obtained.how is provided, observed, direct or third-party", self.path));
        }
    }

    /// The declared zone.
    #[must_use]
    pub fn time_zone(&self) -> Option<TimeZone> {
        self.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok())
    }

    /// How far the clock was ahead, in microseconds; at most a year.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        let text = self.clock_ahead.as_deref()?.trim();
        let duration: jiff::SignedDuration = text.strip_prefix('-').unwrap_or(text).starts_with("PT").then(|| text.parse().ok())??;
        i64::try_from(duration.as_micros()).ok().filter(|micros| micros.abs() <= 366 * 86_400 * 1_000_000)
    }

    /// When the files were obtained, as declared.
    #[must_use]
    pub fn obtained_on(&self) -> Option<String> {
        self.obtained.as_ref().map(|obtained| obtained.on.to_string())
    }

    /// The declared order of dates.
    #[must_use]
    pub fn order(&self) -> Option<DateOrder> {
        match self.date_order.as_deref() {
            Some("dmy") => Some(DateOrder::Dmy),
            Some("mdy") => Some(DateOrder::Mdy),
            _ => None,
        }
    }
}
