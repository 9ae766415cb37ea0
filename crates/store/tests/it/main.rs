//! What the store promises, from outside: one binary for all of it.

mod failing;
mod given;
mod opening;
mod querying;
mod streaming;
mod writing;
