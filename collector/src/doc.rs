//! Reading facts, whatever is missing in them.

use std::collections::BTreeMap;

use serde_json::Value;

/// A document of a fact, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doc<'a>(pub(crate) &'a Value);

impl<'a> Doc<'a> {
    /// A text that is not empty.
    pub(crate) fn text(self, key: &str) -> Option<String> {
        let text = self.0.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The first of these texts that there is.
    pub(crate) fn first(self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }

    pub(crate) fn number(self, key: &str) -> Option<f64> {
        self.0.get(key)?.as_f64()
    }

    pub(crate) fn flag(self, key: &str) -> Option<bool> {
        self.0.get(key)?.as_bool()
    }

    /// The parts of a list.
    pub(crate) fn list(self, key: &str) -> impl Iterator<Item = Doc<'a>> {
        self.0.get(key).and_then(Value::as_array).into_iter().flatten().map(Doc)
    }

    /// The texts of a list.
    pub(crate) fn texts(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.list(key).filter_map(|part| part.0.as_str())
    }

    /// Its fields.
    pub(crate) fn fields(self) -> BTreeMap<String, Value> {
        self.0.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
