//! Everything joined, top to bottom: ports, tap, proxy, store, recorder, doors, and their end.
//!
//! The proxy's port opens before anything slow, so that an agent started beside us waits in the
//! listen queue instead of failing. Nothing is registered elsewhere: what runs is named here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use langley_engine::{
    Analyst, Bell, BookPrices, BudgetBell, BudgetKeeper, Follower, FollowerOptions, Indexer,
    Intake, IntakeOptions, Lookout, Recorder, RecorderHandle, RecorderOptions,
};
use langley_model::{CaptureSink, Micros, PublishedGate, Redactor, RedactorOptions};
use langley_proxy::{
    CertificateAuthority, HostList, NoProxy, PROBE_HOST, PROBE_LIFE, Password, Probe, Proxy,
    ProxyOptions, UpstreamProxy,
};
use langley_server::{
    Doors, DoorsOptions, Gauges, Hub, LiveOptions, Registered, ServerInfo, Setting, shell_word,
};
use langley_store::{Change, RawStore, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config, Layers, Origin};
use crate::digest_key;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::keeper;
use crate::known_clients::known_clients;
use crate::listen::{self, Door};
use crate::lock::{Doing, Lock};
use crate::opening::{prices, recall_from, store_options, transcript_roots};
use crate::preflight;
use crate::raw::RawTee;
use crate::state::State;
use crate::token;
use crate::told_usage::teller;
use crate::upgrade;

/// How long running exchanges may go on after the first signal.
pub(crate) const DRAIN: Duration = Duration::from_secs(30);

/// Flows open at once whose ending has a reserved slot.
const MAX_OPEN_FLOWS: usize = 65_536;

/// Bytes that may wait for the writer: behind the intake, a short queue is enough.
const WRITER_QUEUE_BYTES: usize = 8 << 20;

const UPSTREAM_PROXY: &str = "proxy.upstream_proxy";

/// What a server is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To record agents; bodies also unredacted where it is `raw`.
    Record {
        /// Asked for by command and configuration.
        raw: bool,
    },
    /// To show made-up traffic, with data that will be gone.
    Show,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it can be found.
    pub(crate) state: State,
    /// Whether the certificate was issued anew because the intercept list changed.
    pub(crate) reissued: bool,
    home: Home,
    doors: Doors,
    intake: Arc<Intake>,
    store: Store,
    recorder: RecorderHandle,
    indexer: Indexer,
    budgets: BudgetKeeper,
    analyst: Analyst,
    follower: Option<Follower>,
    proxy: JoinHandle<()>,
    api: JoinHandle<std::io::Result<()>>,
    keeper: JoinHandle<()>,
    raw: Option<Arc<RawStore>>,
    stop_proxy: CancellationToken,
    stop_api: CancellationToken,
    connections: Connections,
    _lock: Lock,
}

/// Who is woken by what was committed.
#[derive(Clone, Default)]
struct Bells {
    indexer: Bell,
    analyst: Bell,
    follower: Bell,
    budgets: BudgetBell,
}

/// Reads how many agents are connected.
#[derive(Clone)]
struct Connections(Arc<dyn Fn() -> u64 + Send + Sync>);

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connections").field(&(self.0)()).finish()
    }
}

