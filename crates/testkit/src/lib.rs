//! What tests share: playbooks for captures, cassettes, splitters, a client, a recording sink.
//!
//! A dev-dependency only; nothing here reaches the binary. Tests stop at the first thing that is
//! not as it should be, so helpers panic with a sentence instead of returning errors.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test helper fails its test by panicking"
)]

mod cassette;
mod client;
mod encode;
mod expectation;
pub mod fuzz;
mod hellos;
mod nobody;
mod openssl;
mod playbook;
mod recording;
mod split;
mod transcripts;

pub use cassette::{CASSETTES, Cassette, big_stream, cassette};
pub use client::{Client, ClientError, Connection, Request, Response, Stream, Upload, Whole};
pub use encode::{encode, encode_pieces};
pub use expectation::Expectation;
pub use hellos::{captured_hellos, hex_bytes};
pub use nobody::nobody;
pub use openssl::{OpensslServer, openssl, openssl_ask};
pub use playbook::{FlowPlay, Playbook};
pub use recording::{Recording, RecordingSink, SeenFlow};
pub use split::{byte_by_byte, every_split, for_every_chunking, random_pieces};
pub use transcripts::{Corpus, CorpusOptions, CorpusTokens, write_corpus};
