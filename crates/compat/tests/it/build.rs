//! Compiling programs against this crate, as another crate would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// This crate as a compiled library, with what its programs link besides.
pub(crate) struct Built {
    /// What a program may name, and where it lies.
    libraries: [(&'static str, PathBuf); 4],
    feature: &'static str,
}

impl Built {
    /// Builds it with `feature` too. What is built for the tests already is not built again.
    pub(crate) fn with(feature: &'static str) -> Self {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--no-run", "--lib", "--offline", "--message-format=json", "--quiet"]);
        cargo.args(["-p", env!("CARGO_PKG_NAME"), "--features", feature]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        let artifact = |name: &str| {
            let found = messages.lines().rev().find_map(|line| {
                let message: serde_json::Value = serde_json::from_str(line).ok()?;
                if message["target"]["name"] != name || message["profile"]["test"] == true {
                    return None;
                }
                let files = message["filenames"].as_array()?.iter();
                let mut files = files.filter_map(|file| file.as_str()).map(PathBuf::from);
                files.find(|file| file.extension().is_some_and(|ending| ending == "rlib"))
            });
            found.unwrap_or_else(|| panic!("{name} was not built"))
        };
        let names = ["backgroundassets", "pollster", "serde", "serde_json"];
        Self { libraries: names.map(|name| (name, artifact(name))), feature }
    }

    /// Compiles a program or library of this source, written for edition 2021.
    pub(crate) fn compile(&self, source: &Path, kind: &[&str], into: &Path) -> Output {
        let compiled = self.libraries[0].1.parent().unwrap();
        // Which compiler cargo uses is cargo's to say; it is the one beside it, or the one in the path.
        let beside = Path::new(env!("CARGO")).with_file_name("rustc");
        let mut rustc =
            Command::new(if beside.exists() { beside.as_path() } else { Path::new("rustc") });
        rustc.arg(source).args(["--edition", "2021", "--cap-lints", "warn"]).args(kind);
        rustc.arg("--out-dir").arg(into);
        rustc.arg("-L").arg(format!("dependency={}", compiled.display()));
        for (name, library) in &self.libraries {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        }
        rustc.args([
            "--cfg",
            "feature=\"async\"",
            "--cfg",
            &format!("feature=\"{}\"", self.feature),
        ]);
        rustc.output().unwrap()
    }
}
