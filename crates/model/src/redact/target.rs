//! Targets: in a URL's query every credential parameter loses its value, whatever the value is.

use super::parameter::is_credential_parameter;
use super::rule::is_placeholder;
use crate::percent::percent_decoded;

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
