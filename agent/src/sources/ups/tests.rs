//! Servers that answer as they are told, recorded variables of other projects, and captures.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::*;
use crate::host::Recorder;

/// A server of a test: each connection is handled on a thread of its own.
struct Stub {
    port: u16,
}

impl Stub {
    fn new(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let handle = Arc::new(handle);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let handle = Arc::clone(&handle);
                thread::spawn(move || handle(stream.unwrap()));
            }
        });
        Self { port }
    }

    /// A upsd that knows answers by commands.
    fn upsd(answers: &Arc<Mutex<BTreeMap<String, String>>>) -> Self {
        let answers = Arc::clone(answers);
        Self::new(move |stream| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut writer = stream;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                let answer = answers.lock().unwrap().get(line.trim_end()).cloned();
                let answer = answer.unwrap_or_else(|| "ERR UNKNOWN-COMMAND\n".to_owned());
                if writer.write_all(answer.as_bytes()).is_err() {
                    return;
                }
                line.clear();
            }
        })
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

type Answers = Arc<Mutex<BTreeMap<String, String>>>;

fn list_var(name: &str, variables: &[(&str, &str)]) -> String {
    let lines: String =
        variables.iter().map(|(key, value)| format!("VAR {name} {key} \"{value}\"\n")).collect();
    format!("BEGIN LIST VAR {name}\n{lines}END LIST VAR {name}\n")
}

/// Answers of a upsd with one UPS.
fn answers(name: &str, variables: &[(&str, &str)]) -> Answers {
    let answers = [
        ("LIST UPS".to_owned(), format!("BEGIN LIST UPS\nUPS {name} \"Rack\"\nEND LIST UPS\n")),
        ("VER".to_owned(), "Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/\n".to_owned()),
        (format!("LIST VAR {name}"), list_var(name, variables)),
        (format!("GET NUMLOGINS {name}"), format!("NUMLOGINS {name} 1\n")),
    ];
    Arc::new(Mutex::new(answers.into()))
}

fn source(text: &str) -> Ups {
    let table = format!("[sources.ups]\nserver_timeout_secs = 1\n{text}").parse().unwrap();
    Ups::new(&own_section(&table).unwrap()).unwrap()
}

fn of_servers(servers: &[&str]) -> Ups {
    source(&format!("servers = {servers:?}"))
}

type Samples = BTreeMap<String, f64>;

/// Metric and labels without the empty ones, and value.
fn samples(out: &Readings) -> Samples {
    let one = |(metric, labels, value): (&hi_common::metric::MetricDef, Vec<&str>, f64)| {
        let pairs = metric.labels.iter().zip(labels).filter(|(_, label)| !label.is_empty());
        let labels: Vec<String> = pairs.map(|(key, label)| format!("{key}={label}")).collect();
        (format!("{}{{{}}}", metric.name, labels.join(",")), value)
    };
    out.samples().map(one).collect()
}

fn read(source: &mut Ups, host: &HostRoot) -> (Result<Outcome, SourceError>, Samples, Readings) {
    let mut out = Readings::default();
    let result = source.read(host, &mut out);
    (result, samples(&out), out)
}

fn events(out: &Readings) -> Vec<&'static str> {
    out.events().iter().map(|event| event.kind).collect()
}

fn shared(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("HI_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let path = shared.join("fixtures/05-devices-services/telegraf-upsd").join(name);
    if !path.is_dir() {
        println!("SKIPPED: variables of UPSes: HI_SHARED has no fixtures ({})", path.display());
        return None;
    }
    Some(path)
}

/// A capture in which upsd of this machine answered with these variables.
fn captured(variables: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let net = folder.path().join("net/127.0.0.1:3493.ioctl");
    fs::create_dir_all(&net).unwrap();
    let pairs: Vec<(&str, &str)> = variables.lines().filter_map(|line| line.split_once(": ")).collect();
    for (command, answer) in answers("fake", &pairs).lock().unwrap().iter() {
        let key = command.to_ascii_lowercase().replace(' ', "-");
        fs::write(net.join(key), answer).unwrap();
    }
    folder
}

/// The fields of a line of line protocol, texts left out.
fn fields(line: &str) -> Vec<(String, f64)> {
    let (mut parts, mut quoted, mut before) = (vec![String::new()], false, ' ');
    for c in line.trim().chars() {
        quoted ^= c == '"';
        match c {
            ' ' if !quoted && before != '\\' => parts.push(String::new()),
            ',' if !quoted && parts.len() == 2 => parts.last_mut().unwrap().push('\n'),
            c => parts.last_mut().unwrap().push(c),
        }
        before = c;
    }
    let number = |text: &str| match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        text => text.trim_end_matches(['i', 'u']).parse().ok(),
    };
    let field = |field: &str| {
        let (name, value) = field.split_once('=')?;
        Some((name.to_owned(), number(value)?))
    };
    parts[1].split('\n').filter_map(field).collect()
}

