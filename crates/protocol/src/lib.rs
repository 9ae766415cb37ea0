//! Bytes to meaning, sans-IO: feed bytes, take events, `finish()`; no socket, file, runtime or
//! clock, so that every decoder can be tested at every cut of its input.

pub mod anthropic;
mod base64;
pub mod bedrock;
mod blocks;
pub mod client_hello;
pub mod dialect;
pub mod encoding;
pub mod event_stream;
mod folder;
pub mod gemini;
pub mod json;
pub mod json_array;
pub mod openai;
pub mod passages;
pub mod piece;
mod preview;
pub mod sse;
pub mod tools;
pub mod transcript;
pub mod websocket;
