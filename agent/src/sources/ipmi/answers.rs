//! What the BMC answers to requests of one message each, without the completion code. Pure.

use super::bytes::{array, hex, le16, le24, le32};

/// Get Device ID (IPMI 2.0, 20.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DeviceId {
    pub(super) device_id: u8,
    pub(super) device_revision: u8,
    /// Whether it answers all there is: false while its firmware is being replaced or it still starts.
    pub(super) available: bool,
    pub(super) firmware: String,
    pub(super) version: String,
    /// Whether it has a repository of sensor records; whether it has those of its own sensors.
    pub(super) has_repository: bool,
    pub(super) has_device_records: bool,
    pub(super) has_log: bool,
    pub(super) has_fru: bool,
    /// Its maker's number in IANA's list of enterprises.
    pub(super) manufacturer: u32,
    pub(super) product: u16,
}

impl DeviceId {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let [device_id, revision, major, minor, version, support]: [u8; 6] = array(bytes, 0)?;
        Some(Self {
            device_id,
            device_revision: revision & 0xf,
            available: major & 0x80 == 0,
            firmware: format!("{}.{minor:02x}", major & 0x7f),
            // The digits stand the wrong way round: 02h is 2.0.
            version: format!("{}.{}", version & 0xf, version >> 4),
            has_repository: support & 0x02 != 0,
            has_device_records: revision & 0x80 != 0,
            has_log: support & 0x04 != 0,
            has_fru: support & 0x08 != 0,
            manufacturer: le24(bytes, 6)? & 0xf_ffff,
            product: le16(bytes, 9)?,
        })
    }
}

/// Get Device GUID (20.8). The specification has all 16 bytes the last first; many BMCs send them as SMBIOS has its UUID (7.2.1:
/// the first three fields the last byte first), some as RFC 4122. That is taken which makes a version and variant there are.
pub(super) fn guid(bytes: &[u8]) -> Option<String> {
    let sent: [u8; 16] = array(bytes, 0)?;
    if sent.iter().all(|byte| *byte == sent[0]) {
        return None;
    }
    let mut smbios = sent;
    smbios[..4].reverse();
    smbios[4..6].reverse();
    smbios[6..8].reverse();
    let mut reversed = sent;
    reversed.reverse();
    let is_known = |bytes: &[u8; 16]| (1..=5).contains(&(bytes[6] >> 4)) && bytes[8] >> 6 == 2;
    let digits = hex([smbios, reversed, sent].iter().find(|bytes| is_known(bytes)).unwrap_or(&smbios));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    Some([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// A text of Get System Info Parameters (22.14a): `block` is the first of its data. Encoding, length, then the text.
pub(super) fn system_info(block: &[u8]) -> Option<String> {
    // Revision of the parameter, number of the block, encoding (0 ASCII, 1 UTF-8), length.
    let [_, number, encoding, length]: [u8; 4] = array(block, 0)?;
    if number != 0 || encoding & 0xf > 1 {
        return None;
    }
    let rest = block.get(4..)?;
    let text = rest.get(..usize::from(length)).unwrap_or(rest);
    let text = String::from_utf8_lossy(text);
    let text = text.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether a repository of records has changed: what Get SDR Repository Info (33.9) or Get Device SDR Info (35.2) tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Stamp {
    pub(super) count: u16,
    added: u32,
    erased: u32,
}

impl Stamp {
    pub(super) fn of_repository(bytes: &[u8]) -> Option<Self> {
        Some(Self { count: le16(bytes, 1)?, added: le32(bytes, 5)?, erased: le32(bytes, 9)? })
    }

    pub(super) fn of_device(bytes: &[u8]) -> Option<Self> {
        let [count, flags]: [u8; 2] = array(bytes, 0)?;
        // Sensors that come and go have a time of the last change.
        let added = if flags & 0x80 != 0 { le32(bytes, 2).unwrap_or(0) } else { 0 };
        Some(Self { count: u16::from(count), added, erased: 0 })
    }
}

/// Get Sensor Reading (35.14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    pub(super) raw: u8,
    /// Bits of states, or of thresholds crossed.
    pub(super) states: u16,
}

impl Reading {
    /// `None` where the sensor has nothing to say now: it is not scanned, or its entity is not there.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let [raw, flags]: [u8; 2] = array(bytes, 0)?;
        let (unavailable, scanned) = (flags & 0x20 != 0, flags & 0x40 != 0);
        let low = bytes.get(2).copied().unwrap_or(0);
        let high = bytes.get(3).copied().unwrap_or(0);
        (scanned && !unavailable).then(|| Self { raw, states: u16::from_le_bytes([low, high]) })
    }
}

/// Get Sensor Thresholds (35.9): in the order of [`super::sdr::THRESHOLDS`]; those that cannot be read are not there.
pub(super) fn thresholds(bytes: &[u8]) -> Option<[Option<u8>; 6]> {
    let [mask, rest @ ..]: [u8; 7] = array(bytes, 0)?;
    let mut thresholds = rest.map(Some);
    for (at, threshold) in thresholds.iter_mut().enumerate() {
        if mask >> at & 1 == 0 {
            *threshold = None;
        }
    }
    Some(thresholds)
}

/// Get Chassis Status (28.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chassis {
    pub(super) power_on: bool,
    pub(super) overload: bool,
    pub(super) interlock: bool,
    pub(super) power_fault: bool,
    pub(super) control_fault: bool,
    /// What happens when power comes back.
    pub(super) restore_policy: &'static str,
    /// Why power went last, if it did.
    pub(super) last_power_event: Vec<&'static str>,
    pub(super) intrusion: bool,
    pub(super) lockout: bool,
    pub(super) drive_fault: bool,
    pub(super) cooling_fault: bool,
}

impl Chassis {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        const EVENTS: [&str; 5] = ["ac-failed", "overload", "interlock", "fault", "command"];
        let [power, last, misc]: [u8; 3] = array(bytes, 0)?;
        let bit = |byte: u8, at: usize| byte >> at & 1 != 0;
        let happened = EVENTS.iter().enumerate().filter(|(at, _)| bit(last, *at));
        Some(Self {
            power_on: bit(power, 0),
            overload: bit(power, 1),
            interlock: bit(power, 2),
            power_fault: bit(power, 3),
            control_fault: bit(power, 4),
            restore_policy: ["always-off", "previous", "always-on", "unknown"][usize::from(power >> 5 & 3)],
            last_power_event: happened.map(|(_, word)| *word).collect(),
            intrusion: bit(misc, 0),
            lockout: bit(misc, 1),
            drive_fault: bit(misc, 2),
            cooling_fault: bit(misc, 3),
        })
    }
}

