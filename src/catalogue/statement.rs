//! The statement of a test: parsed once, held to the portable subset, bound in its syntax tree.
//!
//! Parameters and `population` never enter by text. What comes out runs unchanged in polars and in
//! `DuckDB`, because it carries the engagement's bounds within itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem, SetExpr, Statement as Ast, Visit, visit_expressions_mut};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::Catalogue;
use super::control::{AppliesTo, Control, TestFile};
use super::parameter::Value;
use super::subset::{Facts, placeholder};
use super::table::{Table, UNSETTLED};
use crate::domain::instant;

/// The column in which a statement says when an exception falls, where that is not the instant of
/// its subject.
pub const FALLS_AT: &str = "falls_at";

/// The bounds of a segment: the time of one version of an instrument within the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// First instant of the period.
    pub period_start: i64,
    /// First instant after it.
    pub period_end: i64,
    /// First instant after the day the assessment looks back from.
    pub as_of: i64,
    /// First instant of the segment.
    pub segment_start: i64,
    /// First instant after it.
    pub segment_end: i64,
    /// live, test or unknown.
    pub environment: String,
}

/// A parsed statement.
#[derive(Debug, Clone)]
pub struct Statement {
    selects: Expr,
    query: Query,
    facts: Facts,
    selecting: BTreeSet<String>,
    /// Names of the parameters it uses.
    pub parameters: BTreeSet<String>,
    /// Tables it reads, the subject included; `population` and `engagement` are not tables.
    pub tables: BTreeSet<String>,
    /// It reads the table of its subject by name, and not only its population.
    pub reads_subject: bool,
    /// Names of the columns it gives.
    pub gives: Vec<String>,
}

impl Statement {
    /// Parses the `where` and the `exceptions` of a test.
    ///
    /// # Errors
    /// What the parser or the subset refuses, in words.
    pub fn parse(test: &TestFile) -> Result<Self, String> {
        let mut parser = Parser::new(&GenericDialect {}).try_with_sql(&test.selects).map_err(|e| e.to_string())?;
        let selects = parser.parse_expr().map_err(|error| format!("where: {error}"))?;
        if parser.peek_token().token != sqlparser::tokenizer::Token::EOF {
            return Err("where: more than one expression".to_owned());
        }
        let query = parse_query(&test.exceptions)?;
        let mut facts = Facts::default();
        let _ = query.visit(&mut facts);
        let mut selecting = Facts::default();
        let _ = selects.visit(&mut selecting);
        facts.forbidden.append(&mut selecting.forbidden);
        if !selecting.parameters.is_empty() {
            facts.forbidden.push("a parameter in where".to_owned());
        }
        let local: BTreeSet<String> =
            query.with.iter().flat_map(|with| with.cte_tables.iter().map(|cte| cte.alias.name.value.clone())).collect();
        if let Some(name) = local.iter().find(|name| ["population", "engagement", "found"].contains(&name.as_str())) {
            facts.forbidden.push(format!("a WITH table named {name}"));
        }
        let mut tables: BTreeSet<String> = facts
            .relations
            .iter()
            .filter(|name| !local.contains(*name) && *name != "population" && *name != "engagement")
            .cloned()
            .collect();
        let reads_subject = !tables.insert(test.subject.clone());
        let gives = output_names(&query.body)?;
        Ok(Self { parameters: facts.parameters.clone(), selecting: selecting.columns, selects, query, facts, tables, reads_subject, gives })
    }

    /// Everything in which the test departs from the rules of statements.
    pub(super) fn check(&self, control: &Control, test: &TestFile, catalogue: &Catalogue, rules: &[String]) -> Vec<String> {
        let mut wrong = self.facts.forbidden.clone();
        for table in self.tables.iter().chain(test.tables.keys()) {
            if table != "engagement" && catalogue.tables.get(table).is_none() {
                wrong.push(format!("no table {table:?}"));
            }
        }
        let Some(subject) = catalogue.tables.get(&test.subject) else { return wrong };
        let named = test.needs.iter().chain(&test.dated_by).chain(&test.lasts_until).chain(&self.selecting);
        for column in named {
            if subject.schema().position(column).is_none() {
                wrong.push(format!("table {} has no column {column:?}", test.subject));
            }
        }
        for parameter in &self.parameters {
            if !control.file.parameters.contains_key(parameter) {
                wrong.push(format!("no parameter {parameter:?}"));
            }
        }
        for column in ["evidence", "row"] {
            if !self.gives.iter().any(|name| name == column) {
                wrong.push(format!("the statement does not give {column}"));
            }
        }
        if control.file.applies_to == AppliesTo::Event {
            match &test.dated_by {
                None => wrong.push("applies_to = \"event\" needs dated_by".to_owned()),
                Some(dated_by) if !self.gives.contains(dated_by) && !self.gives.iter().any(|name| name == FALLS_AT) => {
                    wrong.push(format!("the statement gives neither {dated_by} nor {FALLS_AT}"));
                }
                Some(_) => {}
            }
        }
        if test.subject == "certificate_rules" {
            let text = self.selects.to_string();
            if !rules.iter().any(|rule| text.contains(&format!("rule = '{rule}'"))) {
                wrong.push("no profile has the rule it selects".to_owned());
            }
        }
        wrong
    }

