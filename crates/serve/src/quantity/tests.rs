use super::*;
use proptest::prelude::*;

fn rate(text: &str) -> u64 {
    text.parse::<Rate>().unwrap().bytes_per_second()
}

#[test]
fn rates_in_bits_and_bytes_are_told_apart() {
    assert_eq!(rate("20Mbit"), 2_500_000);
    assert_eq!(rate("20Mbit/s"), 2_500_000);
    assert_eq!(rate("3MB"), 3_000_000);
    assert_eq!(rate("3MB/s"), 3_000_000);
    assert_eq!(rate("1.5MiB"), 1_572_864);
    assert_eq!(rate("500k"), 500_000);
    assert_eq!(rate(" 56 kbit "), 7_000);
    assert_eq!(rate("1000"), 1_000);
}

#[test]
fn rate_of_nothing_is_refused() {
    for text in ["0", "0MB", "7bit", "0.0001k"] {
        let error = text.parse::<Rate>().unwrap_err();
        assert!(matches!(error, QuantityError::OutOfRange { .. }), "{text}");
    }
}

#[test]
fn sizes_know_both_families_of_prefixes() {
    let size = |text: &str| text.parse::<ByteSize>().unwrap().0;
    assert_eq!(size("1k"), 1_000);
    assert_eq!(size("1Ki"), 1_024);
    assert_eq!(size("64MiB"), 64 << 20);
    assert_eq!(size("2GB"), 2_000_000_000);
    assert_eq!(size("0.5Gi"), 512 << 20);
    assert_eq!(size("0"), 0);
}

#[test]
fn times_need_a_unit() {
    assert_eq!(parse_duration("40ms"), Ok(Duration::from_millis(40)));
    assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
    assert_eq!(parse_duration("250us"), Ok(Duration::from_micros(250)));
    assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
    assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
    assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
    assert!(matches!(parse_duration("5"), Err(QuantityError::UnknownUnit { .. })));
}

#[test]
fn shares_stay_between_nothing_and_all() {
    let share = |text: &str| text.parse::<Percent>();
    assert_eq!(share("2%").unwrap(), Percent::new(2));
    assert_eq!(share("100").unwrap(), Percent::new(100));
    assert_eq!(share("2.5%").unwrap().to_string(), "2.5%");
    assert!(share("100.0001%").is_err());
    assert!(share("-1").is_err());
    assert!(!Percent::new(0).holds(0));
    assert!(Percent::new(100).holds(u64::MAX));
}

#[test]
fn malformed_quantities_are_named_in_the_error() {
    for text in ["", "MB", "1..2MB", "1.MB", "1.0000000001M", "99999999999999999999"] {
        let error = text.parse::<Rate>().unwrap_err();
        assert!(matches!(error, QuantityError::NotANumber { .. }), "{text}: {error}");
    }
    for text in ["3 furlongs", "3MBB", "3mb", "3Mb"] {
        let error = text.parse::<Rate>().unwrap_err();
        assert!(error.to_string().contains(text.trim()), "{error}");
        assert!(matches!(error, QuantityError::UnknownUnit { .. }), "{text}");
    }
    assert!(matches!(
        "18446744073709551615G".parse::<ByteSize>(),
        Err(QuantityError::OutOfRange { .. })
    ));
}

proptest! {
    #[test]
    fn rates_shares_and_sizes_survive_being_written_and_read(bytes in 1_u64.., percent in 0_u32..=1_000_000) {
        let written = Rate::from_bytes_per_second(NonZeroU64::new(bytes).unwrap());
        prop_assert_eq!(written.to_string().parse::<Rate>().unwrap(), written);
        prop_assert_eq!(ByteSize(bytes).to_string().parse::<ByteSize>().unwrap().0, bytes);
        let share = Percent { millionths: percent };
        prop_assert_eq!(share.to_string().parse::<Percent>().unwrap(), share);
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,24}") {
        let _ = text.parse::<Rate>();
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<Percent>();
        let _ = parse_duration(&text);
    }
}
