//! Key shapes: what the providers' own keys look like.
//!
//! A shape asks for an edge before it, an alphabet and a length, and, where its prefix is an
//! ordinary word piece, for digits too.

use super::anchor::{Anchor, Hit};
use super::bytes::{Before, alnum, base64, before, digits, run, token, word};
use super::rule::Rule;
use super::scan::{Cut, Verdict, Window};
use super::stop::{End, Stop};

/// Judges a hit of a key's own prefix.
pub(super) fn judge(window: Window<'_>, hit: Hit) -> Verdict {
    let Window { text, floor, .. } = window;
    let edge = before(text, hit.start, floor);
    let rest = &text[hit.start..];
    // A hyphen before the prefix is an edge only for shapes that ordinary hyphenated words and
    // base64url never have: anything else would have to read each run again from every hyphen.
    let unmistakable = match hit.anchor {
        Anchor::Aws | Anchor::Bedrock | Anchor::Github => true,
        Anchor::Sk => rest.starts_with(b"sk-ant-"),
        _ => false,
    };
    let cut_prefix = hit.anchor == Anchor::Sk && !window.last && b"sk-ant-".starts_with(rest);
    match (hit.anchor, edge) {
        (_, Before::Word) => return Verdict::Nothing,
        (_, Before::Hyphen) if !unmistakable && !cut_prefix => return Verdict::Nothing,
        _ => {}
    }
    match hit.anchor {
        Anchor::Aws => exact(window, hit, Rule::AwsKey, |body| {
            body.len() == 16 && body.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }),
        // Of Bedrock: a name and a secret in base64, `BedrockAPIKey-…`.
        Anchor::Bedrock => ends(window, hit, Rule::BedrockKey, base64, |body| body.len() >= 80),
        Anchor::Fireworks => exact(window, hit, Rule::FireworksKey, |body| long(body, 20)),
        Anchor::Github => ends(window, hit, Rule::GithubToken, word, |body| body.len() >= 20),
        Anchor::Gitlab => ends(window, hit, Rule::GitlabToken, dotted, |body| body.len() >= 16),
        Anchor::GoogleKey => ends(window, hit, Rule::GoogleKey, token, |body| body.len() >= 30),
        Anchor::GoogleSecret => {
            ends(window, hit, Rule::GoogleSecret, token, |body| body.len() >= 20)
        }
        Anchor::GoogleToken => {
            ends(window, hit, Rule::GoogleToken, dotted, |body| body.len() >= 20)
        }
        Anchor::Groq => exact(window, hit, Rule::GroqKey, |body| long(body, 32)),
        Anchor::HuggingFace => exact(window, hit, Rule::HuggingFaceToken, |body| body.len() >= 20),
        Anchor::Jwt => ends(window, hit, Rule::Jwt, dotted, is_jwt),
        Anchor::Linear => exact(window, hit, Rule::LinearKey, |body| long(body, 32)),
        Anchor::Npm => exact(window, hit, Rule::NpmToken, |body| body.len() >= 20),
        Anchor::Perplexity => exact(window, hit, Rule::PerplexityKey, |body| long(body, 32)),
        // A macaroon of base64url, which begins alike for every token.
        Anchor::Pypi => ends(window, hit, Rule::PypiToken, token, |body| {
            body.len() >= 48 && body.starts_with(b"AgE")
        }),
        Anchor::Replicate => exact(window, hit, Rule::ReplicateToken, |body| long(body, 30)),
        Anchor::Sendgrid => ends(window, hit, Rule::SendgridKey, dotted, |body| {
            body.len() >= 36 && body.iter().position(|b| *b == b'.').is_some_and(|dot| dot >= 12)
        }),
        // For apps, shared secrets, custom and private apps.
        Anchor::Shopify => ends(window, hit, Rule::ShopifyToken, word, |body| {
            let kinds = [b"at_".as_slice(), b"ss_", b"ca_", b"pa_"];
            body.len() >= 3 + 32 && kinds.iter().any(|kind| body.starts_with(kind))
        }),
        Anchor::Sk => sk(window, hit),
        Anchor::Slack => ends(window, hit, Rule::SlackToken, dotted, |body| {
            // After `xox`: a letter for the kind, then a hyphen.
            let hyphen = body.iter().position(|b| *b == b'-');
            let is_kind = text[hit.start..].starts_with(b"xapp-") || hyphen == Some(1);
            is_kind && body.len() >= 12 && digits(body) > 0
        }),
        Anchor::Vault => ends(window, hit, Rule::VaultToken, token, |body| long(body, 24)),
        Anchor::Xai => exact(window, hit, Rule::XaiKey, |body| long(body, 32)),
        _ => Verdict::Nothing,
    }
}

