use super::*;
use proptest::prelude::*;

const ID: &str = "02bda853e5db98c897e2bb5b016058aef992114a66e39f271eccc5bb6e6d9dc5";

#[test]
fn the_cgroup_of_each_driver_and_version_is_found() {
    let unified = |text: &str| match place(text, ID) {
        Some(Place::Unified(path)) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        unified(&format!("0::/system.slice/docker-{ID}.scope\n")),
        format!("/system.slice/docker-{ID}.scope")
    );
    assert_eq!(unified(&format!("0::/docker/{ID}")), format!("/docker/{ID}"));
    // Podman puts the processes one below; an init in the container makes groups of its own.
    let podman = format!("0::/machine.slice/libpod-{ID}.scope/container/init.scope\n");
    assert_eq!(unified(&podman), format!("/machine.slice/libpod-{ID}.scope"));
    let rootless =
        format!("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container");
    assert!(unified(&rootless).ends_with(&format!("libpod-{ID}.scope")));
    let split = format!(
        "9:name=systemd:/docker/{ID}\n4:memory:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n0::/docker/{ID}\n"
    );
    let Some(Place::Split(all)) = place(&split, ID) else { panic!("v1") };
    assert_eq!(all.len(), 2);
    assert_eq!(Place::Split(all).id(), format!("/docker/{ID}"));
    // Only systemd's own hierarchy is v2's.
    let hybrid = format!("5:pids:/x\n1:name=systemd:/docker/{ID}\n0::/docker/{ID}\n");
    assert_eq!(unified(&hybrid), format!("/docker/{ID}"));
}

#[test]
fn a_process_of_something_else_is_not_the_containers() {
    for text in ["", "0::/\n", "0::/system.slice/ssh.service\n", "nonsense", ":::"] {
        assert_eq!(place(text, ID), None, "{text}");
    }
    assert_eq!(place(&format!("0::/../docker/{ID}"), ID), None, "outside of what is mounted here");
    assert_eq!(place("0::/docker/ab", "ab"), None, "an identity that short is found by chance");
}

#[test]
fn files_of_v2_are_read() {
    let (mut cpu, mut memory) = (Cpu::default(), Memory::default());
    cpu_stat(
        "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 4\nnr_throttled 2\nthrottled_usec 250000\n",
        &mut cpu,
    );
    let expected = Cpu {
        seconds: Some(1.5),
        user_seconds: Some(1.0),
        system_seconds: Some(0.5),
        periods: Some(4),
        throttled_periods: Some(2),
        throttled_seconds: Some(0.25),
    };
    assert_eq!(cpu, expected);
    memory_stat(
        "anon 10\nfile 20\nfile_mapped 3\ninactive_file 15\npgfault 7\npgmajfault 1\nslab 9\n",
        &mut memory,
    );
    memory_events("low 0\nhigh 0\nmax 5\noom 1\noom_kill 2\n", &mut memory);
    memory.usage = number("30\n");
    assert_eq!((memory.rss, memory.cache, memory.working_set()), (Some(10), Some(20), Some(15)));
    assert_eq!((memory.limit_hits, memory.oom_kills, memory.major_faults), (Some(5), Some(2), Some(1)));
    memory.usage = Some(10);
    assert_eq!(memory.working_set(), Some(0), "never less than nothing");
    let mut devices = Vec::new();
    io_stat("8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n254:1\nx rbytes=1\n", &mut devices);
    let first = Device { number: (8, 0), read_bytes: 4096, written_bytes: 8192, reads: 1, writes: 2 };
    assert_eq!(devices, [first, Device { number: (254, 1), ..Device::default() }]);
    let psi = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n";
    assert_eq!(pressure(psi), Some(Pressure { waiting_seconds: 2.0, stalled_seconds: 0.5 }));
    assert_eq!((pressure(""), number("max\n")), (None, None));
}

#[test]
fn files_of_v1_are_read() {
    let (mut cpu, mut memory) = (Cpu::default(), Memory::default());
    cpuacct_usage("25956811\n", &mut cpu);
    cpuacct_stat("user 200\nsystem 50\n", &mut cpu);
    cpu_stat("nr_periods 4\nnr_throttled 1\nthrottled_time 1500000000\n", &mut cpu);
    assert_eq!(
        (cpu.user_seconds, cpu.system_seconds, cpu.throttled_seconds),
        (Some(2.0), Some(0.5), Some(1.5))
    );
    assert!((cpu.seconds.unwrap() - 0.025_956_811).abs() < 1e-12);
    let stat = "cache 1\nrss 2\ninactive_file 3\ntotal_cache 10\ntotal_rss 20\ntotal_swap 30\ntotal_inactive_file 40\n";
    memory_stat_v1(stat, &mut memory);
    oom_control("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", &mut memory);
    assert_eq!((memory.cache, memory.rss, memory.swap), (Some(10), Some(20), Some(30)));
    assert_eq!((memory.inactive_file, memory.oom_kills), (Some(40), Some(3)));
    let mut devices = Vec::new();
    blkio("252:0 Read 4096\n252:0 Write 512\n252:0 Sync 0\nTotal 4608\n", true, &mut devices);
    blkio("252:0 Read 3\n252:0 Write 1\n", false, &mut devices);
    assert_eq!(
        devices,
        [Device { number: (252, 0), read_bytes: 4096, written_bytes: 512, reads: 3, writes: 1 }]
    );
}

#[test]
fn interfaces_are_read_without_the_loopback() {
    let text = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:       5       1    0    0    0     0          0         0        5       1    0    0    0     0       0          0\n  eth0:  1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0\nshort: 1 2 3\n";
    let mut interfaces = Vec::new();
    net_dev(text, &mut interfaces);
    let eth0 = Interface { name: "eth0".into(), received: [1000, 10, 1, 2], sent: [2000, 20, 3, 4] };
    assert_eq!(interfaces, [eth0]);
    assert_eq!(procs("1\n22\n333\n"), 3);
}

proptest! {
    #[test]
    fn no_text_panics_and_a_found_path_ends_with_the_container(
        text in "\\PC{0,200}",
        before in "(/[a-z.-]{0,6}){0,3}",
        after in "([a-z.]{0,6}(/[a-z.-]{0,6}){0,3})?",
    ) {
        let (mut cpu, mut memory, mut devices, mut interfaces) = (Cpu::default(), Memory::default(), vec![], vec![]);
        cpu_stat(&text, &mut cpu);
        cpuacct_stat(&text, &mut cpu);
        memory_stat(&text, &mut memory);
        memory_stat_v1(&text, &mut memory);
        memory_events(&text, &mut memory);
        io_stat(&text, &mut devices);
        blkio(&text, true, &mut devices);
        net_dev(&text, &mut interfaces);
        let _ = (pressure(&text), number(&text), procs(&text), place(&text, ID));
        let line = format!("0::{before}/x-{ID}{after}\n");
        if let Some(Place::Unified(path)) = place(&line, ID) {
            prop_assert!(path.contains(ID) && !path.split(ID).nth(1).unwrap().contains('/'));
        }
    }
}
