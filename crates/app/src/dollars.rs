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

#[cfg(test)]
mod tests {
    use super::*;

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
