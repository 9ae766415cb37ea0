//! What providers said last of their limits: how far each is used, and when it is full again.

use langley_model::{FlowId, Micros, Provider, RateLimit, Stored};
use langley_store::{FlowFilter, Store, StoreError};

/// Flows that are looked at, the newest ones.
const FLOWS: usize = 1_000;

/// Flows that are read at once.
const PAGE: usize = 100;

/// So far back it is looked: the longest window of a plan.
const SPAN_US: i64 = 7 * 24 * 3_600_000_000;

/// Limits that are told.
const WINDOWS: usize = 200;

/// The latest word on one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Who said it.
    pub provider: Option<Provider>,
    /// The host that said it: accounts are not told apart.
    pub host: String,
    /// What was said.
    pub limit: RateLimit,
    /// The flow beside whose answer it was said.
    pub flow: FlowId,
    /// When that began.
    pub seen_at: Micros,
    /// Whether it has been full again since then.
    pub is_over: bool,
}

/// What the newest flows tell of limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// The latest word of each host on each of its limits, those of one host together and the host first that
    /// spoke last.
    pub windows: Vec<Window>,
    /// Flows that were looked at, the newest ones.
    pub looked_at: u64,
    /// Whether there is more within the time that is looked back: older flows, or limits beyond those told.
    pub is_cut: bool,
}

/// The latest word of each host on each of its limits.
///
/// # Errors
/// A failure of the store.
pub fn windows(store: &Store, now: Micros) -> Result<Windows, StoreError> {
    let since = Some(Micros(now.0.saturating_sub(SPAN_US)));
    let filter = FlowFilter { since, ..FlowFilter::default() };
    let (mut found, mut hosts): (Vec<Window>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut cursor, mut read, mut is_full) = (None, 0, false);
    loop {
        let page = store.flows(&filter, cursor.as_deref(), PAGE)?;
        read += page.items.len();
        for flow in page.items.into_iter().map(Stored::into_inner) {
            for limit in flow.rate_limits {
                let is_known = found
                    .iter()
                    .any(|known| known.host == flow.host && known.limit.name == limit.name);
                if is_known {
                    continue;
                }
                if found.len() >= WINDOWS {
                    is_full = true;
                    continue;
                }
                if !hosts.contains(&flow.host) {
                    hosts.push(flow.host.clone());
                }
                found.push(Window {
                    provider: flow.provider,
                    host: flow.host.clone(),
                    is_over: limit.reset_at.is_some_and(|at| at <= now),
                    limit,
                    flow: flow.id,
                    seen_at: flow.started_at,
                });
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || read >= FLOWS {
            break;
        }
    }
    found.sort_by_key(|window| hosts.iter().position(|host| *host == window.host));
    Ok(Windows { windows: found, looked_at: read as u64, is_cut: is_full || cursor.is_some() })
}
