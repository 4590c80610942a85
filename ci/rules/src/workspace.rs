use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::string::FromUtf8Error;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why the workspace could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file, relative to the root.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`: install it")]
    Start {
        /// Its name.
        program: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A program ended with a failure.
    #[error("`{command}` failed: {stderr}")]
    Failed {
        /// The program with its arguments.
        command: String,
        /// What it said.
        stderr: String,
    },
    /// What a program printed is not UTF-8.
    #[error("`{command}` printed something that is not text")]
    NotText {
        /// The program with its arguments.
        command: String,
        /// The cause.
        #[source]
        source: FromUtf8Error,
    },
    /// A settings file is malformed.
    #[error("{path} is malformed")]
    Toml {
        /// The file, relative to the root.
        path: String,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// What `cargo metadata` printed is not what was expected.
    #[error("`cargo metadata` printed something unexpected")]
    Metadata(#[from] serde_json::Error),
}

/// A package of the workspace.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its folder relative to the root, with `/`: `crates/model`.
    pub folder: String,
    /// Its dependencies inside the workspace.
    pub edges: Vec<crate::floors::Edge>,
}

/// The working tree that these rules were compiled in.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
    kind: Option<String>,
}

impl Workspace {
    /// The workspace of this crate.
    #[must_use]
    pub fn here() -> Self {
        Self { root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../..") }
    }

    /// All files that are committed or could be (not ignored), with `/`, sorted. Ours: what git does not know yet is checked
    /// before it is committed.
    ///
    /// # Errors
    /// If git is missing or the tree is not a git working tree.
    pub fn files(&self) -> Result<Vec<String>, WorkspaceError> {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = self.run("git", &args)?;
        let mut files: Vec<String> = listed
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file, or `None` if it is not UTF-8.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn text(&self, path: &str) -> Result<Option<String>, WorkspaceError> {
        let bytes = std::fs::read(self.root.join(path))
            .map_err(|source| WorkspaceError::Read { path: path.to_owned(), source })?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// A TOML file of the workspace.
    ///
    /// # Errors
    /// If it cannot be read or does not have the expected form.
    pub fn toml<T: DeserializeOwned>(&self, path: &str) -> Result<T, WorkspaceError> {
        let text = self.text(path)?.unwrap_or_default();
        toml::from_str(&text).map_err(|source| WorkspaceError::Toml {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// The packages of the workspace with the edges between them.
    ///
    /// # Errors
    /// If `cargo metadata` fails.
    pub fn members(&self) -> Result<Vec<Member>, WorkspaceError> {
        let printed = self
            .run(env!("CARGO"), &["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
        let metadata: Metadata = serde_json::from_str(&printed)?;
        let folder = |path: &Path| {
            let below = path.strip_prefix(&metadata.workspace_root).unwrap_or(path);
            below.to_string_lossy().replace('\\', "/")
        };
        Ok(metadata
            .packages
            .iter()
            .map(|package| {
                let from = folder(package.manifest_path.parent().unwrap_or(Path::new("")));
                Member { edges: edges_of(package, &from, &folder), folder: from }
            })
            .collect())
    }

    /// One line `NAME vVERSION …<tab>LICENCE` for each package that any of `targets` builds, dev-dependencies included.
    ///
    /// Ours: `cargo tree` knows which optional dependencies are in use, `cargo metadata` lists some that are not.
    ///
    /// # Errors
    /// If `cargo tree` fails, among others because `Cargo.lock` is not up to date.
    pub fn dependency_tree(&self, targets: &[String]) -> Result<String, WorkspaceError> {
        let mut args = vec!["tree", "--workspace", "--locked", "--edges", "normal,build,dev"];
        args.extend(["--prefix", "none", "--format", "{p}\t{l}"]);
        for target in targets {
            args.extend(["--target", target]);
        }
        self.run(env!("CARGO"), &args)
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<String, WorkspaceError> {
        let command = format!("{program} {}", args.join(" "));
        let output = Command::new(program)
            .args(args)
            .current_dir(&self.root)
            .output()
            .map_err(|source| WorkspaceError::Start { program: program.to_owned(), source })?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(WorkspaceError::Failed { command, stderr });
        }
        String::from_utf8(output.stdout)
            .map_err(|source| WorkspaceError::NotText { command, source })
    }
}

fn edges_of(
    package: &Package,
    from: &str,
    folder: &dyn Fn(&Path) -> String,
) -> Vec<crate::floors::Edge> {
    let inside = package.dependencies.iter().filter_map(|dependency| {
        let to = folder(dependency.path.as_deref()?);
        let kind = crate::floors::EdgeKind::from_cargo(dependency.kind.as_deref());
        Some(crate::floors::Edge { from: from.to_owned(), to, kind })
    });
    inside.collect()
}
