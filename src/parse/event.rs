//! A Windows event, however it was exported: its header and data as fields of one record.
//!
//! `EventID`, `EventRecordID`, `TimeCreated`, `Computer`, `Channel`, `Provider`, `Keywords` and the rest of
//! the header keep the names of the schema of events (learn.microsoft.com/windows/win32/wes/eventschema-schema);
//! `data:NAME` is an entry of `EventData` or `UserData`, `data:1` the first one without a name. Made from
//! these are `event` (provider and id), `stream` (computer and channel), `Subject` (who caused it, as
//! `DOMAIN\name`), `data` (all entries), `record` (a fingerprint of what identifies the event), and
//! `sequence`: the number of the event where the file is the log itself. The numbers of an extract have gaps
//! that prove nothing, because the log holds other events too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Output;
use super::xml::Element;
use crate::domain::digest;
use crate::domain::secrets;

/// The field of the number where it is one of a log without gaps.
const SEQUENCE: &str = "sequence";
/// What stands for a secret.
const MASK: &str = "[masked]";
/// Characters of `data` that are kept.
const DATA: usize = 1_000;

/// The header and data of an event.
#[derive(Debug, Default)]
pub(super) struct Event {
    pub(super) header: BTreeMap<String, String>,
    /// Entries in their order.
    pub(super) data: Vec<(String, String)>,
}

impl Event {
    /// The event an element `Event` is; else why it is none.
    pub(super) fn of(root: &Element) -> Result<Self, String> {
        if root.name != "Event" {
            return Err(format!("an element {} where an event was expected", root.name));
        }
        let mut event = Self::default();
        for child in &root.children {
            match child.name.as_str() {
                "System" => child.children.iter().try_for_each(|element| event.header_of(element))?,
                "EventData" => event.event_data(child),
                "UserData" => child.children.iter().for_each(|element| event.leaves(element)),
                "RenderingInfo" => {
                    let message = child.children.iter().find(|element| element.name == "Message");
                    if let Some(message) = message {
                        event.put("Message", &message.text)?;
                    }
                }
                _ => {}
            }
        }
        let id = event.header.get("EventID").is_some_and(|id| !id.is_empty() && id.bytes().all(|octet| octet.is_ascii_digit()));
        if id { Ok(event) } else { Err("an event without an EventID that is a number".to_owned()) }
    }

    fn header_of(&mut self, element: &Element) -> Result<(), String> {
        match element.name.as_str() {
            "Provider" => self.put("Provider", element.attribute("Name").unwrap_or_default()),
            "TimeCreated" => self.put("TimeCreated", element.attribute("SystemTime").unwrap_or_default()),
            "Security" => self.put("UserID", element.attribute("UserID").unwrap_or_default()),
            name => self.put(name, &element.text),
        }
    }

    /// An element of the header; two of one name would leave open which one holds.
    fn put(&mut self, name: &str, text: &str) -> Result<(), String> {
        match self.header.insert(name.to_owned(), text.trim().to_owned()) {
            Some(_) => Err(format!("the event has two elements {name}")),
            None => Ok(()),
        }
    }

    fn event_data(&mut self, element: &Element) {
        let mut unnamed = 0;
        for child in &element.children {
            let name = child.attribute("Name").map_or_else(
                || {
                    unnamed += 1;
                    unnamed.to_string()
                },
                ToOwned::to_owned,
            );
            self.data.push((name, child.text.trim().to_owned()));
        }
    }

    fn leaves(&mut self, element: &Element) {
        if element.children.is_empty() {
            self.data.push((element.name.clone(), element.text.trim().to_owned()));
        }
        element.children.iter().for_each(|child| self.leaves(child));
    }

    /// Hands the event over as a record.
    ///
    /// `own` is the number that the file itself gives the record: an extract is counted anew, and there the
    /// two differ.
    pub(super) fn give(mut self, row: u64, own: Option<u64>, wanted: &[String], out: &mut Output<'_>) {
        let print = self.print();
        let number = self.header.get("EventRecordID").filter(|number| own.is_some_and(|own| own.to_string() == **number)).cloned();
        self.header.extend(number.map(|number| (SEQUENCE.to_owned(), number)));
        let masked = self.mask();
        out.saw_secret(row, masked);
        let values: Vec<Option<Cow<'_, str>>> = wanted.iter().map(|field| self.field(field, &print)).collect();
        out.record(row, |index| values.get(index)?.as_deref().filter(|text| !text.is_empty()));
    }

    fn field<'e>(&'e self, name: &str, print: &'e str) -> Option<Cow<'e, str>> {
        let header = |name: &str| self.header.get(name).map_or("", String::as_str);
        let both = |one: &str, sign: &str, other: &str| Cow::Owned(format!("{one}{sign}{other}"));
        if let Some(name) = name.strip_prefix("data:") {
            return self.datum(name);
        }
        match name {
            "event" => Some(both(header("Provider"), "/", header("EventID"))),
            "stream" => [header("Computer"), header("Channel")]
                .iter()
                .all(|part| !part.is_empty())
                .then(|| both(header("Computer"), "/", header("Channel"))),
            "Subject" => {
                let user = self.datum("SubjectUserName").filter(|user| !user.is_empty() && user != "-")?;
                let domain = self.datum("SubjectDomainName").filter(|domain| !domain.is_empty() && domain != "-");
                Some(domain.map_or(user.clone(), |domain| both(&domain, "\\", &user)))
            }
            "data" => {
                let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let all: Vec<String> = self.data.iter().map(|(name, value)| format!("{name}={}", words(value))).collect();
                Some(Cow::Owned(all.join("; ").chars().take(DATA).collect()))
            }
            "record" => Some(Cow::Borrowed(print)),
            name => self.header.get(name).map(|text| Cow::Borrowed(text.as_str())),
        }
    }

    /// The entry of a name; of several, all, so that none is taken for the one that holds.
    fn datum(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut found = self.data.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = found.next()?;
        let others: Vec<&str> = found.collect();
        Some(if others.is_empty() { Cow::Borrowed(first) } else { Cow::Owned(format!("{first}; {}", others.join("; "))) })
    }

    /// Masks secrets; whether there was one.
    fn mask(&mut self) -> bool {
        let mut masked = false;
        for (name, value) in &mut self.data {
            // A name such as `Password` makes all of its value a secret.
            let all = matches!(secrets::mask(&format!("{name}=x")), Cow::Owned(_));
            let text = if all && !value.is_empty() { MASK.to_owned() } else { secrets::mask(value).into_owned() };
            masked |= text != *value;
            *value = text;
        }
        if let Some(message) = self.header.get_mut("Message") {
            let text = secrets::mask(message).into_owned();
            masked |= text != *message;
            *message = text;
        }
        masked
    }

    /// What identifies an event: the same in every export of it. The exports write fractions of a second
    /// with different numbers of digits.
    fn print(&self) -> String {
        let header = |name: &str| self.header.get(name).map_or("", String::as_str);
        let time = header("TimeCreated");
        let time = time.parse::<Timestamp>().map_or_else(|_| time.to_owned(), |time| time.as_microsecond().to_string());
        // An export that leaves the number out tells two events of one instant apart by what they say alone.
        let number = header("EventRecordID");
        let said = if number.is_empty() { header("Message") } else { "" };
        let parts = [header("Provider"), header("EventID"), number, header("Computer"), header("Channel"), time.as_str(), said];
        digest::fingerprint_of_parts(parts).as_str().to_owned()
    }
}
