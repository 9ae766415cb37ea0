//! Streams: the delay of each event, and as many events as pass.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use langley_model::Tick;
use langley_testkit::{Client, Request};
use tokio::task::JoinSet;

use super::Scale;
use super::figure::{Measured, Metric, percentile};

/// Pause between the events of a calm stream.
pub(super) const GAP: Duration = Duration::from_millis(20);
/// Events of a stream besides its text deltas.
const FRAME_EVENTS: u64 = 5;

/// `streams` at 50 events a second each; every delta carries the provider's clock, which is ours.
pub(super) async fn delays(client: &Client, scale: Scale, streams: u64) -> Result<Measured> {
    let deltas = u64::try_from(scale.span.as_millis() / GAP.as_millis())?;
    let mut tasks = JoinSet::new();
    for number in 0..streams {
        let client = client.clone();
        // Spread over the gap, so that the streams do not beat in time.
        let wait = GAP.mul_f64(number as f64 / streams as f64);
        tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            one_stream(&client, deltas).await
        });
    }
    let (mut delays, mut events) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (of_one, seen) = done??;
        delays.extend(of_one);
        events += seen;
    }
    Ok(Measured {
        metrics: vec![
            ("event p50 µs", Metric::Micros(percentile(&mut delays, 0.5))),
            ("event p99 µs", Metric::Micros(percentile(&mut delays, 0.99))),
        ],
        requests: streams,
        events,
    })
}

/// One stream of so many deltas: their delays in microseconds, and how many events came.
pub(super) async fn one_stream(client: &Client, deltas: u64) -> Result<(Vec<u64>, u64)> {
    let mut connection = client.connect().await?;
    let wish = format!("events={deltas};size=80;gap={};stamp;hash=no", GAP.as_millis());
    let mut response = connection.send(Request::messages(true).fixture(&wish)).await?;
    let mut delays = Vec::new();
    let mut events = 0;
    let mut last = String::new();
    while let Some(event) = response.next_event().await? {
        let now = Tick::now();
        events += 1;
        if let Some((_, text)) = event.split_once(r#""text_delta","text":""#) {
            let stamp = text.split(' ').next().unwrap_or("").parse();
            let sent = Tick(stamp.context("an event without its stamp")?);
            delays.push(u64::try_from(now.since(sent).as_micros())?);
        }
        last = event;
    }
    ensure!(last.contains("message_stop"), "a stream ended early, after {events} events");
    ensure!(events == deltas + FRAME_EVENTS, "{events} events of {deltas} and {FRAME_EVENTS}");
    Ok((delays, events))
}

/// 8 streams as fast as they are taken.
pub(super) async fn burst(client: &Client, scale: Scale) -> Result<Measured> {
    let deltas = 100_000 * scale.span.as_secs().max(1) / scale.shrink.max(1);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        tasks.spawn(async move { one_burst(&client, deltas).await });
    }
    let mut events = 0;
    while let Some(done) = tasks.join_next().await {
        events += done??;
    }
    let rate = Metric::Rate(events as f64 / started.elapsed().as_secs_f64());
    Ok(Measured { metrics: vec![("events/s", rate)], requests: 8, events })
}

async fn one_burst(client: &Client, deltas: u64) -> Result<u64> {
    let mut connection = client.connect().await?;
    let wish = format!("events={deltas};size=80;batch=64;hash=no");
    let mut response = connection.send(Request::messages(true).fixture(&wish)).await?;
    let (mut events, mut line_ended) = (0, false);
    while let Some(piece) = response.next().await.transpose()? {
        for byte in &piece {
            let ends = *byte == b'\n';
            events += u64::from(ends && line_ended);
            line_ended = ends;
        }
    }
    ensure!(events == deltas + FRAME_EVENTS, "{events} events of {deltas} and {FRAME_EVENTS}");
    Ok(events)
}
