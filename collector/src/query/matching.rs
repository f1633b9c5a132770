//! Matchers applied in memory: to series that arrive live.

use hi_common::metric::job_of;
use regex::{Regex, RegexBuilder};

use crate::model::{MatchOp, Matcher, SeriesInfo};

use super::selector::NAME_LABEL;

/// Most memory a compiled regular expression may take, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A condition on one label, ready to be applied.
#[derive(Clone, Debug)]
pub struct CompiledMatcher {
    label: String,
    /// `!=` or `!~`.
    negative: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Text(String),
    Pattern(Regex),
}

impl CompiledMatcher {
    /// Compiles a matcher; regular expressions are anchored at both ends and `.` matches line breaks, as in Prometheus.
    ///
    /// # Errors
    /// A text that says what is wrong with the regular expression.
    pub fn new(matcher: &Matcher) -> Result<Self, String> {
        let test = match matcher.op {
            MatchOp::Eq | MatchOp::Ne => Test::Text(matcher.value.clone()),
            MatchOp::Re | MatchOp::Nre => Test::Pattern(compile(&matcher.value).map_err(|error| {
                let last = error.to_string();
                let last = last.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                format!("the regular expression {:?} is wrong: {last}", matcher.value)
            })?),
        };
        let negative = matches!(matcher.op, MatchOp::Ne | MatchOp::Nre);
        Ok(Self { label: matcher.label.clone(), negative, test })
    }

    /// Whether a value of the label fulfils it; a label that is not there has the value "".
    pub fn is_match(&self, value: &str) -> bool {
        let found = match &self.test {
            Test::Text(text) => text == value,
            Test::Pattern(pattern) => pattern.is_match(value),
        };
        found != self.negative
    }

    fn is_match_series(&self, info: &SeriesInfo, host_name: &str) -> bool {
        self.is_match(match self.label.as_str() {
            NAME_LABEL => &info.metric,
            "instance" => host_name,
            "job" => job_of(&info.metric),
            label => info.labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value),
        })
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    // Compiled alone first, so that "a)(b" does not pass because of the anchoring group.
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build()?;
    RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(REGEX_BYTES_MAX).build()
}

/// Several selectors, of which a series must fulfil one.
#[derive(Clone, Debug, Default)]
pub struct AnyOf(Vec<Vec<CompiledMatcher>>);

impl AnyOf {
    /// Compiles selectors; none at all match every series.
    ///
    /// # Errors
    /// As [`CompiledMatcher::new`].
    pub fn new(selectors: &[Vec<Matcher>]) -> Result<Self, String> {
        let compile = |selector: &Vec<Matcher>| selector.iter().map(CompiledMatcher::new).collect();
        Ok(Self(selectors.iter().map(compile).collect::<Result<_, String>>()?))
    }

    /// Whether a series of a host of this name is meant.
    pub fn is_match(&self, info: &SeriesInfo, host_name: &str) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|selector| selector.iter().all(|m| m.is_match_series(info, host_name)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hi_common::metric::Kind;

    use super::*;
    use crate::query::selector::parse;

    fn matches(selector: &str) -> bool {
        let info = SeriesInfo {
            id: 1,
            host: 1,
            metric: Arc::from("node_cpu_seconds_total"),
            kind: Kind::Counter,
            labels: Arc::from([("cpu".to_owned(), "10".to_owned()), ("mode".to_owned(), "a\nb".to_owned())]),
        };
        AnyOf::new(&[parse(selector).unwrap()]).unwrap().is_match(&info, "nas")
    }

    #[test]
    fn matching_follows_prometheus() {
        for yes in [
            "node_cpu_seconds_total",
            r#"{instance="nas",job="node"}"#,
            r#"{cpu=~"1.|2",absent=""}"#,
            r#"{cpu="10",absent!="x",absent!~"x+"}"#,
            r#"{mode=~"a.b"}"#,
        ] {
            assert!(matches(yes), "{yes}");
        }
        for no in [
            r#"{cpu=~"1"}"#,
            r#"{job="node",cpu!~"1."}"#,
            r#"{instance="na"}"#,
            r#"{absent=~".+"}"#,
            "node_cpu",
        ] {
            assert!(!matches(no), "{no}");
        }
    }

    #[test]
    fn a_group_cannot_break_out_of_the_anchors() {
        let matcher = Matcher { label: "a".to_owned(), op: MatchOp::Re, value: "x)|(y".to_owned() };
        assert!(CompiledMatcher::new(&matcher).is_err());
    }
}
