//! A flow: one exchange, with everything that is known of it at the moment.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::Gap;
use crate::dialect_name::DialectName;
use crate::estimate::UsageEstimate;
use crate::http::{HttpVersion, Mode};
use crate::id::{ConnectionId, FlowId};
use crate::money::{Billed, CostShares, Terms};
use crate::outcome::Outcome;
use crate::provider::Provider;
use crate::rate_limit::RateLimit;
use crate::time::Micros;
use crate::unit::{MicroUsd, Tokens, Usage};

/// Langley's own words for: no connection to the provider came about.
const UNREACHED: [&str; 7] = [
    "upstream_name_not_resolved",
    "upstream_unreachable",
    "upstream_connect_timed_out",
    "upstream_proxy_unreachable",
    "upstream_proxy_refused",
    "upstream_tls_failed",
    "upstream_tls_timed_out",
];

/// The name that only `langley doctor --fidelity` asks for; `.test` is nobody's (RFC 6761 § 6.2).
pub const PROBE_HOST: &str = "fidelity.langley.test";

/// The user agent of the requests that `langley doctor` makes.
pub const CHECK_AGENT: &str = "langley-doctor";

/// One exchange. Absent means unknown, never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// The client connection it travelled on (or the upgrade it belongs to).
    pub connection: ConnectionId,
    /// How the agent reached Langley.
    pub mode: Mode,
    /// When the request's head arrived.
    pub started_at: Micros,
    /// When it ended; none while open.
    pub ended_at: Option<Micros>,
    /// Monotonic time from head to end.
    pub duration: Option<Duration>,
    /// From the request's head to the first byte of the answer's head.
    pub ttfb: Option<Duration>,
    /// From the request's head to the first token of text, thinking or tool input.
    pub ttft: Option<Duration>,
    /// From the request's head to the last token so far of a streamed answer.
    pub ttlt: Option<Duration>,
    /// The longest time that passed between two events of a streamed answer, or from its last one to its end.
    pub stall: Option<Duration>,
    /// Name resolution and TCP connect; on the first flow of a connection.
    pub connect: Option<Duration>,
    /// TLS handshake with the provider; on the first flow of a connection.
    pub tls: Option<Duration>,
    /// The agent's address.
    pub client_addr: Option<String>,
    /// Process id of the agent, where the system tells.
    pub client_pid: Option<u32>,
    /// Process name of the agent, where the system tells.
    pub client_process: Option<String>,
    /// The agent's `User-Agent`.
    pub user_agent: Option<String>,
    /// Kind of agent, such as `claude-code`.
    pub agent: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// Subagent id, where the agent states one.
    pub agent_id: Option<String>,
    /// `http` or `https`, towards the provider.
    pub scheme: String,
    /// Provider's host.
    pub host: String,
    /// Provider's port.
    pub port: u16,
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Version between agent and Langley.
    pub version_in: HttpVersion,
    /// Version between Langley and provider.
    pub version_out: HttpVersion,
    /// Status code; none before the head.
    pub status: Option<u16>,
    /// How it ended; none while open.
    pub outcome: Option<Outcome>,
    /// A sentence on the end, when Langley itself has one to say.
    pub reason: Option<String>,
    /// Who serves it.
    pub provider: Option<Provider>,
    /// The model asked for.
    pub model_requested: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Whether the answer is (to be) streamed.
    pub streaming: Option<bool>,
    /// Session, and where it was read.
    pub session: Option<Attributed>,
    /// Task, and where it was read.
    pub task: Option<Attributed>,
    /// Project, and where it was read.
    pub project: Option<Attributed>,
    /// The failed attempt that this one repeats.
    pub retry_of: Option<FlowId>,
    /// Usage per class.
    pub usage: Usage,
    /// What the provider did not tell of it, estimated; part of neither usage nor cost.
    pub estimate: Option<UsageEstimate>,
    /// Cost, when the model is priced.
    pub cost: Option<MicroUsd>,
    /// `reported` by the provider, `priced` by the price book, or `estimated`: priced, and not all of the
    /// usage is known.
    pub cost_source: Option<String>,
    /// How the answer was served, in the provider's words, where that has to do with its price.
    pub service_tier: Option<String>,
    /// On what terms it was priced.
    pub terms: Option<Arc<Terms>>,
    /// Why the model stopped, verbatim.
    pub stop_reason: Option<String>,
    /// The provider's class of error.
    pub error_kind: Option<String>,
    /// The provider's sentence on the error.
    pub error_message: Option<String>,
    /// One entry per tool call, duplicates kept.
    pub tool_names: Vec<String>,
    /// What the provider said of its limits.
    pub rate_limits: Vec<RateLimit>,
    /// `request-id`, as the provider names it.
    pub provider_request_id: Option<String>,
    /// The response's id.
    pub message_id: Option<String>,
    /// Stream events seen.
    pub event_count: u64,
    /// Stream events of a type this version does not know.
    pub unknown_events: u64,
    /// Body bytes sent to the provider, as they travelled.
    pub request_bytes: u64,
    /// Body bytes sent to the agent, as they travelled.
    pub response_bytes: u64,
    /// Whether a stored body was cut at the limit.
    pub body_truncated: bool,
    /// What of the request was not captured.
    pub request_gap: Gap,
    /// What of the answer was not captured.
    pub response_gap: Gap,
    /// Events dropped after capture, because the store could not keep up.
    pub dropped_events: u64,
    /// Why decoding stopped or lost something, or what the answer lacks, in words.
    pub decode_note: Option<String>,
    /// JA4 of the agent's hello.
    pub ja4_in: Option<String>,
    /// JA4 of Langley's hello.
    pub ja4_out: Option<String>,
    /// Why Langley's hello is not the one that was wanted, in words.
    pub tls_note: Option<String>,
    /// First characters of the last user text and of the answer, for lists.
    pub preview: Option<String>,
}

