//! Credential fields: `"api_key": "…"` in JSON, and in JSON inside JSON at any depth.

use super::bytes::{alnum, backslashes, digits, run_back, skip_blanks};
use super::name::{self, Credential, credential};
use super::rule::{Rule, is_placeholder};
use super::scan::{Cut, Verdict, Window};
use super::stop::Stop;

/// Most blanks around the colon.
const BLANKS_MAX: usize = 32;

/// Judges the end of a member's name.
pub(super) fn judge(window: Window<'_>, name_end: usize) -> Verdict {
    let member = match member(window, name_end) {
        Ok(member) => member,
        Err(verdict) => return verdict,
    };
    let Some(credential) = credential(member.name) else { return Verdict::Nothing };
    let Member { value, depth, .. } = member;
    let text = window.text;
    let found = Stop::Quote(depth).find(text, value);
    let end = found.position();
    let body = &text[value..end];
    let blank = body.iter().any(u8::is_ascii_whitespace);
    if credential == Credential::Likely && blank {
        return Verdict::Nothing;
    }
    if found.is_open() && !window.last {
        return window.at_end(value, Some((Rule::CredentialField, Stop::Quote(depth))));
    }
    let kept = match credential {
        Credential::Certain => 0,
        Credential::Likely if is_long(body) && digits(body) > 0 => 0,
        Credential::Authorization => match scheme(body) {
            0 if blank || digits(body) == 0 => return Verdict::Nothing,
            kept => kept,
        },
        Credential::Likely => return Verdict::Nothing,
    };
    let secret = &body[kept..];
    if secret.is_empty() || is_placeholder(secret) || is_template(secret) {
        return Verdict::Nothing;
    }
    Verdict::Cut(Cut::plain(Rule::CredentialField, value + kept, end))
}

/// Whether a value is as long as tokens are; backslashes do not count, for their number depends on
/// the depth.
fn is_long(value: &[u8]) -> bool {
    value.iter().filter(|byte| **byte != b'\\').count() >= 16
}

/// Length of the scheme word of an `Authorization` value, its blank included; 0 without one.
///
/// Schemes: the IANA HTTP Authentication Scheme Registry, and words that providers use.
pub(super) fn scheme(value: &[u8]) -> usize {
    const SCHEMES: [&[u8]; 9] = [
        b"apikey",
        b"aws4-hmac-sha256",
        b"basic",
        b"bearer",
        b"digest",
        b"key",
        b"negotiate",
        b"ntlm",
        b"token",
    ];
    let Some(blank) = value.iter().position(|byte| *byte == b' ') else { return 0 };
    let known = SCHEMES.iter().any(|scheme| value[..blank].eq_ignore_ascii_case(scheme));
    if known { blank + 1 } else { 0 }
}

/// Whether `value` stands for a secret kept elsewhere: `${NAME}`, `{{name}}`, `***`.
pub(super) fn is_template(value: &[u8]) -> bool {
    let wrapped = |open: &[u8], close: &[u8]| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|name| name.iter().all(|b| alnum(*b) || b"_. -".contains(b)))
    };
    wrapped(b"${", b"}") || wrapped(b"{{", b"}}") || value.iter().all(|byte| *byte == b'*')
}

/// A member of a JSON object, up to the start of its string value.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a [u8],
    /// Where the name starts.
    pub(super) start: usize,
    /// Where the value starts, behind its quote.
    pub(super) value: usize,
    /// Backslashes before each quote.
    pub(super) depth: usize,
}

/// The member whose name ends at `name_end`, where its quote is, or the first backslash before it.
pub(super) fn member(window: Window<'_>, name_end: usize) -> Result<Member<'_>, Verdict> {
    let text = window.text;
    let more = || window.at_end(text.len(), None);
    let depth = backslashes(text, name_end);
    let expect = |at: usize, wanted: u8| match text.get(at) {
        Some(byte) if *byte == wanted => Ok(()),
        Some(_) => Err(Verdict::Nothing),
        None => Err(more()),
    };
    expect(name_end + depth, b'"')?;
    let start = name::start(text, name_end);
    let opening = start.saturating_sub(1);
    let dress = opening - run_back(text, opening, depth + 1, |byte| byte == b'\\');
    if start == 0 || text[opening] != b'"' || dress != depth {
        return Err(Verdict::Nothing);
    }
    let colon = skip_blanks(text, name_end + depth + 1, BLANKS_MAX);
    expect(colon, b':')?;
    let dress = skip_blanks(text, colon + 1, BLANKS_MAX);
    let worn = backslashes(text, dress);
    expect(dress + worn, b'"')?;
    if worn != depth {
        return Err(Verdict::Nothing);
    }
    Ok(Member { name: &text[start..name_end], start, value: dress + worn + 1, depth })
}
