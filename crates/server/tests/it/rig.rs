//! A running server over a temporary store, and a client that sends exactly what it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use langley_engine::{
    Bell, Budget, BudgetAction, BudgetBell, BudgetKeeper, BudgetScope, Follower, FollowerOptions,
    InferenceKey, Intake, IntakeOptions, RecorderStats, user_roots,
};
use langley_model::{
    Attributed, Block, Body, ConnectionId, Content, Drop, DropReason, EventRun, EventSpan, Flow,
    FlowId, HeaderBlock, Headers, Message, MicroUsd, Micros, Mode, Outcome, Provider, Record,
    Redactor, RedactorOptions, Side, Tokens, Tunnel, TunnelReason,
};
use langley_server::{
    ChangedSetting, Doors, DoorsOptions, Gauges, Hub, KnownClient, LiveOptions, Registered,
    ServerInfo, Setting, SettingsRefused, Token, serve,
};
use langley_store::{Change, Retention, Store, StoreOptions};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub(crate) const TOKEN: &str = "test-token-0123456789";

/// A running server.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) doors: Doors,
    pub(crate) hub: Arc<Hub>,
    /// What the recorder tells of its dead threads.
    pub(crate) threads_failed: Arc<AtomicUsize>,
    /// What the recorder tells of the captures it has worked off.
    pub(crate) worked_off: Arc<AtomicU64>,
    pub(crate) intake: Arc<Intake>,
    /// A token put here takes the place of the present one.
    pub(crate) new_token: Arc<Mutex<Vec<Option<Token>>>>,
    /// Whoever holds it keeps the writer from going on after its next commit.
    gate: Arc<Mutex<()>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    _budgets: BudgetKeeper,
    _follower: Follower,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of an error body, which must be whole.
    pub(crate) fn error_code(&self) -> String {
        let body = self.json();
        let error = body["error"].as_object().unwrap();
        for member in ["code", "message", "hint"] {
            assert!(!error[member].as_str().unwrap().is_empty(), "{body}");
        }
        error["code"].as_str().unwrap().to_owned()
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(LiveOptions::default()).await
    }

    /// Has another program change the database.
    pub(crate) fn sqlite(&self, sql: &str) {
        let done = std::process::Command::new("sqlite3").arg(self.store.path()).arg(sql).status();
        assert!(done.unwrap().success());
    }

    pub(crate) async fn with(live: LiveOptions) -> Self {
        Self::with_batch(live, Duration::from_millis(2)).await
    }

    /// The same, where a record waits for company for so long.
    pub(crate) async fn with_batch(live: LiveOptions, batch: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::new(live);
        let mut options = StoreOptions::new(folder.path().join("langley.db"));
        options.batch = batch;
        options.event_batch = batch;
        let gate = Arc::new(Mutex::new(()));
        let bell = BudgetBell::default();
        let (announce, pass, rung) = (hub.announce(), Arc::clone(&gate), bell.clone());
        let announce = move |changes: &[Change]| {
            drop(pass.lock());
            announce(changes);
            rung.ring(changes);
        };
        let store = Store::open(options, Box::new(announce)).unwrap();
        let budget = Budget {
            name: "each".into(),
            scope: BudgetScope::Session,
            limit: MicroUsd(1_000_000),
            action: BudgetAction::Warn,
            agent: None,
            model: None,
            project: None,
        };
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let (rules, own) = (vec![budget], Arc::clone(&redactor));
        let budgets = BudgetKeeper::spawn(rules, store.clone(), own, bell, Arc::default()).unwrap();
        let roots = user_roots(vec![folder.path().join("transcripts")]);
        let book = langley_engine::PriceBook::vendored();
        let (told_roots, told_book) = (roots.clone(), Arc::clone(&book));
        let told_redactor = Arc::clone(&redactor);
        let key = InferenceKey::default();
        let options = FollowerOptions { roots, is_enabled: false, key, book };
        let own = Arc::clone(&redactor);
        let follower = Follower::spawn(store.clone(), own, options, Bell::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let threads_failed = Arc::new(AtomicUsize::new(0));
        let worked_off = Arc::new(AtomicU64::new(0));
        let intake = Intake::new(IntakeOptions::default());
        let new_token = Arc::new(Mutex::new(Vec::<Option<Token>>::new()));
        let doors = Doors::new(DoorsOptions {
            prices: langley_engine::PriceBook::vendored(),
            store: store.clone(),
            hub: Arc::clone(&hub),
            gauges: Gauges {
                intake: Arc::clone(&intake),
                recorder: {
                    let failed = Arc::clone(&threads_failed);
                    let worked_off = Arc::clone(&worked_off);
                    Box::new(move || RecorderStats {
                        threads_failed: failed.load(Ordering::Relaxed),
                        captures_total: worked_off.load(Ordering::Relaxed),
                        ..RecorderStats::default()
                    })
                },
                proxy_connections: Box::new(|| Some(3)),
                budgets: budgets.reader(),
                background_panics: Box::new(|| 2),
                raw_bodies: None,
                transcripts: Some(follower.reader()),
                told_usage: Some(Arc::new(move || {
                    let mut walked = langley_engine::walk(&told_roots);
                    walked.sniff();
                    let known = langley_engine::TranscriptCache::default();
                    langley_engine::scan(&walked.files, known, (&told_book, &told_redactor), 1)
                })),
            },
            redactor: Arc::clone(&redactor),
            token: Token::new(TOKEN).unwrap(),
            new_token: {
                let new_token = Arc::clone(&new_token);
                Box::new(move || new_token.lock().pop().flatten())
            },
            allowed_hosts: vec!["langley.test".into()],
            info: ServerInfo {
                version: "0.0.0-test".into(),
                proxy_addr: "127.0.0.1:9090".parse().unwrap(),
                api_addr: address,
                home: folder.path().into(),
                ca_path: folder.path().join("ca/ca.pem"),
                bundle_path: folder.path().join("ca/bundle.pem"),
                ca_fingerprint: "AA:BB".into(),
                intercept_hosts: vec!["api.anthropic.com".into()],
                insecure_hosts: vec!["lab.example".into()],
                started_at: Micros::now(),
                demo: false,
                clients: vec![KnownClient {
                    name: "An agent".into(),
                    command: vec!["agent".into()],
                    proxied: vec![("HTTPS_PROXY".into(), "http://127.0.0.1:9090".into())],
                    proxied_note: None,
                    based: None,
                }],
                program: "langley".into(),
            },
            settings: vec![Setting {
                key: "proxy.port".into(),
                value: 9090.into(),
                source: "default".into(),
                origin: "default".into(),
            }],
            change_settings: Box::new(|_, changes| {
                let refused = SettingsRefused::Wrong("`proxy.prot`: unknown key".into());
                let changed = changes.iter().map(|(key, value)| {
                    let (key, value) = (key.clone(), value.clone());
                    ChangedSetting { key, value, overridden_by: None }
                });
                if changes.contains_key("proxy.prot") {
                    Err(refused)
                } else {
                    Ok(changed.collect())
                }
            }),
            retention: Retention { flows_days: 1, ..Retention::default() },
            register_probe: Box::new(|address, _| {
                let registered = Registered {
                    host: "fidelity.langley.test".into(),
                    certificate_pem: "PEM".into(),
                    expires_at: Micros(60_000_000),
                };
                if address.ip().is_loopback() { Ok(registered) } else { Err("no".into()) }
            }),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, doors.clone(), async move {
            let _ = stopped.await;
        });
        tokio::spawn(serving);
        let stop = Some(stop);
        Self {
            address,
            store,
            redactor,
            doors,
            hub,
            threads_failed,
            gate,
            worked_off,
            intake,
            new_token,
            stop,
            _budgets: budgets,
            _follower: follower,
            _folder: folder,
        }
    }

    /// Sends a request with just these headers, and a Host unless one is among them.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send_body(method, path, headers, "").await
    }

    /// The same with a body.
    pub(crate) async fn send_body(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header(header::HOST, self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        let (head, body) = client.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// GET with the token.
    pub(crate) async fn ask(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &format!("Bearer {TOKEN}"))]).await
    }

    /// GET with the token; must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.json()
    }

    /// Keeps the writer from going on after its next commit, until what is returned is dropped.
    pub(crate) fn hold_the_writer(&self) -> mpsc::SyncSender<()> {
        let (release, released) = mpsc::sync_channel(0);
        let (tell, held) = mpsc::sync_channel(0);
        let gate = Arc::clone(&self.gate);
        std::thread::spawn(move || {
            let _guard = gate.lock();
            tell.send(()).unwrap();
            // An error is the release.
            let _ = released.recv();
        });
        held.recv().unwrap();
        release
    }

    /// Commits records.
    pub(crate) fn put(&self, records: impl IntoIterator<Item = Record>) {
        let sealed = records.into_iter().map(|record| self.redactor.seal(record)).collect();
        self.store.submit(sealed).unwrap();
        tokio::task::block_in_place(|| self.store.flush()).unwrap();
    }
}

