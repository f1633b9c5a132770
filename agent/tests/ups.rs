//! The source `ups` beside a real upsd with simulated UPSes, and beside NUT's own driver for apcupsd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hi_agent::config::Config;
use hi_agent::host::HostRoot;
use hi_agent::source::{Outcome, Readings, Source, SourceError};
use hi_agent::sources::ups;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where distributions put NUT's server and drivers.
const FOLDERS: [&str; 4] = ["/lib/nut", "/usr/lib/nut", "/usr/libexec/nut", "/usr/sbin"];

/// A program of NUT, unless it is not installed.
fn program(name: &str) -> Option<PathBuf> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("SKIPPED: real UPS server: {name} is not installed");
    }
    found
}

/// upsd and its drivers in a folder of their own.
struct Nut {
    folder: tempfile::TempDir,
    port: u16,
    children: BTreeMap<String, Child>,
}

impl Nut {
    /// Starts upsd and a driver for each UPS: name, driver, port of the driver. `more` goes into upsd.conf.
    fn start(units: &[(&str, &str, &str)], more: &str) -> Option<Self> {
        Self::start_with(units, more, "")
    }

    /// The same, with the variables of simulated UPSes in `variables.dev`.
    fn start_with(units: &[(&str, &str, &str)], more: &str, variables: &str) -> Option<Self> {
        let drivers = units.iter().map(|(_, driver, _)| program(driver)).collect::<Option<Vec<PathBuf>>>()?;
        let upsd = program("upsd")?;
        let folder = tempfile::Builder::new().prefix("hi-nut").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("variables.dev"), variables).unwrap();
        let mut conf = String::new();
        for (name, driver, at) in units {
            let at = if at.contains(':') {
                (*at).to_owned()
            } else {
                folder.path().join(at).display().to_string()
            };
            conf.push_str(&format!(
                "[{name}]\ndriver = {driver}\nport = {at}\ndesc = \"The {name}\"\npollinterval = 1\n"
            ));
        }
        fs::write(folder.path().join("ups.conf"), conf).unwrap();
        fs::write(folder.path().join("upsd.conf"), format!("LISTEN 127.0.0.1 {port}\nMAXAGE 5\n{more}\n"))
            .unwrap();
        let users = "[admin]\npassword = \"secret\"\nactions = SET\ninstcmds = ALL\n";
        fs::write(folder.path().join("upsd.users"), users).unwrap();
        let mut nut = Self { folder, port, children: BTreeMap::new() };
        for ((name, ..), driver) in units.iter().zip(drivers) {
            nut.spawn(name, &driver, &["-a", name]);
        }
        nut.spawn("upsd", &upsd, &[]);
        Some(nut)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for variable in ["NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"] {
            command.env(variable, self.folder.path());
        }
        command
    }

    fn spawn(&mut self, name: &str, program: &Path, arguments: &[&str]) {
        let log = fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        let mut command = self.command(program);
        // They would become another user, who cannot read the folder.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "root"]);
        }
        let child = command
            .arg("-F")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.children.insert(name.to_owned(), child.spawn().unwrap());
    }

    fn kill(&mut self, name: &str) {
        let mut child = self.children.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn server(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What upsc says of a UPS.
    fn upsc(&self, unit: &str) -> BTreeMap<String, String> {
        let output =
            self.command(Path::new("upsc")).arg(format!("{unit}@{}", self.server())).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect()
    }

    fn set(&self, unit: &str, variable: &str, value: &str) {
        let output = self
            .command(Path::new("upsrw"))
            .args(["-s", &format!("{variable}={value}"), "-u", "admin", "-p", "secret"])
            .arg(format!("{unit}@{}", self.server()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        until("the driver has the value", || self.upsc(unit).get(variable).is_some_and(|now| now == value));
    }

    fn logs(&self) -> String {
        let names = self.children.keys().map(|name| self.folder.path().join(format!("{name}.log")));
        names.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
    }
}

impl Drop for Nut {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn source(text: &str) -> Box<dyn Source> {
    Config::from_table(text.parse().unwrap()).unwrap().make(&ups::DEF).unwrap()
}

fn of_server(server: &str) -> Box<dyn Source> {
    source(&format!("[sources.ups]\nservers = [{server:?}]"))
}

/// Metric and labels without the empty ones, and value.
type Samples = BTreeMap<String, f64>;

fn read(source: &mut dyn Source) -> (Result<Outcome, SourceError>, Samples, Readings) {
    let mut out = Readings::default();
    let result = source.read(&HostRoot::live(), &mut out);
    let mut samples = Samples::new();
    for (metric, labels, value) in out.samples() {
        let pairs = metric.labels.iter().zip(labels).filter(|(_, label)| !label.is_empty());
        let labels: Vec<String> = pairs.map(|(key, label)| format!("{key}={label}")).collect();
        samples.insert(format!("{}{{{}}}", metric.name, labels.join(",")), value);
    }
    (result, samples, out)
}

fn until_up(nut: &Nut, source: &mut dyn Source, unit: &str) {
    let up = format!("hi_ups_up{{ups={unit}}}");
    let start = Instant::now();
    while read(source).1.get(&up) != Some(&1.0) {
        assert!(start.elapsed() < PATIENCE, "{unit} is not up: {}", nut.logs());
        thread::sleep(Duration::from_millis(50));
    }
}

fn events(out: &Readings) -> Vec<&'static str> {
    out.events().iter().map(|event| event.kind).collect()
}

const VARIABLES: &str = "battery.charge: 100\nbattery.runtime: 1080\nbattery.voltage: 27.4\ndevice.mfr: Us\n\
    device.model: Model 345\ndevice.serial: ABC123\ndevice.type: ups\ninput.voltage: 230.5\noutput.L1-N.voltage: 231\n\
    outlet.1.status: on\noutlet.7.current: 0.19\nups.beeper.status: enabled\nups.load: 23.4\nups.realpower: 120\nups.status: OL\n";

fn with_variables(units: &[&str], more: &str) -> Option<Nut> {
    let rows: Vec<(&str, &str, &str)> =
        units.iter().map(|unit| (*unit, "dummy-ups", "variables.dev")).collect();
    Nut::start_with(&rows, more, VARIABLES)
}

/// The value that a variable's text has, as nut_exporter takes it.
fn value(text: &str) -> Option<f64> {
    match text {
        "enabled" | "on" => Some(1.0),
        "disabled" | "off" => Some(0.0),
        text => text.parse().ok(),
    }
}

#[test]
fn every_number_that_upsc_shows_is_read() {
    let Some(nut) = with_variables(&["rack", "desk"], "") else { return };
    let mut source = of_server(&nut.server());
    until_up(&nut, source.as_mut(), "rack");
    until_up(&nut, source.as_mut(), "desk");
    let (result, samples, out) = read(source.as_mut());
    assert_eq!(result.unwrap(), Outcome::Read);
    for unit in ["rack", "desk"] {
        let shown = nut.upsc(unit);
        assert!(shown.len() > 15, "{shown:?}");
        let mut compared = 0;
        for (name, text) in &shown {
            let Some(number) = value(text).filter(|_| !name.starts_with("driver.")) else { continue };
            let metric = format!("network_ups_tools_{}{{ups={unit}}}", name.replace(['.', '-'], "_"));
            let other = format!("hi_ups_variable{{ups={unit},variable={name}}}");
            let ours = samples.get(&metric).or_else(|| samples.get(&other));
            assert_eq!(ours, Some(&number), "{unit} {name}: {text}");
            compared += 1;
        }
        assert!(compared >= 9, "{compared}");
        assert_eq!(samples[&format!("network_ups_tools_ups_status{{ups={unit},flag=OL}}")], 1.0);
        let (model, maker) = (&shown["device.model"], &shown["device.mfr"]);
        let info = format!("network_ups_tools_device_info{{ups={unit},model={model},mfr={maker},");
        assert!(samples.keys().any(|key| key.starts_with(&info)), "{info}");
    }
    const LOOKS: u32 = 50;
    let before = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    for _ in 0..LOOKS {
        assert!(read(source.as_mut()).0.is_ok());
    }
    let after = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let millis = (after.tv_sec - before.tv_sec) as f64 * 1e3 + (after.tv_nsec - before.tv_nsec) as f64 / 1e6;
    println!(
        "a look at two UPSes of a real upsd, not optimised: {:.2} ms of processor time",
        millis / f64::from(LOOKS)
    );
    // Looking is no logging in: a UPS waits for who has logged in.
    assert!(out.facts().is_empty() && !nut.logs().contains("logged into"), "{}", nut.logs());
}

#[test]
fn a_ups_that_goes_to_battery_is_told_at_the_next_look() {
    let Some(nut) = with_variables(&["rack"], "") else { return };
    let mut source = of_server(&nut.server());
    until_up(&nut, source.as_mut(), "rack");
    for (flags, expected) in [
        ("OB DISCHRG", vec!["ups_on_battery"]),
        ("OB LB DISCHRG", vec!["ups_low_battery"]),
        ("OL CHRG", vec!["ups_back_on_line"]),
        ("OL RB", vec!["ups_replace_battery"]),
    ] {
        nut.set("rack", "ups.status", flags);
        let (result, samples, out) = read(source.as_mut());
        assert_eq!((result.unwrap(), events(&out)), (Outcome::Read, expected), "{flags}");
        for flag in flags.split(' ') {
            assert_eq!(samples[&format!("network_ups_tools_ups_status{{ups=rack,flag={flag}}}")], 1.0);
        }
    }
}

#[test]
fn drivers_and_servers_that_end_are_told_and_come_back() {
    let Some(mut nut) = with_variables(&["rack", "desk"], "") else { return };
    let mut source = of_server(&nut.server());
    until_up(&nut, source.as_mut(), "rack");
    until_up(&nut, source.as_mut(), "desk");
    nut.kill("rack");
    let mut told = Vec::new();
    until("the driver is missed", || {
        let (result, samples, out) = read(source.as_mut());
        told.extend(events(&out));
        assert_eq!((result.unwrap(), samples["hi_ups_up{ups=desk}"]), (Outcome::Read, 1.0));
        samples["hi_ups_up{ups=rack}"] == 0.0
    });
    assert_eq!(told, ["ups_unreadable"]);
    let driver = program("dummy-ups").unwrap();
    nut.spawn("rack", &driver, &["-a", "rack"]);
    told.clear();
    until("the driver is back", || {
        let (_, samples, out) = read(source.as_mut());
        told.extend(events(&out));
        samples["hi_ups_up{ups=rack}"] == 1.0
    });
    assert_eq!(told.last(), Some(&"ups_readable"));
    nut.kill("upsd");
    let (result, samples, out) = read(source.as_mut());
    assert_eq!((result.unwrap_err().reason(), events(&out)), ("io", vec!["ups_server_gone"]));
    assert_eq!(samples["hi_ups_state{ups=desk,state=server_gone}"], 1.0);
    nut.spawn("upsd", &program("upsd").unwrap(), &[]);
    told.clear();
    until("the server is back", || {
        let (_, samples, out) = read(source.as_mut());
        told.extend(events(&out));
        samples["hi_ups_up{ups=desk}"] == 1.0 && samples["hi_ups_up{ups=rack}"] == 1.0
    });
    assert_eq!(told.first(), Some(&"ups_server_back"));
}

/// An authority and a certificate for `localhost`, in the forms that upsd wants: a file, or a database of NSS.
fn certificates(folder: &Path) -> Result<(), String> {
    let script = r#"set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj "/CN=test authority" -days 2 -addext basicConstraints=critical,CA:TRUE
openssl req -newkey rsa:2048 -nodes -keyout s.key -out s.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost\n' > ext
openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out s.pem -days 2 -extfile ext
cat s.pem s.key > server.pem
openssl pkcs12 -export -inkey s.key -in s.pem -certfile ca.pem -name upsd -passout pass:nutpass -out s.p12
echo nutpass > pw; mkdir nss; certutil -N -d sql:nss -f pw; pk12util -i s.p12 -d sql:nss -k pw -w pw
"#;
    let output =
        Command::new("sh").args(["-c", script]).current_dir(folder).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn a_server_is_asked_over_tls_and_its_certificate_checked() {
    for tool in ["openssl", "certutil", "pk12util"] {
        if Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .is_ok_and(|o| !o.status.success())
        {
            return println!("SKIPPED: upsd over TLS: {tool} is not installed");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path()).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let more = format!(
        "CERTFILE {}\nCERTPATH {}\nCERTIDENT \"upsd\" \"nutpass\"\nDISABLE_WEAK_SSL true",
        at("server.pem"),
        at("nss")
    );
    let Some(nut) = with_variables(&["rack"], &more) else { return };
    let server = |host: &str, rest: &str| {
        source(&format!(
            "[[sources.ups.servers]]\naddress = '{host}:{}'\nuser = 'admin'\npassword = 'secret'\n{rest}",
            nut.port
        ))
    };
    let ca = format!("tls = 'starttls'\ntls_ca = {:?}", at("ca.pem"));
    let mut trusted = server("localhost", &ca);
    until_up(&nut, trusted.as_mut(), "rack");
    let (_, samples, out) = read(server("localhost", &ca).as_mut());
    assert_eq!(samples["network_ups_tools_ups_load{ups=rack}"], 23.4);
    assert_eq!(format!("{:?}", out.facts()[0].doc["encrypted"]), "Bool(true)");
    assert_eq!(read(server("localhost", "tls = 'insecure'").as_mut()).0.unwrap(), Outcome::Read);
    // An authority that the system does not know, and a name that the certificate is not for.
    for (host, rest) in [("localhost", "tls = 'starttls'"), ("127.0.0.1", ca.as_str())] {
        let (result, samples, _) = read(server(host, rest).as_mut());
        let chain = hi_common::error_chain::ErrorChain(&result.unwrap_err()).to_string();
        assert!(chain.contains("certificate"), "{chain}");
        assert!(!samples.keys().any(|key| key.contains("ups_load")));
    }
}

#[test]
fn a_server_without_tls_is_not_asked_in_the_clear() {
    let Some(nut) = with_variables(&["rack"], "") else { return };
    let mut plain = of_server(&nut.server());
    until_up(&nut, plain.as_mut(), "rack");
    let text = format!("[[sources.ups.servers]]\naddress = {:?}\ntls = 'insecure'", nut.server());
    let (result, samples, _) = read(source(&text).as_mut());
    let chain = hi_common::error_chain::ErrorChain(&result.unwrap_err()).to_string();
    assert!(chain.contains("offers no encryption: FEATURE-NOT-CONFIGURED"), "{chain}");
    assert!(!samples.keys().any(|key| key.contains("ups_load")));
}

/// A status of a Smart-UPS, as `apcaccess` shows it.
const APCUPSD: [&str; 32] = [
    "APC      : 001,043,1060",
    "DATE     : 2024-11-17 08:12:44 +0100",
    "HOSTNAME : pi",
    "VERSION  : 3.14.14 (31 May 2016) debian",
    "UPSNAME  : smart",
    "CABLE    : USB Cable",
    "DRIVER   : USB UPS Driver",
    "UPSMODE  : Stand Alone",
    "MODEL    : Smart-UPS 1500",
    "STATUS   : BOOST ONLINE REPLACEBATT",
    "LINEV    : 209.2 Volts",
    "LOADPCT  : 13.5 Percent",
    "BCHARGE  : 97.0 Percent",
    "TIMELEFT : 46.5 Minutes",
    "MBATTCHG : 5 Percent",
    "MINTIMEL : 3 Minutes",
    "OUTPUTV  : 231.1 Volts",
    "SENSE    : High",
    "LOTRANS  : 208.0 Volts",
    "HITRANS  : 253.0 Volts",
    "ITEMP    : 27.6 C",
    "BATTV    : 27.1 Volts",
    "LINEFREQ : 50.0 Hz",
    "NUMXFERS : 3",
    "TONBATT  : 0 Seconds",
    "CUMONBATT: 31 Seconds",
    "SELFTEST : OK",
    "STATFLAG : 0x0500008C",
    "SERIALNO : AS1234567890",
    "NOMINV   : 230 Volts",
    "NOMBATTV : 24.0 Volts",
    "NOMPOWER : 980 Watts",
];

/// A server that answers as apcupsd does; where it listens.
fn apcupsd() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut answer = Vec::new();
    for line in APCUPSD {
        answer.extend(u16::try_from(line.len() + 1).unwrap().to_be_bytes());
        answer.extend(line.bytes().chain([b'\n']));
    }
    answer.extend([0, 0]);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut question = [0; 8];
                if stream.read_exact(&mut question).is_ok() && &question == b"\x00\x06status" {
                    let _ = stream.write_all(&answer);
                }
            });
        }
    });
    address
}

#[test]
fn apcupsd_is_read_as_the_driver_of_nut_reads_it() {
    let server = apcupsd();
    let Some(nut) = Nut::start(&[("smart", "apcupsd-ups", &server)], "") else { return };
    let mut by_nut = of_server(&nut.server());
    until_up(&nut, by_nut.as_mut(), "smart");
    let (result, theirs, _) = read(by_nut.as_mut());
    assert_eq!(result.unwrap(), Outcome::Read);
    let (result, ours, _) = read(of_server(&format!("apcupsd://{server}")).as_mut());
    assert_eq!(result.unwrap(), Outcome::Read);
    let mut compared = 0;
    for (series, value) in theirs.iter().filter(|(series, _)| series.starts_with("network_ups_tools_")) {
        // What the driver has of itself, and a copy that it makes of the input's frequency.
        let own = ["device_info", "output_frequency", "ups_delay", "ups_timer", "ups_test"];
        if own.iter().any(|own| series.contains(own)) {
            continue;
        }
        assert_eq!(ours.get(series), Some(value), "{series}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared}: {theirs:?}");
}
