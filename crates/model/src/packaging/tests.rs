mod mistakes;

use proptest::prelude::*;

use super::*;
use crate::{Language, PackId, PackPath, Place, Platform};

const GOOD: &str = r#"{
  "assetPackID": "level1",
  "downloadPolicy": {"onDemand": {}},
  "fileSelectors": [{"file": "a"}],
  "platforms": []
}"#;

/// The good manifest with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn message(text: &str) -> String {
    PackagingManifest::parse(text).expect_err(text).to_string()
}

#[test]
fn the_template_parses_and_shows_every_key() {
    let manifest = PackagingManifest::parse(template()).expect("the template is a manifest");
    assert_eq!(manifest.language, Some(Language::new("en").expect("a tag")));
    assert!(manifest.source_root.is_some() && manifest.user_info.is_some());
    for key in PackagingManifest::KEYS.iter().chain(FileSelector::KEYS) {
        assert!(template().contains(&format!("\"{key}\":")), "{key}");
    }
}

#[test]
fn the_canonical_form_of_the_template_is_as_recorded() {
    let manifest = PackagingManifest::parse(template()).expect("the template is a manifest");
    let golden = concat!(
        r#"{"assetPackID":"com.example.game.level1","#,
        r#""downloadPolicy":{"essential":{"installationEventTypes":["firstInstallation","subsequentUpdate"]}},"#,
        r#""fileSelectors":[{"file":"Videos/Intro.m4v"},{"directory":"Textures"},{"filePattern":"Audio/**/*.wav"},"#,
        r#"{"fileSource":"Build/level1.dat","fileDestination":"Levels/1/level.dat"},"#,
        r#"{"directorySource":"Build/Shaders","directoryDestination":"Shaders"},{"fileExclusion":"**/.DS_Store"}],"#,
        r#""platforms":["iOS","macOS","linux","windows"],"language":"en","sourceRoot":"../Assets","appVersions":">=1.0","#,
        r#""launchSet":["Videos/Intro.m4v","Textures"],"#,
        r#""userInfo":{"difficulty":1,"title":"The first level"}}"#,
    );
    assert_eq!(String::from_utf8(manifest.to_json()).expect("JSON is text"), golden);
}

#[test]
fn comments_trailing_commas_and_a_byte_order_mark_are_allowed() {
    let text = format!("\u{feff}// note\n{}", changed("[]\n", "[], /* note */\n"));
    assert_eq!(
        PackagingManifest::parse(&text).expect("fine"),
        PackagingManifest::parse(GOOD).expect("fine")
    );
}

#[test]
fn texts_without_a_manifest_are_refused() {
    assert_eq!(message(""), "line 1, column 1: this is not JSON with comments: it holds no value");
    assert_eq!(message("[]"), "line 1, column 1: the manifest must be an object, but is a list");
    let error = PackagingManifest::from_bytes(b"{\n \xff").expect_err("not text");
    assert_eq!(error.place, Place { line: 2, column: 2 });
}

#[test]
fn size_and_nesting_are_limited() {
    let large = " ".repeat(MANIFEST_BYTES_MAX + 1);
    let too_large = JsonProblem::TooLarge { bytes: large.len(), limit: MANIFEST_BYTES_MAX };
    for error in [PackagingManifest::parse(&large), PackagingManifest::from_bytes(large.as_bytes())]
    {
        assert_eq!(error.expect_err("too large").problem, too_large.clone().into());
    }
    let nested = |depth: usize| {
        let info = format!("{{\"a\": {}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        PackagingManifest::parse(&changed("[]", &format!("[], \"userInfo\": {info}")))
    };
    assert!(nested(NESTING_MAX).is_ok());
    let too_deep = ManifestProblem::from(JsonProblem::TooDeep { limit: NESTING_MAX });
    for depth in [NESTING_MAX + 1, 500, 100_000] {
        assert_eq!(nested(depth).expect_err("too deep").problem, too_deep, "{depth}");
    }
    let opened = "[".repeat(1_000_000);
    assert_eq!(PackagingManifest::parse(&opened).expect_err("too deep").problem, too_deep);
}