impl Server {
    /// Starts everything in a home, whose lock is held until the server ends. `stopped` ends it while it waits
    /// for the record to be brought up to date.
    ///
    /// # Errors
    /// A port is taken, or store, certificate authority or token cannot be used; it was stopped.
    pub(crate) async fn start(
        config: &Config,
        layers: &Layers,
        (home, lock): (Home, Lock),
        purpose: Purpose,
        stopped: impl Future<Output = ()>,
    ) -> Result<Self> {
        // Ports first.
        let proxy_listener = listen::open(Door::Proxy, &config.proxy)?;
        let api_listener = listen::open(Door::Api, &config.api)?;
        let proxy_addr = local_addr(&proxy_listener)?;
        let api_addr = local_addr(&api_listener)?;

        // What the proxy needs.
        let hosts =
            HostList::parse(&config.intercept_hosts).map_err(|e| unusable("intercept list", &e))?;
        let authority = CertificateAuthority::open_or_create(&home.ca(), &hosts).map_err(|e| {
            AppError::failed("the certificate authority cannot be used").said_by(&e)
        })?;
        let certificate = authority.certificate_pem().to_owned();
        let fingerprint = authority.fingerprint_sha256();
        let reissued = authority.reissued();
        let token = Arc::new(token::Watch::open(&home)?);

        // Proxy → intake.
        let intake = Intake::new(IntakeOptions {
            max_items: config.persistence.queue_max_items,
            max_bytes: config.persistence.queue_max_bytes,
            max_open_flows: MAX_OPEN_FLOWS,
            lanes: crate::runtime::threads(),
        });
        let gate = Arc::new(PublishedGate::default());
        let mut options = proxy_options((config, layers), hosts.clone(), &token)?;
        options.gate = Arc::clone(&gate);
        let raw = match purpose {
            Purpose::Record { raw: true } => Some(open_raw(&home)?),
            Purpose::Record { raw: false } | Purpose::Show => None,
        };
        let sink: Arc<dyn CaptureSink> = match &raw {
            Some(raw) => {
                let options = recorder_options(config);
                Arc::new(RawTee::new(Arc::clone(&intake) as Arc<_>, Arc::clone(raw), options))
            }
            None => Arc::clone(&intake) as Arc<_>,
        };
        let proxy = Proxy::new(options, authority, sink, proxy_addr)
            .map_err(|e| AppError::failed("the proxy cannot be set up").said_by(&e))?;
        let proxy_stats = Arc::new(proxy.stats());
        let probe = proxy.probe();
        let stop_proxy = CancellationToken::new();

        // Intake → recorder → store → hub.
        let hub = Hub::new(LiveOptions {
            pending_flows: config.memory.max_flows,
            ..LiveOptions::default()
        });
        let bells = Bells::default();
        let store = tokio::select! {
            store = open_store(config, (&home, &lock), &hub, &bells) => store?,
            () = stopped => return Err(unfinished()),
        };
        if let Some(raw) = &raw {
            store.goes_with(Arc::clone(raw));
        }
        let redactor = Arc::new(redactor(config)?);
        let key = {
            let (home, store) = (home.clone(), store.clone());
            tokio::task::spawn_blocking(move || digest_key::open_or_create(&home, &store))
                .await
                .map_err(|e| AppError::failed("the record cannot be read").because(&e))??
        };
        let recorder = Recorder::spawn(
            RecorderOptions {
                inference_key: key,
                recalled: recall_from(&store).await,
                ..recorder_options(config)
            },
            Arc::clone(&intake),
            store.clone(),
            &redactor,
            &(Arc::clone(&hub) as Arc<_>),
        )
        .map_err(|e| AppError::failed("the recorder cannot be started").because(&e))?;

        // Store → index and analysis, beside the road.
        let beside = [bells.indexer.clone(), bells.analyst.clone(), bells.follower.clone()];
        let indexer = Indexer::spawn(store.clone(), Arc::clone(&redactor), bells.indexer)
            .map_err(|e| AppError::failed("the indexer cannot be started").because(&e))?;
        let lookout = Lookout {
            limits: config.findings.clone(),
            prices: Arc::new(BookPrices::new(prices(config))),
            feed: Arc::clone(&hub) as Arc<_>,
        };
        let analyst = Analyst::spawn(store.clone(), Arc::clone(&redactor), bells.analyst, lookout)
            .map_err(|e| AppError::failed("the analysis cannot be started").because(&e))?;

        // Agents' own files → store, and what they cost → doors.
        let is_told = matches!(purpose, Purpose::Record { .. }) && config.transcripts.is_followed;
        let follower = match purpose {
            Purpose::Record { .. } => Some(
                Follower::spawn(
                    store.clone(),
                    Arc::clone(&redactor),
                    FollowerOptions {
                        roots: transcript_roots(config),
                        is_enabled: config.transcripts.is_followed,
                        key,
                        book: prices(config),
                    },
                    bells.follower,
                )
                .map_err(|e| AppError::failed("the transcripts cannot be followed").because(&e))?,
            ),
            // What a person really did has no place among what is made up.
            Purpose::Show => None,
        };

        // Store → gate: what is spent already is refused from the first request on.
        let (rules, redactor_too) = (config.budgets.clone(), Arc::clone(&redactor));
        let budgets = BudgetKeeper::spawn(rules, store.clone(), redactor_too, bells.budgets, gate)
            .map_err(|e| AppError::failed("the budgets cannot be kept").because(&e))?;

        // Traffic flows from here on.
        let proxy = tokio::spawn(proxy.serve(proxy_listener, stop_proxy.clone()));

        // Hub and store → doors.
        let recorder_stats = recorder.stats_reader();
        let connections = Arc::clone(&proxy_stats);
        let doors = Doors::new(DoorsOptions {
            store: store.clone(),
            hub: Arc::clone(&hub),
            gauges: Gauges {
                intake: Arc::clone(&intake),
                recorder: Box::new(move || recorder_stats.stats()),
                proxy_connections: Box::new(move || Some(connections().connections_open)),
                budgets: budgets.reader(),
                background_panics: Box::new(move || beside.iter().map(Bell::panics).sum()),
                raw_bodies: raw.clone().map(|raw| Box::new(move || raw.counters()) as Box<_>),
                transcripts: follower.as_ref().map(Follower::reader),
                told_usage: is_told.then(|| teller(config, &prices(config), &redactor)),
            },
            redactor: Arc::clone(&redactor),
            token: langley_server::Token::new(token.current().reveal())
                .map_err(|e| AppError::failed("the token cannot be used").because(&e))?,
            new_token: Box::new(move || langley_server::Token::new(token.current().reveal()).ok()),
            allowed_hosts: config.allowed_hosts.clone(),
            info: ServerInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                proxy_addr,
                api_addr,
                home: home.root().to_owned(),
                ca_path: home.ca_certificate(),
                bundle_path: home.ca_bundle(),
                ca_fingerprint: fingerprint,
                intercept_hosts: hosts.patterns().collect(),
                insecure_hosts: config.insecure_hosts.clone(),
                started_at: Micros::now(),
                demo: purpose == Purpose::Show,
                program: program(layers, &home),
                clients: known_clients(&home, proxy_addr),
            },
            settings: settings(layers),
            change_settings: {
                let (layers, redactor) = (layers.clone(), Arc::clone(&redactor));
                Box::new(move |store, changes| {
                    config::change_settings(&layers, &redactor, store, changes)
                })
            },
            register_probe: Box::new(move |address, ca_pem| register(&probe, address, ca_pem)),
            retention: config.maintenance.retention,
            prices: prices(config),
        });
        let stop_api = CancellationToken::new();
        let api = tokio::spawn(langley_server::serve(
            api_listener,
            doors.clone(),
            stop_api.clone().cancelled_owned(),
        ));

