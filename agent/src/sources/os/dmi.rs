//! What the firmware says of the hardware, from `/sys/class/dmi/id` (made by
//! drivers/firmware/dmi-id.c). Serial numbers are for root alone and left out without a word.

use hi_common::metric::MetricDef;

use crate::host::{HostRoot, Scratch};
use crate::source::Readings;

static INFO: MetricDef =
    MetricDef::info("node_dmi_info", &LABELS, "What the firmware's DMI tables say of the hardware.");

pub(super) const METRICS: [&MetricDef; 1] = [&INFO];

/// Labels; files have the same names but for the last one's, `sys_vendor`.
static LABELS: [&str; 20] = [
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "system_vendor",
];

/// What could be read, in the order of [`LABELS`].
#[derive(Debug, Default)]
pub(super) struct Dmi([String; LABELS.len()]);

pub(super) fn read(host: &HostRoot, scratch: &mut Scratch) -> Dmi {
    Dmi(LABELS.map(|label| {
        let file = if label == "system_vendor" { "sys_vendor" } else { label };
        host.attribute(scratch, &format!("class/dmi/id/{file}")).unwrap_or_default().to_owned()
    }))
}

impl Dmi {
    /// One of them; empty when it is not there.
    pub(super) fn get(&self, label: &str) -> &str {
        LABELS.iter().position(|known| *known == label).map_or("", |index| &self.0[index])
    }

    pub(super) fn push(&self, out: &mut Readings) {
        if self.0.iter().any(|text| !text.is_empty()) {
            out.push(&INFO, &self.0.each_ref().map(String::as_str), 1.0);
        }
    }
}
