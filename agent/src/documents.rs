//! What is sent beside batches: events, facts, the catalog; and when: facts and catalog on change, once per start.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use hi_common::catalog::{Catalog, MetricInfo, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::Fact;
use hi_common::limits::DOCUMENT_BYTES_MAX;
use hi_common::subject;
use hi_common::wire::encode;
use serde::Serialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::all_sources;
use crate::host_id::Identity;
use crate::outbox::Item;
use crate::self_metrics::VERSION;
use crate::source::FactDoc;

/// Makes items of a message; `None`, logged, when it is too large to be taken.
fn item<T: Serialize>(subject: String, id: String, message: &T) -> Option<Item> {
    let payload = match encode(message) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(subject, %error, "document cannot be encoded");
            return None;
        }
    };
    if payload.len() > DOCUMENT_BYTES_MAX {
        tracing::error!(subject, bytes = payload.len(), limit = DOCUMENT_BYTES_MAX, "document is too large");
        return None;
    }
    Some(Item { subject, id, payload: Bytes::from(payload) })
}

/// An event of this host.
pub fn event(
    identity: &Identity,
    at: i64,
    kind: &str,
    severity: Severity,
    message: String,
    data: &[(&str, String)],
) -> Option<Item> {
    let id = Uuid::new_v4();
    let event = Event {
        v: 1,
        id,
        host: identity.host.clone(),
        host_id: identity.host_id,
        at,
        kind: kind.to_owned(),
        severity,
        message,
        data: data.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    };
    item(subject::event(&identity.host, kind), id.to_string(), &event)
}

/// The catalog of this host.
pub fn catalog(identity: &Identity, at: i64, sources: Vec<SourceStatus>) -> Option<Item> {
    let mut metrics: BTreeMap<&str, MetricInfo> = BTreeMap::new();
    for metric in all_sources().flat_map(|def| def.metrics) {
        metrics.entry(metric.name).or_insert_with(|| MetricInfo {
            name: metric.name.to_owned(),
            kind: metric.kind,
            unit: metric.unit,
            help: metric.help.to_owned(),
        });
    }
    let catalog = Catalog {
        v: 1,
        host: identity.host.clone(),
        host_id: identity.host_id,
        epoch: identity.epoch,
        at,
        agent_version: VERSION.to_owned(),
        sources,
        metrics: metrics.into_values().collect(),
    };
    item(subject::catalog(&identity.host), Uuid::new_v4().to_string(), &catalog)
}

/// Knows which facts were sent, as hashes.
#[derive(Debug, Default)]
pub struct Facts {
    sent: HashMap<(&'static str, &'static str, String), u64>,
}

impl Facts {
    /// The facts to send: those that are new or changed, and those that are gone. A source that tells any fact tells all it
    /// knows.
    pub fn changed(
        &mut self,
        identity: &Identity,
        source: &'static str,
        at: i64,
        facts: &[FactDoc],
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let mut seen = BTreeSet::new();
        for fact in facts {
            let hash = encode(&fact.doc).map(|bytes| xxh3_64(&bytes)).unwrap_or_default();
            let key = (source, fact.kind, fact.id.clone());
            if self.sent.get(&key) != Some(&hash) {
                items.extend(fact_item(identity, at, fact.kind, &fact.id, Some(fact.doc.clone())));
                self.sent.insert(key, hash);
            }
            seen.insert((fact.kind, fact.id.as_str()));
        }
        self.sent.retain(|(owner, kind, id), _| {
            let gone = *owner == source && !seen.contains(&(*kind, id.as_str()));
            if gone {
                items.extend(fact_item(identity, at, kind, id, None));
            }
            !gone
        });
        items
    }

    /// Sends all once more at the next occasion: something was lost on the way.
    pub fn repeat(&mut self) {
        for hash in self.sent.values_mut() {
            *hash = hash.wrapping_add(1);
        }
    }
}

fn fact_item(
    identity: &Identity,
    at: i64,
    kind: &str,
    id: &str,
    doc: Option<BTreeMap<String, hi_common::fact::FactValue>>,
) -> Option<Item> {
    let subject = subject::fact(&identity.host, kind, id);
    let fact = Fact {
        v: 1,
        host: identity.host.clone(),
        host_id: identity.host_id,
        at,
        kind: kind.to_owned(),
        id: id.to_owned(),
        doc,
    };
    item(subject, Uuid::new_v4().to_string(), &fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::fact::FactValue;
    use hi_common::ids::{HostId, HostName};
    use hi_common::wire::decode;

    fn identity() -> Identity {
        Identity { host: HostName::from_any("nas"), host_id: HostId::from_machine_id("x"), epoch: 1 }
    }

    fn fact(id: &str, size: i64) -> FactDoc {
        let doc = BTreeMap::from([("size_bytes".to_owned(), FactValue::Int(size))]);
        FactDoc { kind: "disk", id: id.to_owned(), doc }
    }

    #[test]
    fn facts_are_sent_when_they_change_and_when_they_go() {
        let mut facts = Facts::default();
        let mut send = |list: &[FactDoc]| -> Vec<(String, bool)> {
            facts
                .changed(&identity(), "disk", 5, list)
                .iter()
                .map(|item| {
                    let fact: Fact = decode(&item.payload).unwrap();
                    (fact.id, fact.doc.is_some())
                })
                .collect()
        };
        let own = |id: &str, there| (id.to_owned(), there);
        assert_eq!(send(&[fact("sda", 1), fact("sdb", 1)]), [own("sda", true), own("sdb", true)]);
        assert_eq!(send(&[fact("sda", 1), fact("sdb", 1)]), []);
        assert_eq!(send(&[fact("sda", 2)]), [own("sda", true), own("sdb", false)]);
        assert_eq!(send(&[fact("sda", 2)]), []);
        facts.repeat();
        assert_eq!(facts.changed(&identity(), "disk", 5, &[fact("sda", 2)]).len(), 1);
    }

    #[test]
    fn events_and_catalog_say_who_sends() {
        let item =
            event(&identity(), 7, "clock_step", Severity::Warning, "m".into(), &[("by_ms", "5".into())]);
        let item = item.unwrap();
        let event: Event = decode(&item.payload).unwrap();
        assert_eq!(item.subject, "hi.v1.events.nas.clock_step");
        assert_eq!((event.id.to_string(), event.data["by_ms"].as_str()), (item.id, "5"));
        let item = catalog(&identity(), 7, vec![]).unwrap();
        let catalog: Catalog = decode(&item.payload).unwrap();
        assert!(catalog.metrics.iter().any(|m| m.name == "hi_agent_build_info"));
    }
}