/// What telegraf calls a variable by another name, and how many of its unit one of ours is.
const TELEGRAF: [(&str, &str, f64); 8] = [
    ("battery_charge_percent", "battery_charge", 1.0),
    ("load_percent", "ups_load", 1.0),
    ("nominal_battery_voltage", "battery_voltage_nominal", 1.0),
    ("nominal_input_voltage", "input_voltage_nominal", 1.0),
    ("nominal_power", "ups_realpower_nominal", 1.0),
    ("real_power", "ups_realpower", 1.0),
    ("time_left_ns", "battery_runtime", 1e9),
    ("battery_runtime", "battery_runtime", 1.0),
];
/// Bits that telegraf makes of the flags: 8 is on line.
const STATUS_FLAGS: &str = "status_flags";

#[test]
fn variables_are_those_that_telegraf_tells() {
    let cases = [
        "CyberPowerSystems_CP900EPFCLCD",
        "CyberPowerSystems_CP900EPFCLCD_additional",
        "CyberPowerSystems_CP900EPFCLCD_full",
        "fake",
    ];
    let mut compared = 0;
    for case in cases {
        let Some(folder) = shared(case) else { return };
        let root = captured(&fs::read_to_string(folder.join("variables.dev")).unwrap());
        let (result, samples, out) = read(&mut source(""), &HostRoot::captured(root.path()));
        assert_eq!(result.unwrap(), Outcome::Read);
        let expected = fields(&fs::read_to_string(folder.join("expected.out")).unwrap());
        assert!(expected.len() > 10, "{case}");
        for (field, value) in expected {
            // Settings of the driver and numbers of parts are no measurements: facts, if anything.
            let is_setting = ["driver_", "device_serial", "ups_serial", "ups_productid", "ups_vendorid"];
            if is_setting.iter().any(|start| field.starts_with(start)) {
                assert!(!samples.contains_key(&format!("network_ups_tools_{field}{{ups=fake}}")));
                continue;
            }
            compared += 1;
            if field == STATUS_FLAGS {
                assert_eq!(samples["network_ups_tools_ups_status{ups=fake,flag=OL}"], 1.0);
                assert_eq!(value, 8.0);
                continue;
            }
            let renamed = TELEGRAF.iter().find(|(theirs, ..)| *theirs == field);
            let (name, factor) = renamed.map_or((field.as_str(), 1.0), |(_, ours, factor)| (ours, *factor));
            let key = format!("network_ups_tools_{name}{{ups=fake}}");
            let ours = samples.get(&key).unwrap_or_else(|| panic!("{case}: no {key}"));
            assert!(
                (ours * factor - value).abs() <= value.abs() * 1e-12,
                "{case}: {key} {ours} for {field}={value}"
            );
        }
        assert_eq!(out.facts()[0].id, "fake@127.0.0.1:3493");
        assert_eq!(out.facts()[0].doc["state"], FactValue::Text("ok".into()));
        let odd: Vec<&String> = samples.keys().filter(|key| key.starts_with("hi_ups_variable")).collect();
        assert!(odd.is_empty(), "{odd:?}");
    }
    println!("{compared} values of telegraf compared");
    assert!(compared > 60);
}

