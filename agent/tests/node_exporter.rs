//! node_exporter's own expected output as the truth: over the tree it was made from, our sources yield the same series with
//! the same values, but for what [`DIFFERENCES`] lists.
//!
//! Values are compared to within 1e-12 of themselves: node_exporter multiplies milliseconds by 0.001 where we divide by
//! 1000, which differs in the last bit (9653.880000000001 and 9653.88).

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use hi_agent::host::HostRoot;
use hi_agent::source::Readings;
use hi_agent::sources::{DIFFERENCES, Difference, SOURCES};
use hi_common::metric::Kind;

/// What the flags of node_exporter's end-to-end-test.sh mean in our configuration.
const CONFIG: &str = r#"
[sources.cpu]
info = true
info_flags = ["aes", "avx", "avx?", "constant_tsc"]
info_bugs = ["cpu_meltdown", "spectre_*", "mds"]
vulnerabilities = true
[sources.hwmon]
exclude = ["bogus"]
[sources.cpufreq]
cpuinfo = true
[sources.network]
exclude = ["dmz", "int"]
"#;

/// Labels (those that are not empty) to value.
type Family = BTreeMap<BTreeMap<String, String>, f64>;

#[derive(Default)]
struct Families {
    types: BTreeMap<String, String>,
    samples: BTreeMap<String, Family>,
}

#[test]
fn readings_are_those_of_node_exporter() {
    let Some(folder) = fixtures() else { return };
    let tree = tempfile::tempdir().unwrap();
    copy_tree(&folder, tree.path());
    // node_exporter's output names the tree that it was made from; on a machine its paths are those of the machine.
    let text = fs::read_to_string(folder.join("e2e-output.txt")).unwrap();
    let expected = parse(&text.replace("=\"collector/fixtures/sys/", "=\"/sys/"));
    let found = read_all(&HostRoot::captured(tree.path()));
    assert!(expected.samples.len() > 500, "the expected output is complete");

    let mut wrong = Vec::new();
    let mut differing = BTreeSet::new();
    let mut compared = 0;
    for (name, family) in expected.samples.iter().filter(|(name, _)| is_of_a_host(name)) {
        let none = Family::new();
        let ours = found.samples.get(name).unwrap_or(&none);
        let difference = compare(family, ours);
        let types = (expected.types.get(name), found.types.get(name));
        match difference.or_else(|| (types.0 != types.1).then(|| format!("types {types:?}"))) {
            Some(difference) if !is_listed(name) => wrong.push(format!("{name}: {difference}")),
            Some(_) => drop(differing.insert(name.clone())),
            None => compared += family.len(),
        }
    }
    let unknown = |name: &&String| name.starts_with("node_") && !expected.types.contains_key(*name);
    for name in found.samples.keys().filter(unknown) {
        match is_listed(name) {
            true => drop(differing.insert(name.clone())),
            false => wrong.push(format!("{name}: node_exporter does not have it")),
        }
    }
    for listed in DIFFERENCES.iter().filter(|difference| difference.in_capture) {
        for metric in listed.metrics {
            if !differing.iter().any(|name| Difference::entry_covers(metric, name)) {
                wrong.push(format!("{metric} is listed as a difference, but does not differ"));
            }
        }
        for name in expected.samples.keys().filter(|name| listed.covers(name) && !differing.contains(*name)) {
            wrong.push(format!("{name} is covered by a listed difference, but does not differ"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{compared} series as node_exporter has them; {} families differ as listed", differing.len());
}

/// The rest is about the exporter itself, or comes from files that were left out of the tree.
fn is_of_a_host(name: &str) -> bool {
    name.starts_with("node_") && !name.starts_with("node_scrape_") && !name.starts_with("node_textfile_")
}

fn is_listed(name: &str) -> bool {
    DIFFERENCES.iter().any(|difference| difference.in_capture && difference.covers(name))
}

/// The captured tree, unless it is not there.
fn fixtures() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("HI_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let folder = shared.join("fixtures/01-linux-proc-sys/node_exporter");
    if !folder.is_dir() {
        println!("SKIPPED: HI_SHARED has no fixtures/01-linux-proc-sys/node_exporter ({})", folder.display());
        return None;
    }
    Some(folder)
}

/// Copies what our sources read. The fixture keeps each symbolic link as a file with the link's target in it.
fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let is_link = text.starts_with("../") && !text.contains('\n') || target.ends_with("proc/self");
        match is_link {
            true => symlink(text, &target).unwrap(),
            false => fs::write(&target, bytes).unwrap(),
        }
    }
}

/// One reading of every source.
fn read_all(host: &HostRoot) -> Families {
    let config: toml::Table = CONFIG.parse().unwrap();
    let mut families = Families::default();
    for source in SOURCES {
        let mut out = Readings::default();
        let outcome = (source.make)(&config).unwrap().read(host, &mut out);
        assert!(outcome.is_ok(), "{}: {outcome:?}", source.name);
        for (metric, values, value) in out.samples() {
            assert!(source.metrics.contains(&metric), "{} is not declared", metric.name);
            let labels = metric.labels.iter().zip(values).filter(|(_, value)| !value.is_empty());
            let labels = labels.map(|(key, value)| ((*key).to_owned(), value.to_owned())).collect();
            let kind = if metric.kind == Kind::Untyped { "untyped" } else { metric.kind.prometheus_type() };
            families.types.insert(metric.name.to_owned(), kind.to_owned());
            let old = families.samples.entry(metric.name.to_owned()).or_default().insert(labels, value);
            assert!(old.is_none(), "{} twice", metric.name);
        }
    }
    families
}

/// The first difference of two families.
fn compare(expected: &Family, ours: &Family) -> Option<String> {
    for (labels, value) in expected {
        match ours.get(labels) {
            None => return Some(format!("{labels:?} {value} is missing")),
            Some(own) if (own - value).abs() > value.abs() * 1e-12 => {
                return Some(format!("{labels:?} is {own}, should be {value}"));
            }
            Some(_) => {}
        }
    }
    ours.keys().find(|labels| !expected.contains_key(*labels)).map(|labels| format!("{labels:?} is too much"))
}

/// Prometheus' text format.
fn parse(text: &str) -> Families {
    let mut families = Families::default();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            families.types.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let family = families.samples.entry(name.to_owned()).or_default();
            family.insert(parse_labels(labels), value.parse().unwrap());
        }
    }
    families
}

/// `a="1",b="x\"y"}`
fn parse_labels(mut text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    while let Some((key, rest)) = text.split_once("=\"") {
        let (mut value, mut escaped, mut end) = (String::new(), false, rest.len());
        for (at, c) in rest.char_indices() {
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (false, '"') => {
                    end = at;
                    break;
                }
                (true, 'n') => (escaped, value) = (false, value + "\n"),
                (_, c) => {
                    escaped = false;
                    value.push(c);
                }
            }
        }
        if !value.is_empty() {
            labels.insert(key.trim_start_matches(',').to_owned(), value);
        }
        text = rest.get(end + 1..).unwrap_or_default();
    }
    labels
}
