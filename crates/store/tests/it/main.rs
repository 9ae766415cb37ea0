//! What the store promises, from outside: one binary for all of it.

#![allow(clippy::unwrap_used, reason = "a failing expectation of a test is its message")]

mod around;
mod based;
mod colliding;
mod costs;
mod damaged;
mod earlier;
mod failing;
mod finding;
mod given;
mod inspecting;
mod joining;
mod keeping;
mod long_session;
mod opening;
mod pieces;
mod projects;
mod querying;
mod raw;
mod redefined;
mod reindexing;
mod resting;
mod rollups;
mod searching;
mod spoiled;
mod streaming;
mod tasks;
mod tool_costs;
mod tools;
mod transcripts;
mod usage;
mod writing;
