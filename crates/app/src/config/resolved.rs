//! The resolved configuration: typed values that the rest of the program uses without asking again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use langley_engine::{Budget, Limits as FindingLimits, PriceOverride};
use langley_model::MicroUsd;
use langley_proxy::{
    Acknowledgements, ClientCertificate, Fingerprint, HostList, Limits, TlsChoice, TlsProvider,
    TlsRules,
};
use langley_store::Retention;
use serde_json::Value;

use super::environment::Environment;
use super::layers::{Layers, Origin};
use super::prices;
use super::problem::Problem;

/// Everything settled.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Folder for database, certificates, token and logs.
    pub(crate) home: PathBuf,
    /// Where the proxy listens.
    pub(crate) proxy: Address,
    /// Where dashboard and API listen.
    pub(crate) api: Address,
    /// Host names that dashboard and API answer to, beside loopback's.
    pub(crate) allowed_hosts: Vec<String>,
    /// Whether listening beyond loopback is wanted.
    pub(crate) allow_remote: bool,
    /// Host patterns whose TLS is opened.
    pub(crate) intercept_hosts: Vec<String>,
    /// Upstream for paths that name no provider.
    pub(crate) reverse_default: Option<String>,
    /// Base URL by upstream name, where it differs from the provider's own.
    pub(crate) upstreams: BTreeMap<String, String>,
    /// PEM file added to the roots.
    pub(crate) upstream_ca: Option<PathBuf>,
    /// Hosts whose certificate is not checked.
    pub(crate) insecure_hosts: Vec<String>,
    /// Certificates to present, by name.
    pub(crate) client_certificates: BTreeMap<String, ClientCertificate>,
    /// Whose TLS hello providers see.
    pub(crate) tls: TlsRules,
    /// URL of the proxy that Langley itself goes through; may hold a password.
    pub(crate) upstream_proxy: Option<String>,
    /// Hosts reached without it.
    pub(crate) no_proxy: Option<String>,
    /// Agent connections open at once.
    pub(crate) max_connections: usize,
    /// Bounds of an exchange.
    pub(crate) limits: Limits,
    /// How much is held in memory.
    pub(crate) memory: Memory,
    /// How much is kept, and how.
    pub(crate) persistence: Persistence,
    /// How tasks are told.
    pub(crate) tasks: Tasks,
    /// What may be spent.
    pub(crate) budgets: Vec<Budget>,
    /// What is never kept.
    pub(crate) redaction: Redaction,
    /// Prices of the user's own.
    pub(crate) prices: Vec<PriceOverride>,
    /// From which figure on something is a finding.
    pub(crate) findings: FindingLimits,
    /// What agents write of their own sessions.
    pub(crate) transcripts: Transcripts,
    /// For how long what is kept, and when that is seen to.
    pub(crate) maintenance: Maintenance,
}

/// Host and port to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Address or name.
    pub(crate) host: String,
    /// Port; 0 takes any free one.
    pub(crate) port: u16,
}

impl Address {
    /// Whether only this machine can reach it.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How much is held in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Open flows, and changed ones that wait for one watcher.
    pub(crate) max_flows: usize,
    /// Stream events of one flow.
    pub(crate) max_events_per_flow: usize,
}

/// How much is kept, and how.
#[derive(Clone, Debug)]
pub(crate) struct Persistence {
    /// Longest body kept, in bytes.
    pub(crate) body_max_bytes: usize,
    /// Longest time before gathered events are written.
    pub(crate) event_batch_timeout: Duration,
    /// Observations waiting between proxy and recorder.
    pub(crate) queue_max_items: usize,
    /// Bytes waiting between proxy and recorder.
    pub(crate) queue_max_bytes: usize,
}

/// How tasks are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tasks {
    /// Whether they are inferred where nothing names one.
    pub(crate) infer: bool,
    /// The rest that ends what is inferred.
    pub(crate) idle_gap: Duration,
}

/// What agents write of their own sessions.
#[derive(Clone, Debug)]
pub(crate) struct Transcripts {
    /// Whether it is followed.
    pub(crate) is_followed: bool,
    /// Folders in place of the agents' own; empty where these are meant.
    pub(crate) roots: Vec<PathBuf>,
}