impl Chassis {
    /// What it tells of faults, by the word of a label.
    pub(super) fn faults(&self) -> [(&'static str, bool); 8] {
        [
            ("power_overload", self.overload),
            ("power_interlock", self.interlock),
            ("power_fault", self.power_fault),
            ("power_control_fault", self.control_fault),
            ("drive_fault", self.drive_fault),
            ("cooling_fault", self.cooling_fault),
            ("intrusion", self.intrusion),
            ("front_panel_lockout", self.lockout),
        ]
    }
}

/// DCMI Get Power Reading (DCMI 1.5, 6.6.1): watts over a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Power {
    /// Whether power is being measured.
    pub(super) active: bool,
    pub(super) current: u16,
    pub(super) minimum: u16,
    pub(super) maximum: u16,
    pub(super) average: u16,
    pub(super) period_ms: u32,
}

impl Power {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        /// The group that the command belongs to.
        const DCMI: u8 = 0xdc;
        if bytes.first() != Some(&DCMI) {
            return None;
        }
        Some(Self {
            current: le16(bytes, 1)?,
            minimum: le16(bytes, 3)?,
            maximum: le16(bytes, 5)?,
            average: le16(bytes, 7)?,
            period_ms: le32(bytes, 13)?,
            active: bytes.get(17)? & 0x40 != 0,
        })
    }
}

/// Get Watchdog Timer (27.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Watchdog {
    pub(super) running: bool,
    pub(super) logs: bool,
    /// What it watches: 1 to 5.
    pub(super) timer_use: u8,
    pub(super) action: u8,
    pub(super) interrupt: u8,
    pub(super) pretimeout_seconds: u8,
    /// In tenths of a second.
    pub(super) initial: u16,
    /// `None` where it is not told: OpenIPMI's simulator leaves it out.
    pub(super) left: Option<u16>,
}

