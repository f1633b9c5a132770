//! A list as JSON: what `hi-agent decode nvlist` prints.

use serde_json::{Map, Number, Value as Json};

use super::{List, Value, decode};

/// Decodes a packed list into JSON. Flags become `true`, bytes an array of numbers; of two values with one name the last
/// counts.
///
/// # Errors
/// Where the bytes stop being a list.
pub fn from_bytes(bytes: &[u8]) -> Result<Json, String> {
    decode(bytes).map(|list| from_list(&list)).map_err(|malformed| malformed.to_string())
}

fn from_list(list: &List) -> Json {
    Json::Object(list.iter().map(|(name, value)| (name.to_owned(), from_value(value))).collect::<Map<_, _>>())
}

fn from_value(value: &Value) -> Json {
    match value {
        Value::Flag => Json::Bool(true),
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::from(text.as_ref()),
        Value::Bytes(bytes) => Json::from(*bytes),
        Value::Numbers(numbers) if numbers.are_booleans() => {
            numbers.iter().map(|number| Json::Bool(number != 0)).collect()
        }
        Value::Numbers(numbers) => numbers.iter().map(number).collect(),
        Value::Texts(texts) => texts.iter().map(|text| Json::from(text.as_ref())).collect(),
        Value::List(list) => from_list(list),
        Value::Lists(lists) => lists.iter().map(from_list).collect(),
        Value::Unknown(kind) => Json::from(format!("unknown type {kind}")),
    }
}

fn number(number: i128) -> Json {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => Json::from(number),
        (_, Ok(number)) => Json::from(number),
        _ => Json::Null,
    }
}
