//! Names of the hwmon class: files of a chip (Documentation/hwmon/sysfs-interface.rst), and what node_exporter makes labels of.

use std::collections::BTreeMap;

/// Sensor types that have a number.
const KINDS: [&str; 11] =
    ["in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity", "intrusion", "freq"];
/// Attributes of a whole chip: node_exporter gives them the number 0.
const OF_CHIP: [&str; 3] = ["vrm", "beep_enable", "update_interval"];

/// What the name of a file says: `temp1_crit` is property `crit` of sensor `temp1`, which is a `temp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName<'n> {
    /// Its type.
    pub(super) kind: &'static str,
    /// Type and number, as the label `sensor` has it.
    pub(super) sensor: String,
    /// What of it; empty for `pwm1`.
    pub(super) property: &'n str,
}

/// Takes the name of a file apart; `None` for what is no attribute of a sensor.
pub(super) fn parse(name: &str) -> Option<FileName<'_>> {
    if let Some(kind) = OF_CHIP.into_iter().find(|kind| *kind == name) {
        return Some(FileName { kind, sensor: format!("{kind}0"), property: "" });
    }
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (kind, rest) = name.split_at(digits);
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let number: u32 = number.parse().ok()?;
    let property = match rest {
        "" => "",
        rest => rest.strip_prefix('_').filter(|property| !property.is_empty())?,
    };
    Some(FileName { kind, sensor: format!("{kind}{number}"), property })
}

/// node_exporter's `cleanMetricName`: lower case, `_` for what is not of `[a-z0-9:_]`, none at the ends.
pub(super) fn clean(text: &str) -> String {
    let letter = |c: char| if matches!(c, 'a'..='z' | '0'..='9' | ':' | '_') { c } else { '_' };
    let text: String = text.to_lowercase().chars().map(letter).collect();
    text.trim_matches('_').to_owned()
}

/// What the label `chip` is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Folder below `/sys/class/hwmon`: `hwmon3`.
    pub(super) folder: String,
    /// Path of the device below `/sys` with all links followed; empty when there is none.
    pub(super) device: String,
    /// Content of the file `name`.
    pub(super) name: String,
}

impl Origin {
    /// Name by the device (bus and device, which stay when modules are loaded in another order), else by its file `name`, else
    /// by its folder; as node_exporter's `hwmonName`.
    fn base(&self) -> String {
        let mut parts = self.device.rsplit('/');
        let device = clean(parts.next().unwrap_or_default());
        let kind = clean(parts.next().unwrap_or_default());
        if !device.is_empty() {
            return if kind.is_empty() { device } else { format!("{kind}_{device}") };
        }
        let name = clean(&self.name);
        if name.is_empty() { clean(&self.folder) } else { name }
    }
}

/// The labels `chip`: one device's several chips are told apart by their names, else by their folders.
pub(super) fn chip_labels(origins: &[Origin]) -> Vec<String> {
    let bases: Vec<String> = origins.iter().map(Origin::base).collect();
    let (mut counts, mut named) = (BTreeMap::new(), BTreeMap::new());
    for (base, origin) in bases.iter().zip(origins) {
        *counts.entry(base).or_insert(0) += 1;
        *named.entry((base, &origin.name)).or_insert(0) += 1;
    }
    let label = |(base, origin): (&String, &Origin)| {
        if counts.get(base).is_none_or(|count| *count == 1) {
            return base.clone();
        }
        let name = clean(&origin.name);
        let same = named.get(&(base, &origin.name)).is_some_and(|count| *count > 1);
        format!("{base}_{}", if same || name.is_empty() { clean(&origin.folder) } else { name })
    };
    bases.iter().zip(origins).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(name: &str) -> Option<(&str, String, &str)> {
        parse(name).map(|found| (found.kind, found.sensor, found.property))
    }

    #[test]
    fn files_are_sensors_and_properties() {
        assert_eq!(parts("temp1_crit_alarm"), Some(("temp", "temp1".into(), "crit_alarm")));
        assert_eq!(parts("pwm3"), Some(("pwm", "pwm3".into(), "")));
        assert_eq!(parts("in0_input"), Some(("in", "in0".into(), "input")));
        assert_eq!(parts("pwm1_auto_point2_pwm"), Some(("pwm", "pwm1".into(), "auto_point2_pwm")));
        assert_eq!(parts("vrm"), Some(("vrm", "vrm0".into(), "")));
        for name in
            ["name", "bogus1_input", "power_state", "power", "temp", "temp1x", "temp1_", "input2_x", "1", ""]
        {
            assert_eq!(parts(name), None, "{name}");
        }
    }

    #[test]
    fn chips_are_named_as_in_node_exporter() {
        let origin = |folder: &str, device: &str, name: &str| Origin {
            folder: folder.into(),
            device: device.into(),
            name: name.into(),
        };
        let chips = [
            origin("hwmon0", "devices/platform/coretemp.0", "coretemp"),
            origin("hwmon1", "devices/platform/asus-nb-wmi", "asus"),
            origin("hwmon2", "devices/platform/asus-nb-wmi", "asus_wmi_sensors"),
            origin("hwmon3", "", "nct6779"),
            origin("hwmon4", "", ""),
            origin("hwmon5", "devices/x/twin", "same"),
            origin("hwmon6", "devices/x/twin", "same"),
            origin("hwmon7", "devices/pci0000:00/0000:00:18.3", "k10temp"),
        ];
        assert_eq!(
            chip_labels(&chips),
            [
                "platform_coretemp_0",
                "platform_asus_nb_wmi_asus",
                "platform_asus_nb_wmi_asus_wmi_sensors",
                "nct6779",
                "hwmon4",
                "x_twin_hwmon5",
                "x_twin_hwmon6",
                "pci0000:00_0000:00:18_3"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "(temp|in|pwm|vrm)?[0-9]{0,12}_?.{0,20}") {
            let _ = parse(&name);
            let cleaned = clean(&name);
            prop_assert!(!cleaned.starts_with('_') && !cleaned.ends_with('_'));
        }
    }
}
