//! What can be asked of transcripts: each mode with its name and its fields. This table is read by the command, by
//! the tests, and makes `docs/extract.md`.

use langley_protocol::transcript::TranscriptFormat;

/// A field's name, and what it says.
pub type Field = (&'static str, &'static str);

/// What is told of a mode.
#[derive(Clone, Copy, Debug)]
pub struct ModeSpec {
    /// Its name.
    pub name: &'static str,
    /// What it tells, one record each.
    pub about: &'static str,
    /// Its fields, in their order, behind those that every record has.
    pub fields: &'static [Field],
}

macro_rules! modes {
    ($($mode:ident $name:literal $about:literal { $($field:ident $what:literal)* })*) => {
        /// A question that transcripts answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ExtractMode { $(#[doc = $about] $mode),* }

        impl ExtractMode {
            /// All, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$mode),*];

            /// Its name and its fields.
            #[must_use]
            pub const fn spec(self) -> ModeSpec {
                match self {
                    $(Self::$mode => ModeSpec {
                        name: $name,
                        about: $about,
                        fields: &[$((stringify!($field), $what)),*],
                    }),*
                }
            }
        }
    };
}

modes! {
    Sessions "sessions" "A file of a session, or of a subagent, and what it adds up to; its `ts` is the end" {
        started "The first time in it"
        ended "The last time in it"
        folder "Where the agent worked last"
        branch "The repository's branch, last"
        first_prompt "What the person asked first"
        prompts "What a person asked, counted"
        responses "Responses with usage, each once"
        calls "Tool calls"
        failed_calls "Results that say that the call failed"
        compactions "How often the conversation was compacted"
        models "The models that answered"
        input "Input tokens that the cache had no part in"
        cache_read "Input tokens read from the cache"
        cache_write "Input tokens written to the cache"
        output "Output tokens"
        cost_micro_usd "Millionths of a dollar; null where a price is not known"
        lines "Lines of the file"
        unreadable_lines "Lines that are no JSON"
        mended_lines "Lines with bytes that are no UTF-8, read with a sign in their place"
    }
    Lineage "lineage" "Where a file's conversation comes from" {
        kind "`root`, `subagent`, `fork`, or `continued`: it begins with lines of other sessions"
        parent "The session, or thread, that it comes from"
        sessions "Ids of the sessions whose lines are in it"
    }
    Config "config" "A setting of the agent, whenever it changes" {
        kind "Which, by the agent's name for it"
        value "The setting"
    }
    SystemPrompts "system-prompts" "Instructions that the model has from the agent" {
        kind "The member or line that has them"
        value "The instructions"
    }
    ToolDefinitions "tool-definitions" "Tools that the model may call" {
        kind "The member or line that has them"
        value "The tools"
    }
    UserPrompts "user-prompts" "What a person asked" {
        text "The words, whole"
        images "Images that came with them"
    }
    MetaPrompts "meta-prompts" "What the agent told the model beside the person's words" {
        kind "Which, by the tag or the type that the agent gives it; `task`: what a subagent was asked"
        text "The words, or the attachment's JSON"
    }
    AssistantTexts "assistant-texts" "What the model wrote" {
        text "The words, whole"
        model "The model"
        message_id "The response's id"
    }
    Reasoning "reasoning" "What the model thought" {
        text "The words; null where the provider keeps them to itself"
        model "The model"
        message_id "The response's id"
    }
    Turns "turns" "What a person asked and all that came of it; its `ts` is the question's" {
        prompt "What was asked"
        ended "When the last thing was done for it"
        ms "From the question to that, in milliseconds"
        responses "Responses with usage"
        calls "Tool calls"
        failed_calls "Results that say that the call failed"
        output "Output tokens"
        is_interrupted "Whether the person stopped it"
    }
    UserIdle "user-idle" "From when an agent was idle until the person asked something. With `--mode paired`: a question together with when the work on it ended" {
        prompt_at "When the question was asked whose work ended"
        prompt "The question; only with `--mode paired`"
        idle_at "When that ended: the last answer or result before the next question"
        worked_ms "Between the two, in milliseconds"
        next_prompt_at "When the next question came; null where none did"
        idle_ms "From idle to that, in milliseconds"
    }
    Requests "requests" "Requests to providers" {}
    SseEvents "sse-events" "Events of streamed answers" {}
    Usage "usage" "What a response used; a response counts once, whatever lines and files have it" {
        message_id "The response's id"
        request_id "The provider's id of the request"
        provider "Who served it"
        model "The model"
        tier "In which way it was served, where that is not the usual one"
        input "Input tokens, in the provider's own sense"
        cache_read "Input tokens read from the cache"
        cache_write_5m "Input tokens written to the cache for five minutes"
        cache_write_1h "Input tokens written to it for an hour"
        output "Output tokens"
        reasoning "Reasoning tokens"
        web_search_requests "Searches that the provider ran"
    }
    Cost "cost" "What a response cost, by the prices of its day" {
        message_id "The response's id"
        provider "Who served it"
        model "The model"
        cost_micro_usd "Millionths of a dollar; null where the price is not known"
    }
    Cache "cache" "What the cache had of a response's input" {
        message_id "The response's id"
        model "The model"
        uncached "Input tokens that the cache had no part in"
        read "Input tokens read from it"
        written "Input tokens written to it"
    }
    ContextGrowth "context-growth" "How large the context of a response was" {
        message_id "The response's id"
        model "The model"
        context "Input tokens, cached ones included"
        grew_by "By how much it is larger than that of the response before in this file; null for the first"
    }
    RateLimits "rate-limits" "What the provider said of its limits" {
        kind "The member that has it"
        value "What was said"
    }
    Blocks "blocks" "A block of five hours of one provider, as `langley cost blocks` tells them; it is of no one file, so its `src` is null" {
        provider "Who served it"
        started "Its beginning"
        ended "Its end"
        goes_on "Whether it goes on"
        input "Input tokens that the cache had no part in"
        cache_read "Input tokens read from the cache"
        output "Output tokens"
        cost_micro_usd "Millionths of a dollar; null where no price is known"
    }
    ToolCalls "tool-calls" "A tool that the model called" {
        call_id "The call's id"
        tool "Its name"
        input "Its arguments"
        is_hosted "Whether the provider runs it"
    }
    ToolResults "tool-results" "What a tool gave back" {
        call_id "The call's id"
        tool "Its name; null where the call is not in this file"
        has_failed "Whether it failed; null where that is not told"
        ms "From call to result, in milliseconds"
        content "What the model was told"
        detail "What the agent noted of it for itself"
    }
    ToolLifecycle "tool-lifecycle" "Tool calls from the first byte of their arguments on" {}
    ToolErrors "tool-errors" "A tool's result that says that the call failed" {
        call_id "The call's id"
        tool "Its name; null where the call is not in this file"
        ms "From call to result, in milliseconds"
        content "What the model was told"
    }
    Permissions "permissions" "That something was allowed or refused, or how that is decided" {
        kind "Which, by the agent's name for it; `denied` of a call that a person or a rule did not let run"
        value "What was decided; of such a call its `call_id`, its `tool` (null where the call is not in this file) and `content`, what the model was told"
    }
    Commands "commands" "A shell command that the model called for" {
        call_id "The call's id"
        tool "The tool"
        command "The script"
        folder "Where, if the model said so"
        description "What the model said it is for"
        outcome "What came of it, as its result tells: `succeeded`, `failed`, `denied` (a person or a rule did not let it run), `cancelled` or `timed_out`; null where no result is told"
    }
    FileReads "file-reads" "A file that the model had read" {
        call_id "The call's id"
        tool "The tool"
        path "The file"
        from "The first line that was asked for"
        limit "How many lines were"
    }
    FileChanges "file-changes" "A file that the model called to be written, changed or removed" {
        call_id "The call's id"
        tool "The tool"
        path "The file"
        change "`write`, `edit`, `add`, `update`, `delete`, or `move`: where a patch moved the file named before it"
        outcome "What came of it, as its result tells: `succeeded`, `failed`, `denied` (a person or a rule did not let it run), `cancelled` or `timed_out`; null where no result is told"
    }
    Patches "patches" "What exactly was changed in files, where the agent says it" {
        call_id "The call's id"
        path "The file; null of a patch of several"
        patch "The patch: a text, or hunks as the agent notes them"
    }
    Subagents "subagents" "A subagent that the model started" {
        call_id "The call's id"
        tool "The tool"
        kind "Which subagent"
        description "What for, in a few words"
        prompt "What it was asked"
    }
    McpCalls "mcp-calls" "A tool of an MCP server that the model called" {
        call_id "The call's id"
        server "The server"
        tool "The tool's own name"
        input "Its arguments"
    }
    Web "web" "A page or a search that the model asked for" {
        call_id "The call's id"
        tool "The tool"
        query "What was searched for"
        url "The page"
    }
    Plans "plans" "A plan or a list of things to do that the model set out" {
        call_id "The call's id"
        tool "The tool"
        plan "The plan, as the model wrote it"
    }
    Compactions "compactions" "The conversation was replaced by a summary, or the summary itself" {
        trigger "What led to it"
        tokens_before "Tokens of the context before"
        summary "The summary; null where the line only says that it happened"
    }
    HooksRun "hooks-run" "A hook ran" {
        kind "Which, by the agent's name for it"
        value "What the agent noted of it"
    }
    Interruptions "interruptions" "A person stopped the model" {
        reason "The agent's words for it"
    }
    Errors "errors" "A request failed" {
        kind "Which, by the agent's name for it"
        message "What was said of it"
        status "The HTTP status"
    }
    Git "git" "The repository, whenever it changes, and commands that the model ran in it" {
        kind "`branch`, `repository` or `command`"
        value "The branch, what the agent noted of the repository, or the command"
    }
    Findings "findings" "What is worth a change" {}
    Unknown "unknown" "A line of a kind that Langley does not know" {
        kind "Its type"
        subkind "The type within that type"
        value "The line, or its payload"
    }
}