        // Only now can a client find us: all it needs is there.
        let bundle = home.ca_bundle();
        tokio::task::spawn_blocking(move || {
            langley_proxy::write_bundle(&bundle, &certificate, &[])
        })
        .await
        .map_err(|e| AppError::failed("the bundle of certificates was not written").because(&e))?
        .map_err(|e| {
            AppError::failed("the bundle of certificates cannot be written").because(&e)
        })?;
        let state = State {
            pid: std::process::id(),
            proxy: proxy_addr,
            api: api_addr,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        state.write(&home)?;

        // Old things go while new ones come.
        let keeper = tokio::spawn(keeper::keep(config.maintenance, store.clone(), hub));

        Ok(Self {
            state,
            reissued,
            home,
            doors,
            intake,
            store,
            recorder,
            indexer,
            budgets,
            analyst,
            follower,
            proxy,
            api,
            keeper,
            raw,
            stop_proxy,
            stop_api,
            connections: Connections(Arc::new(move || proxy_stats().connections_open)),
            _lock: lock,
        })
    }

    /// A one-time link to the dashboard.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn link(&self) -> Result<String> {
        self.doors
            .sign_in_link()
            .map_err(|e| AppError::failed("no link to the dashboard could be made").because(&e))
    }

    /// Whether agents are connected at the moment.
    pub(crate) fn is_busy(&self) -> impl Fn() -> bool + use<> {
        let Connections(open) = self.connections.clone();
        move || open() > 0
    }

    /// Ends in order: no new connections, running exchanges to their end (at most 30 s, or until
    /// `hurry`), then everything that was seen is written, then the doors close.
    ///
    /// # Errors
    /// The recorder or the store ended by a panic.
    pub(crate) async fn stop(mut self, hurry: impl Future<Output = ()>) -> Result<()> {
        State::remove(&self.home);
        self.stop_proxy.cancel();
        tokio::select! {
            _ = &mut self.proxy => {}
            () = hurry => self.proxy.abort(),
        }
        self.keeper.abort();
        self.intake.close();
        let (recorder, store) = (self.recorder, self.store);
        let beside = (self.indexer, self.analyst, self.budgets, self.follower);
        let raw = self.raw;
        let written = tokio::task::spawn_blocking(move || {
            if let Some(raw) = raw {
                raw.close();
            }
            recorder.join();
            drop(beside);
            store.close();
        })
        .await;
        self.stop_api.cancel();
        let _ = self.api.await;
        written.map_err(|e| AppError::failed("the recorder failed at its end").because(&e))
    }
}

