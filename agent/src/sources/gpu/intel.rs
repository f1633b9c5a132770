//! Intel's drivers. i915 keeps a folder for each GT (graphics engine) below the card, `gt/gt0` (kernel 5.18 and later), older
//! ones files of one GT beside it (drivers/gpu/drm/i915/gt/intel_gt_sysfs_pm.c, i915_sysfs.c); xe keeps them below the device,
//! `tile0/gt0` (drivers/gpu/drm/xe/xe_gt_freq.c, xe_gt_idle.c, xe_gt_throttle.c).

use super::card::{Card, Driver, Reader, Values};

/// A GT: where its files are, below the device.
struct Gt {
    /// Name in labels: `gt0`.
    name: String,
    /// File of its clock, and of the highest.
    clocks: [String; 2],
    /// File of the time it slept.
    idle: String,
    /// Folder and start of the name of the files that say what slows it down.
    throttle: (String, &'static str),
}

/// Most GTs that are read.
const GTS_MAX: usize = 16;

/// Reads all that is there.
pub(super) fn read(card: &Card, reader: &mut Reader<'_>, values: &mut Values) {
    for gt in gts(card, reader) {
        for (file, to) in gt.clocks.iter().zip([&mut values.clocks, &mut values.clocks_max]) {
            to.extend(reader.number(file).map(|megahertz| (gt.name.clone(), megahertz * 1e6)));
        }
        values.idle_ms.extend(reader.number(&gt.idle).map(|ms| (gt.name.clone(), ms)));
        let (folder, start) = &gt.throttle;
        for file in reader.list(folder) {
            let Some(reason) = file.strip_prefix(start).filter(|reason| !reason.is_empty()) else { continue };
            if let Some(holds) = reader.number(&format!("{folder}/{file}")) {
                *values.throttle.entry(reason.to_owned()).or_default() |= holds != 0.0;
            }
        }
    }
    if let Some(bytes) = reader.number("tile0/physical_vram_size_bytes") {
        values.memory.insert("vram_total".to_owned(), bytes);
    }
}

fn gts(card: &Card, reader: &Reader<'_>) -> Vec<Gt> {
    let numbered = |names: Vec<String>, word: &str| {
        let is = |name: &String| name.strip_prefix(word).is_some_and(|rest| rest.parse::<u8>().is_ok());
        names.into_iter().filter(is).collect::<Vec<_>>()
    };
    if card.driver == Driver::Xe {
        let mut gts = Vec::new();
        for tile in numbered(reader.list(""), "tile") {
            for gt in numbered(reader.list(&tile), "gt") {
                let folder = format!("{tile}/{gt}");
                gts.push(Gt {
                    name: gt,
                    clocks: [format!("{folder}/freq0/act_freq"), format!("{folder}/freq0/max_freq")],
                    idle: format!("{folder}/gtidle/idle_residency_ms"),
                    throttle: (format!("{folder}/freq0/throttle"), "reason_"),
                });
            }
        }
        gts.truncate(GTS_MAX);
        return gts;
    }
    let folder = format!("drm/{}", card.name);
    let mut found: Vec<Gt> = numbered(reader.list(&format!("{folder}/gt")), "gt")
        .into_iter()
        .take(GTS_MAX)
        .map(|gt| Gt {
            clocks: [
                format!("{folder}/gt/{gt}/rps_act_freq_mhz"),
                format!("{folder}/gt/{gt}/rps_max_freq_mhz"),
            ],
            idle: format!("{folder}/gt/{gt}/rc6_residency_ms"),
            throttle: (format!("{folder}/gt/{gt}"), "throttle_reason_"),
            name: gt,
        })
        .collect();
    if found.is_empty() {
        found.push(Gt {
            name: "gt0".to_owned(),
            clocks: [format!("{folder}/gt_act_freq_mhz"), format!("{folder}/gt_max_freq_mhz")],
            idle: format!("{folder}/power/rc6_residency_ms"),
            throttle: (String::new(), "throttle_reason_"),
        });
    }
    found
}
