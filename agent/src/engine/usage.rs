//! What a container uses, from whichever place it was read.

use serde::{Deserialize, Serialize};

/// Counters and levels of one container. What is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Processes.
    pub processes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// I/O of each block device.
    pub devices: Vec<Device>,
    /// Traffic of each interface but the loopback.
    pub interfaces: Vec<Interface>,
    /// Stalls for lack of CPU, memory and I/O.
    pub pressure: [Option<Pressure>; 3],
}

/// Use of the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Seconds on the CPU.
    pub seconds: Option<f64>,
    /// Of them in programs.
    pub user_seconds: Option<f64>,
    /// Of them in the kernel.
    pub system_seconds: Option<f64>,
    /// Periods of the quota gone by.
    pub periods: Option<u64>,
    /// Of them those in which it was held up.
    pub throttled_periods: Option<u64>,
    /// Seconds for which it was held up.
    pub throttled_seconds: Option<f64>,
}

/// Use of memory, in bytes unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// All of it, with the page cache.
    pub usage: Option<u64>,
    /// The most it ever was.
    pub max_usage: Option<u64>,
    /// Pages of programs.
    pub rss: Option<u64>,
    /// Page cache.
    pub cache: Option<u64>,
    /// Swapped out.
    pub swap: Option<u64>,
    /// Files mapped into programs.
    pub mapped_file: Option<u64>,
    /// Of the page cache what was not used lately.
    pub inactive_file: Option<u64>,
    /// How often the limit was hit.
    pub limit_hits: Option<u64>,
    /// Page faults.
    pub faults: Option<u64>,
    /// Page faults that had to read from a disk.
    pub major_faults: Option<u64>,
    /// Processes killed for lack of memory.
    pub oom_kills: Option<u64>,
}

impl Memory {
    /// What `docker stats` shows, and cAdvisor's working set: usage without the page cache that was not used lately.
    pub fn working_set(&self) -> Option<u64> {
        Some(self.usage?.saturating_sub(self.inactive_file.unwrap_or(0)))
    }
}

/// I/O of one block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Major and minor number.
    pub number: (u32, u32),
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

/// Traffic of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name in the container.
    pub name: String,
    /// Bytes, packets, errors, dropped packets received.
    pub received: [u64; 4],
    /// Bytes, packets, errors, dropped packets sent.
    pub sent: [u64; 4],
}

/// Stalls for lack of something, in seconds (Documentation/accounting/psi.rst).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// Some task waited.
    pub waiting_seconds: f64,
    /// All tasks waited.
    pub stalled_seconds: f64,
}
