//! Whether the `fault` of a statement may leave the assessor: only where it can be nothing but the
//! statement's own words.

use std::sync::LazyLock;

use regex::Regex;

static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"--[^\n]*|'(?:[^']|'')*'|\w+|[^\s\w]").ok());

/// Whether every `fault` that a statement makes is a quoted text, or a `CASE` whose every branch is one.
/// A single word does not count as words: it may be a value of the evidence.
#[must_use]
pub(super) fn is_literal(statement: &str) -> bool {
    let Some(token) = TOKEN.as_ref() else { return false };
    let tokens: Vec<&str> = token.find_iter(statement).map(|found| found.as_str()).filter(|text| !text.starts_with("--")).collect();
    let mut made = false;
    for (at, _) in tokens.iter().enumerate().filter(|(_, text)| text.eq_ignore_ascii_case("fault")) {
        let before = tokens.get(..at).unwrap_or_default();
        match before.split_last() {
            Some((last, before)) if last.eq_ignore_ascii_case("as") => {
                if !own_words(before) {
                    return false;
                }
                made = true;
            }
            Some((last, _)) if [",", ".", "(", "select", "distinct", "by"].iter().any(|word| last.eq_ignore_ascii_case(word)) => {}
            // Not seen in a statement so far: a name given without AS, say.
            _ => return false,
        }
    }
    made
}

/// Whether the expression that ends here is a text, or a `CASE` of texts.
fn own_words(tokens: &[&str]) -> bool {
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    let Some((last, mut before)) = tokens.split_last() else { return false };
    if is(last, "end") {
        let mut after = *last;
        loop {
            let Some((text, rest)) = before.split_last() else { return false };
            let Some((word, rest)) = rest.split_last() else { return false };
            // Every branch, from the last: THEN or ELSE, a text, and what follows it.
            if !(words(text) && (is(word, "then") || is(word, "else")) && ["end", "else", "when"].iter().any(|next| is(after, next))) {
                return false;
            }
            before = rest;
            if is(word, "else") {
                after = word;
                continue;
            }
            // The condition: back to its WHEN, and nothing in it may be a CASE of its own.
            loop {
                let Some((text, rest)) = before.split_last() else { return false };
                before = rest;
                if ["case", "end", "then", "else"].iter().any(|word| is(text, word)) {
                    return false;
                }
                if is(text, "when") {
                    after = text;
                    break;
                }
            }
            if let Some((text, rest)) = before.split_last()
                && is(text, "case")
            {
                before = rest;
                break;
            }
        }
    } else if !words(last) {
        return false;
    }
    before.last().is_some_and(|text| is(text, ",") || is(text, "select") || is(text, "distinct"))
}

fn words(token: &str) -> bool {
    token.starts_with('\'') && token.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_statement_may_leave() {
        for made in [
            "'no request for it' AS fault",
            "CASE WHEN a = 'THEN' THEN 'it was late' ELSE 'it was never made' END AS fault",
            "CASE WHEN a THEN 'it was late' WHEN b > 1 AND (c OR d) THEN 'it was never made' END AS fault",
        ] {
            assert!(is_literal(&format!("SELECT row, {made}, x FROM t UNION ALL SELECT row, 'another one' AS fault, y FROM t")), "{made}");
        }
        assert!(is_literal("WITH a AS (SELECT row, 'it was late' AS fault FROM t) SELECT a.row, a.fault FROM a"));
    }

    #[test]
    fn a_value_of_the_evidence_may_not() {
        for made in [
            "reason AS fault",
            "reason fault",
            "actor || ' was late' AS fault",
            "COALESCE(reason, 'not given at all') AS fault",
            "CASE WHEN a THEN reason ELSE 'it was late' END AS fault",
            "CASE WHEN a THEN 'it was late' ELSE reason END AS fault",
            "CASE WHEN a THEN reason WHEN b THEN 'it was late' END AS fault",
            "CASE WHEN a THEN CASE WHEN b THEN reason ELSE 'it was late' END ELSE 'not at all' END AS fault",
            "CASE WHEN reason = 6 THEN 'certificateHold' ELSE 'removeFromCRL' END AS fault",
        ] {
            assert!(!is_literal(&format!("SELECT row, 'no request for it' AS fault FROM t UNION ALL SELECT row, {made} FROM t")), "{made}");
            assert!(!is_literal(&format!("SELECT row, {made} FROM t")), "{made}");
        }
        assert!(!is_literal("SELECT row, 'one' AS other FROM t"));
    }
}
