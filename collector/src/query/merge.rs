//! Samples of head and store, merged by time. Pure.

/// Samples of one series: times ascending, one value each.
pub type Column = (Vec<i64>, Vec<f64>);

/// Merges what is stored with what is in memory; of several samples of one time the one in memory, or else the last, wins.
pub fn merge(stored: Column, head: Column) -> Column {
    let mut all = stored;
    if all.0.is_empty() {
        all = head;
    } else {
        all.0.extend(head.0);
        all.1.extend(head.1);
    }
    if all.0.windows(2).all(|pair| pair[0] < pair[1]) {
        return all;
    }
    let mut order: Vec<usize> = (0..all.0.len()).collect();
    // Stable, so that of equal times the later one stays behind the earlier.
    order.sort_by_key(|&index| all.0[index]);
    let mut out: Column = (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
    for index in order {
        let (at, value) = (all.0[index], all.1[index]);
        if out.0.last() == Some(&at) {
            if let Some(last) = out.1.last_mut() {
                *last = value;
            }
        } else {
            out.0.push(at);
            out.1.push(value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merging_agrees_with_a_map(
            stored in proptest::collection::vec((0_i64..40, 0_u32..9), 0..40),
            head in proptest::collection::vec((0_i64..40, 0_u32..9), 0..40),
        ) {
            let column = |pairs: &[(i64, u32)]| -> Column { pairs.iter().map(|(at, v)| (*at, f64::from(*v))).unzip() };
            let mut map = BTreeMap::new();
            for (at, value) in stored.iter().chain(&head) {
                map.insert(*at, f64::from(*value));
            }
            let expected: Column = map.into_iter().unzip();
            prop_assert_eq!(merge(column(&stored), column(&head)), expected);
        }
    }
}
