//! A reader that has seen enough: `langley flows | head` ends there, without a complaint.
//!
//! Rust's `println!` panics when the pipe behind it was closed; the signal that would have ended the
//! program is ignored by its runtime, and can be had back by unsafe code only.

use std::panic;
use std::process;

/// The status of a program that the signal of a closed pipe has ended, as shells tell it.
const CLOSED_PIPE: i32 = 141;

/// From now on a closed pipe ends the program silently; other panics are told as ever.
pub(crate) fn quietly() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str().is_some_and(is_closed_pipe) {
            process::exit(CLOSED_PIPE);
        }
        usual(info);
    }));
}

fn is_closed_pipe(said: &str) -> bool {
    said.starts_with("failed printing to stdout") && said.contains("Broken pipe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_pipe_is_passed_over() {
        assert!(is_closed_pipe("failed printing to stdout: Broken pipe (os error 32)"));
        assert!(!is_closed_pipe("failed printing to stdout: No space left on device"));
        assert!(!is_closed_pipe("index out of bounds"));
    }
}
