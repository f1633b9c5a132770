//! Memory from `/proc/meminfo` (proc_meminfo(5)), paging and out-of-memory kills from `/proc/vmstat`.

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{Kind, MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};

config_section! {
    /// Memory.
    pub struct Config in "sources.memory" {}
}

/// Declares what is read of a file of `key value` lines: a table of keys in the kernel's order, and its metrics.
macro_rules! fields {
    ($table:ident, $metrics:ident: $($key:literal => $metric:expr;)+) => {
        const $table: &[(&str, &MetricDef)] = &[$(($key, { static METRIC: MetricDef = $metric; &METRIC })),+];
        const $metrics: [&MetricDef; $table.len()] = {
            let mut metrics = [$table[0].1; $table.len()];
            let mut index = 0;
            while index < metrics.len() {
                metrics[index] = $table[index].1;
                index += 1;
            }
            metrics
        };
    };
}

const fn bytes(name: &'static str, help: &'static str) -> MetricDef {
    MetricDef::gauge(name, Unit::Bytes, &[], help)
}

const fn pages(name: &'static str, help: &'static str) -> MetricDef {
    MetricDef::gauge(name, Unit::None, &[], help)
}

/// node_exporter leaves the fields of vmstat untyped.
const fn untyped(name: &'static str, help: &'static str) -> MetricDef {
    MetricDef { name, kind: Kind::Untyped, unit: Unit::None, labels: &[], help }
}

