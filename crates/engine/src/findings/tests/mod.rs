//! Detectors, each told by a few flows: what it finds, and what it leaves alone.

mod cache;
mod calls;
mod requests;
mod rig;