#[test]
fn flags_and_identity_are_those_of_nut_exporter() {
    let variables = [
        ("ups.status", "OL TRIM CHRG ECO"),
        ("device.mfr", "APC"),
        ("device.model", "Smart-UPS 750"),
        ("device.serial", "AS1"),
        ("device.type", "ups"),
        ("ups.beeper.status", "enabled"),
        ("outlet.9.current", "0.5"),
        ("outlet.9.id", "9"),
        ("outlet.1.status", "off"),
        ("output.L1-N.voltage", "231"),
        ("battery.charge.approx", "<85"),
    ];
    let upsd = Stub::upsd(&answers("rack", &variables));
    let (result, samples, out) = read(&mut of_servers(&[&upsd.address()]), &HostRoot::live());
    assert_eq!(result.unwrap(), Outcome::Read);
    let status = |flag: &str| samples[&format!("network_ups_tools_ups_status{{ups=rack,flag={flag}}}")];
    assert_eq!(["OL", "TRIM", "CHRG", "ECO"].map(status), [1.0; 4]);
    assert_eq!(
        ["OB", "LB", "HB", "RB", "DISCHRG", "BYPASS", "CAL", "OFF", "OVER", "BOOST", "FSD", "SD"].map(status),
        [0.0; 12]
    );
    let info = "network_ups_tools_device_info{ups=rack,model=Smart-UPS 750,mfr=APC,serial=AS1,type=ups}";
    assert_eq!(samples[info], 1.0);
    for (name, value) in [
        ("network_ups_tools_ups_beeper_status{ups=rack}", 1.0),
        ("network_ups_tools_outlet_1_status{ups=rack}", 0.0),
        ("network_ups_tools_output_L1_N_voltage{ups=rack}", 231.0),
        ("hi_ups_variable{ups=rack,variable=outlet.9.current}", 0.5),
        ("hi_ups_up{ups=rack}", 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    assert!(!samples.keys().any(|key| key.contains("outlet.9.id") || key.contains("approx")));
    let doc = &out.facts()[0].doc;
    assert_eq!(doc["description"], FactValue::Text("Rack".into()));
    assert_eq!(
        (&doc["logins"], &doc["server_version"]),
        (&FactValue::Int(1), &FactValue::Text("2.8.0".into()))
    );
}

#[test]
fn what_happens_is_told_once_and_at_the_next_look() {
    let told = answers("rack", &[("ups.status", "OL"), ("battery.charge", "100")]);
    let upsd = Stub::upsd(&told);
    let address = upsd.address();
    let mut source = source(&format!("on_battery_interval_secs = 1\nservers = [{address:?}]"));
    let host = HostRoot::live();
    let say = |answer: &str| told.lock().unwrap().insert("LIST VAR rack".into(), answer.to_owned());
    let flags = |flags: &str| list_var("rack", &[("ups.status", flags), ("battery.charge", "80")]);
    let look = |source: &mut Ups| {
        let (result, samples, out) = read(source, &host);
        (result, samples, events(&out), out)
    };
    assert_eq!(look(&mut source).2, [""; 0], "what the first look finds is no news");
    say(&flags("OB DISCHRG"));
    let (_, _, kinds, out) = look(&mut source);
    assert_eq!(kinds, ["ups_on_battery"]);
    let event = &out.events()[0];
    assert_eq!(event.message, "UPS rack runs on battery: 80 % charge");
    let data: BTreeMap<&str, &str> = event.data.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!((data["ups"], data["server"], data["status"]), ("rack", address.as_str(), "OB DISCHRG"));
    // It rings now, until the power is back.
    let bell = source.bell().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), bell.rung()).await.unwrap() });
    say(&flags("OB LB DISCHRG"));
    let mut out = Readings::default();
    source.look(&host, &mut out).unwrap();
    assert_eq!(events(&out), ["ups_low_battery"]);
    say("ERR DATA-STALE\n");
    let (result, samples, kinds, out) = look(&mut source);
    assert_eq!((result.unwrap(), kinds), (Outcome::Read, vec!["ups_unreadable"]));
    assert_eq!((samples["hi_ups_up{ups=rack}"], samples["hi_ups_state{ups=rack,state=stale}"]), (0.0, 1.0));
    assert!(!samples.contains_key("network_ups_tools_battery_charge{ups=rack}"), "old values are not told");
    assert_eq!(out.facts()[0].doc["state"], FactValue::Text("stale".into()));
    let reason = "its driver hears nothing from it (the server refuses: DATA-STALE)";
    assert_eq!(out.facts()[0].doc["reason"], FactValue::Text(reason.into()));
    say("ERR DRIVER-NOT-CONNECTED\n");
    let (_, samples, kinds, _) = look(&mut source);
    assert_eq!((kinds, samples["hi_ups_state{ups=rack,state=no_driver}"]), (vec!["ups_unreadable"], 1.0));
    say(&flags("OL CHRG"));
    assert_eq!(look(&mut source).2, ["ups_readable", "ups_back_on_line"]);
    assert_eq!(look(&mut source).2, [""; 0]);
    told.lock().unwrap().insert("LIST UPS".into(), "BEGIN LIST UPS\nUPS new \"x\"\nEND LIST UPS\n".into());
    told.lock().unwrap().insert("LIST VAR new".into(), list_var("new", &[("ups.status", "OL")]));
    let (_, samples, kinds, out) = look(&mut source);
    assert_eq!(kinds, ["ups_gone", "ups_found"]);
    assert_eq!(out.gone(), [("ups", format!("rack@{address}"))]);
    assert!(!samples.keys().any(|key| key.contains("ups=rack")));
}

