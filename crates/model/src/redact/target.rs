//! Targets: in a URL's query every credential parameter loses its value, whatever the value is.

use super::parameter::is_credential_parameter;
use super::rule::is_placeholder;

/// The values of credential parameters in `target`, as byte ranges.
pub(super) fn credential_values(target: &str) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    let Some(query) = target.find(['?', '#']) else { return values };
    let mut at = query + 1;
    for pair in target[at..].split(['&', '?', '#', ';']) {
        if let Some((name, value)) = pair.split_once('=')
            && is_credential_parameter(&percent_decoded(name))
            && !value.is_empty()
            && !is_placeholder(value.as_bytes())
        {
            values.push((at + name.len() + 1, at + pair.len()));
        }
        at += pair.len() + 1;
    }
    values
}

/// Undoes `%XX` (RFC 3986 §2.1); anything else stays.
fn percent_decoded(name: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    decoded
}