/// For how long what is kept, and when that is seen to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maintenance {
    /// Ages beyond which it goes.
    pub(crate) retention: Retention,
    /// Between two runs.
    pub(crate) every: Duration,
    /// Pages in the write-ahead log before it is folded back.
    pub(crate) checkpoint_pages: u32,
    /// Between two folds of the write-ahead log.
    pub(crate) checkpoint_every: Duration,
}

/// What is never kept.
#[derive(Clone, Debug)]
pub(crate) struct Redaction {
    /// Headers by name.
    pub(crate) headers: Vec<String>,
    /// Headers by pattern.
    pub(crate) header_patterns: Vec<String>,
    /// Keys in bodies.
    pub(crate) api_keys: bool,
    /// Images in bodies.
    pub(crate) base64_images: bool,
    /// Hosts of which no body is kept.
    pub(crate) no_body_hosts: Vec<String>,
    /// Unredacted bodies beside the record; only where the command asks for them as well.
    pub(crate) store_raw: bool,
}

impl Config {
    /// Settles `layers`, whose values their kinds have accepted already.
    ///
    /// # Errors
    /// Values that contradict each other.
    pub(crate) fn resolve(layers: &Layers, environment: &Environment) -> Result<Self, Problem> {
        let read = Read { layers };
        let upstreams = layers
            .named("proxy.reverse.upstreams", "base_url")
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect();
        let mut config = Self {
            home: PathBuf::from(read.text("home").unwrap_or_default()),
            proxy: read.address("proxy"),
            api: read.address("api"),
            allowed_hosts: read.list("api.allowed_hosts"),
            allow_remote: read.switch("proxy.allow_remote"),
            intercept_hosts: read.list("proxy.intercept.hosts"),
            reverse_default: read.text("proxy.reverse.default"),
            upstreams,
            upstream_ca: read
                .text("proxy.upstream_ca")
                .map(|path| environment.absolute(path.as_ref())),
            insecure_hosts: read.list("proxy.insecure_hosts"),
            client_certificates: read.client_certificates(environment)?,
            tls: read.tls(),
            upstream_proxy: read.text("proxy.upstream_proxy").filter(|url| url != "none"),
            no_proxy: read.text("proxy.no_proxy"),
            max_connections: read.size("proxy.max_connections"),
            limits: Limits {
                header_bytes: u32::try_from(read.number("proxy.limits.header_bytes"))
                    .unwrap_or(u32::MAX),
                header_count: read.size("proxy.limits.header_count"),
                idle: read.seconds("proxy.limits.idle_seconds"),
                total: read.seconds("proxy.limits.total_seconds"),
            },
            memory: Memory {
                max_flows: read.size("memory.max_flows"),
                max_events_per_flow: read.size("memory.max_events_per_flow"),
            },
            persistence: Persistence {
                body_max_bytes: read.size("persistence.body_max_bytes"),
                event_batch_timeout: Duration::from_millis(
                    read.number("persistence.event_batch_timeout_ms"),
                ),
                queue_max_items: read.size("persistence.queue_max_items"),
                queue_max_bytes: read.size("persistence.queue_max_bytes"),
            },
            budgets: super::budgets::read(layers)?,
            tasks: Tasks {
                infer: read.switch("tasks.infer"),
                idle_gap: Duration::from_mins(read.number("tasks.idle_gap_minutes")),
            },
            redaction: Redaction {
                headers: read.list("redaction.headers.always_redact"),
                header_patterns: read.list("redaction.headers.pattern_redact"),
                api_keys: read.switch("redaction.bodies.redact_api_keys"),
                base64_images: read.switch("redaction.bodies.redact_base64_images"),
                no_body_hosts: read.list("redaction.logging.never_log_body_for_hosts"),
                store_raw: read.switch("redaction.store_raw"),
            },
            prices: prices::overrides(layers.value("pricing.overrides")),
            findings: read.findings(),
            transcripts: Transcripts {
                is_followed: read.switch("transcripts.enabled"),
                roots: read
                    .list("transcripts.roots")
                    .iter()
                    .map(|path| environment.absolute(path.as_ref()))
                    .collect(),
            },
            maintenance: read.maintenance(),
        };
        config.leave_itself_out(layers);
        for (section, address) in [("proxy", &config.proxy), ("api", &config.api)] {
            if !address.is_loopback() && !config.allow_remote {
                let origin = read.origin(&format!("{section}.host"));
                let sentence = format!(
                    "{} can be reached from other machines; set `proxy.allow_remote: true` if that is meant (the proxy then asks for the token)",
                    address.host
                );
                return Err(Problem::value(origin, &format!("{section}.host"), sentence));
            }
        }
        Ok(config)
    }