    /// The words that the column has in every record of the population; nothing where it may have any.
    #[must_use]
    pub fn wants(&self, column: &str) -> Option<BTreeSet<String>> {
        wanted(&self.selects, column)
    }

    /// The condition that selects the population.
    #[must_use]
    pub fn selects(&self) -> String {
        self.selects.to_string()
    }

    /// The columns of a table that the test touches, so that a cell there which could not be
    /// settled matters.
    #[must_use]
    pub fn touched<'a>(&self, table: &'a Table, test: &TestFile) -> Vec<&'a str> {
        let own = table.name == test.subject;
        let touches = |name: &str| {
            self.facts.columns.contains(name)
                || (own
                    && (self.selecting.contains(name)
                        || test.needs.iter().chain(&test.dated_by).chain(&test.lasts_until).any(|n| n == name)))
        };
        table.columns.iter().filter(|column| column.required || touches(&column.name)).map(|column| column.name.as_str()).collect()
    }

    /// The statement that counts the records of the subject by class (`population`, `excluded`,
    /// `unreadable`), and those of each segment: columns `class`, `n`, `s0`, `s1`, ….
    #[must_use]
    pub fn census(&self, test: &TestFile, subject: &Table, segments: &[(i64, i64)]) -> String {
        let selecting: Vec<&str> = subject.columns.iter().map(|c| c.name.as_str()).filter(|name| self.selecting.contains(*name)).collect();
        let missing = Self::needed(test).iter().map(|column| format!("{column} IS NULL OR ")).collect::<String>();
        let within: String = segments
            .iter()
            .enumerate()
            .map(|(index, &segment)| format!(", SUM(CASE WHEN {} THEN 1 ELSE 0 END) AS s{index}", within(test, segment)))
            .collect();
        format!(
            "WITH judged AS (SELECT {}, ({}) AS selected FROM {}), \
             classed AS (SELECT {}, CASE WHEN {} THEN 'unreadable' WHEN selected IS NULL THEN 'unreadable' \
             WHEN NOT selected THEN 'excluded' WHEN {missing}{} THEN 'unreadable' ELSE 'population' END AS class FROM judged) \
             SELECT class, COUNT(*) AS n{within} FROM classed GROUP BY class",
            self.columns(test, subject),
            self.selects,
            test.subject,
            self.columns(test, subject),
            unsettled(&selecting),
            unsettled(&self.touched(subject, test)),
        )
    }

    /// The statement that gives the exceptions of one segment.
    ///
    /// # Errors
    /// In words, where a parameter has no value or the parts do not make a statement.
    pub fn bind(
        &self,
        test: &TestFile,
        subject: &Table,
        parameters: &BTreeMap<String, Value>,
        bounds: &Bounds,
        dated: bool,
    ) -> Result<String, String> {
        let needed: String = Self::needed(test).iter().map(|column| format!(" AND {column} IS NOT NULL")).collect();
        let falls_at = if self.gives.iter().any(|name| name == FALLS_AT) { Some(FALLS_AT) } else { test.dated_by.as_deref() };
        let kept = match falls_at {
            Some(column) if dated => {
                format!(" WHERE {column} >= {} AND {column} < {}", literal(bounds.segment_start), literal(bounds.segment_end))
            }
            _ => String::new(),
        };
        let mut whole = parse_query(&format!(
            "WITH engagement AS (SELECT {} AS period_start, {} AS period_end, {} AS as_of, {} AS segment_start, {} AS segment_end, '{}' AS environment), \
             population AS (SELECT {} FROM {} WHERE ({}){needed} AND NOT ({})), \
             found AS (SELECT 1) SELECT {} FROM found{kept}",
            literal(bounds.period_start),
            literal(bounds.period_end),
            literal(bounds.as_of),
            literal(bounds.segment_start),
            literal(bounds.segment_end),
            bounds.environment.replace('\'', ""),
            self.columns(test, subject),
            test.subject,
            self.selects,
            unsettled(&self.touched(subject, test)),
            self.gives.join(", "),
        ))?;
        let mut query = self.query.clone();
        let mut unbound = None;
        let _ = visit_expressions_mut(&mut query, |expr| {
            if let Some(name) = placeholder(expr) {
                match parameters.get(&name).map(|value| value.literal()) {
                    Some(Ok(bound)) => *expr = bound,
                    _ => unbound = Some(name),
                }
            }
            ControlFlow::<()>::Continue(())
        });
        if let Some(name) = unbound {
            return Err(format!("parameter {name} has no value"));
        }
        let Some(with) = whole.with.as_mut() else { return Err("no WITH in the bound statement".to_owned()) };
        let Some(mut found) = with.cte_tables.pop() else { return Err("no found in the bound statement".to_owned()) };
        if let Some(own) = query.with.take() {
            with.cte_tables.extend(own.cte_tables);
        }
        found.query = Box::new(query);
        with.cte_tables.push(found);
        Ok(whole.to_string())
    }

    /// The columns of the subject that the test names anywhere, in the order of the table.
    fn columns(&self, test: &TestFile, subject: &Table) -> String {
        let touched = self.touched(subject, test);
        let named = |name: &str| {
            touched.contains(&name) || self.facts.columns.contains(name) || ["evidence", "row", "position", UNSETTLED].contains(&name)
        };
        let columns: Vec<&str> = subject.schema().0.iter().map(|column| column.name.as_str()).filter(|name| named(name)).collect();
        columns.join(", ")
    }

    fn needed(test: &TestFile) -> Vec<&str> {
        let mut needed: Vec<&str> = test.needs.iter().chain(&test.dated_by).map(String::as_str).collect();
        needed.dedup();
        needed
    }
}

