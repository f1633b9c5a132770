//! What a container uses, read from the files of its cgroup and of its network.

use std::fmt::Write as _;

use super::cgroup::{self, Place};
use crate::engine::Container;
use crate::engine::usage::Usage;
use crate::host::{At, HostRoot, Scratch};

/// Where the files of one container lie, below `/sys`; looked up once per run of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// The path as cAdvisor shows it.
    pub(super) id: String,
    layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    Unified(String),
    Split { cpu: String, cpuacct: String, memory: String, pids: String, blkio: String },
}

/// Buffers for reading.
#[derive(Debug, Default)]
pub(super) struct Reader {
    scratch: Scratch,
    path: String,
}

impl Reader {
    /// Finds the cgroup of a running container; `None` when it cannot be seen from here.
    pub(super) fn find(&mut self, host: &HostRoot, container: &Container) -> Option<Files> {
        if container.pid == 0 {
            return None;
        }
        let text = host.text(&mut self.scratch, At::Proc, &format!("{}/cgroup", container.pid)).ok()?;
        let place = cgroup::place(text, &container.id)?;
        let id = place.id().to_owned();
        let layout = match place {
            Place::Unified(path) => {
                let bases = ["fs/cgroup", "fs/cgroup/unified"];
                let base =
                    bases.iter().find(|base| host.exists(At::Sys, &format!("{base}/cgroup.controllers")))?;
                Layout::Unified(format!("{base}{path}/"))
            }
            Place::Split(all) => {
                let folder = |controller: &str| {
                    let (names, path) =
                        all.iter().find(|(names, _)| names.split(',').any(|one| one == controller))?;
                    // Distributions link each controller to the mount that several share.
                    let mounts = [names.as_str(), controller];
                    let mount =
                        mounts.iter().find(|name| host.exists(At::Sys, &format!("fs/cgroup/{name}")))?;
                    Some(format!("fs/cgroup/{mount}{path}/"))
                };
                let folder = |controller: &str| folder(controller).unwrap_or_default();
                Layout::Split {
                    cpu: folder("cpu"),
                    cpuacct: folder("cpuacct"),
                    memory: folder("memory"),
                    pids: folder("pids"),
                    blkio: folder("blkio"),
                }
            }
        };
        let found = match &layout {
            Layout::Unified(folder) => host.exists(At::Sys, folder),
            Layout::Split { memory, cpuacct, .. } => {
                [memory, cpuacct].iter().any(|folder| !folder.is_empty() && host.exists(At::Sys, folder))
            }
        };
        found.then_some(Files { id, layout })
    }

    /// Reads all files; `None` when the cgroup is gone.
    pub(super) fn read(&mut self, host: &HostRoot, files: &Files, container: &Container) -> Option<Usage> {
        let mut usage = Usage::default();
        match &files.layout {
            Layout::Unified(folder) => self.unified(host, folder, &mut usage),
            Layout::Split { cpu, cpuacct, memory, pids, blkio } => {
                self.split(host, [cpu, cpuacct, memory, pids, blkio], &mut usage);
            }
        }
        if usage.cpu.seconds.is_none() && usage.memory.usage.is_none() {
            return None;
        }
        // A container in the host's network has no traffic of its own.
        if !container.networks.iter().any(|(name, _)| name == "host") {
            self.path.clear();
            let _ = write!(self.path, "{}/net/dev", container.pid);
            if let Ok(text) = host.text(&mut self.scratch, At::Proc, &self.path) {
                cgroup::net_dev(text, &mut usage.interfaces);
            }
        }
        Some(usage)
    }

    fn unified(&mut self, host: &HostRoot, folder: &str, usage: &mut Usage) {
        self.with(host, folder, "cpu.stat", |text| cgroup::cpu_stat(text, &mut usage.cpu));
        self.with(host, folder, "memory.stat", |text| cgroup::memory_stat(text, &mut usage.memory));
        self.with(host, folder, "memory.events", |text| cgroup::memory_events(text, &mut usage.memory));
        usage.memory.usage = self.number(host, folder, "memory.current");
        // Since Linux 5.19.
        usage.memory.max_usage = self.number(host, folder, "memory.peak");
        usage.memory.swap = self.number(host, folder, "memory.swap.current");
        usage.threads = self.number(host, folder, "pids.current");
        self.with(host, folder, "cgroup.procs", |text| usage.processes = Some(cgroup::procs(text)));
        self.with(host, folder, "io.stat", |text| cgroup::io_stat(text, &mut usage.devices));
        for (place, file) in usage.pressure.iter_mut().zip(["cpu.pressure", "memory.pressure", "io.pressure"])
        {
            self.with(host, folder, file, |text| *place = cgroup::pressure(text));
        }
    }

    fn split(&mut self, host: &HostRoot, folders: [&str; 5], usage: &mut Usage) {
        let [cpu, cpuacct, memory, pids, blkio] = folders;
        self.with(host, cpuacct, "cpuacct.usage", |text| cgroup::cpuacct_usage(text, &mut usage.cpu));
        self.with(host, cpuacct, "cpuacct.stat", |text| cgroup::cpuacct_stat(text, &mut usage.cpu));
        self.with(host, cpu, "cpu.stat", |text| cgroup::cpu_stat(text, &mut usage.cpu));
        self.with(host, memory, "memory.stat", |text| cgroup::memory_stat_v1(text, &mut usage.memory));
        self.with(host, memory, "memory.oom_control", |text| cgroup::oom_control(text, &mut usage.memory));
        usage.memory.usage = self.number(host, memory, "memory.usage_in_bytes");
        usage.memory.max_usage = self.number(host, memory, "memory.max_usage_in_bytes");
        usage.memory.limit_hits = self.number(host, memory, "memory.failcnt");
        usage.threads = self.number(host, pids, "pids.current");
        self.with(host, pids, "cgroup.procs", |text| usage.processes = Some(cgroup::procs(text)));
        for (file, bytes) in [
            ("blkio.throttle.io_service_bytes_recursive", true),
            ("blkio.throttle.io_serviced_recursive", false),
        ] {
            self.with(host, blkio, file, |text| cgroup::blkio(text, bytes, &mut usage.devices));
        }
    }

    fn number(&mut self, host: &HostRoot, folder: &str, file: &str) -> Option<u64> {
        let mut found = None;
        self.with(host, folder, file, |text| found = cgroup::number(text));
        found
    }

    /// Reads one file; one that is not there (another kernel, a controller that is off) is left out.
    fn with(&mut self, host: &HostRoot, folder: &str, file: &str, read: impl FnOnce(&str)) {
        /// Lists that may be longer than a page, which the kernel hands out in pieces.
        const LONG: [&str; 4] = [
            "io.stat",
            "cgroup.procs",
            "blkio.throttle.io_service_bytes_recursive",
            "blkio.throttle.io_serviced_recursive",
        ];
        if folder.is_empty() {
            return;
        }
        self.path.clear();
        let at = if LONG.contains(&file) { At::Root } else { At::Sys };
        if at == At::Root {
            self.path.push_str("sys/");
        }
        self.path.push_str(folder);
        self.path.push_str(file);
        if let Ok(text) = host.text(&mut self.scratch, at, &self.path) {
            read(text);
        }
    }
}