    /// Whose TLS hello providers see by `layers`.
    pub(crate) fn tls_of(layers: &Layers) -> TlsRules {
        Read { layers }.tls()
    }

    /// The system's proxy may be Langley itself, inside `langley run`: going through it would loop.
    fn leave_itself_out(&mut self, layers: &Layers) {
        let from_system = layers
            .entry("proxy.upstream_proxy")
            .is_some_and(|entry| matches!(entry.origin, Origin::System(_)));
        let own = self.upstream_proxy.as_deref().is_some_and(|url| {
            let uri = url.parse::<hyper::Uri>().unwrap_or_default();
            let there = Address {
                host: uri.host().unwrap_or_default().to_owned(),
                port: uri.port_u16().unwrap_or(80),
            };
            there.is_loopback() && there.port == self.proxy.port
        });
        if from_system && own {
            self.upstream_proxy = None;
        }
    }
}

/// Typed looks at layers whose values were accepted; an absent one reads as empty.
struct Read<'a> {
    layers: &'a Layers,
}

impl Read<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.layers.value(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// From which figure on something is a finding.
    fn findings(&self) -> FindingLimits {
        let number = |name: &str| self.number(&format!("analytics.anomaly_{name}"));
        let size = |name: &str| usize::try_from(number(name)).unwrap_or(usize::MAX);
        let cents = |name: &str| MicroUsd(i64::try_from(number(name)).unwrap_or_default() * 10_000);
        FindingLimits {
            context_tokens: number("context_tokens"),
            context_percent: number("context_percent"),
            spike_tokens: number("context_spike_tokens"),
            slow_response: Duration::from_millis(number("slow_response_ms")),
            stall: Duration::from_millis(number("stall_ms")),
            slow_tool: Duration::from_millis(number("tool_delay_ms")),
            rapid_window: Duration::from_secs(number("rapid_calls_window_s")),
            rapid_calls: size("rapid_calls_threshold"),
            request_loop: size("request_loop"),
            tool_failures: size("tool_failures"),
            retries: size("retries"),
            request_cost: cents("request_cents"),
            daily_cost: Some(cents("daily_cents")).filter(|cost| cost.0 > 0),
            cache_break_tokens: number("cache_break_tokens"),
            idle_tools_tokens: number("idle_tools_tokens"),
        }
    }

    fn number(&self, key: &str) -> u64 {
        self.layers.value(key).and_then(Value::as_u64).unwrap_or_default()
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    /// A span; none when it is 0.
    fn seconds(&self, key: &str) -> Option<Duration> {
        Some(self.number(key)).filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    fn small(&self, key: &str) -> u32 {
        u32::try_from(self.number(key)).unwrap_or(u32::MAX)
    }

    fn maintenance(&self) -> Maintenance {
        Maintenance {
            retention: Retention {
                flows_days: self.small("retention.flows_ttl_days"),
                events_days: self.small("retention.events_ttl_days"),
                bodies_days: self.small("retention.bodies_ttl_days"),
                transcripts_days: self.small("retention.transcripts_ttl_days"),
                vacuum_free_percent: self.small("maintenance.vacuum_free_percent"),
            },
            every: Duration::from_secs(self.number("maintenance.interval_hours") * 60 * 60),
            checkpoint_pages: self.small("maintenance.wal_checkpoint_pages"),
            checkpoint_every: Duration::from_secs(
                self.number("maintenance.wal_checkpoint_interval_s"),
            ),
        }
    }

    fn switch(&self, key: &str) -> bool {
        self.layers.value(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn list(&self, key: &str) -> Vec<String> {
        let items = self.layers.value(key).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn address(&self, section: &str) -> Address {
        let port = self.number(&format!("{section}.port"));
        Address {
            host: self.text(&format!("{section}.host")).unwrap_or_default(),
            port: u16::try_from(port).unwrap_or_default(),
        }
    }

    fn client_certificates(
        &self,
        environment: &Environment,
    ) -> Result<BTreeMap<String, ClientCertificate>, Problem> {
        const SECTION: &str = "proxy.client_certificates";
        const LEAVES: [&str; 3] = ["hosts", "certificate", "key"];
        let names = LEAVES.iter().flat_map(|leaf| {
            self.layers.named(SECTION, leaf).into_iter().map(move |(name, _)| (name, *leaf))
        });
        let mut found = BTreeMap::new();
        for (name, named_by) in names.collect::<Vec<_>>() {
            let path = |leaf: &str| format!("{SECTION}.{name}.{leaf}");
            if let Some(missing) =
                LEAVES.iter().find(|leaf| self.layers.entry(&path(leaf)).is_none())
            {
                let sentence = format!("`{}` is needed beside it", path(missing));
                return Err(Problem::value(
                    self.origin(&path(named_by)),
                    &path(named_by),
                    sentence,
                ));
            }
            let file = |leaf: &str| {
                environment.absolute(self.text(&path(leaf)).unwrap_or_default().as_ref())
            };
            let hosts = HostList::parse(&self.list(&path("hosts"))).map_err(|error| {
                Problem::value(self.origin(&path("hosts")), &path("hosts"), error.to_string())
            })?;
            let certificate =
                ClientCertificate { hosts, certificate: file("certificate"), key: file("key") };
            found.insert(name, certificate);
        }
        Ok(found)
    }

    fn tls(&self) -> TlsRules {
        let provider = self.text("proxy.tls.provider");
        let fingerprint = self.text("proxy.tls.fingerprint");
        let hosts = self.list("proxy.tls.hosts");
        TlsRules {
            default: TlsChoice {
                provider: provider.and_then(|word| TlsProvider::parse(&word)).unwrap_or_default(),
                fingerprint: fingerprint.and_then(|word| Fingerprint::parse(&word)),
            },
            hosts: hosts.iter().filter_map(|rule| rule.parse().ok()).collect(),
            acknowledgements: if self.switch("proxy.tls.strip_acknowledgements") {
                Acknowledgements::Strip
            } else {
                Acknowledgements::Break
            },
        }
    }

    fn origin(&self, key: &str) -> Origin {
        self.layers.entry(key).map_or(Origin::Default, |entry| entry.origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::key::{KEYS, Key};
    use super::super::kind::Kind;
    use super::*;

    /// A value that `key` takes, and that is not its default.
    fn another(key: &Key) -> Value {
        let default = key.default.value();
        match key.kind {
            Kind::Switch => json!(default != Some(json!(true))),
            Kind::Count { min, max } | Kind::Bytes { min, max } => {
                json!(if default == Some(json!(min)) { max } else { min })
            }
            Kind::Port => json!(1234),
            Kind::Host => json!("127.0.0.2"),
            Kind::Name => json!("other"),
            Kind::File | Kind::Folder => json!("/other/path"),
            Kind::Folders => json!(["/other/path"]),
            Kind::BaseUrl => json!("https://other.example"),
            Kind::ProxyUrl => json!("http://other.example:1"),
            Kind::NoProxy => json!("other.example"),
            Kind::TlsProvider => json!("mirror"),
            Kind::Fingerprint => json!("bun"),
            Kind::TlsHosts => json!(["other.example=native"]),
            Kind::Hosts | Kind::ExactHosts => json!(["other.example"]),
            Kind::HeaderNames => json!(["x-other"]),
            Kind::Patterns => json!(["^x-other"]),
            Kind::Dollars => json!("7.5"),
            Kind::OneOf(words) => json!(words[1]),
            Kind::Text => json!("other"),
            Kind::Prices => json!([{"model_pattern": "^other", "input": "1"}]),
        }
    }

    #[test]
    fn every_key_is_read_unless_the_table_says_that_it_is_not_used() {
        let mut layers = Layers::defaults();
        layers.set("home", &json!("/h"), Origin::Default);
        for (leaf, value) in
            [("hosts", json!(["n.example"])), ("certificate", json!("/c")), ("key", json!("/k"))]
        {
            layers.set(&format!("proxy.client_certificates.n.{leaf}"), &value, Origin::Default);
        }
        layers.set("budgets.n.limit_usd", &json!("5"), Origin::Default);
        let told = |layers: &Layers| {
            assert_eq!(layers.problems(), []);
            format!("{:?}", Config::resolve(layers, &Environment::default()).unwrap())
        };
        let before = told(&layers);
        for key in KEYS {
            let mut changed = layers.clone();
            let path = key.path.replace("<name>", "n");
            changed.set(&path, &another(key), Origin::Flag("--other"));
            assert_eq!(told(&changed) != before, key.is_used(), "{path}");
        }
    }
}