fields! { MEMINFO, MEMINFO_METRICS:
    "MemTotal" => bytes("node_memory_MemTotal_bytes", "Usable memory.");
    "MemFree" => bytes("node_memory_MemFree_bytes", "Memory that nothing uses.");
    "MemAvailable" => bytes("node_memory_MemAvailable_bytes", "Memory that programs could get without swapping.");
    "Buffers" => bytes("node_memory_Buffers_bytes", "Cache of raw block devices.");
    "Cached" => bytes("node_memory_Cached_bytes", "Page cache, tmpfs included.");
    "SwapCached" => bytes("node_memory_SwapCached_bytes", "Swapped memory that is in memory too.");
    "Active" => bytes("node_memory_Active_bytes", "Memory used recently.");
    "Inactive" => bytes("node_memory_Inactive_bytes", "Memory not used recently.");
    "Active(anon)" => bytes("node_memory_Active_anon_bytes", "Anonymous memory used recently.");
    "Inactive(anon)" => bytes("node_memory_Inactive_anon_bytes", "Anonymous memory not used recently.");
    "Active(file)" => bytes("node_memory_Active_file_bytes", "Page cache used recently.");
    "Inactive(file)" => bytes("node_memory_Inactive_file_bytes", "Page cache not used recently.");
    "Unevictable" => bytes("node_memory_Unevictable_bytes", "Memory that cannot be reclaimed.");
    "Mlocked" => bytes("node_memory_Mlocked_bytes", "Memory locked by mlock.");
    "HighTotal" => bytes("node_memory_HighTotal_bytes", "High memory (32-bit machines).");
    "HighFree" => bytes("node_memory_HighFree_bytes", "Free high memory (32-bit machines).");
    "LowTotal" => bytes("node_memory_LowTotal_bytes", "Low memory (32-bit machines).");
    "LowFree" => bytes("node_memory_LowFree_bytes", "Free low memory (32-bit machines).");
    "SwapTotal" => bytes("node_memory_SwapTotal_bytes", "Swap space.");
    "SwapFree" => bytes("node_memory_SwapFree_bytes", "Unused swap space.");
    "Zswap" => bytes("node_memory_Zswap_bytes", "Memory that zswap takes, compressed.");
    "Zswapped" => bytes("node_memory_Zswapped_bytes", "Memory kept in zswap, as it was before compression.");
    "Dirty" => bytes("node_memory_Dirty_bytes", "Memory that waits to be written to disk.");
    "Writeback" => bytes("node_memory_Writeback_bytes", "Memory that is being written to disk.");
    "AnonPages" => bytes("node_memory_AnonPages_bytes", "Anonymous memory mapped by programs.");
    "Mapped" => bytes("node_memory_Mapped_bytes", "Files mapped by programs.");
    "Shmem" => bytes("node_memory_Shmem_bytes", "Shared memory and tmpfs.");
    "KReclaimable" => bytes("node_memory_KReclaimable_bytes", "Kernel memory that can be reclaimed.");
    "Slab" => bytes("node_memory_Slab_bytes", "The kernel's slab caches.");
    "SReclaimable" => bytes("node_memory_SReclaimable_bytes", "Slab caches that can be reclaimed.");
    "SUnreclaim" => bytes("node_memory_SUnreclaim_bytes", "Slab caches that cannot be reclaimed.");
    "KernelStack" => bytes("node_memory_KernelStack_bytes", "Kernel stacks of all tasks.");
    "ShadowCallStack" => bytes("node_memory_ShadowCallStack_bytes", "Shadow call stacks of all tasks.");
    "PageTables" => bytes("node_memory_PageTables_bytes", "Page tables of programs.");
    "SecPageTables" => bytes("node_memory_SecPageTables_bytes", "Page tables of virtual machines.");
    "NFS_Unstable" => bytes("node_memory_NFS_Unstable_bytes", "Sent to an NFS server but not on its disk yet.");
    "Bounce" => bytes("node_memory_Bounce_bytes", "Bounce buffers of block devices.");
    "WritebackTmp" => bytes("node_memory_WritebackTmp_bytes", "FUSE's buffers for writing back.");
    "CommitLimit" => bytes("node_memory_CommitLimit_bytes", "How much memory may be promised to programs.");
    "Committed_AS" => bytes("node_memory_Committed_AS_bytes", "How much memory is promised to programs.");
    "VmallocTotal" => bytes("node_memory_VmallocTotal_bytes", "The kernel's virtual address space.");
    "VmallocUsed" => bytes("node_memory_VmallocUsed_bytes", "Used part of the kernel's virtual address space.");
    "VmallocChunk" => bytes("node_memory_VmallocChunk_bytes", "Largest free part of that space.");
    "Percpu" => bytes("node_memory_Percpu_bytes", "Per-processor data of the kernel.");
    "EarlyMemtestBad" => bytes("node_memory_EarlyMemtestBad_bytes", "Memory that the test at boot found bad.");
    "HardwareCorrupted" => bytes("node_memory_HardwareCorrupted_bytes", "Memory given up for hardware errors.");
    "AnonHugePages" => bytes("node_memory_AnonHugePages_bytes", "Anonymous memory in huge pages.");
    "ShmemHugePages" => bytes("node_memory_ShmemHugePages_bytes", "Shared memory in huge pages.");
    "ShmemPmdMapped" => bytes("node_memory_ShmemPmdMapped_bytes", "Shared memory mapped by huge pages.");
    "FileHugePages" => bytes("node_memory_FileHugePages_bytes", "Page cache in huge pages.");
    "FilePmdMapped" => bytes("node_memory_FilePmdMapped_bytes", "Page cache mapped by huge pages.");
    "CmaTotal" => bytes("node_memory_CmaTotal_bytes", "Memory of the contiguous allocator.");
    "CmaFree" => bytes("node_memory_CmaFree_bytes", "Free memory of the contiguous allocator.");
    "Unaccepted" => bytes("node_memory_Unaccepted_bytes", "Memory a confidential guest has not accepted yet.");
    "Balloon" => bytes("node_memory_Balloon_bytes", "Memory given back to the hypervisor.");
    "HugePages_Total" => pages("node_memory_HugePages_Total", "Reserved huge pages.");
    "HugePages_Free" => pages("node_memory_HugePages_Free", "Reserved huge pages that nothing uses.");
    "HugePages_Rsvd" => pages("node_memory_HugePages_Rsvd", "Huge pages promised but not used yet.");
    "HugePages_Surp" => pages("node_memory_HugePages_Surp", "Huge pages beyond the reserved ones.");
    "Hugepagesize" => bytes("node_memory_Hugepagesize_bytes", "Size of a huge page.");
    "Hugetlb" => bytes("node_memory_Hugetlb_bytes", "Memory in huge pages of all sizes.");
    "DirectMap4k" => bytes("node_memory_DirectMap4k_bytes", "Memory the kernel maps in 4 kB pages.");
    "DirectMap4M" => bytes("node_memory_DirectMap4M_bytes", "Memory the kernel maps in 4 MB pages.");
    "DirectMap2M" => bytes("node_memory_DirectMap2M_bytes", "Memory the kernel maps in 2 MB pages.");
    "DirectMap1G" => bytes("node_memory_DirectMap1G_bytes", "Memory the kernel maps in 1 GB pages.");
}

