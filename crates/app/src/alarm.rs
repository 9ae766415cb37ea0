//! Red, where a terminal shows it: for what must not be overlooked.

use std::io::IsTerminal;

/// `text` in red on a terminal, unless the user wants no colours (<https://no-color.org>).
pub(crate) fn red(text: &str) -> String {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    painted(text, wanted && std::io::stdout().is_terminal())
}

fn painted(text: &str, in_colour: bool) -> String {
    if in_colour { format!("\x1b[31m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_the_words_stand_alone() {
        assert_eq!(painted("danger", true), "\x1b[31mdanger\x1b[0m");
        assert_eq!(painted("danger", false), "danger");
    }
}
