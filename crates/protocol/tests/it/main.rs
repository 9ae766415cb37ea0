//! Integration tests of the decoders, one module per subject.

mod cassettes;
mod client_hello;
mod encoding;
mod fast_path;
mod sse;
mod whole_bodies;
