//! Limits that an answer's head states, whatever way its provider writes them.
//!
//! Formats: the providers' public references. Anthropic names what is limited before the figure
//! (`anthropic-ratelimit-tokens-remaining`) and gives times; others name it behind it
//! (`x-ratelimit-remaining-tokens`) and give spans (`6m0s`), seconds or points in time. Windows of plans are told
//! as shares: by Claude as `anthropic-ratelimit-unified-5h-utilization`, by Codex as `x-codex-primary-used-percent`.

use std::time::Duration;

use jiff::Timestamp;
use langley_model::{HeaderBlock, Micros, Permille, RateLimit};

/// Most limits that are kept of one answer.
const LIMITS_MAX: usize = 16;

/// The figure that a header gives.
#[derive(Clone, Copy)]
enum Figure {
    Limit,
    Remaining,
    /// As a part of one.
    Utilization,
    UsedPercent,
    Reset,
}

impl Figure {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "limit" => Some(Self::Limit),
            "remaining" => Some(Self::Remaining),
            "utilization" => Some(Self::Utilization),
            "used-percent" => Some(Self::UsedPercent),
            "reset" | "reset-at" | "reset-after-seconds" => Some(Self::Reset),
            _ => None,
        }
    }
}

/// The limits that these headers of an answer state, which arrived at `now`; in their order.
pub(crate) fn rate_limits(headers: &HeaderBlock, now: Micros) -> Vec<RateLimit> {
    let mut limits: Vec<RateLimit> = Vec::new();
    for (name, value) in headers.iter() {
        // Most headers are none of these: one byte is a cheap sieve.
        if !matches!(name.as_bytes().first(), Some(b'a' | b'A' | b'x' | b'X')) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        let Some((what, figure)) = parse(&name) else { continue };
        let Ok(value) = std::str::from_utf8(value) else { continue };
        let at = match limits.iter().position(|limit| limit.name == what) {
            Some(at) => at,
            None if limits.len() == LIMITS_MAX => continue,
            None => {
                limits.push(RateLimit { name: what.to_owned(), ..RateLimit::default() });
                limits.len() - 1
            }
        };
        let (value, limit) = (value.trim(), &mut limits[at]);
        match figure {
            Figure::Limit => limit.limit = value.parse().ok(),
            Figure::Remaining => limit.remaining = value.parse().ok(),
            Figure::Utilization => limit.used = permille(value, 1_000.0),
            Figure::UsedPercent => limit.used = permille(value, 10.0),
            Figure::Reset => limit.reset_at = reset(value, now),
        }
    }
    limits.retain(|RateLimit { limit, remaining, used, reset_at, .. }| {
        limit.is_some() || remaining.is_some() || used.is_some() || reset_at.is_some()
    });
    limits
}

/// What is limited, and which figure of it a header gives.
fn parse(name: &str) -> Option<(&str, Figure)> {
    if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (what, figure) = rest.rsplit_once('-')?;
        return Some((what, Figure::parse(figure)?));
    }
    if let Some(rest) = name.strip_prefix("x-codex-") {
        let (what, figure) = rest.split_once('-')?;
        return Some((what, Figure::parse(figure)?));
    }
    let rest = name.strip_prefix("x-ratelimit-")?;
    match rest.split_once('-') {
        Some((figure, what)) => Some((what, Figure::parse(figure)?)),
        None => Some(("requests", Figure::parse(rest)?)),
    }
}

/// A share in thousandths, of which `whole` are one of its unit; none where it is no share.
fn permille(value: &str, whole: f64) -> Option<Permille> {
    // More than all of it may be used: ten times is beyond any plan.
    let share = value.parse::<f64>().ok().map(|share| share * whole);
    let share = share.filter(|share| (0.0..=10_000.0).contains(share))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
    Some(Permille(share.round() as u32))
}

/// A time, a span from `now` on, or a number: of seconds from now on, or since 1970 in seconds or
/// milliseconds.
fn reset(value: &str, now: Micros) -> Option<Micros> {
    if let Ok(number) = value.parse::<f64>() {
        // No window is longer than some years, and no clock is before 2001.
        let micros = match number {
            n if !(0.0..1e14).contains(&n) => return None,
            n if n < 1e9 => return Some(now.plus(Duration::from_secs_f64(n))),
            n if n < 1e12 => n * 1e6,
            n => n * 1e3,
        };
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        return Some(Micros(micros as i64));
    }
    if let Ok(time) = value.parse::<Timestamp>() {
        return Some(Micros(time.as_microsecond()));
    }
    span(value).map(|span| now.plus(span))
}

