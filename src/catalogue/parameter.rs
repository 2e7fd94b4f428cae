//! The value of a parameter: a length of time, or a number.

use sqlparser::ast::Expr;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::domain::period::Period;

/// A threshold as it stands in a control, an override or an engagement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// ISO 8601, of one unit: `PT12H`, `P12M`.
    Period(Period),
    /// A whole number: people, days of a series, microseconds, as `about` says.
    Number(i64),
}

impl Value {
    /// Reads `PT12H` or `2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Number).ok().or_else(|| Period::parse(text).map(Self::Period))
    }

    /// The other value is of the same kind: a length of time is not to be set by a number.
    #[must_use]
    pub fn same_kind(self, other: Self) -> bool {
        matches!((self, other), (Self::Period(_), Self::Period(_)) | (Self::Number(_), Self::Number(_)))
    }

    /// The literal that stands for it in a statement.
    ///
    /// # Errors
    /// What the parser says; a value that was read has none.
    pub fn literal(self) -> Result<Expr, String> {
        let text = match self {
            Self::Period(period) => format!("INTERVAL '{}'", period.sql()),
            Self::Number(number) => number.to_string(),
        };
        let mut parser = Parser::new(&GenericDialect {}).try_with_sql(&text).map_err(|error| error.to_string())?;
        parser.parse_expr().map_err(|error| error.to_string())
    }
}