impl Flow {
    /// A flow of which only the request's address is known.
    #[must_use]
    pub fn new(id: FlowId, connection: ConnectionId, started_at: Micros) -> Self {
        Self {
            id,
            connection,
            mode: Mode::Forward,
            started_at,
            ended_at: None,
            duration: None,
            ttfb: None,
            ttft: None,
            ttlt: None,
            stall: None,
            connect: None,
            tls: None,
            client_addr: None,
            client_pid: None,
            client_process: None,
            user_agent: None,
            agent: None,
            agent_version: None,
            agent_id: None,
            scheme: String::from("https"),
            host: String::new(),
            port: 443,
            method: String::new(),
            path: String::new(),
            version_in: HttpVersion::Http11,
            version_out: HttpVersion::Http11,
            status: None,
            outcome: None,
            reason: None,
            provider: None,
            model_requested: None,
            model: None,
            streaming: None,
            session: None,
            task: None,
            project: None,
            retry_of: None,
            usage: Usage::default(),
            estimate: None,
            cost: None,
            cost_source: None,
            service_tier: None,
            terms: None,
            stop_reason: None,
            error_kind: None,
            error_message: None,
            tool_names: Vec::new(),
            rate_limits: Vec::new(),
            provider_request_id: None,
            message_id: None,
            event_count: 0,
            unknown_events: 0,
            request_bytes: 0,
            response_bytes: 0,
            body_truncated: false,
            request_gap: Gap::default(),
            response_gap: Gap::default(),
            dropped_events: 0,
            decode_note: None,
            ja4_in: None,
            ja4_out: None,
            tls_note: None,
            preview: None,
        }
    }

    /// Whether it is Langley's own: a check of `langley doctor`, and no agent's.
    #[must_use]
    pub fn is_own_check(&self) -> bool {
        self.host == PROBE_HOST || self.user_agent.as_deref() == Some(CHECK_AGENT)
    }

    /// How request and answer are written; none where the provider is not known.
    #[must_use]
    pub fn dialect(&self) -> Option<DialectName> {
        let own = self.provider?.dialect();
        Some(DialectName::of_call(&self.path).unwrap_or(own))
    }

    /// The subagent that asked; none where it was the session's own agent, which may be named as well.
    #[must_use]
    pub fn subagent(&self) -> Option<&str> {
        let session = self.session.as_ref().map(|session| session.id.as_str());
        self.agent_id.as_deref().filter(|agent| Some(*agent) != session)
    }

    /// What the provider bills of its usage, by class, in one sense for all of them.
    #[must_use]
    pub fn billed(&self) -> Billed {
        let dialect = self.dialect();
        self.usage.billed(dialect, self.counts_reasoning_apart(dialect))
    }

    /// Whether reasoning is counted beside the output, and not as a part of it.
    #[must_use]
    pub fn is_reasoning_apart(&self) -> bool {
        self.counts_reasoning_apart(self.dialect())
    }

    fn counts_reasoning_apart(&self, dialect: Option<DialectName>) -> bool {
        match dialect {
            Some(DialectName::Gemini) => true,
            // xAI writes OpenAI's chat, and counts reasoning beside the output there.
            Some(DialectName::OpenAi) => {
                self.provider == Some(Provider::XAi) && self.path.contains("/chat/")
            }
            _ => false,
        }
    }