/// A finished flow of an Anthropic stream, started so many seconds after the epoch's first day.
pub(crate) fn flow(second: i64, session: &str) -> Flow {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let started = Micros(1_700_000_000_000_000 + second * 1_000_000);
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), started);
    flow.mode = Mode::Reverse;
    flow.host = "api.anthropic.com".into();
    flow.method = "POST".into();
    flow.path = format!("/v1/messages?n={count}");
    flow.status = Some(200);
    flow.outcome = Some(Outcome::Completed);
    flow.ended_at = Some(Micros(started.0 + 2_500_000));
    flow.duration = Some(Duration::from_micros(2_500_125));
    flow.provider = Some(Provider::Anthropic);
    flow.model = Some("claude-test".into());
    flow.streaming = Some(true);
    flow.session = Some(Attributed { id: session.into(), source: "header:x-test" });
    flow.usage.input = Some(Tokens(12));
    flow.usage.output = Some(Tokens(34));
    flow.stop_reason = Some("tool_use".into());
    flow.tool_names = vec!["Write".into(), "Write".into()];
    flow.event_count = 3;
    flow
}

/// Everything that is stored of one exchange.
pub(crate) fn exchange(redactor: &Redactor, flow: &Flow) -> Vec<Record> {
    let mut request = HeaderBlock::new();
    request.push("Content-Type", b"application/json");
    request.push("X-Custom", b"one");
    let mut response = HeaderBlock::new();
    response.push("content-type", b"text/event-stream");
    let mut trailers = HeaderBlock::new();
    trailers.push("x-sum", b"1");
    let mut run = EventRun::new(flow.id);
    for seq in 0..3_u64 {
        let data = format!("{{\"n\":{seq}}}");
        let kind = run.kind(if seq == 0 { "message_start" } else { "content_block_delta" });
        run.text.append(&redactor.body(data.clone().into_bytes()));
        let len = u32::try_from(data.len()).unwrap();
        run.spans.push(EventSpan {
            seq,
            offset_us: 1500 * (seq + 1),
            kind,
            len,
            original_len: len,
        });
    }
    let message = Message {
        id: Some("msg_1".into()),
        model: Some("claude-test".into()),
        role: Some("assistant".into()),
        blocks: vec![
            Block {
                index: 0,
                content: Content::Text {
                    text: "Hello".into(),
                    citations: vec![r#"{"a":1}"#.into()],
                },
                complete: true,
            },
            Block {
                index: 1,
                content: Content::ToolUse {
                    id: "toolu_1".into(),
                    name: "Write".into(),
                    input: r#"{"path":"a.txt"}"#.into(),
                },
                complete: true,
            },
        ],
        stop_reason: Some("tool_use".into()),
        usage: flow.usage,
        ..Message::default()
    };
    let body = br#"{"model":"claude-test"}"#.to_vec();
    vec![
        Record::Flow(Arc::new(flow.clone())),
        Record::Headers(Headers {
            flow: flow.id,
            side: Side::Client,
            trailers: false,
            lines: request,
        }),
        Record::Body(Body {
            flow: flow.id,
            side: Side::Client,
            original_len: body.len() as u64,
            bytes: redactor.body(body),
            pieces: Vec::new(),
            media_type: Some("application/json".into()),
            truncated: false,
        }),
        Record::Headers(Headers {
            flow: flow.id,
            side: Side::Upstream,
            trailers: false,
            lines: response,
        }),
        Record::Headers(Headers {
            flow: flow.id,
            side: Side::Upstream,
            trailers: true,
            lines: trailers,
        }),
        Record::Events(run),
        Record::Message(flow.id, Box::new(message)),
    ]
}

/// A finished tunnel.
pub(crate) fn tunnel() -> Record {
    Record::Tunnel(Tunnel {
        connection: ConnectionId::new(),
        started_at: Micros(1_700_000_000_000_000),
        ended_at: Some(Micros(1_700_000_001_000_000)),
        host: "example.test".into(),
        port: 443,
        client_addr: "127.0.0.1:5".into(),
        bytes_up: 7,
        bytes_down: 8,
        why: TunnelReason::NotListed,
        reason: None,
    })
}

/// A drop.
pub(crate) fn dropped(flow: Option<FlowId>) -> Record {
    Record::Drop(Drop {
        at: Micros(1_700_000_000_000_000),
        flow,
        reason: DropReason::WriterQueueFull,
        count: 5,
        bytes: 500,
    })
}
