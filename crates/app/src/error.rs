//! What a command failed with: a kind that sets the exit code, and three sentences for the person.
//!
//! Printed as `error: …` (what), `why: …` and `next: …`; libraries' errors are turned into it at the
//! edge where the command knows what the person can do about them.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::hint::at_home;

/// The result of every command.
pub(crate) type Result<T, E = AppError> = std::result::Result<T, E>;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The command could not do its work: exit code 1.
    Failed,
    /// It was asked in a way that cannot work (arguments, configuration): exit code 2.
    WrongUse,
    /// Everything was said already: exit code 1 without a word.
    Said,
}

/// An error that a person can act on.
#[derive(Debug)]
pub(crate) struct AppError {
    kind: ErrorKind,
    what: String,
    why: Option<String>,
    next: Vec<String>,
}

impl AppError {
    /// The work failed.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, what: what.into(), why: None, next: Vec::new() }
    }

    /// It was asked in a way that cannot work.
    pub(crate) fn wrong_use(what: impl Into<String>) -> Self {
        Self { kind: ErrorKind::WrongUse, ..Self::failed(what) }
    }

    /// The failure has been printed already.
    pub(crate) fn said() -> Self {
        Self { kind: ErrorKind::Said, ..Self::failed("") }
    }

    /// The reason; an error's own words, its sources included.
    #[must_use]
    pub(crate) fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// The reason, from an error and everything that caused it.
    #[must_use]
    pub(crate) fn because(self, cause: &dyn std::error::Error) -> Self {
        self.why(Chain(cause))
    }

    /// The reason, from a room's error that says what to do after a semicolon, as theirs do.
    #[must_use]
    pub(crate) fn said_by(self, cause: &dyn std::error::Error) -> Self {
        let said = Chain(cause).to_string();
        match said.split_once("; ") {
            Some((why, next)) => self.why(why).next(next),
            None => self.why(said),
        }
    }

    /// Something the person can do now; may be given several times.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// What failed, in one sentence.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Why, when known.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// What to do now.
    pub(crate) fn hints(&self) -> &[String] {
        &self.next
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            ErrorKind::Failed | ErrorKind::Said => ExitCode::from(1),
            ErrorKind::WrongUse => ExitCode::from(2),
        }
    }

    /// Prints itself to stderr as a warning, with what is done about it: no reason to end.
    pub(crate) fn warn(&self, done: &str) {
        let said = self.to_string();
        let (what, rest) = said.split_once('\n').unwrap_or((&said, ""));
        let what = what.strip_prefix("error: ").unwrap_or(what);
        eprint!("warning: {what}; {done}\n{rest}");
    }

    /// Prints itself to stderr.
    pub(crate) fn print(&self) {
        self.print_beside(&Warned::default(), None);
    }

    /// The same; of what a warning has told already it says only that, and its commands name the home that was given.
    pub(crate) fn print_beside(&self, warned: &Warned, home: Option<&Path>) {
        if self.kind != ErrorKind::Said {
            eprint!("{}", at_home(&self.beside(warned), home));
        }
    }

    fn beside(&self, warned: &Warned) -> String {
        let warned = warned.0.lock();
        let same = warned.iter().find(|told| told.why.is_some() && told.why == self.why);
        let Some(told) = same else { return self.to_string() };
        let next = self.next.iter().filter(|next| !told.next.contains(next)).cloned();
        let rest = Self {
            kind: self.kind,
            what: self.what.clone(),
            why: Some(String::from("as the warning above says")),
            next: next.collect(),
        };
        rest.to_string()
    }
}

/// The warnings that a command has printed, so that its error at the end need not tell the same again. Cheap to
/// clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warned(Arc<Mutex<Vec<AppError>>>);

impl Warned {
    /// Prints `error` as a warning, with what is done about it.
    pub(crate) fn warn(&self, error: AppError, done: &str) {
        error.warn(done);
        self.0.lock().push(error);
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        if let Some(why) = &self.why {
            writeln!(f, "why:   {}", why.replace('\n', "\n       "))?;
        }
        for next in &self.next {
            writeln!(f, "next:  {}", next.replace('\n', "\n       "))?;
        }
        Ok(())
    }
}

/// An error with its sources, each said once.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_a_warning_has_told_is_not_told_again() {
        let error = || AppError::failed("the flows cannot be read").why("damaged").next("restore");
        let warned = |why: &str| {
            let warned = Warned::default();
            let warning = AppError::failed("the settings cannot be read").why(why).next("restore");
            warned.clone().warn(warning, "they were left out");
            warned
        };
        let told = error().beside(&warned("damaged"));
        assert_eq!(told, "error: the flows cannot be read\nwhy:   as the warning above says\n");
        assert_eq!(error().beside(&warned("another")), error().to_string());
        // What the warning did not say to do is said.
        insta::assert_snapshot!(error().next("or export what is left").beside(&warned("damaged")), @r"
        error: the flows cannot be read
        why:   as the warning above says
        next:  or export what is left
        ");
    }

    #[test]
    fn a_rooms_sentence_is_taken_apart_at_its_semicolon() {
        let error =
            AppError::failed("x").said_by(&std::io::Error::other("it is so; do this; or that"));
        assert_eq!(
            (error.reason(), error.hints()),
            (Some("it is so"), &["do this; or that".to_owned()][..])
        );
    }

    #[test]
    fn an_error_says_what_why_and_next() {
        let error = AppError::failed("the port is taken")
            .why("Address already in use")
            .next("stop the other program")
            .next("or choose another port with `--listen`");
        insta::assert_snapshot!(error.to_string(), @r"
        error: the port is taken
        why:   Address already in use
        next:  stop the other program
        next:  or choose another port with `--listen`
        ");
    }
}
