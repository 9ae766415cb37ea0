//! Assignments: a name of credentials, what assigns to it, and the value: in the environment, in
//! configuration, in code, in headers and forms that stand inside a text.

use std::borrow::Cow;

use super::anchor::{BLANKS_MAX, is_pem};
use super::bytes::{
    ESCAPE_LEN, backslashes, credential as credential_bytes, digits, escaped_letter, run, run_back,
    skip_spaces,
};
use super::field;
use super::name::{self, Credential, Named, credential, is_capitals};
use super::parameter::is_credential_parameter;
use super::rule::{OPENING, Rule, has_placeholder};
use super::scan::{Cut, Verdict, Window};
use super::stand_in::is_spiked;
use super::stop::Stop;
use super::value::{Form, Place, is_secret};
use super::{announced, shape};

/// So much of a value is judged; all of it is replaced.
const JUDGED_MAX: usize = 128;
/// So long may the headers of a part of a form be that stand behind its name.
const HEADERS_MAX: usize = 160;

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `=`, `:=`.
    Equals,
    /// `=>`, which also begins the body of a function.
    Arrow,
    /// `:`, which also announces a type, and what prose explains.
    Colon,
}

/// Judges a name that ends at `name_end`.
pub(super) fn judge(window: Window<'_>, name_end: usize) -> Verdict {
    let text = window.text;
    if is_pem(&text[..name_end]) {
        match shape::private_key(window, name_end) {
            Verdict::Nothing => {}
            verdict => return verdict,
        }
    }
    let start = name::start(text, name_end).max(window.floor.min(name_end));
    let name = &text[start..name_end];
    if text.get(name_end) == Some(&b'-') && text[..name_end].ends_with(b"bedrock-api-key") {
        return announced::bedrock(window, name_end);
    }
    let before = start.checked_sub(1).map(|at| text[at]);
    if matches!(before, Some(b'?' | b'&')) && is_credential_parameter(name) {
        match text.get(name_end) {
            Some(b'=') => match in_query(window, name, name_end + 1) {
                Verdict::Nothing => {}
                verdict => return verdict,
            },
            None => return window.at_end(text.len(), None),
            Some(_) => {}
        }
    }
    let Some(kind) = credential(name) else { return Verdict::Nothing };
    let mut at = name_end;
    let dress = backslashes(text, at);
    match text.get(at + dress) {
        Some(b'"') => match field::judge(window, name_end) {
            Verdict::Nothing => at += dress + 1,
            verdict => return verdict,
        },
        Some(b'\'' | b'`') if dress == 0 => at += 1,
        Some(b't') if dress > 0 => {}
        None => return window.at_end(text.len(), None),
        Some(_) if dress > 0 => return Verdict::Nothing,
        Some(_) => {}
    }
    if at > name_end {
        if let Some(verdict) = part_of_form(window, start, at, kind) {
            return verdict;
        }
        at += usize::from(text.get(at) == Some(&b']'));
    }
    let (sign, at) = match sign(window, skip_spaces(text, at, BLANKS_MAX)) {
        Ok(sign) => sign,
        Err(verdict) => return verdict,
    };
    let start = skip_spaces(text, at, BLANKS_MAX);
    let is_tight = at == name_end + 1 && start == at;
    if is_tight && sign == Sign::Colon && before == Some(b':') {
        return Verdict::Nothing; // a part of a name of resources, such as Amazon's
    }
    let is_tight = is_tight && sign == Sign::Equals;
    value(window, name, kind, (sign, is_tight), start)
}

