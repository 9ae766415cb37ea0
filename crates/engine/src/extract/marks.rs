//! Which lines have to be taken apart for what is asked, by what must stand in them: most of a file is what tools gave
//! back, and is passed over at the speed of a search where nobody asks for it.
//!
//! In a JSON text quotes are escaped, so that a mark with a quote in it is a name or a value, or ends one, wherever it
//! stands.

use langley_protocol::transcript::TranscriptFormat;
use memchr::memmem::Finder;

use super::mode::ExtractMode;

/// What must stand in a line that may tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    /// Any of these.
    Any(&'static [&'static str]),
    /// None is known: any line may.
    None,
}

/// Looks for the lines of a format that some modes need.
#[derive(Debug)]
pub(super) struct Needed {
    /// Looked for one by one; none where every line is needed.
    marks: Option<Vec<Finder<'static>>>,
    prompts: Prompts,
    /// What stands in a line with a tool's result.
    results: Finder<'static>,
    /// Whether what responses used is asked for.
    pub(super) is_usage: bool,
}

/// Looks for lines that may be a person's: they make turns, which every record tells.
#[derive(Debug)]
pub(super) struct Prompts {
    mark: Finder<'static>,
    /// What a line has that is none all the same.
    but: Option<Finder<'static>>,
    /// What a line has that is one without the mark: Claude Code's of what was typed while it worked.
    queued: Option<Finder<'static>>,
}

impl Prompts {
    pub(super) fn of(format: TranscriptFormat) -> Self {
        let of_claude = |mark| (format == TranscriptFormat::ClaudeCode).then(|| Finder::new(mark));
        Self {
            mark: Finder::new("\"user\""),
            but: of_claude("\"tool_use_id\""),
            queued: of_claude("\"queued_command\""),
        }
    }

    pub(super) fn may_be(&self, line: &[u8]) -> bool {
        let has =
            |mark: &Option<Finder<'_>>| mark.as_ref().is_some_and(|mark| mark.find(line).is_some());
        if self.mark.find(line).is_some() { !has(&self.but) } else { has(&self.queued) }
    }
}

impl Needed {
    /// For the modes of a set, all of which the format's files can tell.
    pub(super) fn of(set: u64, format: TranscriptFormat) -> Self {
        let asked = || {
            let is_asked = |mode: &ExtractMode| set & mode.bit() != 0;
            ExtractMode::ALL.iter().copied().filter(is_asked)
        };
        let mut all: Option<Vec<&'static str>> = Some(Vec::new());
        for mode in asked() {
            match (marks(mode, format), &mut all) {
                (Marks::Any(marks), Some(all)) => all.extend(marks),
                _ => all = None,
            }
        }
        let marks = all.map(|mut marks| {
            marks.sort_unstable();
            marks.dedup();
            marks.into_iter().map(Finder::new).collect()
        });
        let is_usage = |mode: ExtractMode| mode.is_of_usage() || marks.is_none();
        Self {
            is_usage: asked().any(is_usage),
            prompts: Prompts::of(format),
            results: Finder::new(results(format)),
            marks,
        }
    }

    /// Whether a tool's result may stand in a line.
    pub(super) fn may_have_a_result(&self, line: &[u8]) -> bool {
        self.results.find(line).is_some()
    }

    /// Whether something may be told of a line.
    pub(super) fn may_tell(&self, line: &[u8]) -> bool {
        self.marks.as_ref().is_none_or(|marks| {
            marks.iter().any(|mark| mark.find(line).is_some()) || self.prompts.may_be(line)
        })
    }
}

/// What stands in the lines that a mode needs, beside those of persons.
const fn marks(mode: ExtractMode, format: TranscriptFormat) -> Marks {
    use ExtractMode as Mode;
    use TranscriptFormat as Format;
    Marks::Any(match (mode, format) {
        // The reader of usage looks for its own marks.
        (Mode::UserPrompts | Mode::Usage | Mode::Cost | Mode::Cache | Mode::ContextGrowth, _) => {
            &[]
        }
        (Mode::AssistantTexts, Format::ClaudeCode | Format::Codex) => &["\"assistant\""],
        (Mode::AssistantTexts, Format::GeminiCli) => &["\"gemini\""],
        (Mode::Reasoning, Format::ClaudeCode) => &["thinking\""],
        (Mode::Reasoning, Format::Codex) => &["\"reasoning\""],
        (Mode::Reasoning, Format::GeminiCli) => &["\"thoughts\""],
        (
            Mode::ToolCalls
            | Mode::Commands
            | Mode::FileReads
            | Mode::FileChanges
            | Mode::Subagents
            | Mode::McpCalls
            | Mode::Web
            | Mode::Plans,
            format,
        ) => calls(format),
        (Mode::Patches, Format::ClaudeCode) => &["tool_use\"", "\"structuredPatch\""],
        (Mode::Patches, format) => calls(format),
        // A result is told with the name of its call.
        (Mode::ToolResults | Mode::ToolErrors, Format::ClaudeCode) => {
            &["tool_use\"", OF_CLAUDES_RESULTS]
        }
        // That a call failed may be noted beside its result.
        (Mode::ToolResults | Mode::ToolErrors, Format::Codex) => {
            &["_call\"", OF_CODEXS_RESULTS, "_end\""]
        }
        (Mode::ToolResults | Mode::ToolErrors, format) => calls(format),
        (Mode::Compactions, Format::ClaudeCode) => &["\"isCompactSummary\"", "compact_boundary\""],
        (Mode::Compactions, Format::Codex) => &["\"compacted\""],
        (Mode::Interruptions, Format::ClaudeCode) => &["[Request interrupted by user"],
        (Mode::Interruptions, Format::Codex) => &["\"turn_aborted\""],
        (Mode::Errors, Format::ClaudeCode) => &["\"isApiErrorMessage\"", "\"api_error\""],
        (Mode::Errors, _) => &["error\""],
        (Mode::HooksRun, Format::ClaudeCode) => &["hook"],
        (Mode::Permissions, Format::ClaudeCode) => {
            &[
                "\"permissionDecision\"",
                "\"permissionMode\"",
                "\"permission-mode\"",
                "\"mode\"",
                // A call that was not let run is told with the name of its tool.
                "tool_use\"",
                OF_CLAUDES_RESULTS,
            ]
        }
        (Mode::Permissions, Format::Codex) => {
            &["approval", "permission", "_call\"", OF_CODEXS_RESULTS, "_end\""]
        }
        (Mode::RateLimits, Format::Codex) => &["\"rate_limits\""],
        (Mode::ToolDefinitions, Format::Codex) => &["\"session_meta\"", "\"additional_tools\""],
        _ => return Marks::None,
    })
}

const fn calls(format: TranscriptFormat) -> &'static [&'static str] {
    match format {
        TranscriptFormat::ClaudeCode => &["tool_use\""],
        TranscriptFormat::Codex => &["_call\""],
        TranscriptFormat::GeminiCli => &["\"toolCalls\""],
    }
}

const OF_CLAUDES_RESULTS: &str = "tool_result\"";
const OF_CODEXS_RESULTS: &str = "_output\"";

const fn results(format: TranscriptFormat) -> &'static str {
    match format {
        TranscriptFormat::ClaudeCode => OF_CLAUDES_RESULTS,
        // What is noted beside them has the same member.
        TranscriptFormat::Codex => "\"call_id\"",
        // They stand beside their calls.
        TranscriptFormat::GeminiCli => "\"toolCalls\"",
    }
}
