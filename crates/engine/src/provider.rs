//! Who serves a flow, read from what is known when it opens.

use langley_model::{DialectName, Flow, Provider};

/// The provider of a flow that speaks `spoken`, or none of the dialects that are read; reached by the name
/// of an `upstream` in reverse mode. None for what is no call of a provider's API.
pub(crate) fn provider(
    flow: &Flow,
    spoken: Option<DialectName>,
    upstream: Option<&str>,
) -> Option<Provider> {
    let path = flow.path.split(['?', '#']).next().unwrap_or_default();
    match spoken.or_else(|| Provider::of_path(path).map(Provider::dialect)) {
        Some(dialect) => Some(Provider::serving(dialect, &flow.host, flow.port, upstream)),
        // Files, batches and the like have paths that say too little of whose they are.
        None => {
            let is_theirs = path.starts_with("/v1/") || Provider::of_resource(path).is_some();
            let named = || upstream.and_then(Provider::parse);
            Provider::of_place(&flow.host, flow.port).or_else(named).filter(|_| is_theirs)
        }
    }
}
