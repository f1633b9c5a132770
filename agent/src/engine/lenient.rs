//! Reads JSON that others wrote without trusting it: a field of another type than expected is taken as not there, a list or
//! map is read up to a bound, and neither costs what stands beside it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The value of a field, or its default when it is null or of another type. For `#[serde(default, deserialize_with)]`.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// The first `N` elements of a list; those that are not of the type are left out.
#[derive(Debug)]
pub(super) struct UpTo<T, const N: usize> {
    /// What was read.
    pub(super) items: Vec<T>,
    /// How many elements there were.
    pub(super) total: usize,
}

impl<T, const N: usize> Default for UpTo<T, N> {
    fn default() -> Self {
        Self { items: Vec::new(), total: 0 }
    }
}

impl<'de, T: DeserializeOwned, const N: usize> Deserialize<'de> for UpTo<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const N: usize>(PhantomData<T>);

        impl<'de, T: DeserializeOwned, const N: usize> Visitor<'de> for Reader<T, N> {
            type Value = UpTo<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            // Go writes a list that was never made as null.
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(UpTo::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut found = UpTo::default();
                while found.total < N {
                    let Some(raw) = list.next_element::<&RawValue>()? else { return Ok(found) };
                    found.total += 1;
                    found.items.extend(serde_json::from_str::<T>(raw.get()).ok());
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    found.total += 1;
                }
                Ok(found)
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// The first `N` entries of a map, in their order; those whose value is not of the type are left out.
#[derive(Debug)]
pub(super) struct Entries<T, const N: usize>(pub(super) Vec<(String, T)>);

impl<T, const N: usize> Default for Entries<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned, const N: usize> Deserialize<'de> for Entries<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const N: usize>(PhantomData<T>);

        impl<'de, T: DeserializeOwned, const N: usize> Visitor<'de> for Reader<T, N> {
            type Value = Entries<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while found.len() < N {
                    let Some((key, raw)) = map.next_entry::<String, &RawValue>()? else {
                        return Ok(Entries(found));
                    };
                    found.extend(serde_json::from_str(raw.get()).ok().map(|value| (key, value)));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Entries(found))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// A text of at most `max` bytes, cut at a character.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Thing {
        #[serde(deserialize_with = "lenient")]
        number: u32,
        #[serde(deserialize_with = "lenient")]
        list: UpTo<u8, 2>,
        #[serde(deserialize_with = "lenient")]
        map: Entries<String, 2>,
    }

    #[test]
    fn what_does_not_fit_costs_only_itself() {
        let thing: Thing = serde_json::from_str(
            r#"{"number": "seven", "list": [1, "x", 3, 4], "map": {"a": "1", "b": 2, "c": "3", "d": "4"}, "other": [{}]}"#,
        )
        .unwrap();
        assert_eq!(thing.number, 0);
        assert_eq!((thing.list.items, thing.list.total), (vec![1], 4));
        assert_eq!(thing.map.0, [("a".to_owned(), "1".to_owned()), ("c".to_owned(), "3".to_owned())]);
        let thing: Thing = serde_json::from_str(r#"{"number": 7, "list": null, "map": []}"#).unwrap();
        assert_eq!((thing.number, thing.list.total, thing.map.0.len()), (7, 0, 0));
    }

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(cut("aüb".to_owned(), 2), "a");
        assert_eq!(cut("aüb".to_owned(), 3), "aü");
        assert_eq!(cut("ab".to_owned(), 3), "ab");
    }
}
