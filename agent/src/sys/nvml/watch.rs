//! The driver's error events (Xid), taken at each reading without waiting for them: no thread sleeps in the driver for them. Of
//! several that come between two readings NVML keeps the number and the last code (nvmlEventSetWait in nvml.h).

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::raw;
use super::reading::Xid;

/// How long an event is waited for, in milliseconds.
const WAIT_MS: u32 = 1;
/// Most events taken at a reading; a GPU in trouble may report one after the other.
const EVENTS_MAX: usize = 64;
/// How NVML names an error that has no code.
const UNKNOWN: u64 = 999;

/// The GPUs whose errors are watched.
pub(super) struct Watch<'nvml> {
    set: EventSet<'nvml>,
    /// Addresses that were asked for, watched or not.
    addresses: Vec<String>,
    /// Handle and identity of each.
    devices: Vec<(usize, String)>,
}

impl<'nvml> Watch<'nvml> {
    /// Watches the GPUs that can be watched; `None` when none can.
    pub(super) fn new(
        nvml: &'nvml Nvml,
        addresses: &[String],
        devices: &[(Device<'nvml>, String)],
    ) -> Option<Self> {
        let events = |device: &Device<'_>| device.supported_event_types().ok();
        let mut wanted: Vec<_> = devices
            .iter()
            .filter(|(device, _)| {
                events(device).is_some_and(|found| found.contains(EventTypes::CRITICAL_XID_ERROR))
            })
            .collect();
        while !wanted.is_empty() {
            let mut set = Some(nvml.create_event_set().ok()?);
            // A set goes with the first GPU that it does not take.
            let refused = wanted.iter().position(|(device, _)| {
                let taken = set.take().map(|set| device.register_events(EventTypes::CRITICAL_XID_ERROR, set));
                set = taken.and_then(Result::ok);
                set.is_none()
            });
            match (refused, set) {
                (None, Some(set)) => {
                    let devices =
                        wanted.iter().map(|(device, uuid)| (raw::handle(device), uuid.clone())).collect();
                    return Some(Self { set, addresses: addresses.to_vec(), devices });
                }
                (Some(at), _) => drop(wanted.remove(at)),
                (None, None) => return None,
            }
        }
        None
    }

    /// Whether it was made for these GPUs.
    pub(super) fn is_of(&self, addresses: &[String]) -> bool {
        self.addresses == addresses
    }

    /// Takes what has come.
    pub(super) fn take(&self, xids: &mut Vec<Xid>) {
        for _ in 0..EVENTS_MAX {
            let Ok(event) = self.set.wait(WAIT_MS) else { return };
            let handle = raw::handle(&event.device);
            let uuid = self.devices.iter().find(|(known, _)| *known == handle).map(|(_, uuid)| uuid.clone());
            let code = match event.event_data {
                Some(XidError::Value(code)) => code,
                Some(XidError::Unknown) => UNKNOWN,
                None => continue,
            };
            xids.push(Xid { uuid: uuid.unwrap_or_default(), code });
        }
    }
}