    /// Whether it has ended, used something that is billed, and nobody knows what that costs.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        !self.is_open() && self.cost.is_none() && self.billed().iter().any(|units| *units > 0)
    }

    /// How long each token took after the first, on average; none where the answer came at once, or does not
    /// tell how long it is. Reasoning that OpenAI counts in is not streamed, so it is left out.
    #[must_use]
    pub fn token_time(&self) -> Option<Duration> {
        let spoken = self.ttlt?.checked_sub(self.ttft?).filter(|spoken| !spoken.is_zero())?;
        let Tokens(output) = self.usage.output?;
        let unheard = match self.dialect() {
            Some(DialectName::OpenAi) if !self.is_reasoning_apart() => {
                self.usage.reasoning.map_or(0, |Tokens(reasoning)| reasoning)
            }
            _ => 0,
        };
        let later = output.checked_sub(unheard)?.checked_sub(1)?;
        spoken.checked_div(u32::try_from(later).ok()?)
    }

    /// What of the cost is each class's; they add up to it. None where it is not known, or was not
    /// calculated from prices.
    #[must_use]
    pub fn cost_shares(&self) -> Option<CostShares> {
        let exact = self.terms.as_ref()?.rates.cost(&self.billed())?;
        (Some(exact.rounded()) == self.cost).then(|| exact.shares())
    }

    /// What passed of it and is not in the record, in words; none when nothing is missing.
    #[must_use]
    pub fn lack(&self) -> Option<String> {
        let many =
            |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let gap = |gap: Gap, side: &str| {
            let (pieces, bytes) = (many(gap.chunks, "piece"), many(gap.bytes, "byte"));
            (gap.chunks > 0).then(|| format!("{pieces} ({bytes}) of the {side} passed uncaptured"))
        };
        let dropped = self.dropped_events;
        let events =
            (dropped > 0).then(|| format!("{} could not be kept", many(dropped, "stream event")));
        let parts = [events, gap(self.request_gap, "request"), gap(self.response_gap, "answer")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("not all of it is recorded: {}", parts.join(", ")))
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// The model that answered, or the one asked for while none has.
    #[must_use]
    pub fn known_model(&self) -> Option<&str> {
        self.model.as_deref().or(self.model_requested.as_deref())
    }

    /// Whether what the agent was answered is Langley's own sentence, in the provider's place.
    #[must_use]
    pub fn is_answered_by_langley(&self) -> bool {
        let Some(kind) = self.error_kind.as_deref() else { return false };
        match self.outcome {
            Some(Outcome::Refused) => true,
            Some(Outcome::UpstreamGone | Outcome::TimedOut) => {
                kind.starts_with("upstream_") || kind == "exchange_timed_out"
            }
            _ => false,
        }
    }

    /// Whether no connection to the provider came about, so that nothing of the request got to it.
    #[must_use]
    pub fn is_unreached(&self) -> bool {
        let failed = matches!(self.outcome, Some(Outcome::UpstreamGone | Outcome::TimedOut));
        failed && self.error_kind.as_deref().is_some_and(|kind| UNREACHED.contains(&kind))
    }

    /// Whether it is an attempt to be connected that led to nobody: it has the provider's scheme, but
    /// no TLS was spoken with the agent.
    #[must_use]
    pub fn is_unreached_connect(&self) -> bool {
        let is_connect = self.method == "CONNECT" && self.path.is_empty();
        let is_accepted = self.status.is_some_and(|status| (200..300).contains(&status));
        is_connect && !is_accepted && (self.is_open() || self.is_answered_by_langley())
    }

    /// The provider's host as a URL names it: its port only where it is not the scheme's own, an IPv6
    /// address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        let standard = if self.scheme == "http" { 80 } else { 443 };
        let host = &self.host;
        let host =
            if host.contains(':') { Cow::Owned(format!("[{host}]")) } else { Cow::Borrowed(host) };
        if self.port == standard { host.into_owned() } else { format!("{host}:{}", self.port) }
    }

    /// How long the TLS handshake with the provider took; none where there was no TLS.
    #[must_use]
    pub fn tls_handshake(&self) -> Option<Duration> {
        self.tls.filter(|_| self.scheme == "https")
    }
}

/// The source of an attribution that nothing on the wire states.
pub const INFERRED: &str = "inferred";

/// An attribution and its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributed {
    /// The id.
    pub id: String,
    /// Where it was read, such as `header:x-claude-code-session-id`.
    pub source: &'static str,
}

