//! amdgpu (Documentation/gpu/amdgpu/thermal.rst and driver-misc.rst of the kernel): files of the PCI device.

use super::card::{Reader, Values};

/// Clocks by the file that lists their levels, and what they are of.
const CLOCKS: [(&str, &str); 5] = [
    ("pp_dpm_sclk", "graphics"),
    ("pp_dpm_mclk", "memory"),
    ("pp_dpm_socclk", "soc"),
    ("pp_dpm_fclk", "fabric"),
    ("pp_dpm_dcefclk", "display"),
];
/// Memories: of the card, the part of it that the processor reaches, and of the host (GTT).
const MEMORIES: [&str; 3] = ["vram", "vis_vram", "gtt"];
/// Most blocks with counts of errors that are read.
const BLOCKS_MAX: usize = 32;

/// Reads all that is there.
pub(super) fn read(reader: &mut Reader<'_>, values: &mut Values) {
    let percent = |number: f64| number / 100.0;
    values.busy = reader.vital("gpu_busy_percent", &mut values.failure).map(percent);
    values.memory_busy = reader.number("mem_busy_percent").map(percent);
    for memory in MEMORIES {
        for which in ["total", "used"] {
            let file = format!("mem_info_{memory}_{which}");
            if let Some(bytes) = reader.vital(&file, &mut values.failure) {
                values.memory.insert(format!("{memory}_{which}"), bytes);
            }
        }
    }
    for (file, clock) in CLOCKS {
        let Some(text) = reader.text(file) else { continue };
        let (now, max) = levels(&text);
        values.clocks.extend(now.map(|hertz| (clock.to_owned(), hertz)));
        values.clocks_max.extend(max.map(|hertz| (clock.to_owned(), hertz)));
    }
    for (file, key) in [
        ("vbios_version", "vbios_version"),
        ("unique_id", "unique_id"),
        ("serial_number", "serial"),
        ("mem_info_vram_vendor", "memory_vendor"),
        ("power_dpm_force_performance_level", "performance_level"),
    ] {
        values.texts.extend(reader.text(file).map(|text| (key, text)));
    }
    values.replays = reader.number("pcie_replay_count");
    for file in reader.list("ras").into_iter().filter(|file| file.ends_with("_err_count")).take(BLOCKS_MAX) {
        let block = file.trim_end_matches("_err_count").to_owned();
        let text = reader.text(&format!("ras/{file}")).unwrap_or_default();
        for (kind, count) in errors(&text) {
            values.errors.insert((block.clone(), kind.to_owned()), count);
        }
    }
}

/// Lines `1: 500Mhz *`: the clock that is marked, and the highest, in Hz. A clock that sleeps has a line `S: 19Mhz *`.
pub fn levels(text: &str) -> (Option<f64>, Option<f64>) {
    let (mut now, mut max) = (None, None);
    for line in text.lines() {
        let Some((_, rest)) = line.split_once(':') else { continue };
        let clock = rest.trim().trim_end_matches('*').trim();
        let Some(megahertz) =
            clock.get(..clock.len().saturating_sub(3)).and_then(|digits| digits.parse::<u32>().ok())
        else {
            continue;
        };
        if !clock.to_ascii_lowercase().ends_with("mhz") {
            continue;
        }
        let hertz = f64::from(megahertz) * 1e6;
        if line.trim_end().ends_with('*') {
            now = Some(hertz);
        }
        max = Some(max.map_or(hertz, |max: f64| max.max(hertz)));
    }
    (now, max)
}

/// Lines `ue: 0` and `ce: 3`: errors that could not be corrected, and that could.
pub fn errors(text: &str) -> Vec<(&'static str, f64)> {
    let line = |line: &str| {
        let (kind, count) = line.split_once(':')?;
        let kind = ["ue", "ce"].into_iter().find(|known| *known == kind.trim())?;
        Some((kind, f64::from(count.trim().parse::<u32>().ok()?)))
    };
    text.lines().filter_map(line).collect()
}
