//! Configuration files of one key and value a line, with comments, conditional blocks and includes.
//! Which line of a key decides where it stands twice depends on the program: the first one, the last one,
//! every one, or nobody says, and then none is taken to. An include may decide elsewhere.

use std::borrow::Cow;
use std::collections::BTreeMap;
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

/// The key of a setting that is not set, where nothing says which one was asked for.
const NOT_SAID: &str = "not said";

/// What a line is.
enum Kind<'t> {
    Comment,
    Pair {
        key: &'t str,
        value: &'t str,
    },
    /// It names the scope of the lines below.
    Section(&'t str),
    /// It ends the innermost scope.
    End,
    Unread,
}

/// Counts the lines of each key, where the first one does not simply decide.
pub(super) fn survey<R: Read>(settings: &KeyValue, lines: &mut Lines<R>) -> io::Result<Survey> {
    let mut survey = Survey::default();
    if !settings.open && !settings.last {
        return Ok(survey);
    }
    let mut scope = Scope::default();
    while let Some(line) = lines.next()? {
        let Ok(text) = line.text.map(str::trim) else { continue };
        let key = match kind(settings, text) {
            Kind::Pair { key, .. } => key,
            Kind::Section(name) => {
                scope.open(settings, name);
                continue;
            }
            Kind::End => {
                scope.close();
                continue;
            }
            Kind::Unread if settings.last => {
                survey.includes |= includes(settings, text);
                continue;
            }
            Kind::Comment | Kind::Unread => continue,
        };
        survey.includes |= includes(settings, text);
        scope.enter(settings, text);
        *survey.times.entry((scope.words(), key.to_ascii_lowercase())).or_default() += 1;
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
    let mut scope = Scope::default();
    let mut decided: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut included = false;
    let mut asked: Option<String> = None;
    let mut above = String::new();
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&line) else { continue };
        if !ended {
            out.parsed.truncated = true;
            out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
            continue;
        }
        let masked = out.masked(number, text.trim_end());
        let under = part(settings.under.as_ref(), masked.as_ref()).filter(|_| !above.is_empty());
        let text = masked.trim_start();
        if let Some(groups) = settings.heading.as_ref().and_then(|heading| heading.captures(text)) {
            scope.0 = groups.name("scope").map(|name| name.as_str().to_owned()).into_iter().collect();
            above.clear();
            asked = groups.name("asked").map(|key| key.as_str().to_owned());
            out.parsed.blank += 1;
            continue;
        }
        let missing = settings.missing.as_ref().is_some_and(|missing| missing.is_match(text));
        let inner = under.map(|(key, value)| (format!("{above}.{key}"), value));
        let (key, value) = match kind(settings, text) {
            _ if missing => (asked.as_deref().unwrap_or(NOT_SAID), text),
            _ if inner.is_some() => inner.as_ref().map_or((NOT_SAID, text), |(key, value)| (key.as_str(), *value)),
            Kind::Comment => {
                out.parsed.blank += 1;
                continue;
            }
            Kind::Pair { key, value } => {
                key.clone_into(&mut above);
                (key, value)
            }
            Kind::Unread if settings.other.as_ref().is_some_and(|other| other.is_match(text)) => {
                out.parsed.passed_over += 1;
                continue;
            }
            Kind::Section(name) => {
                scope.open(settings, name);
                out.parsed.blank += 1;
                continue;
            }
            Kind::End => {
                scope.close();
                out.parsed.blank += 1;
                continue;
            }
            // It sets nothing itself, and says where more is set.
            Kind::Unread if settings.last && includes(settings, text) => {
                included = true;
                out.note(Note::on("N-CFG-003", out.evidence(), text.to_owned()).at(format!("line {number}")).about("settings"));
                out.parsed.blank += 1;
                continue;
            }
            Kind::Unread => {
                out.reject("N-LINE-001", number, format!("a key without a value, or a line of another kind: {text}"));
                continue;
            }
        };
        if includes(settings, text) {
            included = true;
            out.note(Note::on("N-CFG-003", out.evidence(), text.to_owned()).at(format!("line {number}")).about("settings"));
        }
        scope.enter(settings, text);
        let words = scope.words();
        let place = (words.clone(), key.to_ascii_lowercase());
        let in_force = if settings.adds.as_ref().is_some_and(|adds| adds.is_match(key)) {
            Some("true")
        } else if settings.open {
            (survey.times.get(&place) == Some(&1) && !survey.includes).then_some("true")
        } else {
            let times = survey.times.get(&place).copied().unwrap_or_default();
            let turn = decided.entry(place).or_default();
            *turn += 1;
            let decides = if settings.last { *turn == times } else { *turn == 1 };
            // Of the last lines, an include anywhere may hold a later one.
            match (decides, included || (settings.last && survey.includes)) {
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
            Some("scope") => Some(words.as_str()),
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
    if let Some(name) = settings.section.as_ref().and_then(|section| section.captures(text)?.name("name")) {
        return Kind::Section(name.as_str());
    }
    if settings.section_end.as_ref().is_some_and(|end| end.is_match(text)) {
        return Kind::End;
    }
    let parted = match &settings.pattern {
        Some(pattern) => part(Some(pattern), text),
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

/// The groups `key` and `value` of a pattern.
fn part<'t>(pattern: Option<&regex::Regex>, text: &'t str) -> Option<(&'t str, &'t str)> {
    let groups = pattern?.captures(text)?;
    Some((groups.name("key")?.as_str(), groups.name("value").map_or("", |value| value.as_str())))
}

fn includes(settings: &KeyValue, text: &str) -> bool {
    settings.include.as_ref().is_some_and(|include| include.is_match(text))
}

/// Where a line stands: in nothing, in the last block or section, or in sections within one another.
#[derive(Default)]
struct Scope(Vec<String>);

/// Deepest section.
const MAX_SECTIONS: usize = 32;

impl Scope {
    /// A block that begins with a line of its own.
    fn enter(&mut self, settings: &KeyValue, text: &str) {
        if settings.block.as_ref().is_some_and(|block| block.is_match(text)) {
            self.0 = vec![text.split_whitespace().collect::<Vec<_>>().join(" ")];
        }
    }

    fn open(&mut self, settings: &KeyValue, name: &str) {
        if settings.section_end.is_none() {
            self.0.clear();
        }
        if self.0.len() < MAX_SECTIONS {
            self.0.push(name.trim().to_owned());
        }
    }

    fn close(&mut self) {
        self.0.pop();
    }

    fn words(&self) -> String {
        if self.0.is_empty() { "global".to_owned() } else { self.0.join(" / ") }
    }
}
