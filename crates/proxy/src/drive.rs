//! Moving a client's connection, and the provider's behind it, until the client's has ended.

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::again::{WhenCalled, poll_again};
use crate::leg::Leg;
use crate::tied::Cut;
use crate::upstream::Driver;

/// A client's connection that can be asked to end after its running exchanges.
pub(crate) trait Graceful: Future<Output = hyper::Result<()>> {
    /// Takes no further request.
    fn finish(self: Pin<&mut Self>);
}

impl<I, B, S> Graceful for http1::UpgradeableConnection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: Read + Write + Unpin + Send + 'static,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> Graceful for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: Read + Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// What goes on after a connection has switched to another protocol.
type After = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whether a client's connection has switched to another protocol, and what it does then.
#[derive(Clone, Default)]
pub(crate) struct Switch(Arc<Mutex<Switching>>);

#[derive(Default)]
enum Switching {
    #[default]
    No,
    /// The client has asked for it.
    Asked,
    /// The provider has agreed.
    Made(After),
}

impl Switch {
    /// The client asks for another protocol.
    pub(crate) fn ask(&self) {
        *self.0.lock() = Switching::Asked;
    }

    /// The provider has not agreed.
    pub(crate) fn decline(&self) {
        *self.0.lock() = Switching::No;
    }

    /// The provider has agreed: `after` goes on once the HTTP part of both connections is over.
    pub(crate) fn make(&self, after: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock() = Switching::Made(Box::pin(after));
    }

    fn is_asked(&self) -> bool {
        matches!(*self.0.lock(), Switching::Asked)
    }

    fn is_made(&self) -> bool {
        matches!(*self.0.lock(), Switching::Made(_))
    }

    fn take(&self) -> Option<After> {
        match std::mem::take(&mut *self.0.lock()) {
            Switching::Made(after) => Some(after),
            Switching::No | Switching::Asked => None,
        }
    }
}

/// The provider's connection behind a client's.
pub(crate) enum Behind {
    /// None that moves in the client's task.
    Nothing,
    /// One for all requests: the client's ends with it.
    One(Driver),
    /// One for all streams: the client's breaks off with it.
    Tied(Driver, Arc<Leg>),
    /// One after the other.
    Current(Current),
}

/// The connection that a client's requests travel on at the moment.
#[derive(Clone, Default)]
pub(crate) struct Current(Arc<Mutex<Latest>>);

#[derive(Default)]
struct Latest {
    driver: Option<Driver>,
    /// It has not been polled yet.
    is_new: bool,
}

impl Current {
    /// From now on requests travel on `driver`'s connection.
    pub(crate) fn set(&self, driver: Driver) {
        *self.0.lock() = Latest { driver: Some(driver), is_new: true };
    }

    fn driver(&self) -> Option<Driver> {
        let mut latest = self.0.lock();
        latest.is_new = false;
        latest.driver.clone()
    }

    /// Polls the connection, and forgets it when it is over.
    fn poll(&self, cx: &mut Context<'_>) {
        if self.driver().is_some_and(|driver| driver.poll(cx).is_ready()) {
            self.0.lock().driver = None;
        }
    }

    fn is_new(&self) -> bool {
        self.0.lock().is_new
    }
}

impl Behind {
    /// What was the connection until now.
    fn into_driver(self) -> Option<Driver> {
        match self {
            Self::Nothing => None,
            Self::One(driver) | Self::Tied(driver, _) => Some(driver),
            Self::Current(current) => current.driver(),
        }
    }
}

/// Serves `client` to its end, and whatever it has switched to. It is asked to end when the one connection
/// `behind` it is over or `shutdown` comes.
///
/// Both connections move in this task: a piece that arrives is sent on in the same wake-up.
///
/// # Errors
/// The client's connection broke, or what came on it was no HTTP.
pub(crate) async fn drive(
    client: impl Graceful,
    behind: Behind,
    switch: Switch,
    shutdown: CancellationToken,
) -> hyper::Result<()> {
    let mut client = pin!(client);
    let mut stopping = WhenCalled::new(shutdown.cancelled());
    let (mut is_over, mut is_stopping) = (false, false);
    let mut cut = Cut::default();
    let ended = poll_again(|cx| {
        loop {
            match &behind {
                Behind::One(upstream) if !is_over && upstream.poll(cx).is_ready() => {
                    is_over = true;
                    if switch.is_asked() {
                        // Perhaps by agreeing: the answer that is there must be read before it is known.
                        let polled = client.as_mut().poll(cx);
                        if polled.is_ready() {
                            return polled;
                        }
                    }
                    if !switch.is_made() {
                        client.as_mut().finish();
                    }
                }
                Behind::Tied(upstream, leg) => {
                    is_over = is_over || upstream.poll(cx).is_ready();
                    if cut.poll(leg, is_over, cx).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    // Where it broke off, some exchange is about to say so.
                    let may_break = leg.tie().is_some_and(|tie| !tie.is_idle());
                    if is_over && !is_stopping && (upstream.is_given_up() || !may_break) {
                        is_stopping = true;
                        client.as_mut().finish();
                    }
                }
                Behind::Current(current) => current.poll(cx),
                Behind::One(_) | Behind::Nothing => {}
            }
            if !is_stopping && Pin::new(&mut stopping).poll(cx).is_ready() {
                is_stopping = true;
                client.as_mut().finish();
            }
            let polled = client.as_mut().poll(cx);
            let has_more = match &behind {
                // A body that was read may have driven the provider's connection to its end.
                Behind::One(upstream) | Behind::Tied(upstream, _) => !is_over && upstream.is_over(),
                // A request may have opened a connection.
                Behind::Current(current) => current.is_new(),
                Behind::Nothing => false,
            };
            if polled.is_ready() || !has_more {
                return polled;
            }
        }
    })
    .await;
    if let Some(after) = switch.take() {
        // The provider's connection hands its socket over when its own HTTP part has ended.
        let handing_over = async {
            if let Some(upstream) = behind.into_driver() {
                upstream.await;
            }
        };
        tokio::join!(handing_over, after);
    }
    ended
}