/// True where a row could not be settled in one of the columns.
#[must_use]
pub fn unsettled(columns: &[&str]) -> String {
    if columns.is_empty() {
        return "FALSE".to_owned();
    }
    let mentions: Vec<String> = columns.iter().map(|column| format!("COALESCE({UNSETTLED}, '') LIKE '%,{column},%'")).collect();
    format!("({})", mentions.join(" OR "))
}

/// True where a row lies in a segment.
fn within(test: &TestFile, (start, end): (i64, i64)) -> String {
    match (&test.dated_by, &test.lasts_until) {
        (Some(dated), Some(until)) => {
            format!("{dated} < {} AND ({until} IS NULL OR {until} >= {})", literal(end), literal(start))
        }
        (Some(dated), None) => format!("{dated} >= {} AND {dated} < {}", literal(start), literal(end)),
        _ => "TRUE".to_owned(),
    }
}

fn literal(micros: i64) -> String {
    format!("TIMESTAMP '{}'", instant::text(micros).trim_end_matches('Z').replace('T', " "))
}

fn parse_query(sql: &str) -> Result<Query, String> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, sql).map_err(|error| error.to_string())?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Ast::Query(query)), true) => Ok(*query),
        _ => Err("not a single SELECT".to_owned()),
    }
}

fn output_names(body: &SetExpr) -> Result<Vec<String>, String> {
    match body {
        SetExpr::Select(select) => select
            .projection
            .iter()
            .map(|item| match item {
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => Ok(name.value.clone()),
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => {
                    names.last().map(|name| name.value.clone()).ok_or_else(|| "a column without a name".to_owned())
                }
                SelectItem::ExprWithAlias { alias, .. } => Ok(alias.value.clone()),
                other => Err(format!("{other}: every column given has a name, and * is not one")),
            })
            .collect(),
        SetExpr::SetOperation { left, .. } => output_names(left),
        SetExpr::Query(query) => output_names(&query.body),
        _ => Err("not a SELECT".to_owned()),
    }
}

/// Refuses, in a statement typed by a person, everything but one SELECT over known tables.
///
/// # Errors
/// What is refused, in words.
pub fn guard(sql: &str, known: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let query = parse_query(sql)?;
    let mut facts = Facts::default();
    let _ = query.visit(&mut facts);
    let local: BTreeSet<String> =
        query.with.iter().flat_map(|with| with.cte_tables.iter().map(|cte| cte.alias.name.value.clone())).collect();
    if let Some(what) = facts.forbidden.iter().find(|what| what.contains("table function")) {
        return Err(what.clone());
    }
    match facts.relations.iter().find(|name| !local.contains(*name) && !known(name)) {
        Some(name) => Err(format!("no table {name:?}; see `assure list tables`")),
        None => Ok(()),
    }
}

fn wanted(condition: &Expr, column: &str) -> Option<BTreeSet<String>> {
    let is = |expr: &Expr| matches!(expr, Expr::Identifier(name) if name.value == column);
    let word = |expr: &Expr| match expr {
        Expr::Value(value) => match &value.value {
            sqlparser::ast::Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    match condition {
        Expr::Nested(inner) => wanted(inner, column),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => wanted(left, column).or_else(|| wanted(right, column)),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => Some(&wanted(left, column)? | &wanted(right, column)?),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is(left) => Some(BTreeSet::from([word(right)?])),
        Expr::InList { expr, list, negated: false } if is(expr) => list.iter().map(word).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(condition: &str) -> Option<Vec<String>> {
        let parsed = Parser::new(&GenericDialect {}).try_with_sql(condition).unwrap().parse_expr().unwrap();
        wanted(&parsed, "event_type").map(|words| words.into_iter().collect())
    }

    #[test]
    fn the_words_a_population_is_selected_by_are_those_that_every_record_of_it_has() {
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(wants("event_type = 'export' AND outcome <> 'failure' AND retold IS NULL"), words(&["export"]));
        assert_eq!(wants("outcome = 'success' AND event_type IN ('a', 'b')"), words(&["a", "b"]));
        assert_eq!(wants("(event_type = 'a' OR event_type = 'b') AND TRUE"), words(&["a", "b"]));
        for open in [
            "event_type = 'a' OR outcome = 'failure'",
            "event_type NOT IN ('a')",
            "event_type <> 'a'",
            "outcome = 'a'",
            "NOT (event_type = 'a')",
        ] {
            assert_eq!(wants(open), None, "{open}");
        }
    }
}