/// The words by which another terminal comes to the server of this home: one that was named by a flag or
/// a variable of this terminal has to be named there as well.
pub(crate) fn program(layers: &Layers, home: &Home) -> String {
    match layers.entry("home").map(|entry| &entry.origin) {
        Some(Origin::Flag(_) | Origin::Env(_)) => {
            format!("langley --home {}", shell_word(home.root()))
        }
        _ => "langley".to_owned(),
    }
}

fn register(probe: &Probe, address: SocketAddr, ca_pem: &str) -> Result<Registered, String> {
    probe.register(address, ca_pem).map_err(|error| error.to_string())?;
    let life = i64::try_from(PROBE_LIFE.as_micros()).unwrap_or(i64::MAX);
    Ok(Registered {
        host: PROBE_HOST.to_owned(),
        certificate_pem: probe.certificate_pem().to_owned(),
        expires_at: Micros(Micros::now().0 + life),
    })
}

fn local_addr(listener: &TcpListener) -> Result<SocketAddr> {
    listener
        .local_addr()
        .map_err(|e| AppError::failed("the listener's address is unknown").because(&e))
}

pub(crate) fn unusable(what: &str, error: &dyn std::error::Error) -> AppError {
    AppError::wrong_use(format!("the {what} cannot be used"))
        .because(error)
        .next("see what is set, and where: `langley config show`")
}

fn proxy_options(
    (config, layers): (&Config, &Layers),
    hosts: HostList,
    token: &Arc<token::Watch>,
) -> Result<ProxyOptions> {
    let mut options = ProxyOptions::new(hosts);
    options.reverse = preflight::reverse(config)?;
    options.upstream_ca.clone_from(&config.upstream_ca);
    options.client_certificates = config.client_certificates.values().cloned().collect();
    options.insecure_hosts.clone_from(&config.insecure_hosts);
    options.tls = config.tls.clone();
    options.upstream_proxy = config
        .upstream_proxy
        .as_deref()
        .map(UpstreamProxy::parse)
        .transpose()
        .map_err(|e| unusable("upstream proxy", &e))?
        .map(|proxy| match layers.entry(UPSTREAM_PROXY) {
            Some(entry) => proxy.named_by(entry.origin.place_of(UPSTREAM_PROXY)),
            None => proxy,
        });
    if let Some(list) = &config.no_proxy {
        options.no_proxy =
            NoProxy::parse(list).map_err(|e| unusable("list `proxy.no_proxy`", &e))?;
    }
    options.max_connections = config.max_connections;
    options.limits = config.limits;
    options.drain = DRAIN;
    options.password = (!config.proxy.is_loopback()).then(|| {
        let token = Arc::clone(token);
        Password::new(move || token.current().reveal().to_owned())
    });
    Ok(options)
}

fn open_raw(home: &Home) -> Result<Arc<RawStore>> {
    RawStore::open(&home.raw_bodies()).map(Arc::new).map_err(|error| {
        AppError::failed("the file of unredacted bodies cannot be opened").said_by(&error)
    })
}

