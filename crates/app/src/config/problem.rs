//! What is wrong with a configured value, and where: one line each, all of them at once.

use std::fmt;

use super::key::{self, ALIASES, KEYS};
use super::layers::Origin;
use super::suggest;
use crate::error::AppError;

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    origin: Origin,
    key: Option<String>,
    /// The key that a mistyped one most probably means.
    meant: Option<String>,
    sentence: String,
}

impl Problem {
    /// `key` has a value that cannot be used.
    pub(crate) fn value(origin: Origin, key: &str, sentence: impl Into<String>) -> Self {
        Self { origin, key: Some(key.to_owned()), meant: None, sentence: sentence.into() }
    }

    /// Whether it is that of one of these keys, or of a whole variable of these.
    pub(crate) fn is_of(&self, keys: &[&str], variables: &[&str]) -> bool {
        match (&self.key, &self.origin) {
            (Some(key), _) => keys.contains(&key.as_str()),
            (None, Origin::Env(name)) => variables.contains(&name.as_str()),
            (None, _) => false,
        }
    }

    /// The source as a whole cannot be used.
    pub(crate) fn source(origin: Origin, sentence: impl Into<String>) -> Self {
        Self { origin, key: None, meant: None, sentence: sentence.into() }
    }

    /// Whether the home may have been meant to be another because of it: it is of the home's value, or
    /// of a whole file.
    pub(crate) fn hides_home(&self) -> bool {
        match self.meant.as_ref().or(self.key.as_ref()) {
            Some(key) => key == "home",
            None => matches!(self.origin, Origin::File { .. }),
        }
    }

    /// What to do where it stands.
    fn place(&self) -> String {
        match &self.origin {
            Origin::File { path, .. } => format!("edit {}", path.display()),
            Origin::Env(name) | Origin::System(name) => format!("correct {name}"),
            Origin::Flag(name) => format!("correct {name}"),
            Origin::Settings => "correct it in the dashboard's settings".to_owned(),
            Origin::Default => "correct it".to_owned(),
        }
    }

    /// `key` is not a key.
    pub(crate) fn unknown(origin: Origin, path: &str) -> Self {
        let known = KEYS.iter().map(|key| key.path).chain(ALIASES.iter().map(|(alias, _)| *alias));
        let near = suggest::nearest(path, known);
        let sentence = if let Some(near) = near {
            format!("unknown key; did you mean `{near}`?")
        } else {
            let (section, accepted) = siblings(path);
            format!("unknown key; {section} takes {accepted}")
        };
        Self { meant: near.map(str::to_owned), ..Self::value(origin, path, sentence) }
    }
}

/// What the section that `path` lies in takes.
fn siblings(path: &str) -> (String, String) {
    let mut section = path;
    while let Some((above, _)) = section.rsplit_once('.') {
        section = above;
        if key::is_section(section) {
            let depth = section.split('.').count();
            return (format!("`{section}`"), names(depth, |key| key.is_below(section)));
        }
    }
    ("the top level".to_owned(), names(0, |_| true))
}

fn names(depth: usize, wanted: impl Fn(&key::Key) -> bool) -> String {
    let mut names: Vec<&str> = KEYS
        .iter()
        .filter(|key| wanted(key))
        .filter_map(|key| key.path.split('.').nth(depth))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.sentence)
    }
}

/// All problems as one error.
pub(crate) fn error(problems: &[Problem]) -> AppError {
    let what = match problems.len() {
        1 => "the configuration has a problem".to_owned(),
        n => format!("the configuration has {n} problems"),
    };
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let mut places: Vec<String> = problems.iter().map(Problem::place).collect();
    places.dedup();
    AppError::wrong_use(what)
        .why(lines.join("\n"))
        .next(format!("{}, then run `langley config check`", places.join(", ")))
}
