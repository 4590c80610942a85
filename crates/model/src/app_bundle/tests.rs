mod mistakes;

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::{AppGroupId, AppId, UrlPolicy, UrlProblem};

const GOOD: &str = r#"
[app]
id = "com.example.game"
version = "1.4.0"
executable = "bin/game"
extension = "bin/game-downloads"
languages = ["en", "ja"]

[background-assets]
BAAppGroupID = "group.com.example.game"
BAHasManagedAssetPacks = true
BARepositoryURL = "https://assets.example.com/game"
BARepositoryChannel = "beta"
BAEssentialMaxInstallSize = 5_000
BAMaxInstallSize = 0x10

[appGroups]
"group.com.example.game" = ["com.example.editor"]
"group.com.example.shared" = []
"#;

const UNMANAGED: &str = r#"
[app]
id = "a"
version = "1"
executable = "a"
extension = "b"
[background-assets]
BAManifestURL = "https://example.com/manifest"
[background-assets.BAInitialDownloadRestrictions]
BADownloadDomainAllowList = ["*.example.com", "example.com"]
BADownloadAllowance = 1000
BAEssentialDownloadAllowance = 0
"#;

/// With what people see.
fn named() -> String {
    changed(GOOD, "languages", "name = \"The Game\"\nicon = \"share/icon.png\"\nlanguages")
}

fn toml(text: &str) -> Result<AppBundle, BundleError> {
    AppBundle::from_toml(text.as_bytes())
}

fn problems(result: Result<AppBundle, BundleError>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(BundleError::Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{error}"),
    }
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// The same description as a property list.
fn property_list(toml: &str) -> plist::Dictionary {
    let table: toml::Table = toml.parse().expect("TOML");
    let app = table.get("app").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let mut top = plist::Dictionary::new();
    for (key, value) in &app {
        let key = match key.as_str() {
            "id" => "CFBundleIdentifier",
            "version" => "CFBundleShortVersionString",
            "name" => "CFBundleDisplayName",
            "icon" => "CFBundleIconFile",
            "executable" => "CFBundleExecutable",
            "languages" => "CFBundleLocalizations",
            _ => {
                let mut attributes = plist::Dictionary::new();
                attributes.insert("EXExtensionExecutable".to_owned(), as_plist(value));
                top.insert("EXAppExtensionAttributes".to_owned(), attributes.into());
                continue;
            }
        };
        top.insert(key.to_owned(), as_plist(value));
    }
    if let Some(groups) = table.get("appGroups") {
        top.insert("appGroups".to_owned(), as_plist(groups));
    }
    let assets = table.get("background-assets").and_then(toml::Value::as_table);
    for (key, value) in assets.into_iter().flatten() {
        top.insert(key.clone(), as_plist(value));
    }
    top.insert("LSMinimumSystemVersion".to_owned(), "13.0".into());
    top
}

fn as_plist(value: &toml::Value) -> plist::Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Array(list) => plist::Value::Array(list.iter().map(as_plist).collect()),
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.clone(), as_plist(value)));
            plist::Value::Dictionary(entries.collect())
        }
        other => panic!("{other}"),
    }
}

fn xml(top: &plist::Dictionary) -> Vec<u8> {
    let mut bytes = Vec::new();
    plist::Value::Dictionary(top.clone()).to_writer_xml(&mut bytes).expect("into memory");
    bytes
}

fn binary(top: &plist::Dictionary) -> Vec<u8> {
    let mut bytes = Vec::new();
    plist::Value::Dictionary(top.clone()).to_writer_binary(&mut bytes).expect("into memory");
    bytes
}

#[test]
fn every_key_is_read() {
    let bundle = toml(GOOD).expect("good");
    assert_eq!(bundle.id.as_str(), "com.example.game");
    assert_eq!(bundle.version.precedence(&AppVersion::new("1.4").expect("fine")), Ordering::Equal);
    assert_eq!(bundle.executable.as_str(), "bin/game");
    assert_eq!(bundle.extension.as_ref().map(crate::PackPath::as_str), Some("bin/game-downloads"));
    let languages: Vec<&str> = bundle.languages.iter().map(crate::Language::as_str).collect();
    assert_eq!(languages, ["en", "ja"]);
    let assets = &bundle.background_assets;
    assert_eq!(assets.app_group, Some(AppGroupId::new("group.com.example.game").expect("fine")));
    assert_eq!(assets.channel.as_str(), "beta");
    assert_eq!(
        (assets.essential_max_install_bytes, assets.max_install_bytes),
        (Some(5_000), Some(16))
    );
    assert!(matches!(assets.mode(), ContentMode::Repository(_)));
    assert_eq!(bundle.groups().len(), 2);
}

