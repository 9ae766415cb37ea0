//! What agents do until the server is killed under them, and what they had seen by then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use langley_testkit::{Client, Connection, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Agents that stream, that ask for small answers, and that speak through a WebSocket.
const STREAMS: usize = 16;
const SMALL: usize = 3;
const SOCKETS: usize = 2;

/// Between two small questions of an agent. Agents that asked as fast as answers come would ask for all of the
/// machine, and the record falls behind as far as they let it.
const PAUSE: Duration = Duration::from_millis(1);

/// A masked text frame of one letter, masked with zeros (RFC 6455 §5.2).
const FRAME: [u8; 7] = [0x81, 0x81, 0, 0, 0, 0, b'x'];

/// What an agent saw of one exchange; its task names its flow.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) task: String,
    /// When each event came; of an answer that is no stream, none.
    pub(super) events: Vec<Instant>,
    /// When the answer was whole; none when it never was.
    pub(super) whole: Option<Instant>,
}

/// Agents at work.
pub(super) struct Load {
    runtime: Runtime,
    agents: Vec<JoinHandle<Vec<Seen>>>,
    events: Arc<AtomicU64>,
}

impl Load {
    /// Lets agents work through the proxy; `round` is part of what their tasks are called.
    pub(super) fn start(proxy: SocketAddr, authorities: [&str; 2], round: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = |host: &str, authority: &str| {
            Client::through(proxy, &format!("https://{host}:443")).trusting(authority).prepared()
        };
        let opened = client("api.anthropic.com", authorities[0]);
        let unread = client("unlisted.example", authorities[1]);
        let events = Arc::new(AtomicU64::new(0));
        let mut agents = Vec::new();
        for number in 0..STREAMS + SMALL + SOCKETS {
            let (client, seen) = (opened.clone(), Arc::clone(&events));
            let name = format!("{round}-{number}");
            agents.push(match number {
                0..STREAMS => runtime.spawn(stream(client, name, seen)),
                number if number < STREAMS + SMALL => runtime.spawn(small(client, name)),
                _ => runtime.spawn(socket(client, name, seen)),
            });
        }
        // A tunnel that stays open, for it too has an end to be recorded.
        agents.push(runtime.spawn(async move {
            if let Ok(mut connection) = unread.connect().await {
                let request = Request::messages(true).fixture("events=2;stall=forever");
                if let Ok(mut answer) = connection.send(request).await {
                    while let Some(Ok(_)) = answer.next().await {}
                }
            }
            Vec::new()
        }));
        Self { runtime, agents, events }
    }

    /// Stream events and echoes that agents have received.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// What the agents saw, once the server is gone.
    pub(super) fn end(self) -> Vec<Seen> {
        let all = async {
            let mut seen = Vec::new();
            for agent in self.agents {
                seen.extend(agent.await.unwrap());
            }
            seen
        };
        self.runtime.block_on(all)
    }
}

/// One stream after the other.
async fn stream(client: Client, name: String, counter: Arc<AtomicU64>) -> Vec<Seen> {
    let mut all = Vec::new();
    loop {
        let task = format!("{name}-{}", all.len());
        let mut seen = Seen { task, events: Vec::new(), whole: None };
        let is_whole = one_stream(&client, &mut seen, &counter).await;
        all.push(seen);
        if !is_whole {
            return all;
        }
    }
}

async fn one_stream(client: &Client, seen: &mut Seen, counter: &AtomicU64) -> bool {
    let Ok(mut connection) = client.connect().await else { return false };
    let request = Request::messages(true).fixture("events=150;size=40;gap=10");
    let request = request.header("X-Langley-Task", &seen.task);
    let Ok(mut answer) = connection.send(request).await else { return false };
    loop {
        match answer.next_event().await {
            Ok(Some(_)) => {
                seen.events.push(Instant::now());
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(None) => {
                seen.whole = Some(Instant::now());
                return true;
            }
            Err(_) => return false,
        }
    }
}

/// One small answer after the other, on one connection.
async fn small(client: Client, name: String) -> Vec<Seen> {
    let mut all = Vec::new();
    let Ok(mut connection) = client.connect().await else { return all };
    loop {
        let task = format!("{name}-{}", all.len());
        let request = Request::messages(false).header("X-Langley-Task", &task);
        let whole = connection.fetch(request).await.is_ok().then(Instant::now);
        all.push(Seen { task, events: Vec::new(), whole });
        if whole.is_none() {
            return all;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One message there and back after the other.
async fn socket(client: Client, task: String, counter: Arc<AtomicU64>) -> Vec<Seen> {
    let mut seen = Seen { task, events: Vec::new(), whole: None };
    let Ok(mut connection) = client.connect().await else { return Vec::new() };
    if upgrade(&mut connection, &seen.task).await {
        let mut stream = connection.into_stream();
        let mut echo = [0; 3];
        while stream.write_all(&FRAME).await.is_ok()
            && stream.flush().await.is_ok()
            && stream.read_exact(&mut echo).await.is_ok()
        {
            assert_eq!(echo, [0x81, 1, b'x']);
            seen.events.push(Instant::now());
            counter.fetch_add(1, Ordering::Relaxed);
            // A conversation, not a flood.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    vec![seen]
}

async fn upgrade(connection: &mut Connection, task: &str) -> bool {
    let request = Request::get("/ws")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("X-Langley-Task", task);
    connection.send(request).await.is_ok_and(|answer| answer.status == 101)
}
