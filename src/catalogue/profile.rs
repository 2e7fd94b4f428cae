//! Certificate profiles, from `profiles/<name>.toml`: rules as data, applied by one evaluator in
//! `normalise`, which writes the table `certificate_rules`.

use regex::Regex;
use serde::Deserialize;

use super::Complaint;
use super::table::Tables;
use crate::domain::period::Period;

/// A certificate profile.
#[derive(Debug)]
pub struct Profile {
    /// What it is.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// The kind of certificate it is for: root, issuing, end-entity.
    pub kind: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Id, the same in every profile.
    pub id: String,
    /// What must hold.
    pub check: Check,
    /// What is expected, in words.
    pub expected: String,
}

/// What must hold of a certificate.
#[derive(Debug)]
pub enum Check {
    /// A column holds something.
    Present(String),
    /// A column equals a text.
    Is(String, String),
    /// A column is one of several texts.
    OneOf(String, Vec<String>),
    /// A column matches a pattern.
    Matches(String, Regex),
    /// Two columns are equal.
    Equals(String, String),
    /// Validity is a length of time, give or take a tolerance.
    Validity(Period, Period),
    /// notAfter is 99991231235959Z.
    Indefinite,
    /// A critical certificatePolicies with at least one identifier.
    PolicyPresent,
    /// No test policy in a live set, and a test policy in a test set.
    PolicyEnvironment(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    #[serde(rename = "schema")]
    _schema: u32,
    title: String,
    source: String,
    kind: String,
    rule: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    field: Option<String>,
    #[serde(default)]
    present: bool,
    is: Option<String>,
    one_of: Option<Vec<String>>,
    matches: Option<String>,
    equals: Option<String>,
    validity: Option<String>,
    tolerance: Option<String>,
    policies: Option<String>,
    #[serde(default)]
    test_policies: Vec<String>,
    says: Option<String>,
}

impl Profile {
    /// Reads a profile.
    pub fn read(path: &str, text: &str, tables: &Tables, complaints: &mut Vec<Complaint>) -> Option<Self> {
        let file: ProfileFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                complaints.push(Complaint::new(path, error));
                return None;
            }
        };
        let mut rules = Vec::new();
        for rule in file.rule {
            let id = rule.id.clone();
            match compile(rule, tables) {
                Ok(rule) => rules.push(rule),
                Err(what) => complaints.push(Complaint::new(path, format!("rule {id}: {what}"))),
            }
        }
        Some(Self { title: file.title, source: file.source, kind: file.kind, rules })
    }

    /// Ids of its rules.
    pub fn rule_ids(&self) -> impl Iterator<Item = String> + '_ {
        self.rules.iter().map(|rule| rule.id.clone())
    }
}

fn compile(rule: RuleFile, tables: &Tables) -> Result<Rule, String> {
    let known = |name: &String| tables.get("certificates").is_some_and(|table| table.column(name).is_some());
    for column in rule.field.iter().chain(&rule.equals) {
        if !known(column) {
            return Err(format!("table certificates has no column {column:?}"));
        }
    }
    let (check, expected) = match (rule.field, rule.validity, rule.policies.as_deref()) {
        (Some(field), None, None) => match (rule.present, rule.is, rule.one_of, rule.matches, rule.equals) {
            (true, None, None, None, None) => (Check::Present(field), "present".to_owned()),
            (false, Some(text), None, None, None) => (Check::Is(field, text.clone()), text),
            (false, None, Some(texts), None, None) => {
                let expected = format!("one of {}", texts.join(", "));
                (Check::OneOf(field, texts), expected)
            }
            (false, None, None, Some(pattern), None) => {
                let regex = Regex::new(&pattern).map_err(|error| error.to_string())?;
                (Check::Matches(field, regex), format!("matches {pattern}"))
            }
            (false, None, None, None, Some(other)) => (Check::Equals(field, other.clone()), format!("equal to {other}")),
            _ => return Err("a field needs exactly one of present, is, one_of, matches, equals".to_owned()),
        },
        (None, Some(text), None) if text == "indefinite" => (Check::Indefinite, "no end (99991231235959Z)".to_owned()),
        (None, Some(text), None) => {
            let period = Period::parse(&text).ok_or("validity is not a period such as P10Y")?;
            let tolerance = rule.tolerance.as_deref().unwrap_or("P1D");
            let tolerance =
                Period::parse(tolerance).filter(|t| t.seconds().is_some()).ok_or("tolerance is not a period in days or less")?;
            (Check::Validity(period, tolerance), format!("{} (± {})", period.sql(), tolerance.sql()))
        }
        (None, None, Some("present")) => (Check::PolicyPresent, "a critical certificatePolicies with an identifier".to_owned()),
        (None, None, Some("environment")) => {
            (Check::PolicyEnvironment(rule.test_policies), "a policy of the environment it is used in".to_owned())
        }
        _ => return Err("a rule needs exactly one of field, validity, policies".to_owned()),
    };
    Ok(Rule { id: rule.id, check, expected: rule.says.unwrap_or(expected) })
}
