//! Keys that something before them announces: a host's path, a version, a bot's number. What
//! announces is no secret and stays, so that one sees what was there.

use super::anchor::{Anchor, Hit};
use super::bytes::{Before, alnum, digits, run, run_back, token, word};
use super::rule::Rule;
use super::scan::{Cut, Verdict, Window};
use super::stop::Stop;

/// So much of a key is judged; all of it is replaced.
const JUDGED_MAX: usize = 256;

/// Judges a hit of what announces a key.
pub(super) fn judge(window: Window<'_>, hit: Hit) -> Verdict {
    let before = |word: &[u8]| window.text[..hit.start].ends_with(word);
    let prefixed = |word: &[u8]| {
        let Some(at) = hit.start.checked_sub(word.len()) else { return false };
        before(word) && super::bytes::before(window.text, at, window.floor) != Before::Word
    };
    match hit.anchor {
        Anchor::Hook => hook(window, hit),
        Anchor::Live if prefixed(b"sk") || prefixed(b"rk") => {
            follows(window, hit.end, Rule::StripeKey, word, |body| body.len() >= 12)
        }
        Anchor::Versioned if prefixed(b"tgp") => {
            follows(window, hit.end, Rule::TogetherKey, token, |body| body.len() >= 32)
        }
        Anchor::Versioned if [b"dop", b"doo", b"dor"].iter().any(|kind| prefixed(&kind[..])) => {
            follows(window, hit.end, Rule::DigitalOceanToken, alnum, |body| body.len() >= 48)
        }
        // A bot's number, and 35 characters.
        Anchor::Telegram => {
            let text = window.text;
            let number = run_back(text, hit.start, 16, |byte| byte.is_ascii_digit());
            if hit.start - number < 6 {
                return Verdict::Nothing;
            }
            follows(window, hit.start + 1, Rule::TelegramToken, token, |body| body.len() == 35)
        }
        // Its id, and the secret.
        Anchor::Terraform if run_back(window.text, hit.start, 14, alnum) + 14 == hit.start => {
            follows(window, hit.end, Rule::TerraformToken, token, |body| body.len() >= 48)
        }
        _ => Verdict::Nothing,
    }
}

/// Judges a name that ended in `bedrock-api-key`: a signed address in base64 behind another hyphen.
pub(super) fn bedrock(window: Window<'_>, name_end: usize) -> Verdict {
    follows(window, name_end + 1, Rule::BedrockKey, super::bytes::base64, |body| body.len() >= 40)
}

/// The run of `class` from `start`, when `fits` likes it.
fn follows(
    window: Window<'_>,
    start: usize,
    rule: Rule,
    class: fn(u8) -> bool,
    fits: impl FnOnce(&[u8]) -> bool,
) -> Verdict {
    run_of(window, (start, JUDGED_MAX), rule, class, fits)
}

/// The same, of which `most` bytes are judged.
pub(super) fn run_of(
    window: Window<'_>,
    (start, most): (usize, usize),
    rule: Rule,
    class: fn(u8) -> bool,
    fits: impl FnOnce(&[u8]) -> bool,
) -> Verdict {
    let text = window.text;
    let judged = run(&text[..text.len().min(start + most)], start, class);
    let open = (judged > start).then_some((rule, Stop::Token));
    if judged == text.len() && !window.last {
        return window.at_end(start, open);
    }
    // What is announced may itself announce: only what is replaced is read to its end.
    if !fits(&text[start..judged]) {
        return Verdict::Nothing;
    }
    let end = run(text, judged, class);
    if end == text.len() && !window.last {
        return window.at_end(start, open);
    }
    Verdict::Cut(Cut::plain(rule, start, end))
}

/// The paths of `hooks.slack.com` and of Discord's `/api/webhooks`, of which whoever knows them may
/// write.
fn hook(window: Window<'_>, hit: Hit) -> Verdict {
    const SLACK: &[u8] = b".slack.com/";
    const DISCORD: &[u8] = b"/";
    let text = window.text;
    let rest = &text[hit.end..];
    let is_discord = text[..hit.start].ends_with(b"/api/web");
    let (host, rule) =
        if is_discord { (DISCORD, Rule::DiscordWebhook) } else { (SLACK, Rule::SlackWebhook) };
    if !rest.starts_with(host) {
        let is_cut = host.starts_with(rest);
        return if is_cut { window.at_end(text.len(), None) } else { Verdict::Nothing };
    }
    follows(window, hit.end + host.len(), rule, path, |body| {
        if is_discord {
            let slash = body.iter().position(|byte| *byte == b'/');
            return slash.is_some_and(|at| at >= 16 && digits(&body[..at]) == at)
                && body.len() >= 16 + 32;
        }
        let known = [b"services/".as_slice(), b"workflows/", b"triggers/"];
        body.len() >= 24 && known.iter().any(|path| body.starts_with(path))
    })
}

const fn path(byte: u8) -> bool {
    token(byte) || byte == b'/'
}
