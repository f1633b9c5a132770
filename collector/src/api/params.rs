//! Query strings: every parameter known, each read once, a mistake named.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::moment::parse_time;

/// Longest query string taken, in bytes.
const QUERY_BYTES_MAX: usize = 16 << 10;

/// The parameters of a request, decoded.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or(""))
    }
}

impl Params {
    /// Decodes `a=1&b=x%20y`.
    ///
    /// # Errors
    /// A query string that is too long or not UTF-8 once decoded.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        if query.len() > QUERY_BYTES_MAX {
            let detail = format!("the query string has {} bytes, limit {QUERY_BYTES_MAX}", query.len());
            return Err(Problem::limit(detail));
        }
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| Problem::bad_parameter(name, "is not UTF-8"))?;
            let value = decode(value).ok_or_else(|| Problem::bad_parameter(&name, "is not UTF-8"))?;
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Refuses parameters other than these, and a repeated one unless it is `match`.
    ///
    /// # Errors
    /// The first parameter that does not belong.
    pub fn only(self, known: &[&str]) -> Result<Self, Problem> {
        for (index, (name, _)) in self.pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let detail = if known.is_empty() {
                    "is not known; there are no parameters here".to_owned()
                } else {
                    format!("is not known; there are {}", known.join(", "))
                };
                return Err(Problem::bad_parameter(name, detail));
            }
            if name != "match" && self.pairs[..index].iter().any(|(other, _)| other == name) {
                return Err(Problem::bad_parameter(name, "is given twice"));
            }
        }
        Ok(self)
    }

    /// The value of a parameter; an empty one counts as not given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeatable parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The words of a parameter that lists them between commas.
    pub fn words(&self, name: &str) -> Vec<String> {
        let words = self.get(name).unwrap_or("").split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// A value that is parsed; `expected` completes the sentence "`name` must be …".
    ///
    /// # Errors
    /// The parameter is there and does not parse.
    pub fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let value = text.parse();
        value.map(Some).map_err(|_| Problem::bad_parameter(name, format!("must be {expected}, not {text:?}")))
    }

    /// A time, Unix milliseconds.
    ///
    /// # Errors
    /// The parameter is there and is no time.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        parse_time(text).map(Some).map_err(|detail| Problem::bad_parameter(name, detail))
    }

    /// The page size.
    ///
    /// # Errors
    /// Not a number of `1..=max`.
    pub fn limit(&self, default: usize, max: usize) -> Result<usize, Problem> {
        let expected = format!("a number from 1 to {max}");
        match self.parsed("limit", &expected)? {
            None => Ok(default),
            Some(limit) if (1..=max).contains(&limit) => Ok(limit),
            Some(limit) => Err(Problem::bad_parameter("limit", format!("must be {expected}, not {limit}"))),
        }
    }
}

/// Decodes `application/x-www-form-urlencoded` (WHATWG URL §5.1): `+` is a space, `%41` a byte; a lone `%` stays.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
        match (bytes[index], hex(index + 1), hex(index + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                index += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        index += 1;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_repeated_ones_kept() {
        let params = Params::parse("match=a%7Bb%3D%22c+d%22%7D&match=%zz&limit=7&empty=").unwrap();
        assert_eq!(params.all("match").collect::<Vec<_>>(), [r#"a{b="c d"}"#, "%zz"]);
        assert_eq!(params.limit(10, 100).unwrap(), 7);
        assert_eq!(params.get("empty"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let detail =
            |query: &str| Params::parse(query).unwrap().only(&["limit", "match"]).unwrap_err().detail;
        assert_eq!(detail("limt=3"), "`limt` is not known; there are limit, match");
        assert_eq!(detail("limit=3&limit=4"), "`limit` is given twice");
        let limit = |query: &str| Params::parse(query).unwrap().limit(10, 100).unwrap_err().detail;
        assert_eq!(limit("limit=0"), "`limit` must be a number from 1 to 100, not 0");
        assert_eq!(limit("limit=x"), "`limit` must be a number from 1 to 100, not \"x\"");
        assert_eq!(Params::parse("%ff=1").unwrap_err().status, 400);
        assert_eq!(Params::parse(&"a".repeat(20_000)).unwrap_err().status, 422);
    }
}
