//! One JSON object a line, with what may stand before it.

use std::collections::BTreeSet;
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::JsonLines;
use crate::collect::json;
use crate::domain::{digest, secrets};

pub(super) fn read<R: Read>(settings: &JsonLines, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = out.text_of(&line) else { continue };
        if ended && settings.other.as_ref().is_some_and(|other| other.is_match(text)) {
            out.parsed.passed_over += 1;
            continue;
        }
        let before = settings.prefix.as_ref().and_then(|prefix| prefix.find(text)).filter(|found| found.start() == 0);
        let object = text.get(before.map_or(0, |found| found.end())..).unwrap_or_default();
        match json::object(object) {
            Ok(mut values) => {
                let mut kinds = BTreeSet::new();
                // What is escaped in the line may read otherwise.
                let harmless = !object.contains('\\') && secrets::none_in(object);
                for (path, value) in values.iter_mut().filter(|_| !harmless) {
                    if let Some(masked) = secrets::find_under(path, value) {
                        *value = masked.text;
                        kinds.extend(masked.kinds);
                    }
                }
                out.saw_secrets(number, &kinds);
                let all = values.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
                let print = digest::sha256_of_parts(all);
                out.record(number, |index| match fields.get(index).map(String::as_str) {
                    Some("record") => Some(digest::short(&print, 16)),
                    Some(field) => values.get(field).map(String::as_str).filter(|text| !text.is_empty()),
                    None => None,
                });
            }
            Err(error) if !ended => {
                out.parsed.truncated = true;
                out.reject("N-LINE-003", number, format!("the last line has no end and is no whole object: {error}"));
            }
            Err(error) => out.reject("N-JSON-001", number, error),
        }
    }
    Ok(())
}
