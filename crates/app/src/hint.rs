//! The commands that a text tells a person to run: they name the home where the person has named it.

use std::borrow::Cow;
use std::path::Path;

use langley_server::shell_word;

/// How a command begins in a text.
const BEGINNING: &str = "`langley";

/// `text` with `--home` in each of its commands, where the person gave `home` and the text names none.
pub(crate) fn at_home<'a>(text: &'a str, home: Option<&Path>) -> Cow<'a, str> {
    let Some(home) = home.filter(|_| text.contains(BEGINNING)) else { return Cow::Borrowed(text) };
    let mut said = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(BEGINNING) {
        let (before, command) = rest.split_at(at);
        let (beginning, more) = command.split_at(BEGINNING.len());
        said.push_str(before);
        said.push_str(beginning);
        let words = more.split('`').next().unwrap_or_default();
        let is_command = words.is_empty() || words.starts_with(' ');
        // A demonstration has a home of its own.
        if is_command && !words.contains("--home") && !words.starts_with(" demo") {
            said.push_str(" --home ");
            said.push_str(&shell_word(home));
        }
        said.push_str(words);
        rest = &more[words.len()..];
    }
    said.push_str(rest);
    Cow::Owned(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_names_the_home_that_was_given_and_no_other_word_does() {
        let text = "end it: `langley stop`, then `langley`; or `langley --home DIR`; `langley-raw.db` stays";
        assert_eq!(at_home(text, None), text);
        assert_eq!(
            at_home(text, Some(Path::new("/my home"))),
            "end it: `langley --home '/my home' stop`, then `langley --home '/my home'`; \
             or `langley --home DIR`; `langley-raw.db` stays"
        );
        let own = "`langley demo` takes no --home";
        assert_eq!(at_home(own, Some(Path::new("/h"))), own);
    }
}