impl ExtractMode {
    /// The mode's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.name() == name)
    }

    /// Why an agent's files cannot tell it; none where they can.
    #[must_use]
    pub const fn absent(self, format: TranscriptFormat) -> Option<&'static str> {
        const GEMINI: &str = "this is not read from Gemini CLI's files";
        match (self, format) {
            (Self::Requests, _) => Some("files of agents have no requests: see `langley flows`"),
            (Self::SseEvents, _) => {
                Some("files of agents have no events of streams: see `langley export flows`")
            }
            (Self::ToolLifecycle, _) => Some("files of agents do not have it: see `langley tools`"),
            (Self::Findings, _) => {
                Some("findings are made of recorded flows: see `langley findings`")
            }
            (
                Self::RateLimits | Self::SystemPrompts | Self::ToolDefinitions,
                TranscriptFormat::ClaudeCode,
            ) => Some("Claude Code does not write it: see `langley flows` for what passed"),
            (Self::FileReads, TranscriptFormat::Codex) => {
                Some("Codex has no tool that reads files, it runs commands: see the mode commands")
            }
            (Self::HooksRun, TranscriptFormat::Codex) => Some("Codex does not write it"),
            (
                Self::Compactions
                | Self::Config
                | Self::Git
                | Self::HooksRun
                | Self::Interruptions
                | Self::Lineage
                | Self::Patches
                | Self::Permissions
                | Self::RateLimits
                | Self::SystemPrompts
                | Self::ToolDefinitions,
                TranscriptFormat::GeminiCli,
            ) => Some(GEMINI),
            _ => None,
        }
    }

    /// Whether a line tells it without those before, so that the latest are found from the end.
    pub(super) const fn is_of_one_line(self) -> bool {
        matches!(
            self,
            Self::UserPrompts
                | Self::MetaPrompts
                | Self::AssistantTexts
                | Self::Reasoning
                | Self::ToolCalls
                | Self::Commands
                | Self::FileReads
                | Self::FileChanges
                | Self::Subagents
                | Self::McpCalls
                | Self::Web
                | Self::Plans
                | Self::Compactions
                | Self::HooksRun
                | Self::Interruptions
                | Self::Errors
                | Self::Unknown
        )
    }

    /// Whether it is told of what responses used, and of nothing else.
    pub(super) const fn is_of_usage(self) -> bool {
        matches!(self, Self::Usage | Self::Cost | Self::Cache | Self::ContextGrowth)
    }

    /// Its bit in a set.
    pub(super) const fn bit(self) -> u64 {
        1 << self as u64
    }
}
