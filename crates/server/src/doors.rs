//! What every door shares: the store, the hub, the figures of the other rooms, and the keys.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header;
use langley_engine::{
    BudgetReader, FollowerReader, ImportError, Intake, PriceBook, RecorderStats, Scanned,
    ThreadShapes,
};
use langley_model::{DropReason, Micros, Redactor, Revision, Strain};
use langley_store::{RawCounters, Retention, Store, StoreError};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::auth::{Keys, NewToken, Token};
use crate::error::ApiError;
use crate::guard::AllowedHosts;
use crate::live::Hub;
use crate::probe::{RegisterProbe, Registered};
use crate::settings::{ChangeSettings, ChangedSetting, Setting, SettingsRefused};

/// Queries that run at once; more wait, so that the doors never take the whole machine.
const READS_AT_ONCE: usize = 4;
/// Changes wait for the writer, which may be stuck; they must not take the queries' places.
const CHANGES_AT_ONCE: usize = 1;
/// Exports last as long as their reader reads; they have places of their own.
const EXPORTS_AT_ONCE: usize = 2;
/// Those who wait for the writer wait for the same thing; a writer that is stuck takes one thread.
const FLUSHES_AT_ONCE: usize = 1;
/// Maintenance may take minutes, which settings and deletions must not wait for.
const UPKEEPS_AT_ONCE: usize = 1;
/// A history that is brought in takes its time, which nothing else must wait for; it is done by one thread.
const IMPORTS_AT_ONCE: usize = 2;

/// Readings of agents' files at once: each takes all cores.
const TELLINGS_AT_ONCE: usize = 1;
/// Threads that may block which all doors together take at most.
pub const PLACES: usize =
    READS_AT_ONCE + CHANGES_AT_ONCE + EXPORTS_AT_ONCE + UPKEEPS_AT_ONCE + IMPORTS_AT_ONCE;
const WAIT_FOR_PLACE: Duration = Duration::from_secs(10);
/// How long a query may take, the wait for its place included.
const READ_MAX: Duration = Duration::from_secs(30);

/// What the doors are built from.
pub struct DoorsOptions {
    /// The store.
    pub store: Store,
    /// The live feed, whose [`Hub::announce`] the store was opened with.
    pub hub: Arc<Hub>,
    /// The figures of the other rooms.
    pub gauges: Gauges,
    /// The redactor, for its counts.
    pub redactor: Arc<Redactor>,
    /// The bearer token.
    pub token: Token,
    /// Tells when another one has taken its place.
    pub new_token: NewToken,
    /// Names to answer to beside loopback's: `name` or `name:port`.
    pub allowed_hosts: Vec<String>,
    /// Where this installation is.
    pub info: ServerInfo,
    /// The effective configuration.
    pub settings: Vec<Setting>,
    /// Checks and keeps changed settings.
    pub change_settings: ChangeSettings,
    /// Registers the origin of a transparency proof.
    pub register_probe: RegisterProbe,
    /// How long what is kept.
    pub retention: Retention,
    /// What flows are priced by.
    pub prices: Arc<PriceBook>,
}

/// The figures of rooms that the doors do not own.
pub struct Gauges {
    /// The channel between tap and recorder.
    pub intake: Arc<Intake>,
    /// The recorder's figures at the moment.
    pub recorder: Box<dyn Fn() -> RecorderStats + Send + Sync>,
    /// The proxy's open client connections at the moment; none while it does not listen.
    pub proxy_connections: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    /// How budgets stand at the moment.
    pub budgets: BudgetReader,
    /// Times work beside the road panicked and went on: the index, the analysis.
    pub background_panics: Box<dyn Fn() -> u64 + Send + Sync>,
    /// What is kept unredacted; none where nothing is.
    pub raw_bodies: Option<Box<dyn Fn() -> RawCounters + Send + Sync>>,
    /// Follows agents' transcripts; none where nothing but made-up sessions is shown.
    pub transcripts: Option<FollowerReader>,
    /// Reads what agents' files tell of usage, as they are now; none where nothing but made-up sessions is shown.
    pub told_usage: Option<Arc<dyn Fn() -> Scanned + Send + Sync>>,
}

/// Where this installation is, for the first-run page and for scripts.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// The product's version.
    pub version: String,
    /// Where the proxy listens.
    pub proxy_addr: SocketAddr,
    /// Where the doors listen.
    pub api_addr: SocketAddr,
    /// The data folder.
    pub home: PathBuf,
    /// The certificate authority's certificate (PEM).
    pub ca_path: PathBuf,
    /// System roots and ours in one file (PEM).
    pub bundle_path: PathBuf,
    /// SHA-256 of the certificate.
    pub ca_fingerprint: String,
    /// Hosts whose TLS is opened.
    pub intercept_hosts: Vec<String>,
    /// Hosts whose certificate is not checked.
    pub insecure_hosts: Vec<String>,
    /// When this process started.
    pub started_at: Micros,
    /// Whether made-up traffic is shown, of data that will be gone.
    pub demo: bool,
    /// How another terminal comes to this installation: `langley`, with its home where that is not the
    /// one it would find by itself.
    pub program: String,
    /// The clients that are known, and how each is pointed here.
    pub clients: Vec<KnownClient>,
}

