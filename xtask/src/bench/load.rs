//! Requests: many small ones, new connections, first bytes, big bodies.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use langley_testkit::{Client, Connection, Request};
use tokio::task::JoinSet;

use super::Scale;
use super::figure::{Measured, Metric, percentile};

/// A request of the smallest useful kind, answered with about 2 KB.
fn small_request() -> Request {
    Request::messages(false).fixture("events=90;hash=no")
}

/// 32 keep-alive connections, one request after the other on each.
pub(super) async fn small(client: &Client, scale: Scale) -> Result<Measured> {
    let started = Instant::now();
    let requests = crowd(client, scale.streams(32), move |client| async move {
        let mut connection = client.connect().await?;
        let mut done = 0;
        while started.elapsed() < scale.span {
            fetch(&mut connection).await?;
            done += 1;
        }
        Ok(done)
    })
    .await?;
    Ok(rate("requests/s", requests, started.elapsed()))
}

/// 16 workers, a new connection for every request.
pub(super) async fn handshake(client: &Client, scale: Scale) -> Result<Measured> {
    let started = Instant::now();
    let requests = crowd(client, scale.streams(16), move |client| async move {
        let mut done = 0;
        while started.elapsed() < scale.span {
            fetch(&mut client.connect().await?).await?;
            done += 1;
        }
        Ok(done)
    })
    .await?;
    Ok(rate("connections/s", requests, started.elapsed()))
}

/// One connection; from sending the request to the answer's first event.
pub(super) async fn first_byte(client: &Client, scale: Scale) -> Result<Measured> {
    let mut connection = client.connect().await?;
    let started = Instant::now();
    let mut times = Vec::new();
    let mut first = None;
    let mut events = 0;
    while started.elapsed() < scale.span {
        let asked = Instant::now();
        let request = Request::messages(true).fixture("events=3;hash=no");
        let mut response = connection.send(request).await?;
        ensure!(response.next_event().await?.is_some(), "an empty stream");
        let took = u64::try_from(asked.elapsed().as_micros())?;
        events += 1;
        while response.next_event().await?.is_some() {
            events += 1;
        }
        if first.is_none() { first = Some(took) } else { times.push(took) }
    }
    Ok(Measured {
        metrics: vec![
            ("first stream µs", Metric::Micros(first.unwrap_or(0) as f64)),
            ("p50 µs", Metric::Micros(percentile(&mut times, 0.5))),
            ("p99 µs", Metric::Micros(percentile(&mut times, 0.99))),
        ],
        requests: times.len() as u64 + 1,
        events,
    })
}

/// One big body down.
pub(super) async fn download(client: &Client, scale: Scale) -> Result<Measured> {
    let size = scale.big();
    let mut connection = client.connect().await?;
    let started = Instant::now();
    let request = Request::get(&format!("/download?bytes={size}"));
    let mut response = connection.send(request).await?;
    let mut seen = 0;
    while let Some(piece) = response.next().await.transpose()? {
        seen += piece.len() as u64;
    }
    ensure!(seen == size, "{seen} of {size} bytes arrived");
    Ok(volume(size, started.elapsed()))
}

/// One big body up.
pub(super) async fn upload(client: &Client, scale: Scale) -> Result<Measured> {
    let size = scale.big();
    let mut connection = client.connect().await?;
    let started = Instant::now();
    let request = Request::new("POST", "/upload").chunked().fixture("hash=no");
    let mut upload = connection.begin(request).await?;
    let mut sent = 0;
    while sent < size {
        let piece = langley_fixture::pattern(sent, usize::try_from(size - sent)?.min(64_000));
        sent += piece.len() as u64;
        upload.data(piece).await?;
    }
    upload.finish(&[]).await?;
    let answer = upload.response().await?.whole().await?;
    let expected = format!(r#"{{"bytes":{size},"#);
    ensure!(answer.text().starts_with(&expected), "the provider received {}", answer.text());
    Ok(volume(size, started.elapsed()))
}

async fn fetch(connection: &mut Connection) -> Result<()> {
    let answer = connection.fetch(small_request()).await?;
    ensure!(answer.status == 200, "status {}", answer.status);
    Ok(())
}

/// Runs `work` for `workers` at once and adds up what each did.
async fn crowd<F, W>(client: &Client, workers: u64, work: F) -> Result<u64>
where
    F: Fn(Client) -> W,
    W: Future<Output = Result<u64>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        tasks.spawn(work(client.clone()));
    }
    let mut total = 0;
    while let Some(done) = tasks.join_next().await {
        total += done??;
    }
    Ok(total)
}

fn rate(metric: &'static str, requests: u64, took: Duration) -> Measured {
    let rate = Metric::Rate(requests as f64 / took.as_secs_f64());
    Measured { metrics: vec![(metric, rate)], requests, events: 0 }
}

fn volume(bytes: u64, took: Duration) -> Measured {
    let rate = Metric::Rate(bytes as f64 / 1e6 / took.as_secs_f64());
    Measured { metrics: vec![("MB/s", rate)], requests: 1, events: 0 }
}
