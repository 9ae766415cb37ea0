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
    /// run goes on from there. [`StoreError::Stay`] where all else was done, and something stays because the file
    /// is damaged there.
    pub fn maintain(&self, retention: &Retention, now: Micros) -> Result<Upkeep, StoreError> {
        let _turn = self.board().turn();
        let done = self.retire(retention, now);
        let done = done.and_then(|done| self.look_at_damaged().map(|()| done));
        self.board().change(|state| {
            state.running = None;
            state.failed = done.as_ref().map_or(true, |done| done.stay > 0);
            if let Ok(done) = &done {
                state.last = Some(*done);
            }
        });
        let Upkeep { flows, stay, .. } = *done.as_ref().unwrap_or(&Upkeep::default());
        if stay > 0 { Err(StoreError::Stay { removed: flows, stay }) } else { done }
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
        // What fails in one step must not keep the others from their work.
        let mut failed = None;
        let mut done = |done: Result<(), StoreError>| {
            let Err(error) = done else { return };
            // At the end the writer goes first.
            if !matches!(error, StoreError::Closed) {
                tracing::warn!(%error, "a step of maintenance failed; the others go on");
            }
            failed.get_or_insert(error);
        };
        at(Phase::Sums)(&removed);
        // What could not be added up is added up when it is removed.
        done(self.sum_older_flows().map(drop));
        if let Some(before) = cutoff(now, retention.flows_days) {
            at(Phase::Flows)(&removed);
            done(self.retire_flows(before, &mut removed, at(Phase::Flows)));
            at(Phase::Rows)(&removed);
            done(self.retire_rows(before, &mut removed, at(Phase::Rows)));
        }
        if let Some(before) = cutoff(now, retention.events_days) {
            at(Phase::Events)(&removed);
            done(self.retire_events(before, &mut removed, at(Phase::Events)));
        }
        if let Some(before) = cutoff(now, retention.bodies_days) {
            at(Phase::Bodies)(&removed);
            done(self.retire_bodies(before, &mut removed, at(Phase::Bodies)));
        }
        if removed.flows > 0 {
            done(self.merge_index());
        }
        done(self.forget_stars());
        if let Some(before) = cutoff(now, retention.transcripts_days) {
            at(Phase::Rows)(&removed);
            done(self.retire_transcripts(before).map(|lines| {
                if lines > 0 {
                    tracing::info!(lines, "lines of transcripts were removed because of their age");
                }
            }));
        }
        done(self.fold_transcripts().map(|fewer| {
            if fewer > 0 {
                tracing::debug!(fewer, "small blocks of transcripts' lines were folded together");
            }
        }));
        done(self.retire_raw(cutoff(now, retention.bodies_days), now));
        done(self.has_garbage().and_then(|garbage| {
            if garbage {
                at(Phase::Contents)(&removed);
                self.sweep(&mut removed, at(Phase::Contents))?;
            }
            Ok(())
        }));
        done(self.pages().and_then(|pages| {
            let wasted = pages.free_percent() > u64::from(retention.vacuum_free_percent);
            if pages.incremental && wasted {
                at(Phase::Vacuum)(&removed);
                removed.freed_bytes = match self.vacuum() {
                    Err(error) if error.is_of_content() => {
                        tracing::warn!(%error, "a damaged page cannot be moved: the file stays as large as it is");
                        0
                    }
                    freed => freed?,
                };
            }
            Ok(())
        }));
        removed.ended_at = now.plus(began.elapsed());
        if failed.is_none() {
            self.job(move |site| {
                let change = site.change()?;
                removed.write(&change)?;
                change.commit()
            })?;
        }
        at(Phase::Checkpoint)(&removed);
        let folded = self.checkpoint().map(|_| removed);
        failed.map_or(folded, Err)
    }
}
