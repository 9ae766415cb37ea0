//! The fixture seen by the test client: both versions, every port, every misbehaviour.
#![allow(clippy::unwrap_used, reason = "tests")]

mod fixture;
mod upload;
mod websocket;
