//! What facts about a disk were: what changed and when, and where it stood.

use serde_json::{Map, Value};

use crate::moment::Time;
use crate::store::PastFact;

use super::view::{StorageChange, StorageChangeEvent, StorageFieldChange, StoragePlace};
use crate::doc::Doc;

/// Changes that are shown.
const CHANGES_MAX: usize = 200;

/// What changed from document to document, newest first. `past` is oldest first.
pub fn changes(past: &[PastFact]) -> Vec<StorageChange> {
    let mut found = Vec::new();
    for (index, now) in past.iter().enumerate() {
        let same = |before: &&PastFact| before.host == now.host && before.kind == now.kind;
        let before = past[..index].iter().rev().find(same);
        let old = before.and_then(|before| before.doc.as_ref());
        let event = match (old, &now.doc) {
            (None, None) => continue,
            (None, Some(_)) => StorageChangeEvent::Appeared,
            (Some(_), None) => StorageChangeEvent::Gone,
            (Some(_), Some(_)) => StorageChangeEvent::Changed,
        };
        let fields = match event {
            StorageChangeEvent::Changed => fields(old, now.doc.as_ref()),
            _ => Vec::new(),
        };
        if event == StorageChangeEvent::Changed && fields.is_empty() {
            continue;
        }
        let change = StorageChange {
            at: Time(now.since),
            host: now.host.clone(),
            kind: now.kind.clone(),
            event,
            fields,
        };
        found.push(change);
    }
    found.reverse();
    found.truncate(CHANGES_MAX);
    found
}

fn fields(before: Option<&Value>, after: Option<&Value>) -> Vec<StorageFieldChange> {
    let empty = Map::new();
    let map = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&empty).clone();
    let (before, after) = (map(before), map(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |map: &Map<String, Value>, name: &str| map.get(name).cloned().unwrap_or(Value::Null);
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| StorageFieldChange {
            field: name.clone(),
            before: of(&before, name),
            after: of(&after, name),
        })
        .collect()
}

/// Where the disk stood, newest first. `past` is oldest first.
pub fn places(past: &[PastFact]) -> Vec<StoragePlace> {
    let mut found: Vec<StoragePlace> = Vec::new();
    for fact in past.iter().filter(|fact| fact.kind == "disk") {
        let Some(doc) = fact.doc.as_ref().map(Doc) else { continue };
        let place = StoragePlace {
            host: fact.host.clone(),
            device: doc.text("device"),
            path: doc.text("path"),
            enclosure: doc.text("enclosure"),
            slot: doc.text("slot"),
            from: Time(fact.since),
            until: fact.until.map(Time),
        };
        let same = |last: &StoragePlace| {
            (&last.host, &last.device, &last.path, &last.enclosure, &last.slot)
                == (&place.host, &place.device, &place.path, &place.enclosure, &place.slot)
                && last.until == Some(place.from)
        };
        match found.last_mut().filter(|last| same(last)) {
            Some(last) => last.until = place.until,
            None => found.push(place),
        }
    }
    found.reverse();
    found
}
