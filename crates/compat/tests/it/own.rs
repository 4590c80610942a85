//! The examples of this crate.

use std::path::Path;

use crate::build::Built;
use crate::published::sources;

#[test]
fn the_examples_compile_with_the_signatures_of_the_version_before_too() {
    let built = Built::with("v0_3");
    let into = tempfile::tempdir().unwrap();
    for example in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")) {
        let compiled = built.compile(&example, &["--crate-type", "bin"], into.path());
        let said = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{}: {said}", example.display());
    }
}
