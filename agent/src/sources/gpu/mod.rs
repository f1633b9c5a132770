//! AMD and Intel GPUs through DRM's files in sysfs and their sensors. What NVIDIA's own driver runs is read by `nvidia`.
//!
//! A GPU that sleeps (`power/runtime_status`) is not read: with many kernels that would wake it.

pub mod amd;
mod card;
mod hwmon;
mod intel;
mod metrics;
mod view;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hi_common::config_section;

use crate::host::{HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use card::{Card, Driver, Named, Reader, Values};
use view::{Doc, Seen, State, View};

config_section! {
    /// AMD and Intel GPUs.
    pub struct Config in "sources.gpu" {
        /// Shell patterns of GPUs left out, by PCI address (`0000:03:00.0`) or card (`card1`).
        pub exclude: Vec<String> = Vec::new(),
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "gpu",
    summary: "AMD and Intel GPUs: load, memory, clocks, temperatures, power, fan, what slows them down, errors, from /sys/class/drm \
              and their sensors.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &metrics::METRICS,
    permission: "",
    keys: <Config as hi_common::config::Section>::keys,
    make: |table| Ok(Box::new(Gpu::new(&own_section(table)?))),
};

struct Gpu {
    exclude: Patterns,
    scratch: Scratch,
    /// Times that parts have slept, by the card's address, and when they were read.
    idle: BTreeMap<String, (Instant, Named)>,
    seen: BTreeMap<String, Seen>,
    told: BTreeMap<String, Doc>,
    every: Every,
}

impl Gpu {
    fn new(config: &Config) -> Self {
        Self {
            exclude: Patterns::new(&config.exclude),
            scratch: Scratch::default(),
            idle: BTreeMap::new(),
            seen: BTreeMap::new(),
            told: BTreeMap::new(),
            every: Every::new(Every::FACTS),
        }
    }

    fn view(&mut self, host: &HostRoot, card: Card) -> View {
        let mut values = Values::default();
        if card.suspended {
            // What sleeps does not work; what else is known of it still holds.
            self.idle.remove(&card.address);
            if let Some(seen) = self.seen.get(&card.address) {
                let before = &seen.view.values;
                values.texts.clone_from(&before.texts);
                values.pcie[1] = before.pcie[1];
                values.pcie[3] = before.pcie[3];
                values.power_limit = before.power_limit;
                let size = before.memory.get_key_value("vram_total");
                values.memory = size.map(|(key, bytes)| (key.clone(), *bytes)).into_iter().collect();
            }
            values.busy = Some(0.0);
            return View { card, values, state: State::Suspended, engines: BTreeMap::new() };
        }
        let mut reader = Reader { host, scratch: &mut self.scratch, device: &card.device };
        match card.driver {
            Driver::Amdgpu => amd::read(&mut reader, &mut values),
            Driver::I915 | Driver::Xe => intel::read(&card, &mut reader, &mut values),
            Driver::Other => {}
        }
        hwmon::read(&mut reader, &mut values);
        let now = Instant::now();
        let before = self.idle.insert(card.address.clone(), (now, values.idle_ms.clone()));
        let engines = before.map_or_else(BTreeMap::new, |(at, before)| {
            awake(&before, &values.idle_ms, now.saturating_duration_since(at))
        });
        values.busy = values.busy.or_else(|| engines.values().copied().reduce(f64::max));
        let state = if values.failure.is_some() { State::Unreadable } else { State::Ok };
        View { card, values, state, engines }
    }

    fn tell(&mut self, views: &[View], out: &mut Readings) {
        let anyway = self.every.due();
        let before = std::mem::take(&mut self.told);
        for view in views {
            let doc = view.describe();
            if anyway || before.get(&view.card.address) != Some(&doc) {
                out.fact("gpu", view.card.address.clone(), doc.clone());
            }
            self.told.insert(view.card.address.clone(), doc);
        }
        for address in before.into_keys().filter(|address| !self.told.contains_key(address)) {
            out.fact_gone("gpu", address);
        }
    }

    fn compare(&mut self, views: &[View], out: &mut Readings) {
        let mut events = Vec::new();
        self.seen.retain(|address, seen| {
            let stays = views.iter().any(|view| view.card.address == *address);
            if !stays {
                events.push(seen.view.gone());
            }
            stays
        });
        self.idle.retain(|address, _| views.iter().any(|view| view.card.address == *address));
        for view in views {
            match self.seen.get_mut(&view.card.address) {
                Some(seen) => events.extend(seen.events(view)),
                None => drop(self.seen.insert(view.card.address.clone(), Seen::new(view))),
            }
        }
        for event in events {
            out.event(event.kind, event.severity, event.message, event.data);
        }
    }
}

impl Source for Gpu {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut cards = card::cards(host, &mut self.scratch)?;
        cards.retain(|card| !self.exclude.matches(&card.address) && !self.exclude.matches(&card.name));
        let views: Vec<View> = cards.into_iter().map(|card| self.view(host, card)).collect();
        metrics::push(&views, out);
        self.compare(&views, out);
        self.tell(&views, out);
        for view in &views {
            if let Some(failure) = &view.values.failure {
                out.note(format!("{}: {failure}", view.card.name));
            }
        }
        Ok(if views.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

/// How much of the time each part was awake, from how long it has slept before and now, in milliseconds.
fn awake(before: &Named, now: &Named, passed: Duration) -> BTreeMap<String, f64> {
    let passed_ms = passed.as_secs_f64() * 1e3;
    if passed_ms <= 0.0 {
        return BTreeMap::new();
    }
    let part = |(name, now): (&String, &f64)| {
        // A counter that fell began anew.
        let slept = now - before.get(name)?;
        (slept >= 0.0).then(|| (name.clone(), (1.0 - slept / passed_ms).clamp(0.0, 1.0)))
    };
    now.iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests;
