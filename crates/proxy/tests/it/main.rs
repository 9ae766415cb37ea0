//! The proxy between a real client and a real (loopback) provider.

mod endings;
mod fidelity;
mod modes;
mod refusals;
mod setup;
mod streaming;
