//! The table of keys: every name that configuration accepts, its kind, default and meaning.
//!
//! One table drives parsing, error messages, `config show` and `docs/configuration.md`.

use langley_proxy::LLM_HOSTS;
use serde_json::{Value, json};

use super::kind::Kind;

/// One configuration key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Dotted path; a segment `<name>` stands for any name.
    pub(crate) path: &'static str,
    /// What values it takes.
    pub(crate) kind: Kind,
    /// Its value when nobody says otherwise.
    pub(crate) default: Default,
    /// Short environment variable, beside `LANGLEY_` + path.
    pub(crate) short_env: Option<&'static str>,
    /// Flag.
    pub(crate) flag: Option<&'static str>,
    /// What it does, in one sentence.
    pub(crate) doc: &'static str,
    /// Whether it already has an effect in this version.
    pub(crate) effect: Effect,
}

/// Default of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// Not set; the words say what happens then.
    Unset(&'static str),
    /// A text.
    Text(&'static str),
    /// A whole number.
    Number(u64),
    /// On or off.
    Switch(bool),
    /// A list.
    List(&'static [&'static str]),
}

/// Whether a key acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does what it says.
    Acts,
    /// Accepted and checked; the part that reads it is not there yet.
    Later,
}

impl Default {
    /// The default as a value; none when unset.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::Unset(_) => None,
            Self::Text(text) => Some(json!(text)),
            Self::Number(number) => Some(json!(number)),
            Self::Switch(on) => Some(json!(on)),
            Self::List(items) => Some(json!(items)),
        }
    }
}

const fn key(path: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key { path, kind, default, short_env: None, flag: None, doc, effect: Effect::Acts }
}

impl Key {
    const fn env(mut self, name: &'static str) -> Self {
        self.short_env = Some(name);
        self
    }

    const fn flag(mut self, name: &'static str) -> Self {
        self.flag = Some(name);
        self
    }

    const fn later(mut self) -> Self {
        self.effect = Effect::Later;
        self
    }

    /// Whether something reads it.
    pub(crate) fn is_used(&self) -> bool {
        self.effect == Effect::Acts
    }

    /// What happens while it is not set; empty for a key with a default.
    pub(crate) const fn unset(&self) -> &'static str {
        match self.default {
            Default::Unset(words) => words,
            _ => "",
        }
    }

    /// Whether `path` is this key's, a `<name>` segment standing for any word.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut mine = self.path.split('.');
        let mut theirs = path.split('.');
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some("<name>"), Some(name)) if is_name(name) => {}
                (Some(a), Some(b)) if a == b => {}
                _ => return false,
            }
        }
    }

    /// Whether `path` is a section above this key.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        let mut mine = self.path.split('.');
        for theirs in path.split('.') {
            match mine.next() {
                Some("<name>") if is_name(theirs) => {}
                Some(segment) if segment == theirs => {}
                _ => return false,
            }
        }
        mine.next().is_some()
    }
}

/// Whether `word` may stand for `<name>`: lower-case letters, digits, `-` and `_`.
pub(crate) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// The key that `path` names.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.matches(path))
}

/// Whether some key lies below `path`.
pub(crate) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.is_below(path))
}

/// Older spellings: (accepted, meant).
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("persistence.queue_max_size", "persistence.queue_max_items"),
    ("proxy.tls_fingerprint", "proxy.tls.fingerprint"),
    ("proxy.tls_provider", "proxy.tls.provider"),
];

/// The keys that say whose TLS hello a provider sees.
pub(crate) const TLS_KEYS: [&str; 4] = [
    "proxy.tls.provider",
    "proxy.tls.fingerprint",
    "proxy.tls.hosts",
    "proxy.tls.strip_acknowledgements",
];

const MIB: u64 = 1024 * 1024;

