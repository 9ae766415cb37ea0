//! One way of using one client, as data.

use langley_fixture::Script;

use super::trial::Mode;

/// A client (or one of its APIs) and how it is pointed at Langley.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The client's name.
    pub(crate) client: &'static str,
    /// Which of its ways of speaking; empty when there is one.
    pub(crate) variant: &'static str,
    /// Where it comes from.
    pub(crate) package: Package,
    /// Whose API it speaks, as the flow names it.
    pub(crate) provider: &'static str,
    /// The model it asks for.
    pub(crate) model: &'static str,
    /// How the flow names that model, where the client writes it in another way.
    pub(crate) recorded_model: Option<&'static str>,
    /// What the provider answers.
    pub(crate) script: fn() -> Script,
    /// What the client prints at the end, or the file it leaves behind.
    pub(crate) proof: Proof,
    /// The command. `{bin}`: npm's programs; `{py}`: the Python environment's; `{drivers}`: the
    /// scripts beside this tool; `{work}`: a fresh folder; `{model}`.
    pub(crate) command: &'static [&'static str],
    /// Variables for both modes; the same places are filled in.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// A file in its home, and what stands in it.
    pub(crate) settings: Option<(&'static str, &'static str)>,
    /// By base URL.
    pub(crate) reverse: Reverse,
    /// Whether the client names its session on the wire.
    pub(crate) names_session: bool,
    /// Whether it writes transcripts that Langley reads.
    pub(crate) writes_transcripts: bool,
    /// HTTP version towards Langley in forward mode.
    pub(crate) version: &'static str,
}

/// Where a client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    /// A package of npm, and what its driver needs beside it.
    Npm(&'static str, &'static [&'static str]),
    /// A package of PyPI, with the extra it needs, in the Python environment of this name.
    PyPi(&'static str, &'static str),
    /// A program of the system.
    System(&'static str),
}

/// How to see that the client itself was content.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof {
    /// Its standard output holds this.
    Says(&'static str),
    /// The file of this name in its folder holds this.
    Leaves(&'static str, &'static str),
}

/// How a client is given a base URL. `{entry}` is Langley's address as a URL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reverse {
    /// Variables to add, and arguments to append.
    By(&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// Not possible, and why.
    Not(&'static str),
}

impl Case {
    /// Name and variant.
    pub(crate) fn title(&self) -> String {
        match self.variant {
            "" => self.client.to_owned(),
            variant => format!("{} ({variant})", self.client),
        }
    }

    /// Why a mode is not tried, if it is not.
    pub(crate) const fn excused(&self, mode: Mode) -> Option<&'static str> {
        match (mode, self.reverse) {
            (Mode::Reverse, Reverse::Not(why)) => Some(why),
            _ => None,
        }
    }
}