/// A client, and how it is pointed here without `langley run`.
#[derive(Clone, Debug)]
pub struct KnownClient {
    /// What it is.
    pub name: String,
    /// Its command, word by word.
    pub command: Vec<String>,
    /// By proxy: variables with their values.
    pub proxied: Vec<(String, String)>,
    /// On what that depends; none where it always works.
    pub proxied_note: Option<String>,
    /// By base URL; none where it takes none from outside.
    pub based: Option<Based>,
}

/// How a client takes a base URL.
#[derive(Clone, Debug)]
pub enum Based {
    /// By variables with these values.
    Variables(Vec<(String, String)>),
    /// By arguments before its own.
    Arguments(Vec<String>),
}

/// The shared state of all doors. Cheap to clone.
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

struct Inner {
    store: Store,
    hub: Arc<Hub>,
    gauges: Gauges,
    redactor: Arc<Redactor>,
    keys: Keys,
    allowed_hosts: AllowedHosts,
    info: ServerInfo,
    settings: Vec<Setting>,
    change_settings: ChangeSettings,
    register_probe: RegisterProbe,
    retention: Retention,
    prices: Arc<PriceBook>,
    reads: Arc<Semaphore>,
    changes: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    flushes: Arc<Semaphore>,
    upkeeps: Arc<Semaphore>,
    imports: Arc<Semaphore>,
    tellings: Arc<Semaphore>,
    thread_shapes: Arc<ThreadShapes>,
    started: Instant,
    drops_at_start: Vec<(DropReason, u64)>,
    seen: Seen,
}

/// Steps of the first run that were seen; they never go back.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) trust: Step,
    pub(crate) byte: Step,
    pub(crate) token: Step,
}

/// One step of the first run.
#[derive(Debug, Default)]
pub(crate) struct Step(AtomicBool);

impl Step {
    pub(crate) fn reached(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reach_if(&self, reached: bool) {
        if reached {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// An answer that is JSON already.
#[derive(Debug)]
pub(crate) struct Written(Vec<u8>);

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Doors {
    /// Joins the parts.
    #[must_use]
    pub fn new(options: DoorsOptions) -> Self {
        let counters = options.store.counters();
        options.hub.reached(Revision(counters.revision));
        langley_engine::read_texts(&options.store, &options.redactor);
        Self(Arc::new(Inner {
            allowed_hosts: AllowedHosts::new(options.info.api_addr, &options.allowed_hosts),
            store: options.store,
            hub: options.hub,
            gauges: options.gauges,
            redactor: options.redactor,
            keys: Keys::new(options.token, options.new_token),
            info: options.info,
            settings: options.settings,
            change_settings: options.change_settings,
            register_probe: options.register_probe,
            retention: options.retention,
            prices: options.prices,
            reads: Arc::new(Semaphore::new(READS_AT_ONCE)),
            changes: Arc::new(Semaphore::new(CHANGES_AT_ONCE)),
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
            flushes: Arc::new(Semaphore::new(FLUSHES_AT_ONCE)),
            upkeeps: Arc::new(Semaphore::new(UPKEEPS_AT_ONCE)),
            imports: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            tellings: Arc::new(Semaphore::new(TELLINGS_AT_ONCE)),
            thread_shapes: Arc::default(),
            started: Instant::now(),
            drops_at_start: counters.drops,
            seen: Seen::default(),
        }))
    }

    /// A new one-time link to the dashboard.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn sign_in_link(&self) -> Result<String, ApiError> {
        let code = self.0.keys.new_link()?;
        Ok(format!("{}/auth?code={code}", self.api_url()))
    }

    /// The doors' own address as a URL; a wildcard address is reached through loopback.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", reachable(self.0.info.api_addr))
    }

    /// The proxy's address as a URL.
    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://{}", reachable(self.0.info.proxy_addr))
    }

    /// Runs a query on a thread that may block, at most four at once.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // What is asked by somebody who has gone, or takes too long, does not keep its place.
        let (store, asking) = self.0.store.asking();
        let answer = self.run(&self.0.reads, move |_| query(&store));
        let answer = timeout(READ_MAX, answer).await;
        drop(asking);
        answer.map_err(|_| ApiError::from(StoreError::Abandoned))?
    }