impl Attributed {
    /// Whether nothing on the wire states it.
    #[must_use]
    pub fn is_inferred(&self) -> bool {
        self.source == INFERRED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome, kind: &str) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        (flow.outcome, flow.error_kind) = (Some(outcome), Some(kind.to_owned()));
        flow
    }

    #[test]
    fn langleys_own_answers_are_told_from_the_providers_and_from_what_was_reached() {
        for (outcome, kind, own, unreached) in [
            (Outcome::UpstreamGone, "upstream_unreachable", true, true),
            (Outcome::UpstreamGone, "upstream_tls_failed", true, true),
            (Outcome::TimedOut, "upstream_connect_timed_out", true, true),
            (Outcome::UpstreamGone, "upstream_protocol_error", true, false),
            (Outcome::TimedOut, "exchange_timed_out", true, false),
            (Outcome::Refused, "upstream_tls_failed", true, false),
            (Outcome::Refused, "no_upstream", true, false),
            (Outcome::UpstreamGone, "overloaded_error", false, false),
            (Outcome::UpstreamGone, "provider_reset", false, false),
            (Outcome::ProviderError, "upstream_unreachable", false, false),
        ] {
            let flow = ended(outcome, kind);
            assert_eq!(flow.is_answered_by_langley(), own, "{outcome:?} {kind}");
            assert_eq!(flow.is_unreached(), unreached, "{outcome:?} {kind}");
            assert!(!flow.is_unreached_connect());
        }
    }

    #[test]
    fn the_time_of_a_token_is_told_where_tokens_came_one_after_the_other() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        let ms = |ms| Some(Duration::from_millis(ms));
        let told = |flow: &mut Flow, provider, output, reasoning| {
            flow.provider = Some(provider);
            flow.usage.output = Some(Tokens(output));
            flow.usage.reasoning = Some(Tokens(reasoning));
            flow.token_time()
        };
        (flow.ttft, flow.ttlt) = (ms(200), ms(1_200));
        assert_eq!(told(&mut flow, Provider::Anthropic, 101, 0), ms(10));
        // What is not streamed takes none of the time.
        assert_eq!(told(&mut flow, Provider::OpenAi, 301, 200), ms(10));
        assert_eq!(told(&mut flow, Provider::Gemini, 101, 200), ms(10));
        assert_eq!(
            told(&mut flow, Provider::Anthropic, 1, 0),
            None,
            "there is no token after the first"
        );
        assert_eq!(told(&mut flow, Provider::OpenAi, 0, 9), None);
        flow.ttlt = flow.ttft;
        assert_eq!(told(&mut flow, Provider::Anthropic, 101, 0), None, "it came at once");
        (flow.ttlt, flow.usage.output) = (ms(1_200), None);
        assert_eq!(flow.token_time(), None);
    }

    #[test]
    fn a_url_names_a_port_of_its_own_and_an_address_in_brackets() {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(1));
        for (scheme, host, port, named) in [
            ("https", "api.example", 443, "api.example"),
            ("http", "api.example", 80, "api.example"),
            ("http", "api.example", 443, "api.example:443"),
            ("https", "127.0.0.1", 8443, "127.0.0.1:8443"),
            ("http", "::1", 11434, "[::1]:11434"),
            ("https", "::1", 443, "[::1]"),
        ] {
            (flow.scheme, flow.host, flow.port) = (scheme.into(), host.into(), port);
            assert_eq!(flow.authority(), named);
        }
    }

    #[test]
    fn a_connect_that_led_to_nobody_is_known_by_its_empty_path() {
        let mut flow = ended(Outcome::UpstreamGone, "upstream_unreachable");
        (flow.method, flow.status) = ("CONNECT".into(), Some(502));
        assert!(flow.is_unreached_connect());
        // A WebSocket over HTTP/2 is opened with the same method, and has a path.
        flow.path = "/v1/realtime".into();
        assert!(!flow.is_unreached_connect());
        let refused = Flow { method: "CONNECT".into(), ..ended(Outcome::Refused, "proxy_loop") };
        assert!(refused.is_unreached_connect());
        let open = Flow { outcome: None, error_kind: None, ..refused.clone() };
        assert!(open.is_unreached_connect());
        let accepted = Flow { status: Some(200), ..open };
        assert!(!accepted.is_unreached_connect());
        let answered = Flow { outcome: Some(Outcome::ProviderError), ..refused };
        assert!(!answered.is_unreached_connect());
    }
}