/// Whether a run is as long as keys are, and no word.
fn long(body: &[u8], least: usize) -> bool {
    body.len() >= least && digits(body) > 0
}

const fn dotted(byte: u8) -> bool {
    token(byte) || byte == b'.'
}

/// A prefix and the run of `class` behind it, when `fits` likes the run. Dots at the end belong to
/// the sentence.
fn ends(
    window: Window<'_>,
    hit: Hit,
    rule: Rule,
    class: fn(u8) -> bool,
    fits: impl FnOnce(&[u8]) -> bool,
) -> Verdict {
    let text = window.text;
    let mut end = run(text, hit.end, class);
    if end == text.len() && !window.last {
        return window.at_end(hit.start, Some((rule, Stop::Token)));
    }
    while end > hit.end && text[end - 1] == b'.' {
        end -= 1;
    }
    let fits = fits(&text[hit.end..end]);
    if fits { Verdict::Cut(Cut::plain(rule, hit.start, end)) } else { Verdict::Nothing }
}

/// As [`ends`], for letters and digits that no underscore may follow: a longer word is a name.
fn exact(window: Window<'_>, hit: Hit, rule: Rule, fits: impl FnOnce(&[u8]) -> bool) -> Verdict {
    let end = run(window.text, hit.end, alnum);
    if window.text.get(end) == Some(&b'_') {
        return Verdict::Nothing;
    }
    ends(window, hit, rule, alnum, fits)
}

fn sk(window: Window<'_>, hit: Hit) -> Verdict {
    let rest = &window.text[hit.start..];
    let named = [b"sk-proj-".as_slice(), b"sk-svcacct-", b"sk-admin-", b"sk-or-v1-", b"sk-None-"];
    if rest.starts_with(b"sk-ant-") {
        ends(window, hit, Rule::AnthropicKey, token, |body| body.len() >= 4 + 8)
    } else if let Some(name) = named.iter().find(|name| rest.starts_with(name)) {
        let least = name.len() - 3 + 16;
        ends(window, hit, Rule::OpenAiKey, token, |body| body.len() >= least && digits(body) > 0)
    } else {
        ends(window, hit, Rule::OpenAiKey, token, |body| {
            // Hyphenated names have short pieces; a key has a long one with digits in it.
            body.split(|byte| *byte == b'-')
                .any(|piece| piece.len() >= 16 && digits(piece) > 0 && digits(piece) < piece.len())
        })
    }
}

/// Two JSON objects in base64url with a dot between (RFC 7519 §3), and whatever dots follow.
fn is_jwt(body: &[u8]) -> bool {
    let Some(dot) = body.iter().position(|byte| *byte == b'.') else { return false };
    dot >= 6 && body[dot + 1..].starts_with(b"eyJ") && body.len() >= dot + 10
}

/// The body of a PEM private key, whose first line, up to `name_end`, stays to say what was there.
pub(super) fn private_key(window: Window<'_>, name_end: usize) -> Verdict {
    let text = window.text;
    let name = super::bytes::run_back(text, name_end, 48, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    // The run of capitals took the word BEGIN with it.
    if !text[..name].ends_with(b"-----") || !text[name..].starts_with(b"BEGIN ") {
        return Verdict::Nothing;
    }
    let after = &text[name_end..];
    let tail = [b"-----".as_slice(), b" BLOCK-----"].into_iter();
    let Some(tail) = tail.clone().find(|tail| after.starts_with(tail)) else {
        let cut = tail.clone().any(|tail| tail.starts_with(after));
        return if cut { window.at_end(text.len(), None) } else { Verdict::Nothing };
    };
    let start = name_end + tail.len();
    let found = Stop::Pem.find(text, start);
    if found.is_open() && !window.last {
        return window.at_end(start, Some((Rule::PrivateKey, Stop::Pem)));
    }
    let mut end = found.position();
    if !matches!(found, End::Closed(_)) {
        end = trim_blanks(text, start, end);
    }
    // An end line alone has some twenty letters; the `n` of an escaped line end is none.
    let letters = (start..end).filter(|at| alnum(text[*at]) && text[*at - 1] != b'\\').count();
    if letters < 32 {
        return Verdict::Nothing;
    }
    Verdict::Cut(Cut::plain(Rule::PrivateKey, start, end))
}

/// Gives blanks, backslashes and hyphens at the end back: they are the text's, not the key's.
fn trim_blanks(text: &[u8], start: usize, mut end: usize) -> usize {
    loop {
        let body = &text[start..end];
        end = match body {
            [.., b' ' | b'\t' | b'\n' | b'\r' | b'-' | b'\\'] => end - 1,
            [head @ .., b'n' | b'r' | b't'] if head.ends_with(b"\\") => {
                end - 1 - head.iter().rev().take_while(|byte| **byte == b'\\').count()
            }
            _ => return end,
        };
    }
}
