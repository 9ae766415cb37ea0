//! One message as one end saw it, and both messages of an exchange.

use bytes::Bytes;
use langley_fixture::Exchange;

use super::case::{Case, Manner};
use super::end::End;

/// A header line, exactly as it came.
pub(super) type SeenLine = (String, Vec<u8>);

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Method, target and version; or interim statuses, status and version.
    pub(super) start: String,
    pub(super) headers: Vec<SeenLine>,
    /// None where how much arrives is chance (an upload that an early answer overtook).
    pub(super) body: Option<Bytes>,
    /// Its length, when more came than was kept.
    pub(super) body_bytes: u64,
    pub(super) trailers: Vec<SeenLine>,
    pub(super) end: End,
}

/// The request as the origin saw it, and the answer as the client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    pub(super) request: Seen,
    pub(super) answer: Seen,
}

impl Seen {
    /// The request that the origin received.
    pub(super) fn of_request(exchange: &Exchange, case: &Case) -> Self {
        let lines = |block: &langley_model::HeaderBlock| {
            block.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
        };
        let authority = exchange.authority.as_deref().unwrap_or("-");
        let overtaken = case.manner == Manner::Early;
        Self {
            start: format!(
                "{} {} {} for {authority}",
                exchange.method,
                exchange.target,
                exchange.version.as_str()
            ),
            headers: lines(&exchange.headers),
            body: (!overtaken).then(|| exchange.body.clone()),
            body_bytes: if overtaken { 0 } else { exchange.body_bytes },
            trailers: lines(&exchange.trailers),
            end: End::Whole,
        }
    }
}