/// What assigns at `at`, and where it ends.
fn sign(window: Window<'_>, at: usize) -> Result<(Sign, usize), Verdict> {
    match (window.text.get(at), window.text.get(at + 1)) {
        (None, _) | (Some(b'=' | b':'), None) => Err(window.at_end(window.text.len(), None)),
        (Some(b'='), Some(b'>')) => Ok((Sign::Arrow, at + 2)),
        (Some(b'='), Some(b'=' | b'~')) | (Some(b':'), Some(b':')) => Err(Verdict::Nothing),
        (Some(b'='), _) => Ok((Sign::Equals, at + 1)),
        (Some(b':'), Some(b'=')) => Ok((Sign::Equals, at + 2)),
        (Some(b':'), _) => Ok((Sign::Colon, at + 1)),
        _ => Err(Verdict::Nothing),
    }
}

/// Judges the value that begins at `at`.
fn value(
    window: Window<'_>,
    name: &[u8],
    kind: Credential,
    (sign, is_tight): (Sign, bool),
    at: usize,
) -> Verdict {
    let text = window.text;
    let named = Named::of(name, kind);
    let place = |form| Place { form, named };
    // A letter before a quote says how to read it: `b"…"`, `f'…'`, `@"…"`.
    let is_marked = text.get(at).is_some_and(|byte| b"bBfFrRuUL@".contains(byte));
    let dress = at + usize::from(is_marked);
    let escapes = backslashes(text, dress);
    let stop = match text.get(dress + escapes) {
        Some(b'"') => Some((Stop::Quote(escapes), dress + escapes + 1)),
        Some(quote @ (b'\'' | b'`')) if escapes == 0 => Some((Stop::Mark(*quote), dress + 1)),
        None => return window.at_end(at, None),
        Some(_) => None,
    };
    if kind == Credential::Authorization {
        return authorization(window, stop.map_or(at, |(_, value)| value));
    }
    if let Some((stop, start)) = stop {
        return judged(window, start, stop, |body, _| is_secret(body, place(Form::Quoted)));
    }
    let form = if is_tight && is_capitals(name) { Form::Environment } else { Form::Bare };
    // What begins so is a name to be filled in, unless no name is like it.
    let opens = form == Form::Environment && text.get(at) == Some(&b'<');
    let found = match sign {
        Sign::Arrow => Verdict::Nothing,
        _ => judged(window, at + usize::from(opens), Stop::Bare, |body, next| {
            if opens && !is_spiked(body) {
                return false;
            }
            // In a list of arguments or of members stand names, not words.
            let is_listed = form == Form::Bare
                && !is_tight
                && (next.is_some_and(|byte| b",;<>&".contains(&byte)) || body.contains(&b'|'));
            let ends_in_list = form == Form::Bare && body.ends_with(b")");
            let body = trimmed(body);
            is_secret(body, place(form)) && (!is_listed && !ends_in_list || is_listable(body))
        }),
    };
    match (found, sign) {
        (Verdict::Nothing, Sign::Colon) if named != Named::Likely => {
            typed(window, at, place(Form::Quoted))
        }
        (found, _) => found,
    }
}

/// Whether a value in a list is no name: names have no such marks, and few digits.
fn is_listable(body: &[u8]) -> bool {
    digits(body) >= 3 && !body.contains(&b'.')
        || body.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"_.$|".contains(byte))
}

/// `name: Type = "value"`: what stands between is a type.
fn typed(window: Window<'_>, at: usize, place: Place) -> Verdict {
    const TYPE_MAX: usize = 40;
    let text = window.text;
    let limit = text.len().min(at + TYPE_MAX);
    let end = run(&text[..limit], at, |byte| {
        byte.is_ascii_alphanumeric() || b"_&<>'[]:?*| ".contains(&byte)
    });
    if end == text.len() && end < at + TYPE_MAX {
        return window.at_end(at, None);
    }
    // Where something was replaced, no type stands.
    let is_placed = memchr::memmem::find(&text[at..end], b"[redacted").is_some();
    if text.get(end) != Some(&b'=') || is_placed {
        return Verdict::Nothing;
    }
    let (Sign::Equals, end) = (match sign(window, end) {
        Ok(sign) => sign,
        Err(Verdict::More(_)) => return window.at_end(at, None),
        Err(verdict) => return verdict,
    }) else {
        return Verdict::Nothing;
    };
    let quote = skip_spaces(text, end, BLANKS_MAX);
    let dress = backslashes(text, quote);
    let stop = match text.get(quote + dress) {
        Some(b'"') => Stop::Quote(dress),
        Some(mark @ (b'\'' | b'`')) if dress == 0 => Stop::Mark(*mark),
        None => return window.at_end(at, None),
        Some(_) => return Verdict::Nothing,
    };
    judged(window, quote + dress + 1, stop, |body, _| is_secret(body, place))
}

