//! Paths to what an XML document says: the fields of formats whose reader is `xml`. The part of `XPath` 1.0
//! that can be answered in one pass, and its spelling, except for the way to an ancestor.
//!
//! * `@severity`: an attribute of the record; `.`: its own text;
//! * `cve`, `Host/Properties/tag`: the text of elements within it;
//! * `tag[@name='HOST_END']`, `data[key='Rule']/value`: elements with such an attribute, or such a child;
//! * `ReportHost:@name`: the same, from the nearest element of that name around the record (or the record
//!   itself), as far as that element was read when the record ends.
//!
//! Names are local: prefixes of namespaces are left away, in the document and in paths.

/// A path, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlPath {
    /// The element it starts from, where that is not the record.
    pub from: Option<String>,
    /// The elements it goes through.
    pub steps: Vec<Step>,
    /// What it takes of the last one.
    pub leaf: Leaf,
}

/// An element on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Only where this has that value.
    pub only: Option<(Leaf, String)>,
}

/// What a path takes of an element, or looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// An attribute.
    Attribute(String),
    /// Its text, or in a condition that of a child.
    Text(String),
}

impl XmlPath {
    /// Reads a path; the error says what is wrong with it, in words.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?} is no path into XML: {what}");
        let condition = text.find('[').unwrap_or(text.len());
        let head = text.get(..condition).unwrap_or(text);
        let (from, rest) = match head.find(':') {
            Some(end) => (Some(text.get(..end).unwrap_or_default()), text.get(end + 1..).unwrap_or_default()),
            None => (None, text),
        };
        if from.is_some_and(|name| !is_name(name)) {
            return Err(wrong("what stands before the colon is no name"));
        }
        let mut pieces = pieces(rest);
        let attribute = pieces.last().and_then(|last| last.strip_prefix('@'));
        let leaf = match attribute {
            Some(name) if is_name(name) => Leaf::Attribute(name.to_owned()),
            Some(_) => return Err(wrong("an attribute without a name")),
            None => Leaf::Text(String::new()),
        };
        if attribute.is_some() || rest == "." {
            pieces.pop();
        }
        let steps = pieces.into_iter().map(step).collect::<Option<Vec<Step>>>();
        let steps = steps.ok_or_else(|| wrong("a step is name, name[@attribute='value'] or name[child='value']"))?;
        Ok(Self { from: from.map(ToOwned::to_owned), steps, leaf })
    }
}

/// A name without a prefix.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The steps of a path: a slash within quotes parts nothing.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut quoted, mut start) = (false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '/' if !quoted => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
}

fn step(text: &str) -> Option<Step> {
    let (name, only) = match text.split_once('[') {
        None => (text, None),
        Some((name, rest)) => {
            let (what, value) = rest.strip_suffix("']")?.split_once("='")?;
            let leaf = match what.strip_prefix('@') {
                Some(attribute) => Leaf::Attribute(attribute.to_owned()),
                None => Leaf::Text(what.to_owned()),
            };
            let sound = is_name(what.trim_start_matches('@')) && !value.contains('\'');
            (name, Some(sound.then(|| (leaf, value.to_owned()))?))
        }
    };
    is_name(name).then(|| Step { name: name.to_owned(), only })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_where_it_starts_what_it_passes_and_what_it_takes() {
        let path = XmlPath::parse("ReportHost:HostProperties/tag[@name='a/b:c']").unwrap();
        let tag = Step { name: "tag".to_owned(), only: Some((Leaf::Attribute("name".to_owned()), "a/b:c".to_owned())) };
        let properties = Step { name: "HostProperties".to_owned(), only: None };
        assert_eq!(path, XmlPath { from: Some("ReportHost".to_owned()), steps: vec![properties, tag], leaf: Leaf::Text(String::new()) });
        let path = XmlPath::parse("data[key='Rule']/value/@id").unwrap();
        assert_eq!((path.steps.len(), path.leaf), (2, Leaf::Attribute("id".to_owned())));
        assert_eq!(XmlPath::parse(".").unwrap(), XmlPath { from: None, steps: Vec::new(), leaf: Leaf::Text(String::new()) });
        assert_eq!(XmlPath::parse("nmaprun:@start").unwrap().steps, []);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "a//b", "@", "a[b]", "a[b=c]", "a[@b='c'", "a['b'='c']", "x:y:z", "/a", "a/", "a b", "a[b='c'd']"] {
            assert!(XmlPath::parse(text).is_err(), "{text:?}");
        }
    }
}
