//! Series selectors as in PromQL: `name{label="v",other=~"re",third!="x",fourth!~"y"}`.
//!
//! Grammar after Prometheus' documentation ("Querying basics", instant vector selectors and string literals): no offsets,
//! ranges or functions; strings in double or single quotes with Go's escapes, or in backticks as they stand.

use hi_common::metric::{is_label_name, is_metric_name};

use crate::model::{MatchOp, Matcher};

use super::matching::CompiledMatcher;

/// Label that holds the metric name.
pub const NAME_LABEL: &str = "__name__";

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {at}")]
pub struct SelectorError {
    /// What is wrong.
    pub problem: String,
    /// Where, counted from 1.
    pub at: usize,
}

/// Reads a selector.
///
/// # Errors
/// What is wrong and where; also a selector that every series fulfils.
pub fn parse(text: &str) -> Result<Vec<Matcher>, SelectorError> {
    let mut parser = Parser { text, at: 0 };
    let matchers = parser.selector()?;
    for matcher in &matchers {
        let compiled = CompiledMatcher::new(matcher).map_err(|problem| SelectorError { problem, at: 1 })?;
        if !compiled.is_match("") {
            return Ok(matchers);
        }
    }
    let problem = "the selector matches every series; name a metric or give one label a value".to_owned();
    Err(SelectorError { problem, at: 1 })
}

struct Parser<'a> {
    text: &'a str,
    /// Byte position.
    at: usize,
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Result<Vec<Matcher>, SelectorError> {
        let mut matchers = Vec::new();
        self.space();
        let name = self.word();
        if !name.is_empty() {
            if !is_metric_name(name) {
                return self.fail(format!("{name:?} is no metric name"));
            }
            matchers.push(Matcher { label: NAME_LABEL.to_owned(), op: MatchOp::Eq, value: name.to_owned() });
        }
        self.space();
        if self.take("{") {
            self.braces(&mut matchers)?;
            self.space();
        } else if matchers.is_empty() {
            return self.fail("expected a metric name or {".to_owned());
        }
        if self.rest().is_empty() {
            Ok(matchers)
        } else {
            self.fail(format!("unexpected {:?}", self.rest().chars().next().unwrap_or(' ')))
        }
    }

    fn braces(&mut self, matchers: &mut Vec<Matcher>) -> Result<(), SelectorError> {
        loop {
            self.space();
            if self.take("}") {
                return Ok(());
            }
            matchers.push(self.matcher()?);
            self.space();
            if !self.take(",") && !self.rest().starts_with('}') {
                return self.fail("expected , or }".to_owned());
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        let label = self.word();
        if !is_label_name(label) {
            return self.fail("expected a label name".to_owned());
        }
        self.space();
        let ops = [("=~", MatchOp::Re), ("!~", MatchOp::Nre), ("!=", MatchOp::Ne), ("=", MatchOp::Eq)];
        let Some((_, op)) = ops.into_iter().find(|(sign, _)| self.take(sign)) else {
            return self.fail("expected =, !=, =~ or !~".to_owned());
        };
        self.space();
        let value = self.string()?;
        Ok(Matcher { label: label.to_owned(), op, value })
    }

    fn string(&mut self) -> Result<String, SelectorError> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
            return self.fail("expected a text in quotes".to_owned());
        };
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.at = start;
                return self.fail("this text has no end".to_owned());
            };
            self.at += c.len_utf8();
            match c {
                c if c == quote => return Ok(value),
                '\\' if quote != '`' => value.push(self.escape(quote)?),
                '\n' if quote != '`' => {
                    return self.fail("a text in quotes cannot hold a line break".to_owned());
                }
                c => value.push(c),
            }
        }
    }

    /// Go's escapes; the backslash is behind us.
    fn escape(&mut self, quote: char) -> Result<char, SelectorError> {
        let Some(c) = self.rest().chars().next() else {
            return self.fail("this text has no end".to_owned());
        };
        self.at += c.len_utf8();
        let simple = match c {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' => '\\',
            c if c == quote => c,
            'x' => return self.code(2, 16),
            'u' => return self.code(4, 16),
            'U' => return self.code(8, 16),
            '0'..='7' => {
                self.at -= 1;
                return self.code(3, 8);
            }
            c => return self.fail(format!("unknown escape \\{c}; in a regular expression write \\\\{c}")),
        };
        Ok(simple)
    }

    fn code(&mut self, digits: usize, radix: u32) -> Result<char, SelectorError> {
        let code = self.rest().get(..digits).and_then(|text| u32::from_str_radix(text, radix).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                self.at += digits;
                Ok(c)
            }
            None => self.fail(format!("expected the {digits} digits of a character")),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fail<T>(&self, problem: String) -> Result<T, SelectorError> {
        Err(SelectorError { problem, at: self.text[..self.at].chars().count() + 1 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matcher(label: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher { label: label.to_owned(), op, value: value.to_owned() }
    }

    #[test]
    fn all_forms_are_read() {
        assert_eq!(parse(" up ").unwrap(), [matcher(NAME_LABEL, MatchOp::Eq, "up")]);
        assert_eq!(
            parse(r#"node_x{a="1", b!='\'2"', c=~"x\\d|\"y\"",d !~ `\d`,}"#).unwrap(),
            [
                matcher(NAME_LABEL, MatchOp::Eq, "node_x"),
                matcher("a", MatchOp::Eq, "1"),
                matcher("b", MatchOp::Ne, "'2\""),
                matcher("c", MatchOp::Re, "x\\d|\"y\""),
                matcher("d", MatchOp::Nre, "\\d"),
            ]
        );
        assert_eq!(parse(r#"{__name__=~"a:.+"}"#).unwrap(), [matcher(NAME_LABEL, MatchOp::Re, "a:.+")]);
        assert_eq!(parse(r#"a{b="\u00e4\x41\101\n"}"#).unwrap()[1].value, "äAA\n");
    }

    #[test]
    fn mistakes_are_located() {
        for (text, message) in [
            ("", "expected a metric name or { at character 1"),
            ("1a", "\"1a\" is no metric name at character 3"),
            ("a{", "expected a label name at character 3"),
            ("a{b}", "expected =, !=, =~ or !~ at character 4"),
            ("a{b=c}", "expected a text in quotes at character 5"),
            ("a{b=\"c}", "this text has no end at character 5"),
            ("a{b=\"c\" d=\"e\"}", "expected , or } at character 9"),
            ("a[5m]", "unexpected '[' at character 2"),
            (r#"a{b=~"\d"}"#, r"unknown escape \d; in a regular expression write \\d at character 9"),
            (
                "{}",
                "the selector matches every series; name a metric or give one label a value at character 1",
            ),
            (
                r#"{a=~".*",b!="x"}"#,
                "the selector matches every series; name a metric or give one label a value at character 1",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
        assert!(parse(r#"{a=~"("}"#).unwrap_err().problem.contains("regular expression"));
    }

    proptest! {
        #[test]
        fn any_value_survives_quoting(value in ".*", label in "[a-z_][a-z0-9_]{0,8}") {
            let quoted: String = value
                .chars()
                .flat_map(|c| match c {
                    '\\' | '"' => vec!['\\', c],
                    '\n' => vec!['\\', 'n'],
                    c => vec![c],
                })
                .collect();
            let text = format!("m{{{label}=\"{quoted}\"}}");
            prop_assert_eq!(&parse(&text).unwrap()[1], &matcher(&label, MatchOp::Eq, &value));
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_near_a_selector_makes_it_panic(text in "[a{}=!~\"'`\\\\,x0-9 ä]{0,40}") {
            let _ = parse(&text);
        }
    }
}