#[test]
fn every_shape_of_selector_is_read() {
    let text = changed(
        "{\"file\": \"a\"}",
        r#"{"file": "./a"}, {"directory": "."}, {"filePattern": "*.png"},
           {"fileDestination": "x/y", "fileSource": "b"},
           {"directorySource": "c/", "directoryDestination": "."}, {"fileExclusion": "d"}"#,
    );
    let manifest = PackagingManifest::parse(&text).expect("every shape");
    let file = |text| SelectorPath::file(text).expect("a path");
    let folder = |text| SelectorPath::folder(text).expect("a path");
    let pattern = |text| Pattern::new(text).expect("a pattern");
    assert_eq!(
        manifest.file_selectors,
        [
            FileSelector::File { file: file("a") },
            FileSelector::Directory { directory: folder(".") },
            FileSelector::FilePattern { file_pattern: pattern("*.png") },
            FileSelector::PlacedFile {
                file_source: file("b"),
                file_destination: PackPath::new("x/y").expect("a path"),
            },
            FileSelector::PlacedDirectory {
                directory_source: folder("c"),
                directory_destination: PackFolder::new(".").expect("the top"),
            },
            FileSelector::FileExclusion { file_exclusion: pattern("d") },
        ]
    );
}

#[test]
fn every_platform_has_a_name_in_manifests() {
    let all = [
        Platform::Ios,
        Platform::Macos,
        Platform::Tvos,
        Platform::Visionos,
        Platform::Linux,
        Platform::Windows,
        Platform::Android,
    ];
    let names: Vec<String> = all.iter().map(|platform| format!("\"{platform}\"")).collect();
    let text = changed("[]", &format!("[{}]", names.join(",")));
    assert_eq!(PackagingManifest::parse(&text).expect("all known").platforms, all);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(".*", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn any_manifest()(
        id in "[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}",
        file in "[^\\\\/:\\p{Cc}.*?]{1,12}",
        info in prop::collection::btree_map(".*", any_json(), 0..5),
        with_info in any::<bool>(),
        language in prop::option::of(prop::sample::select(vec!["ja", "es-US", "zh-Hant"])),
        root in prop::option::of("(\\.\\./)?[a-z]{1,5}"),
    ) -> PackagingManifest {
        let mut manifest = PackagingManifest::parse(template()).expect("the template is a manifest");
        manifest.asset_pack_id = PackId::new(id).expect("generated as an id");
        manifest.file_selectors =
            vec![FileSelector::File { file: SelectorPath::file(&file).expect("generated as a path") }];
        manifest.user_info = with_info.then(|| serde_json::Value::Object(info.into_iter().collect()));
        manifest.language = language.map(|tag| Language::new(tag).expect("a tag"));
        manifest.source_root = root.map(|path| SourceRoot::new(&path).expect("a path"));
        manifest
    }
}

proptest! {
    #[test]
    fn any_text_ends_in_a_manifest_or_an_error(text in ".*") {
        let _ = PackagingManifest::parse(&text);
    }

    #[test]
    fn any_bytes_end_in_a_manifest_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PackagingManifest::from_bytes(&bytes);
    }

    #[test]
    fn a_damaged_template_ends_in_a_manifest_or_an_error(
        cut in any::<prop::sample::Index>(), length in 0..20_usize, insert in "[\\[\\]{}\",:/*a0-]{0,4}",
    ) {
        let mut chars: Vec<char> = template().chars().collect();
        let start = cut.index(chars.len());
        let end = (start + length).min(chars.len());
        chars.splice(start..end, insert.chars());
        let _ = PackagingManifest::parse(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn the_canonical_form_reads_back_as_the_same_manifest(manifest in any_manifest()) {
        let json = manifest.to_json();
        let back = PackagingManifest::from_bytes(&json).expect("own output");
        prop_assert_eq!(&back, &manifest);
        prop_assert_eq!(back.to_json(), json);
    }
}
