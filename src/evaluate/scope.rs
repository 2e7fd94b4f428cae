//! Which controls are tested at all.

use crate::catalogue::control::Control;
use crate::catalogue::engagement::Engagement;
use crate::catalogue::overrides::Overrides;
use crate::domain::outcome::Outcome;

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
