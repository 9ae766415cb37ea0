//! Money for people.

/// Millionths of a dollar, exactly, with two decimals at least.
pub(crate) fn dollars(micro_usd: i64) -> String {
    let (whole, fraction) =
        (micro_usd.unsigned_abs() / 1_000_000, micro_usd.unsigned_abs() % 1_000_000);
    let fraction = format!("{fraction:06}");
    let (cents, rest) = fraction.split_at(2);
    let sign = if micro_usd < 0 { "-" } else { "" };
    format!("{sign}${whole}.{cents}{}", rest.trim_end_matches('0'))
}

/// The same in whole cents, rounded half up; what is less than one is `<$0.01`.
pub(crate) fn cents(micro_usd: i64) -> String {
    match micro_usd {
        0 => "$0.00".to_owned(),
        1..10_000 => "<$0.01".to_owned(),
        _ => {
            let cents = micro_usd.saturating_add(5_000) / 10_000;
            format!("${}.{:02}", cents / 100, cents % 100)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_are_whole_and_nothing_is_told_as_none() {
        for (micro, text) in [
            (0, "$0.00"),
            (1, "<$0.01"),
            (9_999, "<$0.01"),
            (10_000, "$0.01"),
            (14_999, "$0.01"),
            (15_000, "$0.02"),
            (1_994_999, "$1.99"),
            (1_995_000, "$2.00"),
            (123_456_789, "$123.46"),
        ] {
            assert_eq!(cents(micro), text);
        }
    }

    #[test]
    fn no_millionth_is_lost() {
        for (micro, text) in [
            (0, "$0.00"),
            (1, "$0.000001"),
            (25_319, "$0.025319"),
            (1_500_000, "$1.50"),
            (12_345_678, "$12.345678"),
            (-20_000, "-$0.02"),
        ] {
            assert_eq!(dollars(micro), text);
        }
    }
}