/// The value from `start` to `stop`, when `fits` likes its beginning and what follows it.
fn judged(
    window: Window<'_>,
    start: usize,
    stop: Stop,
    fits: impl FnOnce(&[u8], Option<u8>) -> bool,
) -> Verdict {
    value_to(window, (start, JUDGED_MAX), stop, fits)
}

/// The same, of which `most` bytes are judged.
pub(super) fn value_to(
    window: Window<'_>,
    (start, most): (usize, usize),
    stop: Stop,
    fits: impl FnOnce(&[u8], Option<u8>) -> bool,
) -> Verdict {
    let text = window.text;
    let rule = Rule::CredentialAssignment;
    let limit = text.len().min(start + most);
    let open = |end: usize| window.at_end(start, (end > start).then_some((rule, stop)));
    let mut found = stop.find(&text[..limit], start);
    let is_long = found.is_open() && limit == start + most;
    if found.is_open() && !is_long && !window.last {
        return open(found.position());
    }
    let mut body = &text[start..found.position()];
    if is_long {
        body = body.trim_ascii_end(); // of a phrase what is judged may end anywhere
    }
    let next = if is_long { None } else { text.get(found.position()).copied() };
    if has_placeholder(body) || !fits(&plain(body), next) {
        return Verdict::Nothing;
    }
    if is_long {
        found = stop.find(text, start);
        if found.is_open() && !window.last {
            return open(found.position());
        }
    }
    let end = match stop {
        Stop::Bare => start + trimmed(&text[start..found.position()]).len(),
        _ => found.position(),
    };
    Verdict::Cut(Cut::plain(rule, start, end))
}

