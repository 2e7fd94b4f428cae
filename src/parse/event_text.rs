//! Windows events as PowerShell lists them (`Get-WinEvent … | Format-List`): lines `Name : value`, a message
//! of several lines set in to where values begin, and a blank line after each event.
//!
//! What the event says stands in the message only, line by line as `Label:` and a value after a tab, in the
//! language of the system. A long line is wrapped, and nothing tells where.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::LazyLock;

use regex::Regex;

use super::Output;
use super::delimited::MAX_RECORD;
use super::event::Event;
use super::text::Lines;
use crate::catalogue::format::EventText as Settings;

static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([A-Za-z]\w*) *:(?: (.*))?$").ok());
static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^PS [^>]*> ?").ok());
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([^\t:]{1,80}):(?:\t+(.*))?$").ok());

/// Properties of an event record in PowerShell, and what the schema of events calls them.
const HEADER: [(&str, &str); 8] = [
    ("Id", "EventID"),
    ("ProviderName", "Provider"),
    ("RecordId", "EventRecordID"),
    ("LogName", "Channel"),
    ("MachineName", "Computer"),
    ("KeywordsDisplayNames", "Keywords"),
    ("UserId", "UserID"),
    ("TimeCreated", "TimeCreated"),
];

pub(super) fn read<R: Read>(settings: &Settings, lines: &mut Lines<R>, out: &mut Output<'_>) -> io::Result<()> {
    let mut reader = Reader { settings, wanted: out.fields(), out, open: None, parted: true };
    while let Some(line) = lines.next()? {
        let Some((number, text, ended)) = reader.out.text_of(&line) else {
            reader.parted = true;
            continue;
        };
        if ended {
            reader.line(number, text);
        } else {
            reader.out.parsed.truncated = true;
            reader.close(Some("the file may have been cut within it"));
            reader.out.reject("N-LINE-003", number, "the last line has no end; the file may have been cut there");
        }
    }
    reader.close(None);
    Ok(())
}

/// An event as it is listed.
struct Listed {
    line: u64,
    /// Names, and the lines of their values.
    pairs: Vec<(String, Vec<String>)>,
    octets: usize,
}

impl Listed {
    /// Whether there is room for another line of so many octets.
    fn room(&mut self, octets: usize) -> bool {
        self.octets += octets + 1;
        self.octets <= MAX_RECORD
    }
}

struct Reader<'a, 'o> {
    settings: &'a Settings,
    wanted: Vec<String>,
    out: &'a mut Output<'o>,
    open: Option<Listed>,
    /// A blank line stands above.
    parted: bool,
}

impl Reader<'_, '_> {
    fn line(&mut self, number: u64, text: &str) {
        let parted = std::mem::replace(&mut self.parted, false);
        if PROMPT.as_ref().is_some_and(|prompt| prompt.is_match(text)) {
            self.close(None);
            self.out.parsed.passed_over += 1;
        } else if text.starts_with([' ', '\t']) {
            match &mut self.open {
                Some(listed) => {
                    if listed.room(text.len())
                        && let Some((_, value)) = listed.pairs.last_mut()
                    {
                        value.push(text.to_owned());
                    }
                    self.out.parsed.blank += 1;
                }
                None => self.out.reject("N-LINE-001", number, "a line that goes on from none"),
            }
        } else if let Some(pair) = PAIR.as_ref().and_then(|pair| pair.captures(text)) {
            let group = |index| pair.get(index).map_or("", |group| group.as_str()).to_owned();
            // A message listed first may end in a blank line, and the rest of its event follow.
            let within = self.open.as_ref().is_some_and(|listed| matches!(listed.pairs.as_slice(), [(name, _)] if name == "Message"));
            if parted && !within {
                self.close(None);
            }
            let pair = (group(1), vec![group(2)]);
            match &mut self.open {
                Some(listed) => {
                    if listed.room(text.len()) {
                        listed.pairs.push(pair);
                    }
                    self.out.parsed.blank += 1;
                }
                None => self.open = Some(Listed { line: number, pairs: vec![pair], octets: text.len() }),
            }
        } else {
            let start: String = text.chars().take(60).collect();
            self.out.reject("N-LINE-001", number, format!("no line of an event: {start}"));
        }
    }

    /// Ends the event that is open; a reason makes it one that cannot be relied on.
    fn close(&mut self, why: Option<&str>) {
        let Some(listed) = self.open.take() else { return };
        let event = why.map_or_else(|| event(self.settings, &listed), |why| Err(why.to_owned()));
        match event {
            Ok(event) => event.give(listed.line, None, &self.wanted, self.out),
            Err(why) => self.out.reject("N-LINE-001", listed.line, why),
        }
    }
}

fn event(settings: &Settings, listed: &Listed) -> Result<Event, String> {
    if listed.octets > MAX_RECORD {
        return Err("an event of more than 4 MiB".to_owned());
    }
    let mut event = Event::default();
    let mut names = BTreeSet::new();
    for (name, value) in &listed.pairs {
        if !names.insert(name) {
            return Err(format!("{name} stands twice in the event"));
        }
        if let Some((_, known)) = HEADER.iter().find(|(listed, _)| listed == name) {
            let value: Vec<&str> = value.iter().map(|line| line.trim()).collect();
            event.header.insert((*known).to_owned(), value.concat());
        } else if name == "Message" {
            event.header.insert(name.clone(), value.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n").trim().to_owned());
            labels(settings, value, &mut event.data);
        }
    }
    for needed in ["EventID", "TimeCreated"] {
        if event.header.get(needed).is_none_or(String::is_empty) {
            return Err(format!("the event has no {needed}"));
        }
    }
    if !event.header.get("EventID").is_some_and(|id| id.bytes().all(|octet| octet.is_ascii_digit())) {
        return Err("the id of the event is no number".to_owned());
    }
    Ok(event)
}

/// The labels of a message and their values; a line without a label goes on with the value above.
fn labels(settings: &Settings, lines: &[String], data: &mut Vec<(String, String)>) {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in lines.iter().skip(1).map(|line| line.trim()).filter(|line| !line.is_empty()) {
        if let Some(groups) = LABEL.as_ref().and_then(|label| label.captures(line)) {
            let group = |index| groups.get(index).map_or("", |group| group.as_str().trim());
            let name = settings.labels.get(group(1)).map_or(group(1), String::as_str);
            found.push((name.to_owned(), group(2).to_owned()));
        } else if let Some((_, value)) = found.last_mut() {
            value.push_str(if value.is_empty() { "" } else { " " });
            value.push_str(line);
        }
    }
    data.extend(found);
}
