//! A run of maintenance from beginning to end.

use std::time::Instant;

use langley_model::Micros;

use super::board::{Phase, UpkeepState};
use super::report::{Retention, Upkeep, cutoff};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Removes what is older at `now` than `retention` lets it become, then what nothing refers to any
    /// more; makes the file smaller where that is worth it, and folds the log back. Recording goes on
    /// meanwhile. Returns what was removed, which is remembered as well.
    ///
    /// # Errors
    /// The store is closed or cannot be written; what was removed until then stays removed, and the next
    /// run goes on from there.
    pub fn maintain(&self, retention: &Retention, now: Micros) -> Result<Upkeep, StoreError> {
        let _turn = self.board().turn();
        let done = self.retire(retention, now);
        self.board().change(|state| {
            state.running = None;
            state.failed = done.is_err();
            if let Ok(done) = &done {
                state.last = Some(*done);
            }
        });
        done
    }

    /// What maintenance is doing and has done.
    #[must_use]
    pub fn upkeep(&self) -> UpkeepState {
        let mut state = self.board().state();
        if state.last.is_none() {
            // Of an earlier process; a file that cannot be read has no last run.
            state.last = self.upkeep_runs().unwrap_or_default().first().copied();
            self.board().change(|known| known.last = known.last.or(state.last));
        }
        state
    }

    /// Says when the next run is planned.
    pub fn plan_maintenance(&self, at: Micros) {
        self.board().change(|state| state.next_at = Some(at));
    }

    fn retire(&self, retention: &Retention, now: Micros) -> Result<Upkeep, StoreError> {
        let began = Instant::now();
        let mut removed = Upkeep { started_at: now, ended_at: now, ..Upkeep::default() };
        let at = |phase: Phase| {
            move |removed: &Upkeep| {
                self.board().change(|state| state.running = Some((phase, *removed)));
            }
        };
        at(Phase::Sums)(&removed);
        self.sum_older_flows()?;
        let flows = cutoff(now, retention.flows_days);
        if let Some(before) = flows {
            at(Phase::Flows)(&removed);
            self.retire_flows(before, &mut removed, at(Phase::Flows))?;
            at(Phase::Rows)(&removed);
            self.retire_rows(before, &mut removed, at(Phase::Rows))?;
        }
        if let Some(before) = cutoff(now, retention.events_days) {
            at(Phase::Events)(&removed);
            self.retire_events(before, &mut removed, at(Phase::Events))?;
        }
        if let Some(before) = cutoff(now, retention.bodies_days) {
            at(Phase::Bodies)(&removed);
            self.retire_bodies(before, &mut removed, at(Phase::Bodies))?;
        }
        if self.has_garbage()? {
            at(Phase::Contents)(&removed);
            self.sweep(&mut removed, at(Phase::Contents))?;
        }
        let pages = self.pages()?;
        if pages.incremental && pages.free_percent() > u64::from(retention.vacuum_free_percent) {
            at(Phase::Vacuum)(&removed);
            removed.freed_bytes = self.vacuum()?;
        }
        removed.ended_at = now.plus(began.elapsed());
        self.job(move |site| {
            let change = site.change()?;
            removed.write(&change)?;
            change.commit()
        })?;
        at(Phase::Checkpoint)(&removed);
        self.checkpoint()?;
        Ok(removed)
    }
}
