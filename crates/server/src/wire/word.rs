//! Words with a fixed list of values, so that clients get a closed union instead of a string.

use serde::Serialize;
use utoipa::ToSchema;

/// One enum of words: the variants of the model's enum, in the model's own spelling.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        pub(crate) enum $name {
            $(#[doc = concat!("`", $word, "`.")] #[serde(rename = $word)] $variant,)+
        }

        impl From<langley_model::$name> for $name {
            fn from(value: langley_model::$name) -> Self {
                match value {
                    $(langley_model::$name::$variant => Self::$variant,)+
                }
            }
        }
    };
}

words! {
    /// How the agent reached Langley.
    Mode { Forward = "forward", Reverse = "reverse" }
}

words! {
    /// How a flow ended.
    Outcome {
        Completed = "completed",
        ProviderError = "provider_error",
        ClientGone = "client_gone",
        UpstreamGone = "upstream_gone",
        TimedOut = "timed_out",
        Refused = "refused",
        Lost = "lost",
    }
}

words! {
    /// The part that a line of a transcript plays.
    LineRole {
        Prompt = "prompt",
        Answer = "answer",
        ToolResult = "tool_result",
        Context = "context",
        Compaction = "compaction",
        Note = "note",
        Unreadable = "unreadable",
    }
}

words! {
    /// How far a tool call got.
    ToolState {
        Proposed = "proposed",
        ArgsStreaming = "args_streaming",
        ArgsComplete = "args_complete",
        AwaitingPermission = "awaiting_permission",
        Approved = "approved",
        Denied = "denied",
        Running = "running",
        Backgrounded = "backgrounded",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
        Returned = "returned",
        Orphaned = "orphaned",
        Lost = "lost",
    }
}

words! {
    /// What came of a tool call.
    ToolOutcome {
        Succeeded = "succeeded",
        Failed = "failed",
        Denied = "denied",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
    }
}

words! {
    /// Who told of a run of a tool.
    ToolSource { Wire = "wire", Hook = "hook", Otlp = "otlp", Transcript = "transcript" }
}

words! {
    /// Who serves a flow.
    Provider {
        Anthropic = "anthropic",
        OpenAi = "openai",
        Gemini = "gemini",
        Bedrock = "bedrock",
        Azure = "azure",
        Cerebras = "cerebras",
        Copilot = "copilot",
        DeepSeek = "deepseek",
        Fireworks = "fireworks",
        Groq = "groq",
        LmStudio = "lmstudio",
        Mistral = "mistral",
        Moonshot = "moonshot",
        Ollama = "ollama",
        OpenRouter = "openrouter",
        Perplexity = "perplexity",
        Together = "together",
        Vertex = "vertex",
        Vllm = "vllm",
        XAi = "xai",
        Zai = "zai",
        Compatible = "openai-compatible",
    }
}

words! {
    /// How a flow's request and answer are written.
    DialectName {
        Anthropic = "anthropic",
        OpenAi = "openai",
        Gemini = "gemini",
        Bedrock = "bedrock",
    }
}

words! {
    /// What a piece of a request is.
    PieceKind {
        Tools = "tools",
        System = "system",
        User = "user",
        Assistant = "assistant",
        ToolResults = "tool_results",
        Other = "other",
        Rest = "rest",
    }
}

words! {
    /// Why a connection was passed on unread.
    TunnelReason {
        NotListed = "not_listed",
        NotTls = "not_tls",
        ClientRejectedCertificate = "client_rejected_certificate",
        DialFailed = "dial_failed",
        HandshakeFailed = "handshake_failed",
        ClientCertificateAsked = "client_certificate_asked",
    }
}

words! {
    /// Why something could not be kept.
    DropReason {
        CaptureQueueFull = "capture_queue_full",
        TooManyOpenFlows = "too_many_open_flows",
        NoRoomForFlow = "no_room_for_flow",
        TunnelLost = "tunnel_lost",
        WriterQueueFull = "writer_queue_full",
        WriteFailed = "write_failed",
    }
}

