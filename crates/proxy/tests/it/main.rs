//! The proxy between a real client and a real (loopback) provider.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod endings;
mod fidelity;
mod fingerprint;
mod modes;
mod refusals;
mod relay;
mod setup;
mod smuggling;
mod stopping;
mod streaming;
