//! Following: a thread that looks at the agents' folders every two seconds and brings in what is new, beside the road
//! of a record as everything that runs in the background.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use langley_model::{Micros, Redactor, Strain};
use langley_store::{Store, StoreError};
use parking_lot::Mutex;

use super::importer::Importer;
use super::report::ImportReport;
use crate::background::{Background, Bell, Step};
use crate::inference_key::InferenceKey;
use crate::price::PriceBook;
use crate::transcripts::TranscriptRoot;

/// Between two looks at the folders.
const PAUSE: Duration = Duration::from_secs(2);

/// So many times as long as a look took is rested until the next: a large history costs a hundredth of a core.
const PAUSES: u32 = 100;

/// Requests that wait.
const REQUESTS: usize = 16;

/// What is followed.
#[derive(Clone)]
pub struct FollowerOptions {
    /// The folders.
    pub roots: Vec<TranscriptRoot>,
    /// Whether they are looked at without being asked to.
    pub is_enabled: bool,
    /// By what lines are known.
    pub key: InferenceKey,
    /// What responses are priced by.
    pub book: Arc<PriceBook>,
}

impl fmt::Debug for FollowerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowerOptions")
            .field("roots", &self.roots)
            .field("is_enabled", &self.is_enabled)
            .finish_non_exhaustive()
    }
}

/// How far following is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowerState {
    /// Whether folders are followed.
    pub is_enabled: bool,
    /// The folders.
    pub roots: Vec<TranscriptRoot>,
    /// When they were looked at last; none before the first time.
    pub looked_at: Option<Micros>,
    /// Files that wait to be read.
    pub waiting: u64,
    /// Lines that came since the start.
    pub lines: u64,
    /// Files and folders that could not be read at the last look, and why the first of them.
    pub refused: u64,
    /// The reason of the first of them.
    pub refused_why: Option<String>,
}

/// Asks the thread, and tells how far it is.
#[derive(Clone, Debug)]
pub struct FollowerReader(Arc<Shared>, Bell);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<FollowerState>,
    requests: Mutex<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    waiting: VecDeque<Request>,
    /// Whether the thread has ended: nobody answers any more.
    is_over: bool,
}

/// What is to be brought in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Folders and files; none: those that are followed.
    pub roots: Vec<TranscriptRoot>,
    /// Whether conversations that were deleted come in again.
    pub is_again: bool,
}

/// Why nothing was brought in, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The thread that reads them has ended.
    #[error("nobody brings transcripts in any more: the server is ending")]
    Over,
    /// Too many wait already.
    #[error("{REQUESTS} imports wait already")]
    Crowded,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
struct Request {
    wanted: Wanted,
    is_all: bool,
    reply: SyncSender<Result<ImportReport, StoreError>>,
}

/// The running thread; ends when it is dropped.
#[derive(Debug)]
pub struct Follower {
    reader: FollowerReader,
    _thread: Background,
}

impl Follower {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        store: Store,
        redactor: Arc<Redactor>,
        options: FollowerOptions,
        bell: Bell,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        {
            let mut state = shared.state.lock();
            state.is_enabled = options.is_enabled;
            state.roots.clone_from(&options.roots);
        }
        let reader = FollowerReader(Arc::clone(&shared), bell.clone());
        let mut worker = Worker {
            store,
            redactor,
            options,
            shared,
            importer: None,
            asked: None,
            next_look: None,
        };
        let thread = Background::spawn("follower", Some(PAUSE), bell, move || worker.step())?;
        Ok(Self { reader, _thread: thread })
    }

    /// What asks it, and tells how far it is.
    #[must_use]
    pub fn reader(&self) -> FollowerReader {
        self.reader.clone()
    }
}

impl FollowerReader {
    /// How far following is.
    #[must_use]
    pub fn state(&self) -> FollowerState {
        self.0.state.lock().clone()
    }