/// Every key, in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    key("home", Kind::Folder, Default::Unset("XDG data folder `langley`"), "Folder for database, certificates, token and logs. In a file it is read from the XDG one only.")
        .env("LANGLEY_HOME")
        .flag("--home"),
    key("proxy.host", Kind::Host, Default::Text("127.0.0.1"), "Address the proxy listens on. Anything beyond loopback needs `proxy.allow_remote`.")
        .env("LANGLEY_LISTEN")
        .flag("--listen"),
    key("proxy.port", Kind::Port, Default::Number(9090), "Port the proxy listens on; 0 takes any free one (the chosen one is in `state.json`).")
        .env("LANGLEY_LISTEN")
        .flag("--listen"),
    key("proxy.allow_remote", Kind::Switch, Default::Switch(false), "Whether proxy and API may listen beyond loopback. The proxy then asks for Basic authentication: any user, the token as password."),
    key("proxy.intercept.hosts", Kind::Hosts, Default::List(LLM_HOSTS), "Hosts whose TLS is opened and recorded; the TLS of all others is tunnelled unread. Plain `http://` requests are recorded whatever their host. A value replaces the list; a leading `+` adds to it.")
        .env("LANGLEY_INTERCEPT_HOSTS"),
    key("proxy.reverse.default", Kind::Name, Default::Unset("404 with a hint"), "Upstream for base-URL requests whose path names no provider.")
        .env("LANGLEY_REVERSE_DEFAULT"),
    key("proxy.reverse.upstreams.<name>.base_url", Kind::BaseUrl, Default::Unset("the provider's own"), "Where base-URL requests to upstream `<name>` go; `anthropic`, `openai`, `gemini` and `bedrock` (in the region of `AWS_REGION` or `AWS_DEFAULT_REGION`, else us-east-1) are known, other names are new upstreams under `/to/<name>/`.")
        .env("LANGLEY_UPSTREAM_<NAME>"),
    key("proxy.upstream_ca", Kind::File, Default::Unset("system roots alone"), "PEM file of certificates to trust towards providers, beside the system's roots.")
        .env("LANGLEY_UPSTREAM_CA"),
    key("proxy.insecure_hosts", Kind::ExactHosts, Default::List(&[]), "Hosts whose certificate is not checked: a test server's, say. Exact names only; anybody between Langley and such a host can read and change its traffic, and `doctor`, `status` and the dashboard keep saying so."),
    key("proxy.client_certificates.<name>.hosts", Kind::Hosts, Default::Unset("required"), "Hosts that certificate `<name>` is presented to when they ask for one. A host that asks and has none is tunnelled unread, so that the agent is asked itself."),
    key("proxy.client_certificates.<name>.certificate", Kind::File, Default::Unset("required"), "PEM file of certificate `<name>` and those between it and its root."),
    key("proxy.client_certificates.<name>.key", Kind::File, Default::Unset("required"), "PEM file of the private key of certificate `<name>`; mode 600."),
    key("proxy.upstream_proxy", Kind::ProxyUrl, Default::Unset("`HTTPS_PROXY`, else none"), "HTTP proxy that Langley itself goes through, `http://[user:password@]host:port`; `none` goes directly.")
        .env("LANGLEY_UPSTREAM_PROXY"),
    key("proxy.no_proxy", Kind::NoProxy, Default::Unset("`NO_PROXY`, else none"), "Hosts reached without the upstream proxy: names, suffixes, addresses, CIDR ranges. `localhost` and the addresses of loopback always are."),
    key("proxy.tls.provider", Kind::TlsProvider, Default::Text("native"), "Whose TLS hello a provider sees: `native` Langley's own; `mirror` the agent's (cipher list, extensions, order, groups, so that its JA4 is the same), or Langley's own where the provider does not accept that, which the flow then says; `mirror-strict` the agent's or none, as a 502. `utls` is read as `mirror`.")
        .env("LANGLEY_TLS_PROVIDER"),
    key("proxy.tls.fingerprint", Kind::Fingerprint, Default::Unset("the agent's hello"), "Known client whose hello is mirrored in place of the agent's. In reverse mode, where no agent's hello exists, without it `mirror` sends Langley's own and `mirror-strict` answers 502. Without effect where the provider is `native`."),
    key("proxy.tls.hosts", Kind::TlsHosts, Default::List(&[]), "Exceptions by host, the first that matches: `HOST=` and `native`, `mirror`, `mirror-strict`, a profile (mirrors it), or `mirror-strict:PROFILE`. An exception stands for itself: it does not take over `proxy.tls.fingerprint`."),
    key("proxy.tls.strip_acknowledgements", Kind::Switch, Default::Switch(false), "Whether a mirrored handshake takes out, before the TLS library sees them, a provider's signed certificate timestamps and its retry configurations after GREASE ECH, where the mirrored hello asked for them and the library did not; without it such a handshake fails. Both are without effect on what is agreed. Wanted where Chromium's hello is mirrored."),
    key("proxy.max_connections", Kind::Count { min: 16, max: 1_000_000 }, Default::Number(16_384), "Agent connections open at once; more wait."),
    key("proxy.limits.header_bytes", Kind::Bytes { min: 8 * 1024, max: 16 * MIB }, Default::Number(384 * 1024), "Size of a request's head; a larger one is answered 431."),
    key("proxy.limits.header_count", Kind::Count { min: 16, max: 1000 }, Default::Number(100), "Header lines of a request; one with more is answered 431."),
    key("proxy.limits.idle_seconds", Kind::Count { min: 0, max: 604_800 }, Default::Number(0), "Seconds in which nothing passes, in either direction, before an exchange is ended as timed out; 0 waits for ever. What waits for a slow reader is not idle, and WebSockets and tunnels are not counted."),
    key("proxy.limits.total_seconds", Kind::Count { min: 0, max: 604_800 }, Default::Number(0), "Seconds that an exchange may take before it is ended as timed out; 0 waits for ever. An answer that is a stream of events has no bound once it has begun."),
    key("api.host", Kind::Host, Default::Text("127.0.0.1"), "Address of dashboard and API.")
        .env("LANGLEY_API")
        .flag("--api"),
    key("api.port", Kind::Port, Default::Number(9091), "Port of dashboard and API; 0 takes any free one.")
        .env("LANGLEY_API")
        .flag("--api"),
    key("api.allowed_hosts", Kind::Hosts, Default::List(&[]), "Host names that dashboard and API answer to beside loopback's, such as this machine's name."),
    key("memory.max_flows", Kind::Count { min: 1, max: 1_000_000 }, Default::Number(1000), "Open flows whose state the recorder's writer keeps in memory, those that changed last; the others are read back from the database when they change. Also the changed flows that may wait for one watcher of the live feed before it is told to load anew."),
    key("memory.max_events_per_flow", Kind::Count { min: 1, max: 1_000_000 }, Default::Number(500), "Stream events of one flow that are held in memory before they are handed to the database."),
    key("persistence.body_max_bytes", Kind::Bytes { min: 0, max: 256 * MIB }, Default::Number(MIB), "Longest body that is kept, or longest piece (message, tool, system block) of a request; the rest is cut and marked."),
    key("persistence.event_batch_size", Kind::Count { min: 1, max: 100_000 }, Default::Number(50), "Stream events gathered before they are handed to the database; so far time alone decides.").later(),
    key("persistence.event_batch_timeout_ms", Kind::Count { min: 10, max: 60_000 }, Default::Number(1000), "Longest time in milliseconds before gathered events are written."),
    key("persistence.queue_max_items", Kind::Count { min: 100, max: 10_000_000 }, Default::Number(10_000), "Observations waiting between proxy and recorder, small ones (below 6,710 bytes) counted in proportion; more are counted as gaps."),
    key("persistence.queue_max_bytes", Kind::Bytes { min: MIB, max: 16 * 1024 * MIB }, Default::Number(64 * MIB), "Bytes waiting between proxy and recorder; more are counted as gaps."),
    key("tasks.infer", Kind::Switch, Default::Switch(true), "Whether requests that name neither task nor session are put into tasks by host and time."),
    key("tasks.idle_gap_minutes", Kind::Count { min: 1, max: 1440 }, Default::Number(5), "Minutes without a request or an answer after which an inferred task, or session, ends and another begins."),
    key("budgets.<name>.limit_usd", Kind::Dollars, Default::Unset("required"), "What may be spent by budget `<name>`, in US dollars, in each of its days, months or sessions. What flows cost is known at their end, and flows of unknown cost are not counted: `GET /api/budgets` says how many."),
    key("budgets.<name>.scope", Kind::OneOf(&["day", "month", "session"]), Default::Unset("day"), "Over what budget `<name>` is added up: a day or a month of the local time (from the full hour), or a session."),
    key("budgets.<name>.action", Kind::OneOf(&["warn", "refuse"]), Default::Unset("warn"), "What happens beyond budget `<name>`: `warn` says so in log, `langley status` and `/api/stats`; `refuse` also answers further calls of models with 402 in the provider's form. A call goes by its headers: a session that only the body names is warned of, and an open WebSocket goes on."),
    key("budgets.<name>.agent", Kind::Text, Default::Unset("all"), "The kind of agent of budget `<name>`, as flows name it (`claude-code`, `codex`)."),
    key("budgets.<name>.model", Kind::Text, Default::Unset("all"), "The model of budget `<name>`. A request names it in its body, so that such a budget only warns."),
    key("budgets.<name>.project", Kind::Text, Default::Unset("all"), "The project of budget `<name>`, as flows name it: a folder, or the name that was given. By day and month such a budget only warns; a session's calls can be refused."),
    key("pricing.overrides", Kind::Prices, Default::List(&[]), "Prices of your own for models whose name has a match of `model_pattern`: dollars for a million tokens by class (`input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, `reasoning`; with `_per_1k` for a thousand) and for a thousand calls of `web_search`; at one `provider` or at all, from `effective_date` on or always. What an entry leaves out keeps the price book's."),
    key("redaction.headers.always_redact", Kind::HeaderNames, Default::List(&[]), "Headers whose value is never stored, beside the built-in ones."),
    key("redaction.headers.pattern_redact", Kind::Patterns, Default::List(&[]), "Regular expressions of header names whose value is never stored, beside the built-in ones."),
    key("redaction.bodies.redact_api_keys", Kind::Switch, Default::Switch(true), "Whether keys and tokens in bodies, streams and URLs are replaced."),
    key("redaction.bodies.redact_base64_images", Kind::Switch, Default::Switch(true), "Whether base64 images are replaced by type, size and hash."),
    key("redaction.logging.never_log_body_for_hosts", Kind::Hosts, Default::List(&["*.stripe.com", "*.auth0.com"]), "Hosts of which no body is kept. A leading `+` adds to the list."),
    key("redaction.store_raw", Kind::Switch, Default::Switch(false), "Whether bodies are also kept unredacted, in `langley-raw.db`, for forensics; takes `langley start --store-raw` as well."),
    key("analytics.anomaly_context_tokens", Kind::Count { min: 1, max: 100_000_000 }, Default::Number(100_000), "Tokens of a request from which on its context is a finding."),
    key("analytics.anomaly_context_percent", Kind::Count { min: 1, max: 100 }, Default::Number(80), "Share, in percent, of what a model can read from which on a request's context is a finding; where it is known what the model can read."),
    key("analytics.anomaly_context_spike_tokens", Kind::Count { min: 1, max: 100_000_000 }, Default::Number(20_000), "Tokens by which a request has to be longer than the one before it in its conversation, and twice as long, to be a finding."),
    key("analytics.anomaly_slow_response_ms", Kind::Count { min: 1, max: 86_400_000 }, Default::Number(10_000), "Milliseconds to the first token beyond which an answer is looked at; it is a finding where its model usually takes a quarter of that or less."),
    key("analytics.anomaly_stall_ms", Kind::Count { min: 1, max: 86_400_000 }, Default::Number(30_000), "Milliseconds between two events of an answer beyond which it stalled."),
    key("analytics.anomaly_tool_delay_ms", Kind::Count { min: 1, max: 86_400_000 }, Default::Number(30_000), "Milliseconds from a tool call to its result beyond which the tool is slow."),
    key("analytics.anomaly_rapid_calls_window_s", Kind::Count { min: 1, max: 3600 }, Default::Number(10), "Seconds within which equal calls of a tool are counted."),
    key("analytics.anomaly_rapid_calls_threshold", Kind::Count { min: 1, max: 200 }, Default::Number(5), "Equal calls of a tool in that time beyond which they are a finding."),
    key("analytics.anomaly_request_loop", Kind::Count { min: 2, max: 16 }, Default::Number(3), "Answers to the same request, each within ten minutes of the one before, from which on they are a loop."),
    key("analytics.anomaly_tool_failures", Kind::Count { min: 1, max: 1000 }, Default::Number(3), "Failures of a tool in a row from which on they are a finding."),
    key("analytics.anomaly_retries", Kind::Count { min: 2, max: 1000 }, Default::Number(4), "Failed attempts in a row, each within a minute of the one before, from which on they are a storm."),
    key("analytics.anomaly_request_cents", Kind::Count { min: 0, max: 10_000_000 }, Default::Number(100), "US cents of one exchange from which on it is a finding; 0 sets no bound."),
    key("analytics.anomaly_daily_cents", Kind::Count { min: 0, max: 10_000_000 }, Default::Number(0), "US cents of a day (UTC) beyond which it is a finding; 0 sets no bound."),
    key("analytics.anomaly_cache_break_tokens", Kind::Count { min: 1, max: 100_000_000 }, Default::Number(1_024), "Tokens that could be read from the cache and were billed again, from which on that is a finding."),
    key("analytics.anomaly_idle_tools_tokens", Kind::Count { min: 1, max: 100_000_000 }, Default::Number(5_000), "Tokens of a request that are definitions of servers' tools nobody calls, from which on they are a finding."),
    key("transcripts.enabled", Kind::Switch, Default::Switch(true), "Whether what agents write of their own sessions is followed and kept. `langley import` brings it in all the same."),
    key("transcripts.roots", Kind::Folders, Default::Unset("the agents' own folders"), "Folders in which transcripts are looked for, in place of the agents' own."),
    key("retention.flows_ttl_days", Kind::Count { min: 0, max: 36_500 }, Default::Number(30), "Days that flows, messages, tunnels and rows about drops are kept; 0 keeps them for ever."),
    key("retention.events_ttl_days", Kind::Count { min: 0, max: 36_500 }, Default::Number(7), "Days that stream events are kept; 0 keeps them for ever."),
    key("retention.bodies_ttl_days", Kind::Count { min: 0, max: 36_500 }, Default::Number(3), "Days that bodies are kept that were not parsed, or beside which the message parsed from them is kept; 0 keeps them for ever."),
    key("retention.transcripts_ttl_days", Kind::Count { min: 0, max: 36_500 }, Default::Number(0), "Days that what agents wrote of a session is kept after its newest line; 0 keeps it for ever."),
    key("maintenance.interval_hours", Kind::Count { min: 1, max: 8760 }, Default::Number(24), "Hours between two runs of maintenance."),
    key("maintenance.wal_checkpoint_pages", Kind::Count { min: 1, max: 1_000_000 }, Default::Number(1000), "Pages in the write-ahead log before it is folded back; four times as many while much waits to be written."),
    key("maintenance.wal_checkpoint_interval_s", Kind::Count { min: 1, max: 86_400 }, Default::Number(300), "Seconds between two folds of the write-ahead log."),
    key("maintenance.vacuum_free_percent", Kind::Count { min: 1, max: 100 }, Default::Number(20), "Share of free pages, in percent, beyond which maintenance gives them back to the disk."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstreams_name_stands_where_the_table_says_name() {
        assert!(find("proxy.reverse.upstreams.anthropic.base_url").is_some());
        assert!(find("proxy.reverse.upstreams.An thropic.base_url").is_none());
        assert!(is_section("proxy.reverse.upstreams.anthropic"));
        assert!(!is_section("proxy.port"));
    }

    #[test]
    fn every_alias_leads_to_a_key() {
        for (alias, meant) in ALIASES {
            assert!(find(alias).is_none() && find(meant).is_some(), "{alias}");
        }
    }

    #[test]
    fn every_default_is_a_value_its_kind_accepts() {
        for key in KEYS {
            if let Some(value) = key.default.value() {
                let accepted = key.kind.accept(&value, None);
                assert_eq!(accepted.as_ref(), Ok(&value), "{}", key.path);
            }
        }
    }
}
