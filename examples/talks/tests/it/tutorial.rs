//! docs/tutorial.md shows what is there, and its commands work.

use crate::world::{EXAMPLE, World};

/// The blocks of code of the page: the language, the file that is named before it if any, the text.
fn blocks(page: &str) -> Vec<(String, Option<String>, String)> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let file = before.strip_prefix("From `").and_then(|rest| rest.strip_suffix("`:"));
            blocks.push((language.to_owned(), file.map(str::to_owned), text.join("\n")));
        }
        if !line.is_empty() {
            before = line;
        }
    }
    blocks
}

fn page() -> String {
    std::fs::read_to_string(format!("{EXAMPLE}/../../docs/tutorial.md")).unwrap()
}

/// Without indentation: an excerpt stands further left than its source.
fn flush(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_excerpt_is_in_the_file_that_it_names() {
    let mut shown = 0;
    for (language, file, text) in blocks(&page()) {
        let Some(file) = file else {
            assert_ne!(language, "rust", "an excerpt without its file:\n{text}");
            continue;
        };
        let source = std::fs::read_to_string(format!("{EXAMPLE}/../../{file}")).unwrap();
        // `…` stands for what is left out.
        for part in text.split('…') {
            assert!(flush(&source).contains(&flush(part)), "{file} has no\n{part}");
        }
        shown += 1;
    }
    assert!(shown >= 8, "excerpts are found at all: {shown}");
}

#[test]
fn the_commands_for_the_second_terminal_work_in_their_order() {
    let world = World::with_talks_of(30);
    let sessions = blocks(&page());
    let sessions = sessions.iter().filter(|(language, file, _)| language == "sh" && file.is_none());
    let printed: Vec<_> = sessions.map(|(_, _, lines)| world.shell(lines)).collect();
    assert!(printed.len() >= 3, "there are some");
    let all = printed.concat();
    assert!(all.contains("360 frames"), "a talk was played: {all}");
    assert!(all.contains("1 packs are updated"), "an update was seen: {all}");
    assert!(world.leave());
}