fields! { VMSTAT, VMSTAT_METRICS:
    "pgpgin" => untyped("node_vmstat_pgpgin", "Kibibytes paged in from disk since boot.");
    "pgpgout" => untyped("node_vmstat_pgpgout", "Kibibytes paged out to disk since boot.");
    "pswpin" => untyped("node_vmstat_pswpin", "Pages swapped in since boot.");
    "pswpout" => untyped("node_vmstat_pswpout", "Pages swapped out since boot.");
    "pgfault" => untyped("node_vmstat_pgfault", "Page faults since boot.");
    "pgmajfault" => untyped("node_vmstat_pgmajfault", "Page faults that needed the disk, since boot.");
    "oom_kill" => untyped("node_vmstat_oom_kill", "Processes killed for want of memory since boot.");
}

const METRICS: [&MetricDef; MEMINFO.len() + VMSTAT.len()] = {
    let mut metrics = [MEMINFO_METRICS[0]; MEMINFO.len() + VMSTAT.len()];
    let mut index = 0;
    while index < metrics.len() {
        let own = index < MEMINFO.len();
        metrics[index] = if own { MEMINFO_METRICS[index] } else { VMSTAT_METRICS[index - MEMINFO.len()] };
        index += 1;
    }
    metrics
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "memory",
    summary: "Memory, swap and paging, from /proc/meminfo and /proc/vmstat.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Memory::default()))
    },
};

#[derive(Default)]
struct Memory {
    scratch: Scratch,
}

impl Source for Memory {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let meminfo = host.text(&mut self.scratch, At::Proc, "meminfo");
        meminfo.and_then(|text| parse("/proc/meminfo", text, MEMINFO, out))?;
        match host.text(&mut self.scratch, At::Proc, "vmstat") {
            // A kernel without CONFIG_VM_EVENT_COUNTERS.
            Err(SourceError::Missing { .. }) => {}
            vmstat => vmstat.and_then(|text| parse("/proc/vmstat", text, VMSTAT, out))?,
        }
        Ok(Outcome::Read)
    }
}

/// Pushes the known fields of `Key: value kB` or `key value` lines. Both files keep their order from read to read and
/// nearly from kernel to kernel: the search for a key begins behind the last one found.
fn parse(
    file: &str,
    text: &str,
    fields: &[(&str, &'static MetricDef)],
    out: &mut Readings,
) -> Result<(), SourceError> {
    let mut from = 0;
    let mut result = Ok(());
    for line in text.lines() {
        let Some((key, rest)) = line.split_once([':', ' ']) else { continue };
        let (earlier, later) = fields.split_at(from);
        let Some(found) = later.iter().chain(earlier).position(|(name, _)| *name == key) else { continue };
        let index = (from + found) % fields.len();
        from = index + 1;
        let mut words = rest.split_ascii_whitespace();
        match words.next().and_then(|word| word.parse::<u64>().ok()) {
            Some(value) => {
                let unit = if words.next() == Some("kB") { 1024.0 } else { 1.0 };
                out.push(fields[index].1, &[], value as f64 * unit);
            }
            None => result = Err(bad_line(file, line, "no count")),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> (Vec<(&'static str, f64)>, Result<(), SourceError>) {
        let mut out = Readings::default();
        let result = parse("/proc/meminfo", text, MEMINFO, &mut out);
        (out.samples().map(|(metric, _, value)| (metric.name, value)).collect(), result)
    }

    #[test]
    fn fields_come_in_any_order_and_bad_ones_are_named() {
        let (found, result) = parsed("MemFree:  2 kB\nNewField: 7 kB\nMemTotal: 3 kB\nHugePages_Free: 4\n");
        assert!(result.is_ok());
        assert_eq!(
            found,
            [
                ("node_memory_MemFree_bytes", 2048.0),
                ("node_memory_MemTotal_bytes", 3072.0),
                ("node_memory_HugePages_Free", 4.0)
            ]
        );
        let (found, result) = parsed("MemTotal: lots\nMemFree: 1 kB\n");
        assert_eq!(found.len(), 1);
        assert_eq!(
            result.unwrap_err().to_string(),
            "/proc/meminfo is not understood: no count in line \"MemTotal: lots\""
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((MemTotal|Active\\(anon\\)|DirectMap1G|:| |kB|\n|[0-9]{1,25}|.){0,40})") {
            let _ = parsed(&text);
        }
    }
}
