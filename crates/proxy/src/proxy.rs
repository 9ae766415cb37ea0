//! The proxy: a listener, and the connections it has accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use langley_model::CaptureSink;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::again::WhenCalled;
use crate::certificate_authority::CertificateAuthority;
use crate::connection::{self, Client, Shared};
use crate::dial::Dialer;
use crate::leaf::{LeafCache, LeafError};
use crate::observer::Observer;
use crate::options::ProxyOptions;
use crate::probe::Probe;
use crate::upstream_tls::UpstreamTls;

/// How long accepting rests after the system refused a socket (no descriptors left, say).
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A proxy, ready to serve.
pub struct Proxy {
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("stats", &self.counts.stats()).finish_non_exhaustive()
    }
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The certificate authority cannot sign, or TLS cannot be set up.
    #[error("{0}")]
    Tls(String),
    /// The listener's address is unknown.
    #[error("the listener has no address: {0}")]
    Listener(#[from] io::Error),
}

impl From<LeafError> for ProxyError {
    fn from(error: LeafError) -> Self {
        Self::Tls(error.to_string())
    }
}

/// Figures of a running proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyStats {
    /// Client connections open now.
    pub connections_open: u64,
    /// Client connections accepted since the start.
    pub connections_total: u64,
    /// Times the system refused to accept a connection.
    pub accept_errors: u64,
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicU64,
    total: AtomicU64,
    accept_errors: AtomicU64,
}

impl Counts {
    fn stats(&self) -> ProxyStats {
        ProxyStats {
            connections_open: self.open.load(Ordering::Relaxed),
            connections_total: self.total.load(Ordering::Relaxed),
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
        }
    }
}

/// Counts a connection as open until it is dropped.
struct OpenConnection(Arc<Counts>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Proxy {
    /// A proxy that listens at `own`, signs with `authority` and reports to `sink`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        options: ProxyOptions,
        authority: CertificateAuthority,
        sink: Arc<dyn CaptureSink>,
        own: SocketAddr,
    ) -> Result<Self, ProxyError> {
        let leaves = LeafCache::new(authority)?;
        let probe = Probe::new(&leaves.probe_pem());
        let dialer = Dialer {
            upstream_proxy: options.upstream_proxy.clone(),
            no_proxy: options.no_proxy.clone(),
            timeout: options.connect_timeout,
            own,
            probe: probe.clone(),
        };
        let tls = UpstreamTls::new(&options, probe);
        let permits = Arc::new(Semaphore::new(options.max_connections));
        let observer = Arc::new(Observer::new(sink, Arc::clone(&options.gate)));
        let offers = Arc::default();
        let shared = Arc::new(Shared { options, dialer, tls, leaves, offers, observer });
        Ok(Self { shared, counts: Arc::default(), permits })
    }

    /// A handle that reads the figures while the proxy runs.
    pub fn stats(&self) -> impl Fn() -> ProxyStats + Send + Sync + 'static {
        let counts = Arc::clone(&self.counts);
        move || counts.stats()
    }

    /// The name that can be led to an origin on this machine, to prove what the proxy does to bytes.
    #[must_use]
    pub fn probe(&self) -> Probe {
        self.shared.dialer.probe.clone()
    }

    /// Accepts and serves until `shutdown`; then waits for running exchanges, at most
    /// [`ProxyOptions::drain`], and ends what is left.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        let abort = CancellationToken::new();
        let warm = Arc::clone(&self.shared);
        tokio::spawn(async move { warm.tls.warm_up().await });
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                () = shutdown.cancelled() => break,
            };
            let Some((stream, address, permit)) = accepted else { continue };
            self.counts.total.fetch_add(1, Ordering::Relaxed);
            self.counts.open.fetch_add(1, Ordering::Relaxed);
            let open = OpenConnection(Arc::clone(&self.counts));
            let client = Client::new(Arc::clone(&self.shared), address);
            let serving = connection::serve(client, stream, shutdown.clone());
            let abort = abort.clone();
            tracker.spawn(async move {
                tokio::select! {
                    () = serving => {}
                    () = WhenCalled::new(abort.cancelled()) => {}
                }
                drop((open, permit));
            });
        }
        drop(listener);
        tracker.close();
        if tokio::time::timeout(self.shared.options.drain, tracker.wait()).await.is_err() {
            tracing::warn!(open = tracker.len(), "ending exchanges that outlasted the drain");
            self.shared.observer.cut();
            abort.cancel();
            tracker.wait().await;
        }
    }

    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        // The permit first: connections beyond the bound wait in the listen queue.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        match listener.accept().await {
            Ok((stream, address)) => Some((stream, address, permit)),
            Err(error) => {
                self.counts.accept_errors.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
                None
            }
        }
    }
}
