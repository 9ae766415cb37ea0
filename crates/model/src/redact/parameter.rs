//! Credentials in URLs, forms, environment files and header lines that stand inside a text.

use super::anchor::Hit;
use super::bytes::{Before, alnum, base64, before, credential, digits, run, run_back, token};
use super::field::{self, Credential};
use super::rule::Rule;
use super::scan::{Cut, Verdict, Window};
use super::stop::Stop;

/// Longest name and authority that are looked at.
const NAME_MAX: usize = 64;
const AUTHORITY_MAX: usize = 512;

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
    field::credential(name).is_some() || ALSO.iter().any(|also| name.eq_ignore_ascii_case(also))
}

/// Judges `name=`: a parameter of a query or form, or an assignment.
pub(super) fn judge(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let spaced = text[..hit.end].ends_with(b" =");
    let name_end = hit.end - if spaced { 2 } else { 1 };
    let start = run_back(text, name_end, NAME_MAX, |byte| token(byte) || byte == b'.');
    let name = &text[start..name_end];
    let in_query = !spaced
        && matches!(start.checked_sub(1).map(|at| text[at]), Some(b'?' | b'&'))
        && is_credential_parameter(name);
    let assigned = field::credential(name) == Some(Credential::Certain);
    if !in_query && !assigned {
        return Verdict::Nothing;
    }
    let value = if in_query { hit.end } else { opening(text, hit.end) };
    let end = run(text, value, if in_query { credential } else { base64 });
    let rule = if in_query { Rule::UrlParameter } else { Rule::CredentialAssignment };
    if end == text.len() && !window.last {
        return window.at_end(value, (end > value).then_some((rule, Stop::Token)));
    }
    let body = &text[value..end];
    let sure = if in_query {
        // `?key=` and `?token=` are everyday names; `?access_token=` is not.
        body.len() >= if assigned { 6 } else { 16 } && digits(body) > 0
    } else {
        body.len() >= 16 && digits(body) >= 3 && digits(body) < body.len()
    };
    if sure { Verdict::Cut(Cut::plain(rule, value, end)) } else { Verdict::Nothing }
}

/// Skips a blank and a quote before an assigned value.
fn opening(text: &[u8], at: usize) -> usize {
    let at = run(text, at, |byte| byte == b' ').min(at + 2);
    let dress = run(text, at, |byte| byte == b'\\').min(at + 7);
    match text.get(dress) {
        Some(b'"' | b'\'') => dress + 1,
        _ => at,
    }
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
    // A placeholder in there is this redactor's: the rest was not a password then, either.
    if !secret || memchr::memmem::find(user, b"[redacted:").is_some() {
        return Verdict::Nothing;
    }
    Verdict::Cut(Cut::plain(Rule::UrlPassword, hit.end, hit.end + at))
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