#[test]
fn a_server_that_goes_and_comes_is_told_once() {
    let told = answers("rack", &[("ups.status", "OL")]);
    let silent = Arc::new(Mutex::new(false));
    let (answers, quiet) = (Arc::clone(&told), Arc::clone(&silent));
    // It closes each connection while it is silent.
    let upsd = Stub::new(move |stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while !*quiet.lock().unwrap() && reader.read_line(&mut line).is_ok_and(|count| count > 0) {
            let answer = answers.lock().unwrap()[line.trim_end()].clone();
            let _ = (&stream).write_all(answer.as_bytes());
            line.clear();
        }
    });
    let mut source = of_servers(&[&upsd.address()]);
    let host = HostRoot::live();
    assert_eq!(read(&mut source, &host).0.unwrap(), Outcome::Read);
    *silent.lock().unwrap() = true;
    let (result, samples, out) = read(&mut source, &host);
    assert_eq!((result.unwrap_err().reason(), events(&out)), ("io", vec!["ups_server_gone"]));
    assert_eq!(
        (samples["hi_ups_up{ups=rack}"], samples["hi_ups_state{ups=rack,state=server_gone}"]),
        (0.0, 1.0)
    );
    assert_eq!(samples[&format!("hi_ups_server_up{{server={},protocol=nut}}", upsd.address())], 0.0);
    let (result, _, out) = read(&mut source, &host);
    assert!(result.is_err() && events(&out).is_empty());
    *silent.lock().unwrap() = false;
    let (result, samples, out) = read(&mut source, &host);
    assert_eq!((result.unwrap(), events(&out)), (Outcome::Read, vec!["ups_server_back"]));
    assert_eq!(samples["hi_ups_up{ups=rack}"], 1.0);
}

/// What a server does in place of answering.
type Mischief = fn(&mut TcpStream);