    /// Runs a query and writes what it found as JSON on the same thread, so that a large answer does
    /// not keep a worker from the proxy's tasks; none when the query found nothing.
    pub(crate) async fn show<T: Serialize>(
        &self,
        query: impl FnOnce(&Store) -> Result<Option<T>, StoreError> + Send + 'static,
    ) -> Result<Option<Written>, ApiError> {
        let written = self
            .read(move |store| Ok(query(store)?.map(|found| serde_json::to_vec(&found))))
            .await?;
        written.transpose().map(|json| json.map(Written)).map_err(ApiError::internal)
    }

    /// Writes what `tell` makes of what agents' files tell of usage, read on a thread that may block, one at a time;
    /// none where there is nothing but made-up sessions.
    pub(crate) async fn show_told<T: Serialize>(
        &self,
        tell: impl FnOnce(&Scanned) -> T + Send + 'static,
    ) -> Result<Option<Written>, ApiError> {
        let Some(read) = self.0.gauges.told_usage.clone() else { return Ok(None) };
        let written = self
            .run::<_, ApiError>(&self.0.tellings, move |_| {
                serde_json::to_vec(&tell(&read())).map_err(ApiError::internal)
            })
            .await?;
        Ok(Some(Written(written)))
    }

    /// Runs a change on a thread that may block, one at a time.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.run(&self.0.changes, change).await
    }

    /// Runs maintenance on a thread that may block, one at a time.
    pub(crate) async fn upkeep<T: Send + 'static>(
        &self,
        upkeep: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.run(&self.0.upkeeps, upkeep).await
    }

    /// Waits for transcripts to be brought in, on a thread that may block.
    pub(crate) async fn import<T: Send + 'static>(
        &self,
        import: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.run(&self.0.imports, |_| import()).await
    }

    /// Waits until the writer has committed what it was given; whether it did.
    pub(crate) async fn flush(&self) -> bool {
        self.run(&self.0.flushes, Store::flush).await.is_ok()
    }

    pub(crate) fn prices(&self) -> &Arc<PriceBook> {
        &self.0.prices
    }

    /// The shapes of conversations that were told of late.
    pub(crate) fn thread_shapes(&self) -> &Arc<ThreadShapes> {
        &self.0.thread_shapes
    }

    pub(crate) fn retention(&self) -> Retention {
        self.0.retention
    }

    async fn run<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        query: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = timeout(WAIT_FOR_PLACE, Arc::clone(places).acquire_owned())
            .await
            .map_err(|_| ApiError::busy())?
            .map_err(ApiError::internal)?;
        let store = self.0.store.clone();
        let done = tokio::task::spawn_blocking(move || {
            let answer = query(&store);
            drop(permit);
            answer
        });
        done.await.map_err(ApiError::internal)?.map_err(Into::into)
    }

    /// A place for an export, held until it is written.
    pub(crate) fn export_place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0.exports).try_acquire_owned().map_err(|_| {
            ApiError::too_many(
                "Two exports are running already.",
                "Wait until one of them is done.",
            )
        })
    }

    pub(crate) fn store(&self) -> Store {
        self.0.store.clone()
    }

    /// Flows changed, or went, without a change of each: watchers load anew, and budgets are looked at.
    pub(crate) fn load_anew(&self) {
        self.0.hub.resync();
        self.0.gauges.budgets.look_again();
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn gauges(&self) -> &Gauges {
        &self.0.gauges
    }

    pub(crate) fn redactor(&self) -> &Arc<Redactor> {
        &self.0.redactor
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(crate) fn allowed_hosts(&self) -> &AllowedHosts {
        &self.0.allowed_hosts
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.0.info
    }

    /// Checks and keeps changed settings, on a thread that may block.
    pub(crate) async fn change_settings(
        &self,
        changes: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Vec<ChangedSetting>, ApiError> {
        let doors = self.clone();
        let changed = self.change(move |store| Ok((doors.0.change_settings)(store, &changes)));
        changed.await?.map_err(|refused| match refused {
            SettingsRefused::Wrong(why) => ApiError::bad_settings(why),
            SettingsRefused::Failed(why) => ApiError::internal(why),
        })
    }

    /// Leads the reserved name to an origin on this machine; the error is for the caller.
    pub(crate) fn register_probe(
        &self,
        address: SocketAddr,
        ca_pem: &str,
    ) -> Result<Registered, String> {
        (self.0.register_probe)(address, ca_pem)
    }

    pub(crate) fn settings(&self) -> &[Setting] {
        &self.0.settings
    }

    /// Whether the recorder is whole and the last write went well.
    pub(crate) fn is_recording(&self) -> bool {
        (self.0.gauges.recorder)().threads_failed == 0 && !self.0.store.is_failing()
    }

    /// How full the fuller of the recorder's two queues is.
    pub(crate) fn strain(&self) -> Strain {
        self.0.gauges.intake.stats().strain.max(self.0.store.strain())
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn drops_at_start(&self) -> &[(DropReason, u64)] {
        &self.0.drops_at_start
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.0.seen
    }
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("info", &self.0.info).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DoorsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DoorsOptions").field("info", &self.info).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
