//! A register that is one JSON array of objects. Rows are the ordinals of the objects.

use super::register::{self, Heading};
use super::{Layout, Output};
use crate::catalogue::engagement::Source;
use crate::collect::container::{self, MAX_JSON};
use crate::collect::recognise::{fold, register as register_of};
use crate::collect::{encoding, json};

pub(super) fn read(octets: &[u8], layout: &Layout<'_>, source: &Source, out: &mut Output<'_>) {
    if let Err((code, why)) = read_all(octets, layout, source, out) {
        out.fail(code, why);
    }
}

type Failure = (&'static str, String);

fn read_all(octets: &[u8], layout: &Layout<'_>, source: &Source, out: &mut Output<'_>) -> Result<(), Failure> {
    if octets.len() as u64 > MAX_JSON {
        return Err(("N-FS-004", "larger than 64 MiB".to_owned()));
    }
    let text = encoding::whole_text(octets).ok_or(("N-ENC-002", "octets that are not text".to_owned()))?;
    if source.order().is_none() {
        let orders = register::survey_dates(layout.format, |silent| objects(&text, layout, silent))?;
        out.date_orders(orders);
    }
    objects(&text, layout, out)
}

fn objects(text: &str, layout: &Layout<'_>, out: &mut Output<'_>) -> Result<(), Failure> {
    let Some(settings) = register_of(layout.format) else { return Ok(()) };
    let (Some(register), None) = container::register(text) else {
        return Err(("N-JSON-002", "no longer one whole array of objects".to_owned()));
    };
    let fields = out.fields();
    let heading = Heading::of(register.keys.iter().cloned().enumerate());
    heading.notice(settings, &fields, out);
    // Every name that a field has among the keys: one object may use one of them, and another another.
    let named = |field: &String| -> Vec<&String> {
        let known = |key: &&String| crate::collect::recognise::names(settings, field).any(|name| fold(name) == fold(key));
        register.keys.iter().filter(known).collect()
    };
    let named: Vec<Vec<&String>> = fields.iter().map(named).collect();
    let mut ordinal = 0;
    json::arrays(text, &mut |array, object| {
        if array != register.array {
            return;
        }
        ordinal += 1;
        out.parsed.total += 1;
        let values = match object.whole() {
            Ok(values) => values,
            Err(why) => return out.reject("N-JSON-001", ordinal, why),
        };
        if let Some(names) = named.iter().find(|names| names.iter().filter(|name| values.get(name).is_some()).count() > 1) {
            return out.reject("N-JSON-001", ordinal, format!("more than one of the keys {names:?}"));
        }
        let texts = register::masked(ordinal, values.iter().map(|(_, value)| value), out);
        let field = |field: usize| {
            let index = named.get(field)?.iter().find_map(|name| values.position(name))?;
            texts.get(index).map(|text| text.as_ref().trim()).filter(|text| !text.is_empty())
        };
        let doubts = register::unfilled(named.len(), field);
        out.record_with(ordinal, &doubts, field);
    })
    .map_err(|why| ("N-JSON-002", why))
}