/// On a thread of its own: an earlier record is brought up to date first, and who ends the process meanwhile
/// has all of it undone.
async fn open_store(
    config: &Config,
    (home, lock): (&Home, &Lock),
    hub: &Arc<Hub>,
    bells: &Bells,
) -> Result<Store> {
    let mut options = store_options(config, home);
    options.open_flows = config.memory.max_flows;
    options.queue_max_items = config.persistence.queue_max_items;
    // Two queues stand one behind the other; the configured bound is the first one's.
    options.queue_max_bytes = config.persistence.queue_max_bytes.min(WRITER_QUEUE_BYTES);
    // The recorder holds events for a quarter of the time, the writer for half of it.
    options.event_batch = config.persistence.event_batch_timeout / 2;
    let (announce, bells) = (hub.announce(), bells.clone());
    let tell = move |changes: &[Change]| {
        announce(changes);
        bells.indexer.ring(changes);
        bells.analyst.ring(changes);
        bells.follower.ring(changes);
        bells.budgets.ring(changes);
    };
    if upgrade::is_due(home) {
        lock.tell(Doing::Upgrades);
    }
    let opened = tokio::task::spawn_blocking(move || Store::open(options, Box::new(tell))).await;
    lock.tell(Doing::Serves);
    let unusable = || AppError::failed("the database cannot be opened");
    opened.map_err(|e| unusable().because(&e))?.map_err(|e| unusable().said_by(&e))
}

fn unfinished() -> AppError {
    AppError::failed("the server was ended before it was ready")
        .why("a signal came while the record was opened; what was not done with it is undone")
        .next("start it again: `langley`")
}

/// The redactor that the configuration asks for.
///
/// # Errors
/// A header pattern that cannot be used.
pub(crate) fn redactor(config: &Config) -> Result<Redactor> {
    let wanted = &config.redaction;
    Redactor::new(RedactorOptions {
        always_redact_headers: wanted.headers.clone(),
        pattern_redact_headers: wanted.header_patterns.clone(),
        api_keys: wanted.api_keys,
        base64_images: wanted.base64_images,
    })
    .map_err(|why| AppError::wrong_use("the redaction rules cannot be used").why(why))
}

/// A redactor with every rule on, whatever the configuration switches off, and the rules it adds: by this
/// one judges who asks what is stored.
///
/// # Errors
/// A header pattern that cannot be used.
pub(crate) fn strict_redactor(config: &Config) -> Result<Redactor> {
    let mut strict = config.clone();
    (strict.redaction.api_keys, strict.redaction.base64_images) = (true, true);
    redactor(&strict)
}

fn recorder_options(config: &Config) -> RecorderOptions {
    RecorderOptions {
        body_max_bytes: config.persistence.body_max_bytes,
        events_per_flow: config.memory.max_events_per_flow,
        never_log_body_for_hosts: config.redaction.no_body_hosts.clone(),
        flush_after: config.persistence.event_batch_timeout / 4,
        idle_gap: config.tasks.idle_gap,
        infers_tasks: config.tasks.infer,
        prices: prices(config),
        ..RecorderOptions::default()
    }
}

fn settings(layers: &Layers) -> Vec<Setting> {
    let rows = layers.rows().into_iter();
    rows.map(|(key, _, entry)| Setting {
        key,
        value: entry.map_or(serde_json::Value::Null, |entry| config::public(&entry.value)),
        source: entry.map_or("default", |entry| entry.origin.word()).to_owned(),
        origin: entry.map_or_else(|| "default".to_owned(), |entry| entry.origin.to_string()),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    #[test]
    fn beyond_loopback_the_proxy_asks_for_the_token_that_counts_at_the_moment() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let token = Arc::new(token::Watch::open(&home).unwrap());
        let password = |host: &str| {
            let mut layers = Layers::defaults();
            layers.set("home", &folder.path().to_str().into(), Origin::Default);
            layers.set("proxy.host", &host.into(), Origin::Default);
            layers.set("proxy.allow_remote", &true.into(), Origin::Default);
            let config = Config::resolve(&layers, &config::Environment::of_process()).unwrap();
            let hosts = HostList::parse(&config.intercept_hosts).unwrap();
            proxy_options((&config, &layers), hosts, &token).unwrap().password
        };
        assert!(password("127.0.0.1").is_none());
        let password = password("0.0.0.0").unwrap();
        let first = token.current();
        assert!(password.fits(first.reveal().as_bytes()));
        let second = Token::rotate(&home).unwrap();
        assert!(!password.fits(first.reveal().as_bytes()));
        assert!(password.fits(second.reveal().as_bytes()));
    }
}
