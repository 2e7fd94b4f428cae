//! Which controls are tested at all, under which versions of their instrument, with which parameters. All
//! of it is known before there is any evidence.

use super::ParameterFacts;
use crate::catalogue::Catalogue;
use crate::catalogue::control::{AppliesTo, Control, ParameterFile};
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::domain::instant;
use crate::domain::outcome::Outcome;
use crate::normalise::Timeline;

/// Why a control is set aside: left out by a person, of another reading, or not due at this stage.
#[must_use]
pub fn set_aside(control: &Control, engagement: &Engagement, overrides: &Overrides) -> Option<(Outcome, String)> {
    let excluded = engagement.excluded.iter().chain(&overrides.exclude).find(|exclusion| exclusion.control == control.id);
    if let Some(exclusion) = excluded {
        let reason = format!("left out of scope by {} on {}: {}", exclusion.by, exclusion.on, exclusion.reason);
        return Some((Outcome::NotApplicable, reason));
    }
    if let Some(only) = engagement.only.as_ref().filter(|only| !only.controls.contains(&control.id)) {
        let reason = format!("out of the scope set by {} on {}: {}", only.by, only.on, only.reason);
        return Some((Outcome::NotApplicable, reason));
    }
    if let Some(reading) = control.file.reading.as_ref().filter(|reading| **reading != engagement.reading) {
        let reason = format!("it belongs to reading {reading} of G2.23 and G2.24; the engagement uses reading {}", engagement.reading);
        return Some((Outcome::NotApplicable, reason));
    }
    if !control.file.stages.contains(&engagement.kind) {
        let reason = format!("not due at this stage ({}); due at {}", engagement.kind, control.file.stages.join(", "));
        return Some((Outcome::NotApplicable, reason));
    }
    None
}

/// The versions of the instrument that count, with their time within the period.
#[must_use]
pub fn segments(control: &Control, catalogue: &Catalogue, timeline: &Timeline) -> Vec<(String, i64, i64)> {
    let Some(instrument) = catalogue.instruments.get(&control.file.instrument) else { return Vec::new() };
    match control.file.applies_to {
        AppliesTo::Event => instrument
            .versions
            .iter()
            .map(|version| {
                let from = version.from.max(timeline.period_start);
                let until = version.until.unwrap_or(i64::MAX).min(timeline.period_end);
                (version.version.clone(), from, until)
            })
            .filter(|(_, from, until)| from < until)
            .collect(),
        AppliesTo::State | AppliesTo::Baseline => instrument
            .at(timeline.as_of - 1)
            .map(|version| (version.version.clone(), timeline.period_start, timeline.period_end))
            .into_iter()
            .collect(),
    }
}

/// What is said of a control whose instrument has no version that counts.
#[must_use]
pub fn not_in_force(control: &Control, catalogue: &Catalogue, timeline: &Timeline) -> (Outcome, String) {
    let title = catalogue.instruments.get(&control.file.instrument).map_or("", |i| i.title.as_str());
    let when = match control.file.applies_to {
        AppliesTo::Event => "at any time in the period".to_owned(),
        AppliesTo::State | AppliesTo::Baseline => format!("on {}", instant::day_text(timeline.as_of - 1)),
    };
    (Outcome::NotInForce, format!("no version of {title} was in force {when}"))
}

/// The instant whose version decides: of a segment its first, of a state the day looked back from.
#[must_use]
pub fn instant(control: &Control, timeline: &Timeline, segment_start: i64) -> i64 {
    match control.file.applies_to {
        AppliesTo::Event => segment_start,
        AppliesTo::State | AppliesTo::Baseline => timeline.as_of - 1,
    }
}

/// The value of every parameter at an instant: the engagement's, else the overrides', else that of
/// the version of the instrument, else the control's own.
#[must_use]
pub fn parameters(
    control: &Control,
    catalogue: &Catalogue,
    engagement: &Engagement,
    overrides: &Overrides,
    at: i64,
) -> Vec<ParameterFacts> {
    let id = &control.id;
    let version = catalogue.instruments.get(&control.file.instrument).and_then(|i| i.at(at));
    let value = |name: &String, default: &ParameterFile| {
        let set = |who: &str, by: &str, on: &toml::value::Datetime, reason: &str| format!("{who}: {by}, {on}: {reason}");
        if let Some(s) = engagement.parameters.get(id).and_then(|c| c.get(name)) {
            (s.value.clone(), set("engagement", &s.by, &s.on, &s.reason))
        } else if let Some(s) = overrides.parameters.get(id).and_then(|c| c.get(name)) {
            (s.value.clone(), set("overrides", &s.by, &s.on, &s.reason))
        } else if let Some((version, value)) = version.and_then(|v| Some((v, v.parameters.get(id)?.get(name)?))) {
            (value.clone(), format!("instrument, version {} ({})", version.version, version.source))
        } else {
            let basis = format!("control ({}, {}, confidence {})", default.wording, default.applies, default.confidence);
            (default.value.clone(), basis)
        }
    };
    control
        .file
        .parameters
        .iter()
        .map(|(name, default)| {
            let (value, set_by) = value(name, default);
            ParameterFacts { name: name.clone(), value, set_by }
        })
        .collect()
}
