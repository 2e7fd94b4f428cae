//! Configuration files of one key and value a line, with comments, conditional blocks and includes.
//! Which line of a key decides where it stands twice depends on the program: the first one, every one,
//! or nobody says, and then none is taken to. An include may decide elsewhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::KeyValue;
use crate::domain::note::Note;
use crate::domain::secrets;

/// What has to be known of a file before its first line can be judged.
#[derive(Debug, Default)]
pub(super) struct Survey {
    includes: bool,
    times: BTreeMap<(String, String), u64>,
}

/// What a line is.
enum Kind<'t> {
    Comment,
    Pair { key: &'t str, value: &'t str },
    Unread,
}

/// Counts the lines of each key, where the first one does not simply decide.
pub(super) fn survey<R: Read>(settings: &KeyValue, lines: &mut Lines<R>) -> io::Result<Survey> {
    let mut survey = Survey::default();
    if !settings.open {
        return Ok(survey);
    }
    let mut scope = "global".to_owned();
    while let Some(line) = lines.next()? {
        let Ok(text) = line.text.map(str::trim) else { continue };
        let Kind::Pair { key, .. } = kind(settings, text) else { continue };
        survey.includes |= includes(settings, text);
        enter(settings, text, &mut scope);
        *survey.times.entry((scope.clone(), key.to_ascii_lowercase())).or_default() += 1;
    }
    Ok(survey)
}

pub(super) fn read<R: Read>(
    settings: &KeyValue,
    effective: bool,
    survey: &Survey,
    lines: &mut Lines<R>,
    out: &mut Output<'_>,
) -> io::Result<()> {
    let fields = out.fields();
    let mut scope = "global".to_owned();
    let mut decided: BTreeSet<(String, String)> = BTreeSet::new();
    let mut included = false;
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&line) else { continue };
        if !ended {
            out.parsed.truncated = true;
            out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
            continue;
        }
        let masked = out.masked(number, text.trim());
        let text = masked.as_ref();
        let (key, value) = match kind(settings, text) {
            Kind::Comment => {
                out.parsed.blank += 1;
                continue;
            }
            Kind::Pair { key, value } => (key, value),
            Kind::Unread => {
                out.reject("N-LINE-001", number, format!("a key without a value, or a line of another kind: {text}"));
                continue;
            }
        };
        if includes(settings, text) {
            included = true;
            out.note(Note::on("N-CFG-003", out.evidence(), text.to_owned()).at(format!("line {number}")).about("settings"));
        }
        enter(settings, text, &mut scope);
        let place = (scope.clone(), key.to_ascii_lowercase());
        let in_force = if settings.adds.as_ref().is_some_and(|adds| adds.is_match(key)) {
            Some("true")
        } else if settings.open {
            (survey.times.get(&place) == Some(&1) && !survey.includes).then_some("true")
        } else {
            match (decided.insert(place), included) {
                (false, _) => Some("false"),
                (true, false) => Some("true"),
                (true, true) => None,
            }
        };
        // `password hunter2`: no sign stands between the two.
        let secret = secrets::find_under(key, value).filter(|_| matches!(masked, Cow::Borrowed(_)));
        if let Some(secret) = &secret {
            out.saw_secrets(number, &secret.kinds);
        }
        let value = secret.as_ref().map_or(value, |secret| secret.text.as_str());
        let line = number.to_string();
        out.record(number, |index| match fields.get(index).map(String::as_str) {
            Some("key") => Some(key),
            Some("value") => Some(value),
            Some("scope") => Some(scope.as_str()),
            Some("line") => Some(line.as_str()),
            Some("in_force") => in_force,
            Some("effective") => Some(if effective { "true" } else { "false" }),
            _ => None,
        });
    }
    Ok(())
}

fn kind<'t>(settings: &KeyValue, text: &'t str) -> Kind<'t> {
    if settings.comment.iter().any(|comment| text.starts_with(comment.as_str())) {
        return Kind::Comment;
    }
    let parted = match &settings.pattern {
        Some(pattern) => pattern
            .captures(text)
            .and_then(|groups| Some((groups.name("key")?.as_str(), groups.name("value").map_or("", |value| value.as_str())))),
        None => text.split_once(|c: char| c.is_whitespace() || c == '='),
    };
    let Some((key, value)) = parted else { return Kind::Unread };
    let value = if settings.pattern.is_some() { value } else { value.trim_start_matches(|c: char| c.is_whitespace() || c == '=') }.trim();
    let comment = settings.comment.first().and_then(|comment| value.find(&format!(" {comment}")));
    let value = match comment {
        Some(end) if !value.starts_with('"') => value.get(..end).unwrap_or(value).trim_end(),
        _ => value.trim_matches('"'),
    };
    Kind::Pair { key, value }
}

fn includes(settings: &KeyValue, text: &str) -> bool {
    settings.include.as_ref().is_some_and(|include| include.is_match(text))
}

fn enter(settings: &KeyValue, text: &str, scope: &mut String) {
    if settings.block.as_ref().is_some_and(|block| block.is_match(text)) {
        *scope = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}