#[test]
fn both_forms_of_property_lists_say_the_same_as_toml() {
    for text in [GOOD, UNMANAGED, &named()] {
        let expected = toml(text).expect("good");
        let top = property_list(text);
        assert_eq!(AppBundle::from_info_plist(&xml(&top)).expect("XML"), expected);
        assert_eq!(AppBundle::from_info_plist(&binary(&top)).expect("binary"), expected);
    }
}

#[test]
fn the_shorter_name_of_a_property_list_counts_where_there_is_no_other() {
    let bundle = toml(&named()).expect("good");
    assert_eq!(bundle.name.as_deref(), Some("The Game"));
    assert_eq!(bundle.icon.as_ref().map(crate::PackPath::as_str), Some("share/icon.png"));
    let mut top = property_list(&named());
    top.insert("CFBundleName".to_owned(), "Short".into());
    let name = |top: &plist::Dictionary| AppBundle::from_info_plist(&xml(top)).expect("good").name;
    assert_eq!(name(&top).as_deref(), Some("The Game"));
    // As tools write keys that nobody filled in.
    top.insert("CFBundleDisplayName".to_owned(), "".into());
    top.insert("CFBundleIconFile".to_owned(), "".into());
    assert_eq!(name(&top).as_deref(), Some("Short"));
    assert_eq!(AppBundle::from_info_plist(&xml(&top)).expect("good").icon, None);
}

#[test]
fn a_name_is_one_line_and_an_icon_lies_in_the_bundle() {
    let long = "n".repeat(101);
    for (from, to) in [
        ("\"The Game\"", "\"two\\nlines\"".to_owned()),
        ("\"The Game\"", "\" \"".to_owned()),
        ("\"The Game\"", format!("\"{long}\"")),
        ("share/icon.png", "../icon.png".to_owned()),
        ("\"share/icon.png\"", "1".to_owned()),
    ] {
        let found = problems(toml(&changed(&named(), from, &to)));
        assert_eq!(found.len(), 1, "{to}: {found:?}");
    }
}

#[test]
fn an_app_without_assets_is_fine() {
    let bundle = toml("[app]\nid = \"a\"\nversion = \"1\"\nexecutable = \"a\"\n").expect("good");
    assert_eq!(bundle.background_assets.mode(), ContentMode::NoContent);
    assert_eq!(bundle.background_assets.channel.as_str(), "production");
    assert!(bundle.groups().is_empty());
}

#[test]
fn restrictions_hold_until_the_first_launch() {
    let bundle = toml(UNMANAGED).expect("good");
    assert!(matches!(bundle.background_assets.mode(), ContentMode::Unmanaged(_)));
    let restrictions = bundle.background_assets.restrictions.expect("given");
    assert_eq!((restrictions.allowance_bytes, restrictions.essential_allowance_bytes), (1000, 0));
    for (url, allowed) in [
        ("https://example.com/x", true),
        ("https://cdn.example.com/x", true),
        ("https://example.net/x", false),
    ] {
        assert_eq!(restrictions.allow(&url.parse().expect(url)), allowed, "{url}");
    }
}

#[test]
fn managed_packs_from_a_manifest_need_neither_extension_nor_restrictions() {
    let text = changed(GOOD, "BARepositoryURL", "BAManifestURL");
    let text = changed(&text, "BARepositoryChannel = \"beta\"\n", "");
    let text = changed(&text, "extension = \"bin/game-downloads\"\n", "");
    let bundle = toml(&text).expect("good");
    assert!(matches!(bundle.background_assets.mode(), ContentMode::ManagedManifest(_)));
}

