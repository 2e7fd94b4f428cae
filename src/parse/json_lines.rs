//! One JSON object a line, with what may stand before it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Read};

use super::Output;
use super::text::Lines;
use crate::catalogue::format::JsonLines;
use crate::collect::json;
use crate::domain::digest;
use crate::domain::secret_names::Names;

pub(super) fn read<R: Read>(settings: &JsonLines, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let fields = out.fields();
    // Nearly every object of a log has the keys of the one before: its fields stand where they stood there.
    let (mut paths, mut places): (Vec<String>, Vec<Option<usize>>) = (Vec::new(), vec![None; fields.len()]);
    let mut names = Names::default();
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
                mask(number, &mut names, &mut values, out);
                let print = digest::fingerprint_of_parts(values.iter().flat_map(|(key, value)| [key, value]));
                if !values.iter().map(|(path, _)| path).eq(paths.iter().map(String::as_str)) {
                    paths = values.iter().map(|(path, _)| path.to_owned()).collect();
                    places = fields.iter().map(|field| values.position(field)).collect();
                }
                out.record(number, |index| match fields.get(index).map(String::as_str) {
                    Some("record") => Some(print.as_str()),
                    _ => values.at((*places.get(index)?)?).map(|(_, value)| value).filter(|text| !text.is_empty()),
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

fn mask(number: u64, names: &mut Names, values: &mut json::Values<'_>, out: &mut Output<'_>) {
    let mut kinds = BTreeSet::new();
    for (place, (path, value)) in values.iter_mut().enumerate() {
        if let Some(masked) = names.find(place, path, value) {
            *value = Cow::Owned(masked.text);
            kinds.extend(masked.kinds);
        }
    }
    out.saw_secrets(number, &kinds);
}
