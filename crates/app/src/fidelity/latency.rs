//! What the proxy adds to a small request on a warm connection.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use langley_proxy::PROBE_HOST;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::PATIENCE;
use super::case::Version;
use super::way::Way;
use crate::proxied::RoadError;

/// Requests that are not counted: connections and caches warm up.
const WARM_UP: usize = 5;
/// Requests that are.
const SAMPLES: usize = 51;

/// The medians of one version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) version: Version,
    pub(super) direct_us: u64,
    pub(super) proxied_us: u64,
}

impl Latency {
    /// What the proxy adds, in microseconds; negative when the machine's noise is larger.
    pub(super) fn added_us(&self) -> i64 {
        self.proxied_us.cast_signed() - self.direct_us.cast_signed()
    }

    /// How many requests each median is of.
    pub(super) const SAMPLES: usize = SAMPLES;

    /// How many requests went through the proxy for it.
    pub(super) const REQUESTS: usize = WARM_UP + SAMPLES;

    /// For scripts.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "version": self.version.name(),
            "direct_us": self.direct_us,
            "proxied_us": self.proxied_us,
            "added_us": self.added_us(),
            "samples": SAMPLES,
        })
    }
}

/// Takes turns, so that both ways have the same weather; none when a way does not carry.
pub(super) async fn measure(version: Version, direct: &Way, proxied: &Way) -> Option<Latency> {
    let measured = async {
        let (mut direct, mut proxied) =
            (Warm::open(version, direct).await?, Warm::open(version, proxied).await?);
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..WARM_UP + SAMPLES {
            without.push(direct.round_trip().await?);
            with.push(proxied.round_trip().await?);
        }
        let median = |mut times: Vec<Duration>| {
            times.drain(..WARM_UP);
            times.sort_unstable();
            u64::try_from(times[times.len() / 2].as_micros()).unwrap_or(u64::MAX)
        };
        Ok::<_, RoadError>(Latency {
            version,
            direct_us: median(without),
            proxied_us: median(with),
        })
    };
    tokio::time::timeout(PATIENCE, measured).await.ok()?.ok()
}

/// An open connection.
struct Warm {
    sender: Sender,
    _driver: AbortOnDropHandle<hyper::Result<()>>,
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Warm {
    async fn open(version: Version, way: &Way) -> Result<Self, RoadError> {
        let stream = TokioIo::new(way.open(version).await?);
        Ok(match version {
            Version::Http1 => {
                let (sender, driver) = http1::handshake(stream).await?;
                let _driver = AbortOnDropHandle::new(tokio::spawn(driver));
                Self { sender: Sender::Http1(sender), _driver }
            }
            Version::Http2 => {
                let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
                let _driver = AbortOnDropHandle::new(tokio::spawn(driver));
                Self { sender: Sender::Http2(sender), _driver }
            }
        })
    }

    async fn round_trip(&mut self) -> Result<Duration, RoadError> {
        let request = Request::get(match self.sender {
            Sender::Http1(_) => "/status/200".to_owned(),
            Sender::Http2(_) => format!("https://{PROBE_HOST}/status/200"),
        });
        let request = match self.sender {
            Sender::Http1(_) => request.header("host", PROBE_HOST),
            Sender::Http2(_) => request,
        };
        let request = request.body(Empty::new()).map_err(std::io::Error::other)?;
        let begun = Instant::now();
        let answer = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        answer.into_body().collect().await?;
        Ok(begun.elapsed())
    }
}