/// Without backslashes, whose number depends on the depth, and with the letters that stand escaped.
fn plain(body: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', body) else { return Cow::Borrowed(body) };
    let mut plain = body[..first].to_vec();
    let mut at = first;
    while let Some(&byte) = body.get(at) {
        let dress = backslashes(body, at);
        match escaped_letter(&body[at + dress..]).filter(|_| dress > 0) {
            Some(letter) => {
                plain.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                at += dress + ESCAPE_LEN;
            }
            None if dress > 0 => at += dress,
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

/// Without what closes a sentence or an expression around it.
fn trimmed(mut body: &[u8]) -> &[u8] {
    while let [head @ .., b')' | b']' | b'}' | b'.' | b':'] = body
        && !matches!(body, [b'[', .., b']'] | [b'{', .., b'}'])
    {
        body = head;
    }
    body
}

/// A parameter of a query or of a form.
fn in_query(window: Window<'_>, name: &[u8], value: usize) -> Verdict {
    // `?key=` and `?token=` are everyday names; `?access_token=` is not.
    let least = if credential(name) == Some(Credential::Certain) { 6 } else { 16 };
    announced::run_of(window, (value, JUDGED_MAX), Rule::UrlParameter, credential_bytes, |body| {
        body.len() >= least && digits(body) > 0
    })
}

/// A scheme and what follows it; of bearers their own rule judges.
fn authorization(window: Window<'_>, at: usize) -> Verdict {
    const SCHEME_MAX: usize = 18;
    let text = window.text;
    let limit = text.len().min(at + SCHEME_MAX);
    let word = run(&text[..limit], at, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if word == text.len() && !window.last {
        return window.at_end(at, (word > at).then_some((Rule::CredentialAssignment, Stop::Token)));
    }
    let kept = field::scheme(&text[at..text.len().min(word + 1)]);
    if text[at..word].eq_ignore_ascii_case(b"bearer") {
        return Verdict::Nothing;
    }
    let stop = Stop::Token;
    judged(window, at + kept, stop, |body, _| {
        let is_base64 = body.ends_with(b"=") || body.iter().any(u8::is_ascii_uppercase);
        let least = if kept > 0 { 8 } else { 16 };
        body.len() >= least
            && (digits(body) > 0
                || kept > 0 && is_base64 && body.iter().any(u8::is_ascii_lowercase))
            && !body.starts_with(b"$")
    })
}

/// A part of a `multipart/form-data` body (RFC 7578 §4.2) with this name: its value is the line
/// behind an empty one, before which more headers of the part may stand. None when it is no such part.
fn part_of_form(window: Window<'_>, start: usize, at: usize, kind: Credential) -> Option<Verdict> {
    let text = window.text;
    let opening = run_back(text, start, 16, |byte| byte == b'"' || byte == b'\\');
    if kind == Credential::Authorization || !text[..opening].ends_with(b"name=") {
        return None;
    }
    let headers = match line_end(window, at)? {
        Ok(next) => next,
        Err(verdict) => return Some(verdict),
    };
    // A header may hold a secret of its own, which is judged once it is known what this is.
    let more = |_| window.at_end(headers, None);
    let mut at = headers;
    let value = loop {
        at = match line_end(window, at) {
            Some(Ok(empty)) => break empty,
            Some(Err(verdict)) => return Some(more(verdict)),
            None => match line_end(window, header(text, at, headers + HEADERS_MAX)?)? {
                Ok(next) => next,
                Err(verdict) => return Some(more(verdict)),
            },
        };
    };
    let found = Stop::Line.find(text, value);
    let rule = Rule::CredentialField;
    if found.is_open() && !window.last {
        let open = (found.position() > value).then_some((rule, Stop::Line));
        return Some(window.at_end(value, open));
    }
    let body = &text[value..found.position()];
    if body.is_empty() || body.starts_with(OPENING) || body.starts_with(b"--") {
        return Some(Verdict::Nothing);
    }
    Some(Verdict::Cut(Cut::plain(rule, value, found.position())))
}

/// Where the line of a header of a part that begins at `at` ends, or the text does. None when it is none,
/// of which all but these are ignored (RFC 7578 §4.8), or goes on beyond `limit`.
fn header(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    const NAME: &[u8] = b"content-";
    let line = text.get(at..text.len().min(limit)).filter(|line| !line.is_empty())?;
    let name = &line[..line.len().min(NAME.len())];
    if !name.eq_ignore_ascii_case(&NAME[..name.len()]) {
        return None;
    }
    let mut at = at;
    loop {
        at = run(&text[..text.len().min(limit)], at, |byte| !b"\r\n\\".contains(&byte));
        let next = at + backslashes(text, at);
        match text.get(next) {
            _ if next >= limit => return None,
            Some(b'r' | b'n' | b'\r' | b'\n') | None => return Some(at),
            Some(_) => at = next,
        }
    }
}

/// Behind the line end at `at`, written as it is or as an escape; none when there is none.
fn line_end(window: Window<'_>, mut at: usize) -> Option<Result<usize, Verdict>> {
    let text = window.text;
    for wanted in [(b'\r', b'r'), (b'\n', b'n')] {
        let escapes = backslashes(text, at);
        let is_return = wanted.0 == b'\r';
        match text.get(at + escapes) {
            None => return Some(Err(window.at_end(text.len(), None))),
            Some(byte) if escapes == 0 && *byte == wanted.0 => at += 1,
            Some(byte) if escapes > 0 && *byte == wanted.1 => at += escapes + 1,
            Some(_) if is_return => {}
            Some(_) => return None,
        }
    }
    Some(Ok(at))
}
