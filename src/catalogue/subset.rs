//! The subset of SQL that polars and `DuckDB` both run, with the same answers: what a statement uses, and
//! everything in it that is not of the subset.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Function, FunctionArguments, Query, SelectItem, SetExpr, TableFactor, Value, Visitor, WindowType};

/// Functions that polars and `DuckDB` give the same answers for.
const FUNCTIONS: &[&str] = &[
    "coalesce",
    "count",
    "dense_rank",
    "lag",
    "lead",
    "length",
    "lower",
    "max",
    "min",
    "rank",
    "row_number",
    "split_part",
    "substring",
    "sum",
    "trim",
    "upper",
];

/// Words that the parser takes for names and `DuckDB` does not (its reserved keywords).
const RESERVED: &[&str] = &[
    "analyse",
    "analyze",
    "any",
    "array",
    "asymmetric",
    "at",
    "both",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "default",
    "deferrable",
    "desc",
    "do",
    "foreign",
    "grant",
    "initially",
    "lambda",
    "leading",
    "only",
    "pivot",
    "placing",
    "primary",
    "references",
    "returning",
    "show",
    "some",
    "summarize",
    "symmetric",
    "table",
    "to",
    "trailing",
    "unique",
    "unpivot",
    "variadic",
];

/// What a statement uses.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) relations: BTreeSet<String>,
    pub(super) columns: BTreeSet<String>,
    pub(super) parameters: BTreeSet<String>,
    pub(super) forbidden: Vec<String>,
}

impl Visitor for Facts {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args, .. } => {
                if args.is_some() {
                    self.forbidden.push(format!("table function {name}"));
                }
                self.relations.insert(name.to_string());
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {}
            other => self.forbidden.push(format!("table function or unusual source {other}")),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.limit_clause.is_some() {
            self.forbidden.push("LIMIT: an exception may not be cut off".to_owned());
        }
        let names = query.with.iter().flat_map(|with| &with.cte_tables).map(|table| &table.alias.name.value);
        names.for_each(|name| self.named(name));
        if let SetExpr::Select(select) = query.body.as_ref() {
            if select.into.is_some() {
                self.forbidden.push("SELECT INTO".to_owned());
            }
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    self.named(&alias.value);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => {
                self.columns.insert(name.value.clone());
            }
            Expr::CompoundIdentifier(names) => {
                self.columns.extend(names.last().map(|name| name.value.clone()));
            }
            Expr::InSubquery { negated: true, .. } => {
                self.forbidden.push("NOT IN (SELECT …): one empty value makes it true of nothing; use NOT EXISTS".to_owned());
            }
            Expr::Subquery(_) => self.forbidden.push("a scalar subquery: join a one-row table instead".to_owned()),
            Expr::Function(function) => self.function(function),
            other => self.parameters.extend(placeholder(other)),
        }
        ControlFlow::Continue(())
    }
}

impl Facts {
    fn named(&mut self, name: &str) {
        if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            self.forbidden.push(format!("the name {name}: a reserved word of DuckDB"));
        }
    }

    fn function(&mut self, function: &Function) {
        let name = function.name.to_string().to_ascii_lowercase();
        if !FUNCTIONS.contains(&name.as_str()) {
            self.forbidden.push(format!("function {name}: not in the portable subset"));
        }
        if let FunctionArguments::Subquery(_) = function.args {
            self.forbidden.push(format!("function {name} of a subquery"));
        }
        if let Some(WindowType::WindowSpec(window)) = &function.over
            && !window.order_by.is_empty()
        {
            let order: Vec<String> = window.order_by.iter().map(|key| key.expr.to_string()).collect();
            let ends = order.iter().rev().take(2).map(|key| key.rsplit('.').next().unwrap_or(key)).collect::<Vec<_>>();
            if ends != ["row", "evidence"] {
                self.forbidden.push(format!("window of {name}: ORDER BY must end in evidence, row, so that equal rows have one order"));
            }
        }
    }
}

/// The name of a parameter, where an expression is one.
pub(super) fn placeholder(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name.trim_start_matches(':').to_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::ast::Visit;
    use sqlparser::dialect::GenericDialect;
    use sqlparser::parser::Parser;

    #[test]
    fn a_name_that_duckdb_reserves_is_refused() {
        let refused = |sql: &str| {
            let mut facts = Facts::default();
            let _ = Parser::parse_sql(&GenericDialect {}, sql).unwrap().visit(&mut facts);
            facts.forbidden
        };
        assert_eq!(refused("WITH leading AS (SELECT a FROM t) SELECT a FROM leading").len(), 1);
        assert_eq!(refused("SELECT a AS at FROM t").len(), 1);
        assert!(refused("WITH first AS (SELECT a AS place FROM t) SELECT place FROM first").is_empty());
    }
}
