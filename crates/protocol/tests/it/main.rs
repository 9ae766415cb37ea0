//! Integration tests of the decoders, one module per subject.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bedrock;
mod cassettes;
mod client_hello;
mod decoded;
mod encoding;
mod event_stream;
mod fast_path;
mod fuzz;
mod gemini;
mod interactions;
mod json_array;
mod openai;
mod openai_hosts;
mod pieces;
mod sse;
mod straddling;
mod websocket;
mod whole_bodies;
