//! A GPU as it is told, the fact of it, and what happened to it.

use std::collections::BTreeMap;

use hi_common::event::Severity;
use hi_common::fact::FactValue;

use crate::source::EventDoc;

use super::card::{Card, Values};

/// A fact's document.
pub(super) type Doc = BTreeMap<String, FactValue>;

/// How a GPU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It answers.
    Ok,
    /// It sleeps, and is not woken.
    Suspended,
    /// Its driver gets no answer from it.
    Unreadable,
}

impl State {
    /// All words.
    pub(super) const WORDS: [&'static str; 3] = ["ok", "suspended", "unreadable"];

    /// The word of metric and fact.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Suspended => "suspended",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A GPU.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// What it is.
    pub(super) card: Card,
    /// What was read of it.
    pub(super) values: Values,
    /// How it is.
    pub(super) state: State,
    /// How much of the time since the last reading its parts were awake, 0 to 1.
    pub(super) engines: BTreeMap<String, f64>,
}

impl View {
    /// The fact.
    pub(super) fn describe(&self) -> Doc {
        let mut doc = Doc::new();
        let Self { card, values, .. } = self;
        let mut text = |key: &str, value: &str| {
            if !value.is_empty() {
                doc.insert(key.to_owned(), FactValue::Text(value.to_owned()));
            }
        };
        text("vendor", &card.vendor);
        text("name", &card.model);
        text("pci_address", &card.address);
        text("card", &card.name);
        text("driver", &card.driver_name);
        text("state", self.state.word());
        text("reason", values.failure.as_deref().unwrap_or(""));
        for key in ["vbios_version", "unique_id", "serial", "memory_vendor"] {
            text(key, values.texts.get(key).map_or("", String::as_str));
        }
        if let Some(bytes) = values.memory.get("vram_total") {
            doc.insert("memory_total_bytes".to_owned(), FactValue::Int(*bytes as i64));
        }
        if let Some(watts) = values.power_limit {
            doc.insert("power_limit_watts".to_owned(), FactValue::Float(watts));
        }
        for (key, value) in [("pcie_generation_max", values.pcie[1]), ("pcie_lanes_max", values.pcie[3])] {
            if let Some(value) = value {
                doc.insert(key.to_owned(), FactValue::Int(value as i64));
            }
        }
        doc
    }

    /// Why it is slowed down, of the reasons that are trouble: heat, a signal of the board, a voltage regulator too hot or at its
    /// limit. Power limits are daily business.
    fn trouble(&self) -> Option<&str> {
        const TROUBLE: [&str; 5] = ["thermal", "prochot", "vr_thermalert", "vr_tdc", "ratl"];
        let throttle = &self.values.throttle;
        throttle
            .iter()
            .find(|(reason, holds)| **holds && TROUBLE.contains(&reason.as_str()))
            .map(|(reason, _)| reason.as_str())
    }

    fn uncorrected(&self) -> Option<f64> {
        let errors = &self.values.errors;
        let counts = || errors.iter().filter(|((_, kind), _)| kind == "ue").map(|(_, count)| *count);
        counts().next().map(|_| counts().sum())
    }

    fn event(
        &self,
        kind: &'static str,
        severity: Severity,
        what: &str,
        more: Vec<(&'static str, String)>,
    ) -> EventDoc {
        let card = &self.card;
        let mut data = vec![
            ("gpu", card.address.clone()),
            ("name", card.model.clone()),
            ("pci_address", card.address.clone()),
        ];
        data.extend(more);
        EventDoc { kind, severity, message: format!("GPU {} ({}) {what}", card.model, card.name), data }
    }

    /// The GPU is not listed any more.
    pub(super) fn gone(&self) -> EventDoc {
        self.event("gpu_gone", Severity::Warning, "is gone", Vec::new())
    }
}

/// A GPU as it was at the last reading.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) view: View,
    told: bool,
    against: u32,
}

/// Readings in a row that must show slow clocks before it is told, and those without until it can be told again.
const BEGINS_AFTER: u32 = 2;
const ENDS_AFTER: u32 = 6;

impl Seen {
    /// The first reading: nothing has happened that was watched.
    pub(super) fn new(view: &View) -> Self {
        Self { view: view.clone(), told: view.trouble().is_some(), against: 0 }
    }

    /// Compares with the reading before.
    pub(super) fn events(&mut self, view: &View) -> Vec<EventDoc> {
        let mut events = Vec::new();
        let before = &self.view;
        if view.state == State::Unreadable && before.state != State::Unreadable {
            let what = format!("does not answer: {}", view.values.failure.as_deref().unwrap_or(""));
            events.push(view.event("gpu_lost", Severity::Critical, &what, Vec::new()));
        } else if view.state != State::Unreadable && before.state == State::Unreadable {
            events.push(view.event("gpu_back", Severity::Info, "answers again", Vec::new()));
        }
        if let (Some(old), Some(new)) = (before.uncorrected(), view.uncorrected())
            && new > old
        {
            let what = format!("has {} new memory errors that could not be corrected", new - old);
            let more = vec![("count", (new - old).to_string()), ("total", new.to_string())];
            events.push(view.event("gpu_ecc_errors", Severity::Warning, &what, more));
        }
        let trouble = view.trouble();
        self.against = if trouble.is_some() == self.told { 0 } else { self.against + 1 };
        let enough = if self.told { ENDS_AFTER } else { BEGINS_AFTER };
        if self.against >= enough {
            (self.told, self.against) = (trouble.is_some(), 0);
            if let Some(reason) = trouble {
                let what = format!("is slowed down: {reason}");
                events.push(view.event(
                    "gpu_throttled",
                    Severity::Warning,
                    &what,
                    vec![("reason", reason.to_owned())],
                ));
            }
        }
        self.view = view.clone();
        events
    }
}
