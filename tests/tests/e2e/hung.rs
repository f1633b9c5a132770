//! A file system that does not answer delays nothing else.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use hi_e2e::agent::Agent;
use hi_e2e::collector::PATIENCE;
use hi_e2e::stack::Stack;
use hi_harness::wait_for;

/// A FUSE mount whose daemon never answers: whoever asks about it hangs.
struct HungMount {
    path: PathBuf,
    daemon: Option<File>,
}

impl HungMount {
    fn new(folder: &Path) -> Option<Self> {
        let path = folder.join("hung");
        std::fs::create_dir(&path).ok()?;
        let daemon = File::options().read(true).write(true).open("/dev/fuse").ok()?;
        // The kernel takes the daemon's end as a descriptor (`fd=` in fuse(4)): mount(8) gets it as its standard input.
        let status = Command::new("mount")
            .args(["-i", "-n", "-t", "fuse", "-o"])
            .arg("fd=0,rootmode=40000,user_id=0,group_id=0,allow_other")
            .arg("hi-hung")
            .arg(&path)
            .stdin(daemon.try_clone().ok()?)
            .status();
        status.is_ok_and(|status| status.success()).then_some(Self { path, daemon: Some(daemon) })
    }
}

impl Drop for HungMount {
    fn drop(&mut self) {
        // With its last descriptor closed the kernel ends what waits for it.
        drop(self.daemon.take());
        Command::new("umount").arg("-l").arg(&self.path).status().ok();
    }
}

#[tokio::test]
async fn a_hung_file_system_delays_nothing_else() {
    let stack = Stack::start(&[]).await.unwrap();
    let Some(hung) = HungMount::new(stack.folder()) else {
        println!("SKIPPED: hung file system: FUSE cannot be mounted here");
        return;
    };
    let settings = [("sources.filesystem.enabled", "true"), ("sources.filesystem.interval_secs", "1")];
    let mut agent = Agent::start(stack.folder(), "nas", &stack.nats.url(), &settings).unwrap();
    let mount = hung.path.to_str().unwrap();
    wait_for("the file system is shown as stalled", PATIENCE, || async {
        let host = stack.collector.get("/api/hosts/nas").await.ok()?;
        let found = host["filesystems"].as_array()?.iter().find(|fs| fs["mountpoint"] == mount)?.clone();
        (found["stalled"] == true).then_some(())
    })
    .await;
    wait_for("it is on the attention list", PATIENCE, || async {
        let items = stack.collector.attention("filesystem_stalled").await.ok()?;
        items.iter().any(|item| item["subject"] == mount).then_some(())
    })
    .await;
    let host = stack.collector.get("/api/hosts/nas").await.unwrap();
    let sources = host["sources"].as_array().unwrap();
    assert_eq!(sources.iter().find(|source| source["source"] == "cpu").unwrap()["outcome"], "read");
    // While the first reading of file systems hung, those of others went past it.
    let record = stack.tap.record();
    let first = record.readings_of("nas", "filesystem")[0];
    let of = |source: &'static str| {
        let readings = record.batches.values().flat_map(|b| b.readings.iter().map(|r| (b.seq, r)));
        readings.filter(move |(_, reading)| reading.source == source).map(|(seq, reading)| (seq, reading.at))
    };
    let came = of("filesystem").find(|(_, at)| *at == first).unwrap().0;
    let overtook = of("cpu").filter(|(seq, at)| *seq < came && *at > first).count();
    assert!(overtook >= 2, "readings of cpu waited for those of file systems");
    assert!(agent.terminate().await.unwrap().success(), "a hung source must not keep the agent from ending");
}
