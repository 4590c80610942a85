use super::*;

mod icu;

fn tag(text: &str) -> Language {
    Language::new(text).expect(text)
}

fn tags(texts: &[&str]) -> Vec<Language> {
    texts.iter().map(|text| tag(text)).collect()
}

/// Preferred, available, primary, resolved.
type Case = (&'static [&'static str], &'static [&'static str], &'static str, Option<&'static str>);

fn check(cases: &[Case]) {
    for (preferred, available, primary, expected) in cases {
        let primary = (!primary.is_empty()).then(|| tag(primary));
        let mut available = tags(available);
        for _ in 0..available.len().max(1) {
            let found = resolve(&tags(preferred), &available, primary.as_ref());
            let found = found.map(Language::as_str);
            assert_eq!(found, *expected, "{preferred:?} among {available:?}, primary {primary:?}");
            if !available.is_empty() {
                available.rotate_left(1);
            }
        }
    }
}

#[test]
fn the_exact_variant_goes_before_another_one_and_that_before_the_primary_language() {
    check(&[
        (&["en-GB"], &["en-GB", "en-US", "fr"], "fr", Some("en-GB")),
        (&["en-GB"], &["en-US", "fr"], "fr", Some("en-US")),
        (&["en-GB"], &["fr", "ja"], "fr", Some("fr")),
        (&["en-GB"], &["en-US", "en-AU"], "en-US", Some("en-AU")),
    ]);
}

#[test]
fn a_tag_finds_what_implied_subtags_make_the_same() {
    check(&[
        (&["en"], &["en-US", "en-GB"], "en-GB", Some("en-US")),
        (&["en-Latn-US"], &["en", "en-GB"], "en-GB", Some("en")),
        (&["zh-TW"], &["zh", "zh-Hant"], "zh", Some("zh-Hant")),
        (&["zh-HK"], &["zh-Hans", "zh-Hant"], "zh-Hans", Some("zh-Hant")),
        (&["he"], &["iw", "en"], "en", Some("iw")),
        // The one that says as much of itself as was asked for.
        (&["en"], &["en", "en-US"], "", Some("en")),
        (&["en-US"], &["en", "en-US"], "", Some("en-US")),
    ]);
}

#[test]
fn a_language_that_people_can_read_instead_goes_before_the_primary_one() {
    check(&[
        (&["gsw"], &["de", "en"], "en", Some("de")),
        (&["nb"], &["no", "da", "en"], "en", Some("no")),
        (&["de"], &["gsw", "en"], "en", Some("en")),
    ]);
}

#[test]
fn the_first_of_several_wins_unless_a_later_one_suits_much_better() {
    check(&[
        (&["de-CH", "fr"], &["de", "fr"], "en", Some("de")),
        (&["ja", "fr"], &["de", "fr"], "de", Some("fr")),
        (&["zh-TW", "en"], &["zh-Hans", "en-US"], "zh-Hans", Some("en-US")),
    ]);
}

#[test]
fn of_equally_near_ones_the_same_base_language_then_the_primary_one_goes_first() {
    check(&[
        (&["de"], &["de-AT", "de-CH"], "de-CH", Some("de-CH")),
        (&["es-AR"], &["es-419", "es-MX"], "en", Some("es-419")),
        // Both are 20 from what is asked for.
        (&["nn"], &["nb", "nn-SE", "no"], "nb", Some("nn-SE")),
    ]);
    let first = tags(&["de-AT", "de-CH"]);
    assert_eq!(nearest(&tag("de"), &first), Some(&tag("de-AT")));
    let turned = tags(&["de-CH", "de-AT"]);
    assert_eq!(nearest(&tag("de"), &turned), Some(&tag("de-CH")));
}

#[test]
fn without_a_near_or_primary_language_none_is_resolved() {
    check(&[
        (&["ja"], &["de", "fr"], "", None),
        (&["ja"], &["de", "fr"], "ko", None),
        (&["ja"], &[], "ja", None),
        (&[], &["de", "fr"], "", None),
        (&[], &["de", "fr"], "fr", Some("fr")),
        (&[], &["de", "fr-CA"], "fr", Some("fr-CA")),
        (&["und"], &["en", "fr"], "fr", Some("fr")),
    ]);
}

#[test]
fn nobody_reads_a_pseudo_locale_unless_asked_to() {
    check(&[
        (&["en"], &["en-XA", "en-DE"], "de", Some("en-DE")),
        (&["en"], &["en-XA", "de"], "de", Some("de")),
        (&["en-XA"], &["en-XA", "en"], "de", Some("en-XA")),
    ]);
}