const MISCHIEF: [(&str, Mischief, &[&str]); 8] = [
    ("closes", |_| {}, &["io"]),
    ("garbage", |stream| drop(stream.write_all(&[0xfe; 600])), &["io", "parse"]),
    ("http", |stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")), &["parse"]),
    (
        "half a line",
        |stream| {
            let _ = stream.write_all(b"BEGIN LIST U");
            hold(stream);
        },
        &["timeout", "parse"],
    ),
    ("nothing", |stream| hold(stream), &["timeout"]),
    ("endless line", |stream| while stream.write_all(&[b'x'; 4096]).is_ok() {}, &["parse"]),
    (
        "100 MB of lines",
        |stream| {
            let _ = stream.write_all(b"BEGIN LIST UPS\n");
            let lines = b"UPS a \"b\"\n".repeat(100_000);
            (0..100).take_while(|_| stream.write_all(&lines).is_ok()).for_each(drop);
        },
        &["parse"],
    ),
    (
        "one byte after the other",
        |stream| {
            let _ = stream.write_all(b"BEGIN LIST UPS\n");
            while stream.write_all(b"U").is_ok() {
                thread::yield_now();
            }
        },
        &["parse", "timeout"],
    ),
];

/// Waits until the other side closes.
fn hold(stream: &mut TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn a_server_that_misbehaves_costs_only_itself_and_a_bounded_time() {
    let good = Stub::upsd(&answers("rack", &[("ups.status", "OL"), ("ups.load", "7")]));
    for protocol in ["nut", "apcupsd"] {
        for (what, act, reasons) in MISCHIEF {
            let bad = Stub::new(move |mut stream| {
                let mut question = [0; 8];
                let _ = stream.read(&mut question);
                act(&mut stream);
            });
            let mut source = of_servers(&[&format!("{protocol}://{}", bad.address()), &good.address()]);
            let start = Instant::now();
            let (result, samples, _) = read(&mut source, &HostRoot::live());
            let took = start.elapsed();
            let error = result.unwrap_err();
            assert!(took < Duration::from_secs(4), "{protocol} {what}: {took:?}");
            assert!(reasons.contains(&error.reason()), "{protocol} {what}: {error}");
            assert!(error.to_string().len() < 300, "{error}");
            let load = format!("network_ups_tools_ups_load{{ups=rack,server={}}}", good.address());
            assert_eq!(samples.get(&load), Some(&7.0), "{protocol} {what}");
            assert_eq!(
                samples[&format!("hi_ups_server_up{{server={},protocol={protocol}}}", bad.address())],
                0.0
            );
        }
    }
}

#[test]
fn nobody_on_this_machine_is_silent_and_a_configured_server_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (result, samples, out) = read(&mut source(""), &HostRoot::captured(folder.path()));
    assert_eq!((result.unwrap(), samples.len(), out.notes().len()), (Outcome::Absent, 0, 0));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (result, samples, _) = read(&mut of_servers(&[&free.to_string()]), &HostRoot::live());
    let error = result.unwrap_err();
    assert_eq!((error.reason(), error.to_string()), ("io", format!("read nut://{free}")));
    assert_eq!(samples[&format!("hi_ups_server_up{{server={free},protocol=nut}}")], 0.0);
}

#[test]
fn patterns_choose_and_labels_tell_apart() {
    let one = answers("rack", &[("ups.load", "1")]);
    one.lock().unwrap().insert(
        "LIST UPS".into(),
        "BEGIN LIST UPS\nUPS rack \"a\"\nUPS desk \"b\"\nUPS test1 \"c\"\nEND LIST UPS\n".into(),
    );
    one.lock().unwrap().insert("LIST VAR desk".into(), list_var("desk", &[("ups.load", "2")]));
    one.lock().unwrap().insert("LIST VAR test1".into(), list_var("test1", &[("ups.load", "3")]));
    let (one, two) = (Stub::upsd(&one), Stub::upsd(&answers("rack", &[("ups.load", "4")])));
    let (a, b) = (one.address(), two.address());
    let text = format!("servers = [{a:?}, {b:?}]\nexclude = ['test*']\ninclude = ['rack', 'test*']");
    let (result, samples, out) = read(&mut source(&text), &HostRoot::live());
    assert_eq!(result.unwrap(), Outcome::Read);
    let loads: Vec<(&String, &f64)> =
        samples.iter().filter(|(key, _)| key.starts_with("network_ups_tools_ups_load")).collect();
    let label = |server: &str| format!("network_ups_tools_ups_load{{ups=rack,server={server}}}");
    assert_eq!(loads.len(), 2);
    assert_eq!((samples[&label(&a)], samples[&label(&b)]), (1.0, 4.0));
    let mut ids: Vec<&str> = out.facts().iter().map(|fact| fact.id.as_str()).collect();
    ids.sort_unstable();
    let mut expected = [format!("rack@{a}"), format!("rack@{b}")];
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

#[test]
fn signing_in_is_not_recorded_and_what_was_said_comes_again() {
    let told = answers("rack", &[("ups.status", "OL"), ("ups.load", "7")]);
    let commands = Arc::new(Mutex::new(Vec::new()));
    let (answers, heard) = (Arc::clone(&told), Arc::clone(&commands));
    let upsd = Stub::new(move |stream| {
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
            let command = line.trim_end().to_owned();
            let answer = answers.lock().unwrap().get(&command).cloned().unwrap_or_else(|| "OK\n".to_owned());
            heard.lock().unwrap().push(command);
            (&stream).write_all(answer.as_bytes()).unwrap();
            line.clear();
        }
    });
    let text = format!(
        "[[sources.ups.servers]]\naddress = {:?}\nuser = 'monitor'\npassword = 'hunter \"2\"'",
        upsd.address()
    );
    let out = tempfile::tempdir().unwrap();
    let recorder = Arc::new(Recorder::new(out.path()));
    let (result, live, _) = read(&mut source(&text), &HostRoot::recording(Arc::clone(&recorder)));
    assert_eq!(result.unwrap(), Outcome::Read);
    recorder.finish().unwrap();
    let signed: Vec<String> = commands.lock().unwrap().iter().take(3).cloned().collect();
    assert_eq!(signed, ["USERNAME monitor", "PASSWORD \"hunter \\\"2\\\"\"", "LIST UPS"]);
    assert!(!commands.lock().unwrap().iter().any(|command| command.starts_with("LOGIN")));
    let (result, again, _) = read(&mut source(&text), &HostRoot::captured(out.path()));
    assert_eq!((result.unwrap(), again), (Outcome::Read, live));
    let folder = out.path().join(format!("net/{}.ioctl", upsd.address()));
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert!(!fs::read_to_string(entry.path()).unwrap().contains("hunter"));
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["get-numlogins-rack", "list-ups", "list-var-rack", "ver"]);
    told.lock().unwrap().insert("USERNAME monitor".into(), "ERR ACCESS-DENIED\n".into());
    let (result, ..) = read(&mut source(&text), &HostRoot::live());
    let chain = hi_common::error_chain::ErrorChain(&result.unwrap_err()).to_string();
    assert!(chain.contains("USERNAME: the server refuses: ACCESS-DENIED"), "{chain}");
}