#[test]
fn groups_are_joined_by_leave_of_the_owner() {
    let bundle = toml(GOOD).expect("good");
    let group = |text| AppGroupId::new(text).expect("an id");
    let app = |text| AppId::new(text).expect("an id");
    assert!(bundle.admits(&group("group.com.example.game"), &app("com.example.editor")));
    assert!(!bundle.admits(&group("group.com.example.shared"), &app("com.example.editor")));
    assert!(!bundle.admits(&group("group.com.example.game"), &app("com.example.thief")));
    assert!(bundle.admits(&group("group.com.example.game"), &app("com.example.game")));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = changed(GOOD, "\"1.4.0\"", "\"\"");
    let text = changed(&text, "bin/game\"", "/bin/game\"");
    let text = changed(&text, "BAAppGroupID", "BAAppGroup");
    let text = changed(&text, "https://assets", "//assets");
    let error = toml(&text).expect_err("five mistakes");
    assert_eq!(problems(Err(error)).len(), 5);
    let error = toml(&text).expect_err("five mistakes").to_string();
    assert!(error.starts_with("the description of the app has 5 mistakes: line 4"), "{error}");
}

#[test]
fn property_lists_are_named_by_their_own_keys() {
    let mut top = property_list(GOOD);
    top.remove("CFBundleIdentifier");
    top.insert("BARepositoryUrl".to_owned(), "x".into());
    top.insert("CFBundleExecutable".to_owned(), plist::Value::Real(1.5));
    let attributes =
        top.get_mut("EXAppExtensionAttributes").and_then(plist::Value::as_dictionary_mut);
    let attributes = attributes.expect("made above");
    attributes.insert("EXExtensionPointIdentifier".to_owned(), "com.example.other".into());
    attributes.remove("EXExtensionExecutable");
    let expected = [
        "`EXAppExtensionAttributes.EXExtensionPointIdentifier` is not good: `com.example.other` is not the extension point of a downloader extension",
        "`EXAppExtensionAttributes.EXExtensionExecutable` is missing",
        "`CFBundleIdentifier` is missing",
        "`CFBundleExecutable` must be text, but is a number with a fraction",
        "`BARepositoryUrl` is not known; did you mean `BARepositoryURL`?",
    ];
    for bytes in [xml(&top), binary(&top)] {
        assert_eq!(problems(AppBundle::from_info_plist(&bytes)), expected);
    }
}

#[test]
fn a_missing_extension_is_told_once() {
    let mut top = property_list(UNMANAGED);
    top.insert("EXAppExtensionAttributes".to_owned(), plist::Dictionary::new().into());
    assert_eq!(problems(AppBundle::from_info_plist(&xml(&top))).len(), 1);
    top.remove("EXAppExtensionAttributes");
    assert_eq!(problems(AppBundle::from_info_plist(&xml(&top))).len(), 1);
}

#[test]
fn a_key_that_stands_twice_in_a_property_list_is_refused() {
    let text = String::from_utf8(xml(&property_list(GOOD))).expect("XML is text");
    let twice = text.replacen(
        "<key>BAAppGroupID",
        "<key>BAAppGroupID</key><string>a</string><key>BAAppGroupID",
        1,
    );
    let found = problems(AppBundle::from_info_plist(twice.as_bytes()));
    assert_eq!(found, ["`Info.plist` names `BAAppGroupID` twice"]);
}

#[test]
fn mirrors_are_read_in_every_form_and_judged_like_the_repository() {
    let mirrors = "BARepositoryMirrorURLs = [\"https://b.example/\", \"http://c.example/\"]\n";
    let text = changed(GOOD, "BARepositoryChannel", &format!("{mirrors}BARepositoryChannel"));
    let bundle = toml(&text).expect("good");
    let read: Vec<&str> =
        bundle.background_assets.repository_mirrors.iter().map(url::Url::as_str).collect();
    assert_eq!(read, ["https://b.example/", "http://c.example/"]);
    let list = AppBundle::from_info_plist(&xml(&property_list(&text))).expect("good");
    assert_eq!(list.background_assets, bundle.background_assets);
    let refused = bundle.check_urls(UrlPolicy::Secure).expect_err("one is not encrypted");
    let BundleError::Problems(problems) = refused else { panic!("{refused}") };
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].key, "BARepositoryMirrorURLs");
}

