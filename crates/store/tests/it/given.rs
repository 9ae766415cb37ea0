//! Records, stores and waiting, as the tests need them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use langley_model::{
    Attributed, Block, Body, ConnectionId, Content, EventRun, EventSpan, Flow, FlowId, HeaderBlock,
    Headers, Message, Micros, Outcome, Provider, Record, Redacted, Redactor, RedactorOptions, Side,
    Tunnel, TunnelReason,
};
use langley_store::{Change, Store, StoreOptions};
use parking_lot::Mutex;
use tempfile::TempDir;

pub(crate) fn redactor() -> Redactor {
    Redactor::new(RedactorOptions::default()).unwrap()
}

pub(crate) fn seal(records: Vec<Record>) -> Vec<Redacted<Record>> {
    let redactor = redactor();
    records.into_iter().map(|record| redactor.seal(record)).collect()
}

/// Options that wait for nobody.
pub(crate) fn options(folder: &Path) -> StoreOptions {
    StoreOptions {
        batch: Duration::from_millis(5),
        event_batch: Duration::from_millis(5),
        retry_pause: Duration::from_millis(1),
        busy_timeout: Duration::from_millis(1),
        ..StoreOptions::new(folder.join("langley.db"))
    }
}

pub(crate) type Heard = Arc<Mutex<Vec<Change>>>;

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) heard: Heard,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        let heard = Heard::default();
        let store = open(options, &heard);
        Self { folder, store, heard }
    }

    /// Submits and waits for the commit.
    pub(crate) fn write(&self, records: Vec<Record>) {
        self.store.submit(seal(records)).unwrap();
        self.store.flush().unwrap();
    }

    /// The same file, opened again once this store is closed.
    pub(crate) fn after_close(self) -> Self {
        self.store.close();
        let heard = Heard::default();
        let store = open(options(self.folder.path()), &heard);
        Self { folder: self.folder, store, heard }
    }

    /// The store as another process would find it after a kill at this moment.
    pub(crate) fn after_a_kill(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["langley.db", "langley.db-wal"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        let heard = Heard::default();
        let store = open(options(folder.path()), &heard);
        Self { folder, store, heard }
    }
}

fn open(options: StoreOptions, heard: &Heard) -> Store {
    let heard = Arc::clone(heard);
    Store::open(options, Box::new(move |changes| heard.lock().extend_from_slice(changes))).unwrap()
}

/// Names the folder to a writer that is to be killed.
const KILLED: &str = "LANGLEY_TEST_KILLED_IN";

/// Where this process is to write until it is killed; none when it was not started for that.
pub(crate) fn folder_to_be_killed_in() -> Option<PathBuf> {
    std::env::var_os(KILLED).map(PathBuf::from)
}

/// Tells the process that is about to kill this one what is committed.
pub(crate) fn tell_committed(turn: u64) {
    #[expect(clippy::print_stdout, reason = "the other process reads it")]
    {
        println!("committed {turn}");
    }
}

/// Lets the ignored test `name` write in `folder`, and kills it once it has told of so many commits: the
/// next one is being written at that moment.
pub(crate) fn kill_writer(name: &str, folder: &Path, commits: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(KILLED, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = told.filter(|line| line.contains("committed ")).take(commits).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(told, commits);
}

/// Makes a page of a file that nobody has open unreadable.
pub(crate) fn spoil(path: &Path, page: u64) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start((page - 1) * 8192)).unwrap();
    file.write_all(&[0xa5; 8192]).unwrap();
}

/// The first page of contents of a file that nobody has open.
pub(crate) fn page_of_contents(path: &Path) -> u64 {
    let conn = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT min(pageno) FROM dbstat WHERE name = 'blobs' AND pagetype = 'leaf'";
    conn.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}

/// Bytes that cannot be packed, of which a page holds two.
pub(crate) fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(375).flatten().collect()
}

