//! Mirroring: the provider sees the agent's own ClientHello, although rustls speaks.
//!
//! rustls writes a hello of its own. On its way to the socket it is rewritten into the agent's form
//! (`rewriter`, `rewrite`), and where rustls hashes its hello for the handshake's transcript, the one
//! that was sent is hashed instead (`transcript`, by way of `pending`). So both sides of the handshake
//! authenticate the bytes that passed: a substitution that fails makes the handshake fail. What rustls
//! may accept is no more than the agent's hello offers (`profile`): the intersection of both.
//!
//! Acknowledgements of what only the agent asked for break the handshake, or two harmless ones are taken
//! out (`stripping`, by what `inbound` allows), where the user wants that.
//!
//! Only public parts of rustls are used. It rests on two things that rustls does not promise, so its
//! version is pinned: the hello is hashed whole in a transcript's first update, and later messages one
//! at a time. If that changes, every mirrored handshake fails, and the tests say so.

mod decompress;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod groups;
mod inbound;
mod named;
mod numbers;
mod pending;
mod profile;
mod rewrite;
mod rewriter;
mod signer;
mod stripping;
mod suites;
#[cfg(test)]
mod tests;
mod transcript;

pub use named::Fingerprint;
pub use profile::Acknowledgements;
pub(crate) use profile::{NotMirrored, Profile};
pub(crate) use rewriter::Rewriter;