#[test]
fn urls_are_judged_by_the_policy_of_the_caller() {
    let with_url =
        |url: &str| toml(&changed(GOOD, "https://assets.example.com/game", url)).expect(url);
    assert!(toml(GOOD).expect("good").check_urls(UrlPolicy::Secure).is_ok());
    assert!(with_url("file:///srv/repo").check_urls(UrlPolicy::Secure).is_ok());
    let loopback = with_url("http://localhost:8000/");
    assert!(loopback.check_urls(UrlPolicy::Development).is_ok());
    match loopback.check_urls(UrlPolicy::Secure).expect_err("not encrypted") {
        BundleError::Problems(problems) => {
            let [problem] = problems.as_slice() else { panic!("{problems:?}") };
            assert_eq!(problem.key, "BARepositoryURL");
            assert!(matches!(problem.kind, ProblemKind::Url(UrlProblem::Http { .. })));
        }
        error => panic!("{error}"),
    }
    let elsewhere = with_url("http://example.com/");
    assert!(elsewhere.check_urls(UrlPolicy::Development).is_err());
    assert!(elsewhere.check_urls(UrlPolicy::Insecure).is_ok());
    assert!(with_url("ftp://example.com/").check_urls(UrlPolicy::Insecure).is_err());
}

#[test]
fn what_is_no_description_is_refused() {
    assert!(matches!(toml("[app"), Err(BundleError::Toml(_))));
    assert!(matches!(toml("a = 1\na = 2"), Err(BundleError::Toml(_))));
    assert!(matches!(AppBundle::from_toml(b"\xff"), Err(BundleError::NotText(_))));
    for bytes in [&b""[..], b"{ a = b; }", b"<plist", b"bplist00", b"bplist00junk", b"[app]"] {
        let result = AppBundle::from_info_plist(bytes);
        assert!(matches!(result, Err(BundleError::PropertyList(_))), "{bytes:?}");
    }
    let large = vec![b' '; DESCRIPTION_BYTES_MAX + 1];
    assert!(matches!(AppBundle::from_toml(&large), Err(BundleError::TooLarge { .. })));
    assert!(matches!(AppBundle::from_info_plist(&large), Err(BundleError::TooLarge { .. })));
}

#[test]
fn deep_descriptions_are_refused() {
    let nested = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(toml(&nested), Err(BundleError::Toml(_))));
    let (open, close) = ("<array>".repeat(60_000), "</array>".repeat(60_000));
    let nested = format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{open}{close}</plist>");
    let result = AppBundle::from_info_plist(nested.as_bytes());
    assert!(matches!(result, Err(BundleError::PropertyList(_))));
}

/// A list of two references to a list of two references …: a few bytes for each doubling.
#[test]
fn a_binary_list_that_unfolds_without_end_is_refused() {
    let levels = 30_u8;
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for level in 0..levels {
        offsets.push(u8::try_from(bytes.len()).expect("small"));
        bytes.extend([0xa2, level + 1, level + 1]);
    }
    offsets.push(u8::try_from(bytes.len()).expect("small"));
    bytes.push(0x09);
    let table = bytes.len() as u64;
    bytes.extend(&offsets);
    bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    bytes.extend((offsets.len() as u64).to_be_bytes());
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(table.to_be_bytes());
    match AppBundle::from_info_plist(&bytes) {
        Err(BundleError::PropertyList(error)) => {
            assert!(error.to_string().contains("too many values"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn any_text_ends_in_a_bundle_or_an_error(text in ".*") {
        let _ = toml(&text);
        let _ = AppBundle::from_info_plist(text.as_bytes());
    }

    #[test]
    fn damaged_descriptions_end_in_a_bundle_or_an_error(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), form in 0..3_u8,
    ) {
        let mut bytes = match form {
            0 => GOOD.as_bytes().to_vec(),
            1 => xml(&property_list(GOOD)),
            _ => binary(&property_list(GOOD)),
        };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = if form == 0 { AppBundle::from_toml(&bytes) } else { AppBundle::from_info_plist(&bytes) };
    }
}