/// The status that telegraf's test of its plugin for apcupsd has the server tell, and what telegraf makes of it.
#[test]
fn apcupsd_is_read_as_telegraf_reads_it() {
    let lines = [
        "SERIALNO : ABC123",
        "STATUS   : ONLINE",
        "STATFLAG : 0x08 Status Flag",
        "UPSNAME  : BERTHA",
        "MODEL    : Model 12345",
        "DATE     : 2016-09-06 22:13:28 -0400",
        "HOSTNAME : example",
        "LOADPCT  :  13.0 Percent Load Capacity",
        "BATTDATE : 2016-09-06",
        "TIMELEFT :  46.5 Minutes",
        "TONBATT  : 0 seconds",
        "NUMXFERS : 0",
        "SELFTEST : NO",
        "NOMINV   : 230 Volts",
        "NOMBATTV : 12.0 Volts",
        "NOMPOWER : 865 Watts",
        "FIRMWARE : 857.L3 .I USB FW:L3",
    ];
    let mut answer = Vec::new();
    for line in lines {
        answer.extend(u16::try_from(line.len()).unwrap().to_be_bytes());
        answer.extend(line.as_bytes());
    }
    answer.extend([0, 0]);
    let apcupsd = Stub::new(move |mut stream| {
        let mut question = [0; 8];
        stream.read_exact(&mut question).unwrap();
        assert_eq!(&question, b"\x00\x06status");
        stream.write_all(&answer).unwrap();
    });
    let (result, samples, out) =
        read(&mut of_servers(&[&format!("apcupsd://{}", apcupsd.address())]), &HostRoot::live());
    assert_eq!(result.unwrap(), Outcome::Read);
    for (name, value) in [
        ("network_ups_tools_ups_status{ups=BERTHA,flag=OL}", 1.0),
        ("network_ups_tools_ups_status{ups=BERTHA,flag=OB}", 0.0),
        ("network_ups_tools_ups_load{ups=BERTHA}", 13.0),
        ("network_ups_tools_battery_runtime{ups=BERTHA}", 2790.0),
        ("network_ups_tools_input_voltage_nominal{ups=BERTHA}", 230.0),
        ("network_ups_tools_battery_voltage_nominal{ups=BERTHA}", 12.0),
        ("network_ups_tools_ups_realpower_nominal{ups=BERTHA}", 865.0),
        ("network_ups_tools_device_info{ups=BERTHA,model=Model 12345,mfr=APC,serial=ABC123}", 1.0),
        ("hi_ups_on_battery_seconds{ups=BERTHA}", 0.0),
        ("hi_ups_battery_transfers_total{ups=BERTHA}", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    let doc = &out.facts()[0].doc;
    for (key, text) in
        [("protocol", "apcupsd"), ("firmware", "857.L3 .I USB FW:L3"), ("battery_date", "2016-09-06")]
    {
        assert_eq!(doc[key], FactValue::Text(text.into()));
    }
}