    /// Has files brought in now, and waits until they are.
    ///
    /// # Errors
    /// The thread has ended, or ends meanwhile; too many wait already; the store cannot be written.
    pub fn import(&self, mut wanted: Wanted) -> Result<ImportReport, ImportError> {
        let (reply, answer) = sync_channel(1);
        let is_all = wanted.roots.is_empty();
        if is_all {
            wanted.roots = self.0.state.lock().roots.clone();
        }
        {
            let mut requests = self.0.requests.lock();
            if requests.is_over {
                return Err(ImportError::Over);
            }
            if requests.waiting.len() >= REQUESTS {
                return Err(ImportError::Crowded);
            }
            requests.waiting.push_back(Request { wanted, is_all, reply });
        }
        self.1.wake();
        answer.recv().map_err(|_| ImportError::Over)?.map_err(ImportError::Store)
    }
}

/// The thread's state.
struct Worker {
    store: Store,
    redactor: Arc<Redactor>,
    options: FollowerOptions,
    shared: Arc<Shared>,
    importer: Option<Importer>,
    /// Who waits for what is being read.
    asked: Option<Request>,
    next_look: Option<Instant>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Whoever waits is told by the end of the channel; who comes later, by this.
        let mut requests = self.shared.requests.lock();
        requests.is_over = true;
        requests.waiting.clear();
    }
}

impl Worker {
    fn step(&mut self) -> Result<Step, StoreError> {
        // What agents write of themselves can wait; what passes cannot.
        if self.store.strain() != Strain::Calm {
            return Ok(Step::Idle);
        }
        let done = self.try_step();
        match (done, self.asked.take()) {
            (Err(error), Some(request)) => {
                self.importer = None;
                // The asker may have gone.
                let _ = request.reply.try_send(Err(error));
                Ok(Step::Worked)
            }
            (done, asked) => {
                self.asked = asked;
                done
            }
        }
    }

    fn try_step(&mut self) -> Result<Step, StoreError> {
        let importer = match &mut self.importer {
            Some(importer) => importer,
            empty => empty.insert(Importer::new(
                self.store.clone(),
                Arc::clone(&self.redactor),
                self.options.key,
                Arc::clone(&self.options.book),
            )?),
        };
        if importer.step()? {
            self.shared.state.lock().waiting = importer.waiting();
            return Ok(Step::Worked);
        }
        let report = importer.report();
        self.shared.tell(&report, self.asked.is_some());
        if let Some(request) = self.asked.take() {
            // The asker may have gone.
            let _ = request.reply.try_send(Ok(report));
        }
        let request = self.shared.requests.lock().waiting.pop_front();
        if let Some(request) = request {
            // It is answered whatever comes of it.
            let Request { wanted, is_all, .. } = self.asked.insert(request);
            if wanted.is_again {
                importer.look_again(&wanted.roots, *is_all, Micros::now())?;
            } else {
                importer.look(&wanted.roots, *is_all, Micros::now())?;
            }
            return Ok(Step::Worked);
        }
        let now = Instant::now();
        if !self.options.is_enabled || self.next_look.is_some_and(|next| now < next) {
            return Ok(Step::Idle);
        }
        importer.look(&self.options.roots, true, Micros::now())?;
        let took = now.elapsed();
        // A little less than the pause after which the thread wakes, or every second time would be too early.
        self.next_look = Some(Instant::now() + PAUSE.max(took * PAUSES).mul_f32(0.99));
        self.shared.looked();
        Ok(if importer.waiting() > 0 { Step::Worked } else { Step::Idle })
    }
}

impl Shared {
    fn tell(&self, report: &ImportReport, is_asked: bool) {
        let mut state = self.state.lock();
        state.waiting = 0;
        state.lines += report.lines;
        // What somebody asked for is told to them.
        if !is_asked && report.files > 0 {
            state.refused = report.refused.len() as u64;
            let first = report.refused.first();
            state.refused_why = first.map(|(path, why)| format!("{}: {why}", path.display()));
        }
    }

    fn looked(&self) {
        self.state.lock().looked_at = Some(Micros::now());
    }
}
