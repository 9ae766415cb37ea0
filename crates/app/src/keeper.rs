//! Keeps the database bounded while the server runs: maintenance at the start and on a timer, and the
//! write-ahead log folded back in between.

use std::sync::Arc;

use langley_model::Micros;
use langley_server::Hub;
use langley_store::{Store, StoreError, Upkeep};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use crate::config::Maintenance;

/// Runs until it is aborted. A long run of maintenance does not keep the log from being folded back.
pub(crate) async fn keep(wanted: Maintenance, store: Store, hub: Arc<Hub>) {
    tokio::join!(maintain(&wanted, &store, &hub), fold(&wanted, &store));
}

async fn maintain(wanted: &Maintenance, store: &Store, hub: &Hub) {
    let mut runs = interval(wanted.every);
    runs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        runs.tick().await;
        store.plan_maintenance(Micros::now().plus(wanted.every));
        let (store, retention) = (store.clone(), wanted.retention);
        let done = off_the_runtime(move || store.maintain(&retention, Micros::now())).await;
        // A removal is no change of a flow: watchers learn of it by loading anew.
        if may_have_removed(done.as_ref()) {
            hub.resync();
        }
        if let Some(Err(error)) = done {
            warn(&error, "maintenance failed; the next run goes on from there");
        }
    }
}

async fn fold(wanted: &Maintenance, store: &Store) {
    let first = Instant::now() + wanted.checkpoint_every;
    let mut folds = interval_at(first, wanted.checkpoint_every);
    folds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        folds.tick().await;
        let store = store.clone();
        if let Some(Err(error)) = off_the_runtime(move || store.checkpoint()).await {
            warn(&error, "the write-ahead log could not be folded back; it is tried again");
        }
    }
}

/// Whether flows may be gone: a run that failed does not say what it removed before.
const fn may_have_removed(done: Option<&Result<Upkeep, StoreError>>) -> bool {
    match done {
        Some(Ok(done)) => done.flows > 0,
        Some(Err(StoreError::Closed)) => false,
        Some(Err(_)) | None => true,
    }
}

/// Does what may block; none when it panicked, which is in the log then.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn warn(error: &StoreError, what: &str) {
    // At the end the writer goes first.
    if !matches!(error, StoreError::Closed) {
        tracing::warn!(%error, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use langley_server::LiveOptions;
    use langley_store::{Retention, StoreOptions};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn maintenance_runs_at_the_start_and_then_by_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("langley.db"));
        let store = Store::open(options, Box::new(|_| ())).unwrap();
        let every = Duration::from_secs(60 * 60);
        let wanted = Maintenance {
            retention: Retention::default(),
            every,
            checkpoint_pages: 1000,
            checkpoint_every: Duration::from_secs(300),
        };
        let keeper = tokio::spawn(keep(wanted, store.clone(), Hub::new(LiveOptions::default())));
        let runs = |count: usize| {
            let store = store.clone();
            async move {
                // Without a sleep the paused clock moves only when nothing else is to be done.
                while store.upkeep_runs().unwrap().len() < count {
                    tokio::task::yield_now().await;
                }
            }
        };
        let start = Instant::now();
        runs(1).await;
        assert!(start.elapsed() < every);
        assert!(store.upkeep().next_at.unwrap() > Micros::now());
        tokio::time::sleep(every).await;
        runs(2).await;
        assert_eq!(store.upkeep_runs().unwrap().len(), 2);
        keeper.abort();
    }

    #[test]
    fn watchers_load_anew_after_a_run_that_may_have_removed_something() {
        let failed = Err(StoreError::Decode { what: "flow" });
        assert!(may_have_removed(Some(&failed)));
        assert!(may_have_removed(None), "it panicked");
        assert!(may_have_removed(Some(&Ok(Upkeep { flows: 1, ..Upkeep::default() }))));
        assert!(!may_have_removed(Some(&Ok(Upkeep::default()))));
        assert!(!may_have_removed(Some(&Err(StoreError::Closed))));
    }
}