/// Waits until `holds`, at most ten seconds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "never happened: {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn flow(started_at: i64) -> Flow {
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(started_at));
    flow.host = String::from("api.example");
    flow.method = String::from("POST");
    flow.path = String::from("/v1/messages");
    flow
}

pub(crate) fn ended(started_at: i64) -> Flow {
    let mut flow = flow(started_at);
    flow.provider = Some(Provider::Anthropic);
    flow.model = Some(String::from("model-a"));
    flow.status = Some(200);
    flow.outcome = Some(Outcome::Completed);
    flow.ended_at = Some(Micros(started_at + 5));
    flow
}

/// A tunnel that carried seven bytes.
pub(crate) fn tunnel(started_at: i64, ended_at: Option<i64>) -> Record {
    Record::Tunnel(Tunnel {
        connection: ConnectionId::new(),
        started_at: Micros(started_at),
        ended_at: ended_at.map(Micros),
        host: String::from("other.example"),
        port: 443,
        client_addr: String::from("127.0.0.1:1"),
        bytes_up: 7,
        bytes_down: 0,
        why: TunnelReason::NotListed,
        reason: None,
    })
}

pub(crate) fn of(flow: &Flow) -> Record {
    Record::Flow(Arc::new(flow.clone()))
}

pub(crate) fn session(id: &str) -> Option<Attributed> {
    Some(Attributed { id: id.to_owned(), source: "header:x-test" })
}

pub(crate) fn headers(flow: FlowId, side: Side, trailers: bool, lines: &[(&str, &str)]) -> Record {
    let mut block = HeaderBlock::new();
    for (name, value) in lines {
        block.push(name, value.as_bytes());
    }
    Record::Headers(Headers { flow, side, trailers, lines: block })
}

pub(crate) fn body(flow: FlowId, side: Side, bytes: Vec<u8>) -> Record {
    let original_len = bytes.len() as u64;
    Record::Body(Body {
        flow,
        side,
        bytes: redactor().body(bytes),
        pieces: Vec::new(),
        media_type: Some(String::from("application/json")),
        original_len,
        truncated: false,
    })
}

/// An answer of a few words, always the same.
pub(crate) fn message(flow: FlowId) -> Record {
    let content = Content::Text { text: String::from("a few words"), citations: Vec::new() };
    let blocks = vec![Block { index: 0, content, complete: true }];
    Record::Message(flow, Box::new(Message { blocks, ..Message::default() }))
}

/// Events `first..first + count` of `len` bytes each, every tenth of another type.
pub(crate) fn run(flow: FlowId, first: u64, count: u64, len: usize) -> Record {
    let mut run = EventRun::new(flow);
    for seq in first..first + count {
        let kind = run.kind(kind(seq));
        let data = data(seq, len);
        run.text.append(&redactor().body(data.clone()));
        run.spans.push(EventSpan {
            seq,
            offset_us: seq * 1000,
            kind,
            len: u32::try_from(data.len()).unwrap(),
            original_len: u32::try_from(data.len()).unwrap() + 3,
        });
    }
    Record::Events(run)
}

pub(crate) fn kind(seq: u64) -> &'static str {
    if seq % 10 == 9 { "ping" } else { "content_block_delta" }
}

/// Text that no redaction rule takes for a secret, all over different for each event.
pub(crate) fn data(seq: u64, len: usize) -> Vec<u8> {
    let mut text = format!("{} event {seq} ", seq % 10).into_bytes();
    let mut state = seq;
    while text.len() < len {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(seq | 1);
        text.push(b'0' + (state >> 60) as u8 % 10);
        text.push(b'.');
    }
    text.truncate(len.max(9));
    text
}

/// A leaf of a table, in a file that nobody has open: the one so many after its first.
pub(crate) fn leaf(path: &Path, table: &str, after: u32) -> u64 {
    let conn = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET ?2";
    conn.query_row(sql, (table, after), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}
