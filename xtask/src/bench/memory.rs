//! Memory of the proxy: idle, per open stream, and what big bodies add.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use langley_testkit::Request;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Scale, load};
use crate::langley::Langley;
use crate::stand::Stand;

/// How long memory is given to settle.
const SETTLE: Duration = Duration::from_millis(1500);

/// Measures on a fresh Langley each.
pub(super) async fn memory(bench: &Stand, scale: Scale) -> Result<String> {
    let mut out = String::from("memory (resident)\n");
    let langley = bench.langley()?;
    tokio::time::sleep(SETTLE).await;
    let idle = rss(&langley)?;
    let _ = writeln!(out, "  idle               {:>8.1} MB", idle as f64 / 1024.0);

    let streams = scale.streams(200);
    let full = open_streams(bench, &langley, streams).await?;
    let each = full.saturating_sub(idle) as f64 / streams as f64;
    let _ = writeln!(out, "  per open stream    {each:>8.1} KB, {streams} open");
    drop(langley);

    for upload in [false, true] {
        let langley = bench.langley()?;
        let client = bench.through(&langley)?;
        // One small request first: buffers that any use needs are not growth.
        client.connect().await?.fetch(Request::get("/api/hello")).await?;
        tokio::time::sleep(SETTLE).await;
        let before = rss(&langley)?;
        let (langley, peak) = with_peak(langley, async {
            if upload {
                load::upload(&client, scale).await
            } else {
                load::download(&client, scale).await
            }
        })
        .await?;
        let name = if upload { "upload" } else { "download" };
        let grown = peak.saturating_sub(before) as f64 / 1024.0;
        let size = scale.big() / 1024 / 1024;
        let _ = writeln!(out, "  growth, {name:<10} {grown:>8.1} MB, {size} MiB body");
        drop(langley);
    }
    Ok(out)
}

/// Resident memory with `streams` answers under way and silent.
async fn open_streams(bench: &Stand, langley: &Langley, streams: u64) -> Result<u64> {
    let client = bench.through(langley)?;
    let count = usize::try_from(streams)? + 1;
    let (opened, done) = (Arc::new(Barrier::new(count)), Arc::new(Barrier::new(count)));
    let mut tasks = JoinSet::new();
    for _ in 0..streams {
        let (client, opened, done) = (client.clone(), Arc::clone(&opened), Arc::clone(&done));
        tasks.spawn(async move {
            let mut connection = client.connect().await?;
            let wish = "events=20;size=80;stall=forever;stall_after=10;hash=no";
            let mut response = connection.send(Request::messages(true).fixture(wish)).await?;
            for _ in 0..10 {
                response.next_event().await?;
            }
            opened.wait().await;
            done.wait().await;
            anyhow::Ok(())
        });
    }
    // A stream that fails would leave the others waiting.
    tokio::select! {
        _ = opened.wait() => {}
        Some(Ok(Err(error))) = tasks.join_next() => return Err(error),
    }
    tokio::time::sleep(SETTLE).await;
    let full = rss(langley)?;
    done.wait().await;
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(full)
}

/// Runs `work` while watching memory; the highest value seen.
async fn with_peak<T>(
    langley: Langley,
    work: impl Future<Output = Result<T>>,
) -> Result<(Langley, u64)> {
    let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watcher = {
        let (peak, stop) = (Arc::clone(&peak), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                peak.fetch_max(langley.rss_kib().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
            langley
        })
    };
    let done = work.await;
    stop.store(true, Ordering::Relaxed);
    let langley = watcher.await?;
    done?;
    Ok((langley, peak.load(Ordering::Relaxed)))
}

fn rss(langley: &Langley) -> Result<u64> {
    langley.rss_kib().context("this system does not tell a process's memory in /proc")
}