words! {
    /// How full a queue is: `high` beyond 80 %, `full` beyond 95 %.
    Strain { Calm = "calm", High = "high", Full = "full" }
}

words! {
    /// Where an estimate comes from.
    EstimateSource { Transcript = "transcript", Bytes = "bytes", Tokenizer = "tokenizer" }
}

words! {
    /// Kind of live text.
    LiveKind { Text = "text", Thinking = "thinking", ToolInput = "tool_input" }
}

words! {
    /// What was found.
    FindingKind {
        CacheBreak = "cache_break",
        CaptureGap = "capture_gap",
        ContextSpike = "context_spike",
        DailyBudget = "daily_budget",
        ExpensiveRequest = "expensive_request",
        FailingTool = "failing_tool",
        IdleTools = "idle_tools",
        LargeContext = "large_context",
        LifecycleViolation = "lifecycle_violation",
        RapidRepeats = "rapid_repeats",
        RedactionHit = "redaction_hit",
        RequestLoop = "request_loop",
        RetryStorm = "retry_storm",
        SlowResponse = "slow_response",
        SlowTool = "slow_tool",
        Stall = "stall",
        UnpricedModel = "unpriced_model",
    }
}

words! {
    /// How much a finding matters.
    Severity { Info = "info", Warning = "warning", Critical = "critical" }
}

words! {
    /// What a person made of a finding.
    FindingState {
        Open = "open",
        Acknowledged = "acknowledged",
        Muted = "muted",
        Resolved = "resolved",
    }
}

words! {
    /// What a number of a finding counts.
    FindingUnit {
        Count = "count",
        Tokens = "tokens",
        Milliseconds = "ms",
        Bytes = "bytes",
        MicroUsd = "micro_usd",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(value: impl Serialize) -> String {
        serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn every_word_is_spelt_as_in_the_model() {
        for value in langley_model::Outcome::ALL {
            assert_eq!(word(Outcome::from(value)), value.as_str());
        }
        for value in langley_model::Provider::ALL {
            assert_eq!(word(Provider::from(value)), value.as_str());
        }
        for value in langley_model::DialectName::ALL {
            assert_eq!(word(DialectName::from(value)), value.as_str());
        }
        for value in langley_model::TunnelReason::ALL {
            assert_eq!(word(TunnelReason::from(value)), value.as_str());
        }
        for value in langley_model::DropReason::ALL {
            assert_eq!(word(DropReason::from(value)), value.as_str());
        }
        for value in langley_model::Strain::ALL {
            assert_eq!(word(Strain::from(value)), value.as_str());
        }
        for value in langley_model::EstimateSource::ALL {
            assert_eq!(word(EstimateSource::from(value)), value.as_str());
        }
        for value in langley_model::PieceKind::ALL {
            assert_eq!(word(PieceKind::from(value)), value.as_str());
        }
        for value in langley_model::FindingKind::ALL {
            assert_eq!(word(FindingKind::from(value)), value.as_str());
        }
        for value in langley_model::Severity::ALL {
            assert_eq!(word(Severity::from(value)), value.as_str());
        }
        for value in langley_model::FindingState::ALL {
            assert_eq!(word(FindingState::from(value)), value.as_str());
        }
        for value in langley_model::FindingUnit::ALL {
            assert_eq!(word(FindingUnit::from(value)), value.as_str());
        }
        for value in [langley_model::Mode::Forward, langley_model::Mode::Reverse] {
            assert_eq!(word(Mode::from(value)), value.as_str());
        }
        for value in [
            langley_model::LiveKind::Text,
            langley_model::LiveKind::Thinking,
            langley_model::LiveKind::ToolInput,
        ] {
            assert_eq!(word(LiveKind::from(value)), value.as_str());
        }
    }
}
