//! One finding of the doctor, and how it is shown.

use std::fmt;

use serde_json::{Value, json};

use crate::error::AppError;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it must be.
    Pass,
    /// It works, but should be looked at.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) name: &'static str,
    /// How it came out.
    pub(crate) verdict: Verdict,
    what: String,
    why: Option<String>,
    next: Vec<String>,
    is_red: bool,
}

impl Check {
    /// All is well; `what` says what was found.
    pub(crate) fn passed(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Pass,
            what: what.into(),
            why: None,
            next: Vec::new(),
            is_red: false,
        }
    }

    /// It works, but `what`.
    pub(crate) fn warned(name: &'static str, what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, ..Self::passed(name, what) }
    }

    /// It does not work, as `error` says. There is always something to do: where the error names
    /// nothing, what helps to find out.
    pub(crate) fn failed(name: &'static str, error: &AppError) -> Self {
        let mut next = error.hints().to_vec();
        if next.is_empty() {
            next.push("run `LANGLEY_LOG=debug langley doctor`, and report what it says".to_owned());
        }
        Self {
            name,
            verdict: Verdict::Fail,
            what: error.what().to_owned(),
            why: error.reason().map(str::to_owned),
            next,
            is_red: true,
        }
    }

    /// The reason.
    #[must_use]
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// What to do.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// Shown so that nobody overlooks it.
    #[must_use]
    pub(crate) const fn in_red(mut self) -> Self {
        self.is_red = true;
        self
    }

    /// Whether it is shown in red: what failed is, too.
    pub(crate) const fn is_red(&self) -> bool {
        self.is_red
    }

    /// For scripts.
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "status": self.verdict.word(),
            "what": self.what,
            "why": self.why,
            "next": self.next,
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what.replace('\n', "\n                     ");
        writeln!(f, "{:<5} {:<14} {what}", self.verdict.word(), self.name)?;
        let indented = |text: &str| text.replace('\n', "\n                            ");
        if let Some(why) = &self.why {
            writeln!(f, "                     why:   {}", indented(why))?;
        }
        for next in &self.next {
            writeln!(f, "                     next:  {}", indented(next))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_shown_with_its_way_out() {
        let error = AppError::failed("the port is taken").why("by another").next("use --listen");
        let shown = format!(
            "{}{}",
            Check::passed("home", "/h, mode 700"),
            Check::failed("proxy port", &error)
        );
        assert!(Check::failed("x", &AppError::failed("y")).to_string().contains("next:"));
        insta::assert_snapshot!(shown, @r"
        ok    home           /h, mode 700
        fail  proxy port     the port is taken
                             why:   by another
                             next:  use --listen
        ");
    }
}
