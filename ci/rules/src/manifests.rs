//! Every crate takes the workspace's lints, and a clippy file of its own repeats the workspace's settings.

use toml::{Table, Value};

use crate::Finding;

/// Checks that a `Cargo.toml`, already parsed, says `[lints] workspace = true`.
#[must_use]
pub fn check_lints(path: &str, manifest: &Table) -> Option<Finding> {
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    let what = "does not say `[lints] workspace = true`";
    (inherits != Some(&Value::Boolean(true))).then(|| Finding::new(path, what))
}

/// Checks that a crate's own `clippy.toml` has every setting of the workspace's: the same value, and for the lists at least
/// the same paths. Ours: clippy reads the nearest file and merges nothing, so a rule left out would silently not hold.
#[must_use]
pub fn check_clippy(path: &str, own: &Table, common: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, value) in common {
        match (value, own.get(key)) {
            (Value::Array(common), Some(Value::Array(own))) => {
                let own: Vec<&str> = own.iter().filter_map(path_of).collect();
                let missing =
                    common.iter().filter_map(path_of).filter(|wanted| !own.contains(wanted));
                findings.extend(
                    missing.map(|wanted| Finding::new(path, format!("`{key}` lacks `{wanted}`"))),
                );
            }
            (value, Some(same)) if same == value => {}
            _ => {
                findings
                    .push(Finding::new(path, format!("`{key}` is not what the workspace says")));
            }
        }
    }
    findings
}

fn path_of(row: &Value) -> Option<&str> {
    row.as_str().or_else(|| row.get("path")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("the sample is TOML")
    }

    #[test]
    fn a_crate_with_the_workspaces_lints_passes() {
        assert_eq!(check_lints("Cargo.toml", &table("lints.workspace = true")), None);
    }

    #[test]
    fn a_crate_without_the_workspaces_lints_is_named() {
        for text in ["", "lints.workspace = false", "lints.rust.unsafe_code = 'allow'"] {
            assert!(check_lints("Cargo.toml", &table(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn a_stricter_clippy_file_passes() {
        let common = table("a = true\nmethods = [{ path = 'x' }]");
        let own = table(
            "a = true\nmethods = [{ path = 'y' }, { path = 'x', reason = 'own' }]\ntypes = ['z']",
        );
        assert_eq!(check_clippy("clippy.toml", &own, &common), []);
    }

    #[test]
    fn a_clippy_file_that_drops_or_changes_a_setting_is_named() {
        let common =
            table("a = true\nb = true\nmethods = [{ path = 'x' }, { path = 'y' }]\ntypes = ['z']");
        let own = table("a = false\nmethods = [{ path = 'y' }]");
        assert_eq!(check_clippy("clippy.toml", &own, &common).len(), 4);
    }
}
