//! The pages in `docs/format/` and the code agree.

use headstart_model::catalog::Catalog;

/// The first fenced block of this language after a heading.
fn block<'a>(page: &'a str, heading: &str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(heading).expect("the heading is there");
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect("the block is there");
    rest.split_once("```").expect("the block ends").0
}

#[test]
fn the_example_of_a_catalog_is_a_catalog_with_every_field() {
    let page = include_str!("../../../../docs/format/catalog.md");
    let example = block(page, "## Example", "json");
    let catalog = Catalog::from_json(example.as_bytes()).expect("a catalog");
    // The example has white space for its readers; the order of the fields counts.
    let written = serde_json::to_string_pretty(&catalog).expect("JSON") + "\n";
    assert_eq!(written, example, "exactly the fields that are written");
    let spaces = catalog.to_json().iter().filter(|byte| byte.is_ascii_whitespace()).count();
    assert_eq!(spaces, 0, "every device fetches each byte");
    let pack = catalog.packs.first().expect("a pack");
    assert!(pack.language.is_some() && pack.user_info.is_some() && !pack.platforms.is_empty());
    assert!(!pack.deltas.is_empty() && pack.former.is_some() && !catalog.former.is_empty());
    assert!(pack.app_versions.is_some() && !pack.fallbacks.is_empty());
    for field in fields(&serde_json::from_str(example).expect("JSON")) {
        assert!(page.contains(&format!("`{field}`")), "`{field}` is not described");
    }
}

fn fields(value: &serde_json::Value) -> Vec<String> {
    match value {
        // What an author puts there is the author's.
        serde_json::Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                let below = if key == "userInfo" { Vec::new() } else { fields(value) };
                std::iter::once(key.clone()).chain(below)
            })
            .collect(),
        serde_json::Value::Array(values) => values.iter().flat_map(fields).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn the_page_about_the_repository_names_every_kind_of_file() {
    let page = include_str!("../../../../docs/format/repository.md");
    let world = crate::world::World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    for path in world.files().into_keys() {
        let path =
            path.strip_prefix(&world.repo).expect("inside").to_str().expect("text").to_owned();
        let kind = pattern(&path);
        assert!(page.contains(&format!("`{kind}`")), "{path}: `{kind}` is not described");
    }
}

/// The path as the page writes it.
fn pattern(path: &str) -> String {
    let name = path.rsplit('/').next().expect("a name");
    match path.split('/').next().expect("a folder") {
        "metadata" if name.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("metadata/N.{}", name.split_once('.').expect("a number").1)
        }
        "catalogs" if name.ends_with(".ledger") => "catalogs/SHA256.ledger".to_owned(),
        "catalogs" => "catalogs/SHA256.CHANNEL.json".to_owned(),
        "indexes" => "indexes/PACK/VERSION-DIGEST16.index".to_owned(),
        "bundles" => "bundles/DIGEST".to_owned(),
        _ => path.to_owned(),
    }
}
