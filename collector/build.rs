//! Makes the table of files that are embedded as the page: the built dashboard, or a page that says how to build it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Homelab Intelligence</title>
<h1>The page is not part of this build</h1>
<p>This collector was built without the dashboard. Build it and then the collector again:</p>
<pre>cd dashboard &amp;&amp; npm ci &amp;&amp; npm run build
cargo build --release -p hi-collector</pre>
<p>or run <code>./x run</code>, which does both. The API works as it is: see <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>
</html>
";

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let dist = manifest.join("../dashboard/dist");
    println!("cargo::rerun-if-changed=build.rs");
    // The compiler sees when one of them changes, not when there is another.
    println!("cargo::rerun-if-changed=../migrations");
    // Watched also when it is not there, so that building the dashboard builds this again.
    println!("cargo::rerun-if-changed={}", dist.join("index.html").display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        list(&dist.canonicalize()?, "", &mut files)?;
    } else {
        let page = out.join("placeholder.html");
        fs::write(&page, PLACEHOLDER)?;
        files.push(("index.html".to_owned(), page));
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (name, path) in files {
        let _ = writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    table.push_str("]\n");
    fs::write(out.join("ui_files.rs"), table)
}

/// Lists every file below a folder with its address; watches each, because its change does not show on the folder.
fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else {
            println!("cargo::rerun-if-changed={}", entry.path().display());
            files.push((name, entry.path()));
        }
    }
    Ok(())
}
