//! The proxy between a real client and a real (loopback) provider.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod aborted;
mod endings;
mod fidelity;
mod fingerprint;
mod gates;
mod heads;
mod identity;
mod modes;
mod origin;
mod refusals;
mod relay;
mod resets;
mod setup;
mod smuggling;
mod starvation;
mod stopping;
mod streaming;
mod timings;
mod unreached;
mod websocket_h2;
