//! The binary as a person or a script meets it: real processes, temporary homes, loopback only.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod bad_input;
mod bedrock;
mod canary;
mod commands;
#[path = "../../../model/tests/it/corpus.rs"]
#[expect(dead_code, reason = "shared with the redactor's own tests, which use more of it")]
mod corpus;
mod cost;
mod cut;
mod doctor;
mod fidelity;
mod gemini;
mod keeping;
mod kills;
mod openai;
mod raw;
mod reading;
mod resilience;
mod road;
mod run;
mod said;
mod stage;
mod transcripts;
mod trust;
