//! `[conclusion]` of `engagement.toml`: the only place a conclusion comes from.

use serde::Deserialize;

use super::instrument;

/// The assessor's conclusion, in the assessor's words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    /// The status recommended.
    pub recommendation: String,
    /// What the PMA is asked to do.
    #[serde(default)]
    pub asks: Vec<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub on: toml::value::Datetime,
}

impl Conclusion {
    /// Complains of what no conclusion may be.
    pub(super) fn check(&self, kind: &str, complain: &mut dyn FnMut(String)) {
        if instrument::date(&self.on).is_none() || self.recommendation.trim().is_empty() || self.by.trim().is_empty() {
            complain("conclusion: recommendation and by are text, and on is a date".to_owned());
        }
        if kind == "self-assessment" {
            complain("conclusion: a self-assessment gives no recommendation".to_owned());
        }
    }
}
