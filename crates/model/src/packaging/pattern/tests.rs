use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, path: &str) -> bool {
    Pattern::new(pattern).expect("a pattern").matches(path)
}

#[test]
fn whole_patterns_are_taken() {
    for text in
        ["*.png", "**", "a/**/b?.wav", "[a-z]x", "[!0-9]", "[]]", "[!]a]", "{a,b}", "[a-]", "x[.]y"]
    {
        assert_eq!(Pattern::new(text).expect(text).as_str(), text);
    }
}

#[test]
fn broken_patterns_are_refused() {
    for text in ["[", "[a", "a[]", "[!]", "[z-a]", "[a/b]"] {
        assert!(matches!(Pattern::new(text), Err(SelectorError::Set { .. })), "{text:?}");
    }
    for text in ["a**", "**b/c", "x/***"] {
        assert!(matches!(Pattern::new(text), Err(SelectorError::DoubleStar { .. })), "{text:?}");
    }
    assert!(matches!(Pattern::new("../*"), Err(SelectorError::Leaves { .. })));
    assert!(matches!(Pattern::new("."), Err(SelectorError::Root { .. })));
}

#[test]
fn wildcards_but_two_stars_stay_within_a_part() {
    assert!(matches("*.png", "a.png") && matches("*.png", ".png"));
    assert!(!matches("*.png", "a/b.png") && !matches("*", "a/b"));
    assert!(matches("a?c", "abc") && matches("a?c", "aéc") && !matches("a?c", "a/c"));
    assert!(!matches("a?c", "ac") && matches("a*c", "ac") && matches("a*b*c", "axbxbc"));
    assert!(matches("a/[!x]*/c", "a/b/c") && !matches("a[!x]c", "a/c"));
}

#[test]
fn sets_hold_what_they_list() {
    assert!(matches("[a-c]x", "bx") && !matches("[a-c]x", "dx") && matches("[äö]", "ö"));
    assert!(matches("[!0-9]", "a") && !matches("[!0-9]", "5") && !matches("[^0-9]", "5"));
    assert!(matches("[]]", "]") && matches("[!]]", "a") && !matches("[!]]", "]"));
    assert!(
        matches("[a-]", "-") && matches("[a-]", "a") && matches("[*]", "*") && !matches("[*]", "a")
    );
}

#[test]
fn two_stars_are_any_number_of_parts() {
    for path in ["b.wav", "a/b.wav", "a/c/d/b.wav"] {
        assert!(matches("**/b.wav", path), "{path}");
    }
    assert!(matches("a/**/b", "a/b") && matches("a/**/b", "a/x/y/b") && !matches("a/**/b", "ab"));
    assert!(matches("a/**", "a/b") && matches("a/**", "a/b/c") && !matches("a/**", "a"));
    assert!(matches("**", "x") && matches("**/**", "x/y"));
    assert!(matches("**/a/**/b", "x/a/y/a/b") && !matches("**/a/**/b", "x/a/y"));
}

#[test]
fn other_marks_are_plain_characters() {
    assert!(matches("{a,b}", "{a,b}") && !matches("{a,b}", "a"));
    assert!(matches("a+(b)|$", "a+(b)|$") && matches("!a", "!a") && !matches("!a", "b"));
    assert!(matches(".*", ".hidden") && matches("*", ".hidden") && !matches("a", "A"));
}

#[test]
fn matching_begins_in_the_deepest_plain_folder() {
    for (pattern, folder, depth) in [
        ("*.png", ".", Some(1)),
        ("a", ".", Some(1)),
        ("a/b/c", "a/b", Some(1)),
        ("a/b/*/c.*", "a/b", Some(2)),
        ("a/**/c", "a", None),
        ("**", ".", None),
    ] {
        let parsed = Pattern::new(pattern).expect(pattern);
        assert_eq!((parsed.folder().as_str(), parsed.depth()), (folder, depth), "{pattern}");
    }
}

#[test]
fn no_pattern_takes_for_ever() {
    let pattern = Pattern::new(&"*a".repeat(100)).expect("a pattern");
    assert!(!pattern.matches(&format!("{}b", "a".repeat(250))));
}

proptest! {
    #[test]
    fn a_plain_path_matches_itself_and_nothing_longer(path in "[a-zé.]{1,5}(/[a-z]{1,5}){0,3}") {
        prop_assume!(!path.split('/').any(|part| part == "." || part == ".."));
        prop_assert!(matches(&path, &path));
        let longer = format!("{path}/x");
        prop_assert!(!matches(&path, &longer));
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in ".*", path in ".*") {
        if let Ok(pattern) = Pattern::new(&text) {
            let _ = (pattern.matches(&path), pattern.folder(), pattern.depth());
        }
    }

    #[test]
    fn stars_match_what_they_replace(before in "[a-z]{0,5}", middle in "[^/]{0,9}", after in "[a-z]{0,5}") {
        let path = format!("{before}{middle}{after}");
        let pattern = format!("{before}*{after}");
        prop_assert!(matches(&pattern, &path));
    }
}
