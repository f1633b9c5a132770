//! Rules about documents: every decision is listed, every link leads somewhere, every dependency has its reason.

use super::sources::{files, relative};
use anyhow::{Context, Result};
use std::path::Path;

/// Where decisions lie, and the page that lists them.
const DECISIONS: &str = "docs/decisions";
/// One line a crate: why.
const DEPENDENCIES: &str = "docs/dependencies.md";

/// What is wrong, one line each.
///
/// # Errors
/// A file cannot be read.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut wrong = decisions(root)?;
    wrong.extend(dependencies(root)?);
    for path in files(root, "md")? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let folder = path.parent().unwrap_or(root);
        let dead = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        wrong.extend(
            dead.map(|link| format!("{}: link to {link}, which is not there", relative(root, &path))),
        );
    }
    Ok(wrong)
}

fn decisions(root: &Path) -> Result<Vec<String>> {
    let list = std::fs::read_to_string(root.join(DECISIONS).join("README.md")).unwrap_or_default();
    let pages = files(&root.join(DECISIONS), "md")?;
    let names = pages.iter().filter_map(|page| page.file_name()).map(|name| name.to_string_lossy());
    let missing = names.filter(|name| name != "README.md" && !list.contains(&format!("]({name})")));
    Ok(missing.map(|name| format!("{DECISIONS}/README.md does not list {name}")).collect())
}

fn dependencies(root: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join("Cargo.toml")).context("read Cargo.toml")?;
    let manifest: toml::Table = text.parse().context("read Cargo.toml")?;
    let known = manifest.get("workspace").and_then(|w| w.get("dependencies")).and_then(toml::Value::as_table);
    let reasons = std::fs::read_to_string(root.join(DEPENDENCIES)).unwrap_or_default();
    let foreign = known.into_iter().flatten().filter(|(_, value)| value.get("path").is_none());
    let mut wrong: Vec<String> = foreign
        .filter(|(name, _)| !reasons.contains(&format!("`{name}`")))
        .map(|(name, _)| format!("{DEPENDENCIES} does not say why `{name}` is used"))
        .collect();
    let used = |name: &str| known.is_some_and(|known| known.contains_key(name));
    let listed = reasons.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    wrong.extend(
        listed
            .filter(|name| !used(name))
            .map(|name| format!("{DEPENDENCIES} names `{name}`, which is not used")),
    );
    Ok(wrong)
}

/// Relative targets of `[text](target)`, without their fragment.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let relative = targets.filter(|target| {
        !target.contains("://") && !target.starts_with(['#', '<']) && !target.starts_with("mailto:")
    });
    relative
        .filter_map(|target| target.split('#').next())
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\nours = { path = \"a\" }\n");
        write("docs/decisions/README.md", "[one](0001-one.md)");
        write("docs/decisions/0001-one.md", "");
        write("docs/dependencies.md", "| `serde` | why |\n");
        write("README.md", "[a](docs/decisions/0001-one.md#x) [b](https://example.org) [c](#here)");
        assert_eq!(check(root.path()).unwrap(), [""; 0]);
        write("docs/decisions/0002-two.md", "");
        write("docs/dependencies.md", "| `gone` | why |\n");
        write("README.md", "![p](docs/page.png)");
        let wrong = check(root.path()).unwrap();
        assert_eq!(
            wrong,
            [
                "docs/decisions/README.md does not list 0002-two.md",
                "docs/dependencies.md does not say why `serde` is used",
                "docs/dependencies.md names `gone`, which is not used",
                "README.md: link to docs/page.png, which is not there",
            ]
        );
    }
}
