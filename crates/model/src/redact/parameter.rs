//! Credentials in URLs, header lines and commands that stand inside a text.

use super::anchor::Hit;
use super::bytes::{
    Before, alnum, backslashes, before, credential, digits, run, skip_spaces, token,
};
use super::field;
use super::name::Named;
use super::rule::{Rule, has_placeholder};
use super::scan::{Cut, Verdict, Window};
use super::stop::Stop;
use super::value::{Form, Place, is_secret};
use super::{assign, name};

/// Longest authority that is looked at, and how far before its password a command may stand.
const AUTHORITY_MAX: usize = 512;
const COMMAND_MAX: usize = 256;
/// So much of a line of cookies is judged.
const JUDGED_MAX: usize = 256;

/// Whether `name` is a query parameter that carries a credential.
pub(super) fn is_credential_parameter(name: &[u8]) -> bool {
    const ALSO: [&[u8]; 9] = [
        b"auth",
        b"code",
        b"key",
        b"sig",
        b"signature",
        b"x-amz-credential",
        b"x-amz-signature",
        b"x-goog-credential",
        b"x-goog-signature",
    ];
    name::credential(name).is_some() || ALSO.iter().any(|also| name.eq_ignore_ascii_case(also))
}

/// Judges `Bearer `: the credential behind it, when it looks like one.
pub(super) fn bearer(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let is_bearer = hit.start.checked_sub(1).is_some_and(|at| matches!(text[at], b'b' | b'B'));
    if !is_bearer {
        return Verdict::Nothing;
    }
    let mut end = run(text, hit.end, credential);
    if end == text.len() && !window.last {
        let open = (end > hit.end).then_some((Rule::BearerToken, Stop::Token));
        return window.at_end(hit.end, open);
    }
    while end > hit.end && text[end - 1] == b'.' {
        end -= 1;
    }
    let body = &text[hit.end..end];
    if body.len() >= 16 && digits(body) > 0 {
        return Verdict::Cut(Cut::plain(Rule::BearerToken, hit.end, end));
    }
    Verdict::Nothing
}

/// Judges `://`: user and password before the host (RFC 3986 §3.2.1).
pub(super) fn userinfo(window: Window<'_>, hit: Hit) -> Verdict {
    let Window { text, floor, .. } = window;
    if before(text, hit.start, floor) != Before::Word {
        return Verdict::Nothing; // no scheme
    }
    let limit = text.len().min(hit.end + AUTHORITY_MAX);
    let end = run(&text[..limit], hit.end, |byte| byte > b' ' && !b"\"'<>\\`/?#".contains(&byte));
    if end == hit.end + AUTHORITY_MAX {
        return Verdict::Nothing;
    }
    if end == text.len() && !window.last {
        let open = (end > hit.end).then_some((Rule::UrlPassword, Stop::Token));
        return window.at_end(hit.end, open);
    }
    let authority = &text[hit.end..end];
    let Some(at) = memchr::memrchr(b'@', authority) else { return Verdict::Nothing };
    let user = &authority[..at];
    let secret = match user.iter().position(|byte| *byte == b':') {
        Some(colon) => !user[colon + 1..].is_empty() && !is_variable(&user[colon + 1..]),
        // A token alone, as `https://TOKEN@host`.
        None => user.len() >= 20 && digits(user) > 0,
    };
    if !secret || has_placeholder(user) {
        return Verdict::Nothing;
    }
    Verdict::Cut(Cut::plain(Rule::UrlPassword, hit.end, hit.end + at))
}

/// Judges `Cookie:`: a line of names and values (RFC 6265 §4), when a value looks like a session's.
pub(super) fn cookie(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let is_header = text[..hit.start].ends_with(b"oo");
    if !is_header {
        return Verdict::Nothing;
    }
    let value = skip_spaces(text, hit.end, 1);
    let looks_so = |pair: &[u8]| {
        let Some(equals) = memchr::memchr(b'=', pair) else { return false };
        let body = &pair[equals + 1..];
        let body = body.split(|byte| b" ,<".contains(byte)).next().unwrap_or_default();
        body.len() >= 6 && digits(body) > 0 && memchr::memchr2(b'(', b'$', body).is_none()
    };
    let verdict = assign::value_to(window, (value, JUDGED_MAX), Stop::Line, |line, _| {
        let name = run(line, 0, |byte| token(byte) || byte == b'.');
        line.get(name) == Some(&b'=') && line.split(|byte| *byte == b';').any(looks_so)
    });
    let Verdict::Cut(cut) = verdict else { return verdict };
    // Behind a value stands a semicolon, or something else than a cookie.
    let line = &text[cut.start..cut.end];
    let is_over = |pair: &[u8]| pair[1] == b' ' && pair[0] != b';';
    let len = line.windows(2).position(is_over).map_or(line.len(), |at| at + 1);
    Verdict::Cut(Cut { end: cut.start + len, ..cut })
}

/// Judges `-u` and `--user` of curl: user and password.
pub(super) fn curl(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let from = hit.start.saturating_sub(COMMAND_MAX);
    let command = text[from..hit.start].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if memchr::memmem::find(command, b"curl").is_none() {
        return Verdict::Nothing;
    }
    let at = match text.get(hit.end) {
        Some(b'=') => hit.end + 1,
        Some(b' ') => skip_spaces(text, hit.end, 4),
        Some(_) if text[..hit.end].ends_with(b" ") => hit.end,
        Some(_) => return Verdict::Nothing,
        None => return window.at_end(text.len(), None),
    };
    let dress = at + backslashes(text, at);
    let quote = text.get(dress).copied().filter(|byte| b"\"'".contains(byte));
    let start = if quote.is_some() { dress + 1 } else { at };
    let is_user = |byte: u8| byte > b' ' && !b"\"'\\`:".contains(&byte);
    let user = run(&text[..text.len().min(start + 128)], start, is_user);
    if user == text.len() && !window.last {
        // It may be a key itself, which is not judged before this is.
        return window.at_end(at, None);
    }
    let is_placed = memchr::memmem::find(&text[start..user], b"[redacted").is_some();
    if text.get(user) != Some(&b':') || is_placed {
        return Verdict::Nothing;
    }
    let end = run(text, user + 1, |byte| byte > b' ' && !b"\"'\\`".contains(&byte));
    if end == text.len() && !window.last {
        return window.at_end(start, Some((Rule::CurlPassword, Stop::Bare)));
    }
    let password = &text[user + 1..end];
    // What stands behind it in a sentence is no part of what is judged.
    let word = &password[..run(password, 0, |byte| byte.is_ascii())];
    let word = word.strip_suffix(b",").unwrap_or(word);
    let place = Place { form: Form::Environment, named: Named::Password };
    if has_placeholder(password) || !is_secret(word, place) || is_variable(word) {
        return Verdict::Nothing;
    }
    // With the user, which is a key with some services.
    Verdict::Cut(Cut::plain(Rule::CurlPassword, start, end))
}

/// Whether a password is a name to be filled in: `${PASS}`, `$PASS`, `{password}`, `%s`.
fn is_variable(password: &[u8]) -> bool {
    let named = |name: &[u8]| name.iter().all(|b| alnum(*b) || b"_.".contains(b));
    let braced = |open: &[u8]| {
        password.strip_prefix(open).and_then(|rest| rest.strip_suffix(b"}")).is_some_and(named)
    };
    braced(b"${")
        || braced(b"{")
        || password == b"%s"
        || field::is_template(password)
        || password.strip_prefix(b"$").is_some_and(|name| {
            !name.is_empty() && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
        })
}
