//! The binary as a person or a script meets it: real processes, temporary homes, loopback only.

mod bad_input;
mod commands;
mod road;
mod run;
mod stage;