impl Watchdog {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let [timer_use, actions, pretimeout, _]: [u8; 4] = array(bytes, 0)?;
        Some(Self {
            running: timer_use & 0x40 != 0,
            logs: timer_use & 0x80 == 0,
            timer_use: timer_use & 7,
            action: actions & 7,
            interrupt: actions >> 4 & 7,
            pretimeout_seconds: pretimeout,
            initial: le16(bytes, 4)?,
            left: le16(bytes, 6),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lab_s_answers_are_what_ipmitool_shows() {
        let id = [0, 3, 9, 8, 2, 0x9f, 0x91, 0x12, 0, 2, 0x0f, 0, 0, 0, 0];
        let id = DeviceId::parse(&id).unwrap();
        assert_eq!(
            (id.device_id, id.device_revision, id.firmware.as_str(), id.version.as_str()),
            (0, 3, "9.08", "2.0")
        );
        assert_eq!((id.manufacturer, id.product, id.available), (4753, 0x0f02, true));
        assert!(id.has_repository && id.has_log && id.has_fru && !id.has_device_records);
        assert_eq!(
            Stamp::of_repository(&[0x51, 4, 0, 0xfe, 0xff, 0x93, 8, 0, 0, 0, 0, 0, 0, 2]).unwrap().count,
            4
        );
        let chassis = Chassis::parse(&[1, 0, 0]).unwrap();
        assert!(chassis.power_on && !chassis.intrusion && chassis.last_power_event.is_empty());
        assert_eq!(chassis.restore_policy, "always-off");
        assert_eq!(Reading::parse(&[0x61, 0xc0, 0x18, 0]), Some(Reading { raw: 97, states: 0x18 }));
        let told = thresholds(&[0x3f, 5, 0, 0, 0x55, 0x5f, 0x64]).unwrap();
        assert_eq!(told, [Some(5), Some(0), Some(0), Some(85), Some(95), Some(100)]);
    }

    #[test]
    fn a_sensor_that_is_not_scanned_or_not_there_has_no_reading() {
        assert_eq!(Reading::parse(&[0x61, 0x80, 0, 0]), None);
        assert_eq!(Reading::parse(&[0x61, 0xe0, 0, 0]), None);
        assert_eq!(Reading::parse(&[0x61]), None);
        assert_eq!(Reading::parse(&[0, 0x40]), Some(Reading { raw: 0, states: 0 }));
        assert_eq!(
            thresholds(&[0x09, 5, 0, 0, 85, 0, 0]).unwrap(),
            [Some(5), None, None, Some(85), None, None]
        );
    }

    #[test]
    fn power_is_told_while_it_is_measured() {
        // A Dell R720xd: 389 W, 123 to 637, 374 on average over 26,351,204 ms.
        let mut bytes = vec![0xdc, 0x85, 0x01, 0x7b, 0, 0x7d, 2, 0x76, 1, 0, 0, 0, 0];
        bytes.extend(26_351_204_u32.to_le_bytes());
        bytes.push(0x40);
        let power = Power::parse(&bytes).unwrap();
        assert_eq!((power.current, power.minimum, power.maximum, power.average), (389, 123, 637, 374));
        assert!(power.active && power.period_ms == 26_351_204);
        bytes[0] = 0;
        assert_eq!(Power::parse(&bytes), None);
        let watchdog = Watchdog::parse(&[0x44, 0x01, 30, 0, 0x58, 2, 0x2c, 1]).unwrap();
        assert!(watchdog.running && watchdog.logs && watchdog.timer_use == 4 && watchdog.action == 1);
        assert_eq!((watchdog.initial, watchdog.left, watchdog.pretimeout_seconds), (600, Some(300), 30));
    }

    #[test]
    fn identities_are_told_if_they_are_any() {
        assert_eq!(guid(&[0; 16]), None);
        let told = "12345678-9abc-4def-8123-456789abcdef";
        let rfc4122 =
            [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let smbios =
            [0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xef, 0x4d, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let mut reversed = rfc4122;
        reversed.reverse();
        assert_eq!([rfc4122, smbios, reversed].map(|bytes| guid(&bytes).unwrap()), [told; 3]);
        assert_eq!(system_info(b"\x11\x00\x00\x052.6.1\0\0").unwrap(), "2.6.1");
        assert_eq!((system_info(b"\x11\x00\x00\x00"), system_info(b"\x11\x00\x02\x02xx")), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (DeviceId::parse(&bytes), guid(&bytes), system_info(&bytes), Stamp::of_repository(&bytes));
            let _ = (Stamp::of_device(&bytes), Reading::parse(&bytes), thresholds(&bytes), Chassis::parse(&bytes));
            let _ = (Power::parse(&bytes), Watchdog::parse(&bytes));
        }
    }
}
