//! Properties of pools and datasets: lists of `value` and `source` by name (`dsl_prop_nvlist_add_uint64` and
//! `spa_prop_add_list` of module/zfs).

use super::nvlist::List;

/// Value of a number among the properties.
pub(super) fn number(properties: &List, name: &str) -> Option<u64> {
    properties.list(name)?.uint("value")
}

/// Value of a text among the properties.
pub(super) fn text<'l>(properties: &'l List, name: &str) -> Option<&'l str> {
    properties.list(name)?.text("value")
}

/// A ratio as OpenZFS tells it, in hundredths.
pub(super) fn ratio(properties: &List, name: &str) -> Option<f64> {
    number(properties, name).map(|hundredths| hundredths as f64 / 100.0)
}
