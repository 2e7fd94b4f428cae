//! `assure inventory`.

use std::path::Path;

use serde_json::json;

use super::cli::Common;
use super::{Failure, Form, Terminal, recognition};
use crate::domain::evidence::Status;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::untrusted::visible;

/// Lists every file, read no further than its recognition needs; or explains one of them.
///
/// # Errors
/// [`Failure`].
pub fn inventory(folder: &Path, explained: Option<&str>, common: &Common, form: Form, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let inputs = Inputs::load(folder, &common.flags())?;
    let collected = crate::gather(&inputs)?;
    if let Some(file) = explained {
        return recognition::explain(&inputs, collected, file, form, terminal);
    }
    let objects: Vec<serde_json::Value> = collected
        .evidence
        .iter()
        .map(|evidence| {
            let notes: Vec<_> = collected.notes.iter().filter(|note| note.evidence == Some(evidence.number)).collect();
            json!({
                "id": evidence.id,
                "path": evidence.path,
                "sha256": evidence.sha256,
                "size": evidence.size,
                "format": evidence.format_words(),
                "sheets": evidence.sheets().iter().map(|sheet| json!({
                    "name": sheet.name, "format": sheet.format, "reason": sheet.reason,
                })).collect::<Vec<_>>(),
                "status": evidence.status.word(),
                "quality": evidence.quality.word(),
                "hash_status": evidence.hash_status.word(),
                "also": evidence.also,
                "reason": evidence.reason,
                "notes": notes.iter().map(|note| json!({ "code": note.code, "what": note.what, "fix": note.fix })).collect::<Vec<_>>(),
            })
        })
        .collect();
    match form {
        Form::Json => terminal.data(&format!("{:#}\n", serde_json::Value::Array(objects)))?,
        Form::Jsonl => terminal.data(&objects.iter().map(|object| format!("{object}\n")).collect::<String>())?,
        Form::Human => {
            for evidence in &collected.evidence {
                let format = evidence.format_words().unwrap_or_else(|| "-".to_owned());
                let reason = evidence.reason.as_deref().map_or_else(String::new, |reason| format!("  ({})", visible(reason)));
                let line = format!(
                    "{}  {:<14} {:<20} {:>10}  {}{reason}\n",
                    evidence.id,
                    evidence.status.word(),
                    format,
                    evidence.size,
                    visible(&evidence.path)
                );
                terminal.data(&line)?;
                for sheet in evidence.sheets() {
                    let found = match (&sheet.format, &sheet.reason) {
                        (Some(format), _) => format.clone(),
                        (None, reason) => format!("not used ({})", reason.as_deref().unwrap_or_default()),
                    };
                    terminal.data(&format!("    {}: {found}\n", visible(&sheet.place())))?;
                }
            }
        }
    }
    let count = |status| collected.evidence.iter().filter(|evidence| evidence.status == status).count();
    terminal.say(&format!(
        "{} files: {} used, {} not recognised, {} unreadable",
        collected.evidence.len(),
        count(Status::Used),
        count(Status::NotRecognised),
        count(Status::Unreadable)
    ));
    Ok(if count(Status::Used) == 0 { Exit::NoEvidence } else { Exit::Clean })
}