/// `1d2h3m4.5s`, `120ms`.
fn span(value: &str) -> Option<Duration> {
    let mut rest = value;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let units = &rest[digits..];
        let end = units.find(|c: char| c.is_ascii_digit()).unwrap_or(units.len());
        seconds += number
            * match &units[..end] {
                "d" => 86_400.0,
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                _ => return None,
            };
        rest = &units[end..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_700_000_000_000_000);

    fn read(lines: &[(&str, &str)]) -> Vec<RateLimit> {
        let mut headers = HeaderBlock::new();
        lines.iter().for_each(|(name, value)| headers.push(name, value.as_bytes()));
        rate_limits(&headers, NOW)
    }

    fn limit(name: &str, limit: u64, remaining: u64, reset_s: f64) -> RateLimit {
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let reset_at = Some(Micros(NOW.0 + (reset_s * 1e6) as i64));
        let (limit, remaining) = (Some(limit), Some(remaining));
        RateLimit { name: name.into(), limit, remaining, used: None, reset_at }
    }

    #[test]
    fn every_way_to_write_a_limit_is_read() {
        let anthropic = read(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("Anthropic-Ratelimit-Requests-Reset", "2023-11-14T22:13:21Z"),
            ("anthropic-ratelimit-input-tokens-limit", "30000"),
            ("anthropic-ratelimit-input-tokens-remaining", "29000"),
            ("anthropic-ratelimit-input-tokens-reset", "2023-11-14T22:14:20Z"),
            ("anthropic-ratelimit-unified-status", "allowed"),
        ]);
        let expected =
            [limit("requests", 50, 49, 1.0), limit("input-tokens", 30_000, 29_000, 60.0)];
        assert_eq!(anthropic, expected);
        let openai = read(&[
            ("x-request-id", "req_1"),
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-limit-tokens", "30000"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-remaining-tokens", "29984"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-reset-tokens", "6m0.5s"),
        ]);
        assert_eq!(
            openai,
            [limit("requests", 500, 499, 0.12), limit("tokens", 30_000, 29_984, 360.5)]
        );
        let openrouter = read(&[
            ("X-RateLimit-Limit", "20"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", "1700000060000"),
        ]);
        assert_eq!(openrouter, [limit("requests", 20, 0, 60.0)]);
    }

    #[test]
    fn windows_of_plans_are_read_as_shares() {
        let share = |name: &str, used, reset_s: i64| RateLimit {
            name: name.into(),
            used: Some(Permille(used)),
            reset_at: Some(Micros(NOW.0 + reset_s * 1_000_000)),
            ..RateLimit::default()
        };
        let claude = read(&[
            ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ("anthropic-ratelimit-unified-5h-utilization", "0.4321"),
            ("anthropic-ratelimit-unified-5h-reset", "1700003600"),
            ("anthropic-ratelimit-unified-7d-utilization", "1.02"),
            ("anthropic-ratelimit-unified-7d-reset", "1700086400"),
        ]);
        assert_eq!(claude, [share("unified-5h", 432, 3_600), share("unified-7d", 1_020, 86_400)]);
        let codex = read(&[
            ("x-codex-plan-type", "pro"),
            ("x-codex-primary-used-percent", "12.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-after-seconds", "1800"),
            ("x-codex-secondary-used-percent", "40"),
            ("x-codex-secondary-reset-at", "1700086400"),
        ]);
        assert_eq!(codex, [share("primary", 125, 1_800), share("secondary", 400, 86_400)]);
        for wrong in ["-0.1", "NaN", "many", "11"] {
            assert_eq!(read(&[("anthropic-ratelimit-unified-5h-utilization", wrong)]), []);
        }
    }

    #[test]
    fn what_cannot_be_read_is_unstated_and_no_limit() {
        let odd = read(&[
            ("x-ratelimit-limit-tokens", "many"),
            ("x-ratelimit-reset-tokens", "soon"),
            ("x-ratelimit-policy", "x"),
            ("x-ratelimit-limit-images", "5"),
            ("accept-ranges", "none"),
        ]);
        let images = RateLimit { name: "images".into(), limit: Some(5), ..RateLimit::default() };
        assert_eq!(odd, [images]);
        for (value, after) in
            [("7", Some(7_000_000)), ("1.5", Some(1_500_000)), ("-1", None), ("1h2", None)]
        {
            assert_eq!(reset(value, NOW).map(|at| at.0 - NOW.0), after, "{value}");
        }
        let many: Vec<_> = (0..100).map(|n| format!("x-ratelimit-limit-{n}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(read(&many).len(), LIMITS_MAX);
    }
}
