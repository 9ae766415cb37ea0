//! Whether everything that was delivered was recorded.

use std::time::Duration;

use anyhow::Result;

use super::figure::Measured;
use crate::langley::Langley;

/// When the recorder is asked: so long after the last answer.
const AFTER: Duration = Duration::from_secs(2);

/// What clients received through Langley.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    requests: u64,
    events: u64,
}

impl Delivered {
    pub(super) fn add(&mut self, run: &Measured) {
        self.requests += run.requests;
        self.events += run.events;
    }
}

/// Stored against delivered, as Langley's own API tells it.
pub(super) async fn captured(langley: &Langley, delivered: &Delivered) -> Result<String> {
    tokio::time::sleep(AFTER).await;
    let stats = langley.get("/api/stats").await?;
    let number = |name: &str| stats[name].as_u64();
    let share = |stored: Option<u64>, delivered: u64| match stored {
        Some(stored) if delivered > 0 => format!("{:.3}", stored as f64 / delivered as f64),
        _ => "–".to_owned(),
    };
    let (flows, events) = (number("flows_total"), number("events_total"));
    let told = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
    Ok(format!(
        "capture: flows {} ({} of {}), events {}, gaps {}, dropped {}",
        share(flows, delivered.requests),
        told(flows),
        delivered.requests,
        // Only streams have events that the client counted.
        if delivered.events > 0 {
            format!(
                "{} ({} of {})",
                share(events, delivered.events),
                told(events),
                delivered.events
            )
        } else {
            told(events)
        },
        told(number("gaps_total")),
        told(stats["drops"]["total"].as_u64()),
    ))
}
