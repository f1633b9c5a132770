//! The metrics of layouts that are registered.

use std::collections::HashMap;

use sqlx::{PgConnection, query};

use hi_common::batch::Family;
use hi_common::metric::Kind;

use super::super::StoreError;
use super::super::series::kind_of;
use super::NewLayout;

/// Numbers of metrics, by name.
pub(super) type MetricIds = HashMap<String, i32>;
/// Metrics of a layout that had another kind before: name, kind before, kind now.
pub(super) type KindsChanged = Vec<(String, Kind, Kind)>;

/// What kind each metric has once all layouts are taken, and which changed with which layout.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kinds {
    /// Metrics that are new, with their last kind, in the order of their names, which is the order of their locks.
    new: Vec<(String, Kind)>,
    /// Numbers of known ones that have another kind now.
    changed: Vec<(i32, Kind)>,
    /// One for one with the layouts.
    by_layout: Vec<KindsChanged>,
}

/// Goes through the layouts in their order. Pure.
fn kinds(layouts: &[&[Family]], known: &HashMap<String, (i32, Kind)>) -> Kinds {
    let mut now: HashMap<&str, Kind> = HashMap::new();
    let mut by_layout = Vec::with_capacity(layouts.len());
    for families in layouts {
        let mut changed = KindsChanged::new();
        for family in *families {
            let stored = known.get(&family.name).map(|(_, kind)| *kind);
            let before = now.insert(&family.name, family.kind).or(stored);
            if let Some(before) = before.filter(|before| *before != family.kind) {
                changed.push((family.name.clone(), before, family.kind));
            }
        }
        by_layout.push(changed);
    }
    let mut kinds = Kinds { by_layout, ..Kinds::default() };
    for (name, kind) in now {
        match known.get(name) {
            None => kinds.new.push((name.to_owned(), kind)),
            Some((id, before)) if *before != kind => kinds.changed.push((*id, kind)),
            Some(_) => {}
        }
    }
    kinds.new.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    kinds
}

/// Numbers of the metrics; adds new ones, and takes over a kind that changed.
pub(super) async fn metrics_register(
    connection: &mut PgConnection,
    layouts: &[NewLayout<'_>],
) -> Result<(MetricIds, Vec<KindsChanged>), StoreError> {
    let failed = || StoreError::database("register metrics");
    let mut names: Vec<String> =
        layouts.iter().flat_map(|layout| layout.families).map(|family| family.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let rows = query!("SELECT id, name, kind FROM metric WHERE name = ANY($1)", &names)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    let known: HashMap<String, (i32, Kind)> =
        rows.into_iter().map(|row| (row.name, (row.id, kind_of(&row.kind)))).collect();
    let families: Vec<&[Family]> = layouts.iter().map(|layout| layout.families).collect();
    let kinds = kinds(&families, &known);
    if !kinds.changed.is_empty() {
        let (ids, words) = columns(kinds.changed);
        query!(
            "UPDATE metric SET kind = c.kind FROM UNNEST($1::int4[], $2::text[]) AS c(id, kind) WHERE metric.id = c.id",
            &ids,
            &words
        )
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    }
    let mut ids: MetricIds = known.into_iter().map(|(name, (id, _))| (name, id)).collect();
    if !kinds.new.is_empty() {
        let (names, words) = columns(kinds.new);
        // DO UPDATE and not DO NOTHING, so that a metric another collector adds right now is returned as well.
        let added = query!(
            "INSERT INTO metric (name, kind) SELECT * FROM UNNEST($1::text[], $2::text[])
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id, name",
            &names,
            &words
        )
        .fetch_all(connection)
        .await
        .map_err(failed())?;
        ids.extend(added.into_iter().map(|row| (row.name, row.id)));
    }
    Ok((ids, kinds.by_layout))
}

fn columns<T>(kinds: Vec<(T, Kind)>) -> (Vec<T>, Vec<String>) {
    kinds.into_iter().map(|(key, kind)| (key, kind.as_str().to_owned())).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str, kind: Kind) -> Family {
        Family { name: name.to_owned(), kind, keys: vec![], rows: vec![vec![]] }
    }

    #[test]
    fn kinds_change_as_if_one_layout_came_after_the_other() {
        let known = HashMap::from([("a".to_owned(), (1, Kind::Gauge)), ("b".to_owned(), (2, Kind::Gauge))]);
        let first = [family("a", Kind::Counter), family("new", Kind::Gauge), family("b", Kind::Gauge)];
        let second = [family("a", Kind::Gauge), family("new", Kind::Counter)];
        let third = [family("b", Kind::Counter), family("also", Kind::State)];
        let kinds = kinds(&[&first, &second, &third], &known);
        let change = |name: &str, before, now| (name.to_owned(), before, now);
        assert_eq!(
            kinds.by_layout,
            [
                vec![change("a", Kind::Gauge, Kind::Counter)],
                vec![change("a", Kind::Counter, Kind::Gauge), change("new", Kind::Gauge, Kind::Counter)],
                vec![change("b", Kind::Gauge, Kind::Counter)],
            ]
        );
        assert_eq!(kinds.new, [("also".to_owned(), Kind::State), ("new".to_owned(), Kind::Counter)]);
        assert_eq!(kinds.changed, [(2, Kind::Counter)], "`a` is again what it was");
    }
}
