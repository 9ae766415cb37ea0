//! The live feed: nothing lost, nothing out of order, and a slow watcher costs nobody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode};
use langley_engine::LiveFeed;
use langley_model::{Flow, LiveKind, LiveText, Record};
use langley_server::{LiveOptions, Token};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::rig::{Rig, TOKEN, flow};

const LONGEST: Duration = Duration::from_secs(20);

pub(crate) struct Watcher(WebSocketStream<TcpStream>);

impl Watcher {
    async fn open(rig: &Rig, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut request = Request::builder()
            .uri(format!("ws://{}/ws", rig.address))
            .header("host", rig.address.to_string())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let stream = TcpStream::connect(rig.address).await.unwrap();
        client_async(request.body(()).unwrap(), stream).await.map(|(socket, _)| Self(socket))
    }

    /// With the token, and greeted.
    pub(crate) async fn greeted(rig: &Rig) -> (Self, Value) {
        let bearer = format!("Bearer {TOKEN}");
        let mut watcher = Self::open(rig, &[("authorization", &bearer)]).await.unwrap();
        let hello = watcher.next().await;
        assert_eq!(hello["type"], "hello");
        (watcher, hello)
    }

    pub(crate) async fn wish(&mut self, subscription: Value) {
        let text = json!({"subscribe": subscription}).to_string();
        self.0.send(Message::text(text)).await.unwrap();
        assert_eq!(self.until("subscribed").await["type"], "subscribed");
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LONGEST, self.0.next()).await.expect("no message");
            match message.expect("the end").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// With what code the server closes.
    async fn closed(&mut self) -> u16 {
        let end = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        tokio::time::timeout(LONGEST, end).await.expect("it stays open")
    }

    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }
}

fn refusal(result: Result<Watcher, Error>) -> StatusCode {
    match result {
        Err(Error::Http(answer)) => answer.status(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the feed opened"),
    }
}

fn record(flow: &Flow) -> Record {
    Record::Flow(Arc::new(flow.clone()))
}

fn speak(rig: &Rig, flow: &Flow, text: &str) {
    let text = rig.redactor.seal(text.to_owned());
    rig.hub.text(LiveText { flow: flow.id, block: 0, kind: LiveKind::Text, text });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_opens_only_for_our_own_page_or_the_token() {
    let rig = Rig::start().await;
    assert_eq!(refusal(Watcher::open(&rig, &[]).await), StatusCode::UNAUTHORIZED);
    let bearer = format!("Bearer {TOKEN}");
    let foreign = [("authorization", bearer.as_str()), ("origin", "http://evil.example")];
    assert_eq!(refusal(Watcher::open(&rig, &foreign).await), StatusCode::FORBIDDEN);

    let url = rig.doors.sign_in_link().unwrap();
    let path = url.strip_prefix(&format!("http://{}", rig.address)).unwrap();
    let signed_in = rig.send(Method::GET, path, &[]).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let silent = [("cookie", cookie.as_str())];
    assert_eq!(refusal(Watcher::open(&rig, &silent).await), StatusCode::FORBIDDEN);
    let ours = format!("http://{}", rig.address);
    let page = [("cookie", cookie.as_str()), ("origin", ours.as_str())];
    assert!(Watcher::open(&rig, &page).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_the_tail_give_every_flow_its_last_state() {
    const FLOWS: usize = 20;
    const CHANGES: u64 = 30;
    let rig = Rig::start().await;
    let mut flows: Vec<_> = (0..FLOWS).map(|n| flow(i64::try_from(n).unwrap(), "s")).collect();
    rig.put(flows.iter().map(record));
    let store = rig.store.clone();
    let redactor = Arc::clone(&rig.redactor);
    let writer = std::thread::spawn(move || {
        for change in 1..=CHANGES {
            for flow in &mut flows {
                flow.event_count = change * 100;
                store.submit(vec![redactor.seal(record(flow))]).unwrap();
            }
            store.flush().unwrap();
        }
    });

    let (mut watcher, hello) = Watcher::greeted(&rig).await;
    watcher.wish(json!({"flows": true})).await;
    let snapshot = rig.get("/api/flows?limit=500").await;
    let mut known: HashMap<String, (u64, u64)> = HashMap::new();
    for flow in snapshot["items"].as_array().unwrap() {
        let state = (flow["revision"].as_u64().unwrap(), flow["event_count"].as_u64().unwrap());
        known.insert(flow["id"].as_str().unwrap().to_owned(), state);
    }
    assert_eq!(known.len(), FLOWS);
    let mut last = 0;
    while known.values().any(|(_, events)| *events < CHANGES * 100) {
        let message = watcher.until("flow").await;
        let revision = message["revision"].as_u64().unwrap();
        assert!(revision > last, "{revision} after {last}");
        assert_eq!(message["flow"]["revision"], revision);
        last = revision;
        let state = known.get_mut(message["flow"]["id"].as_str().unwrap()).unwrap();
        if revision > state.0 {
            *state = (revision, message["flow"]["event_count"].as_u64().unwrap());
        }
    }
    writer.join().unwrap();
    assert!(hello["revision"].as_u64().unwrap() >= FLOWS as u64);
    let now = rig.get("/api/flows?limit=500").await;
    for flow in now["items"].as_array().unwrap() {
        let (revision, _) = known[flow["id"].as_str().unwrap()];
        assert_eq!(flow["revision"], revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_between_the_greeting_and_the_wish_is_not_missed() {
    let rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    let one = flow(1, "s");
    rig.put([record(&one)]);
    watcher.wish(json!({"flows": true})).await;
    let message = watcher.until("flow").await;
    assert_eq!(message["flow"]["id"], one.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_or_a_flow_narrows_what_is_sent() {
    let rig = Rig::start().await;
    let (ours, theirs) = (flow(1, "ours"), flow(2, "theirs"));
    let (mut session, _) = Watcher::greeted(&rig).await;
    session.wish(json!({"flows": true, "session": "ours"})).await;
    let (mut one, _) = Watcher::greeted(&rig).await;
    one.wish(json!({"flow": ours.id.to_string()})).await;
    rig.put([record(&theirs), record(&ours)]);
    assert_eq!(session.until("flow").await["flow"]["id"], ours.id.to_string());
    let event = one.until("event").await;
    assert_eq!(event["flow_id"], ours.id.to_string());
    assert_eq!(event["event_count"], 3);
    assert!(event["revision"].is_u64());
    assert_eq!(one.next().await["flow"]["id"], ours.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_live_in_order_and_only_of_the_followed_flow() {
    let rig = Rig::start().await;
    let (ours, theirs) = (flow(1, "s"), flow(2, "s"));
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.wish(json!({"flows": true, "flow": ours.id.to_string()})).await;
    let mut heard = String::new();
    for piece in ["Hel", "lo ", "wor", "ld"] {
        speak(&rig, &theirs, "not this");
        speak(&rig, &ours, piece);
    }
    while heard != "Hello world" {
        let message = watcher.until("text").await;
        assert_eq!(message["flow_id"], ours.id.to_string());
        assert_eq!((&message["block"], &message["kind"]), (&json!(0), &json!("text")));
        assert!(message.get("revision").is_none());
        heard.push_str(message["text"].as_str().unwrap());
        assert!("Hello world".starts_with(&heard), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_fell_behind_is_told_to_resync_and_then_goes_on() {
    let rig = Rig::with(LiveOptions { pending_flows: 4, ..LiveOptions::default() }).await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    // Before the wish everything waits, so that the overflow does not depend on timing.
    let flows: Vec<_> = (0..10).map(|n| flow(n, "s")).collect();
    rig.put(flows.iter().map(record));
    watcher.wish(json!({"flows": true})).await;
    let resync = watcher.until("resync").await;
    assert_eq!(resync["revision"], rig.hub.revision().0);
    let snapshot = rig.get("/api/flows").await;
    assert_eq!(snapshot["items"].as_array().unwrap().len(), 10);
    let late = flow(100, "s");
    rig.put([record(&late)]);
    loop {
        let message = watcher.until("flow").await;
        if message["flow"]["id"] == late.id.to_string() {
            assert!(message["revision"].as_u64() > resync["revision"].as_u64());
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_makes_watchers_load_anew() {
    let rig = Rig::start().await;
    rig.put([record(&flow(1, "s"))]);
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.wish(json!({"flows": true})).await;
    let bearer = format!("Bearer {TOKEN}");
    rig.send(Method::DELETE, "/api/flows", &[("authorization", &bearer)]).await;
    assert!(watcher.until("resync").await["revision"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_come_while_something_changes() {
    let rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.wish(json!({"flows": true})).await;
    rig.put([record(&flow(1, "s"))]);
    // The first may still be of the time before the change; the change then brings another.
    loop {
        let stats = watcher.until("stats").await;
        assert!(stats["queue"]["items"].is_u64() && stats["revision"].is_u64(), "{stats}");
        if stats["flows_total"] == 1 {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_and_the_feed_stays_open() {
    let rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.0.send(Message::text("nonsense")).await.unwrap();
    let error = watcher.until("error").await;
    assert_eq!(error["code"], "bad_message");
    watcher.wish(json!({"flows": true})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_bound_ends_the_feed() {
    let rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    watcher.0.send(Message::text("x".repeat(100_000))).await.unwrap();
    let end = async { while let Some(Ok(_)) = watcher.0.next().await {} };
    tokio::time::timeout(LONGEST, end).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_are_bounded_and_a_place_comes_free() {
    let rig = Rig::with(LiveOptions { watchers: 1, ..LiveOptions::default() }).await;
    let (first, _) = Watcher::greeted(&rig).await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(refusal(Watcher::open(&rig, &headers).await), StatusCode::TOO_MANY_REQUESTS);
    drop(first);
    let free = async {
        while rig.hub.is_watched() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, free).await.unwrap();
    assert!(Watcher::open(&rig, &headers).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_to_watchers() {
    let mut rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    rig.stop.take().unwrap().send(()).unwrap();
    assert_eq!(watcher.closed().await, 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_the_old_token_opened_ends_with_it() {
    let rig = Rig::start().await;
    let (mut watcher, _) = Watcher::greeted(&rig).await;
    rig.new_token.lock().push(Token::new("another-token-0123456789").ok());
    let stats = |token: &str| {
        let bearer = format!("Bearer {token}");
        let rig = &rig;
        async move { rig.send(Method::GET, "/api/stats", &[("authorization", &bearer)]).await.status }
    };
    assert_eq!(stats(TOKEN).await, StatusCode::UNAUTHORIZED);
    assert_eq!(stats("another-token-0123456789").await, StatusCode::OK);
    assert_eq!(watcher.closed().await, 1008);
    assert_eq!(
        refusal(Watcher::open(&rig, &[("authorization", &format!("Bearer {TOKEN}"))]).await),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_replaced_while_a_feed_is_let_in_ends_it() {
    let rig = Rig::start().await;
    // Not yet at the first look, but before the caller's token is compared.
    let other = "another-token-0123456789";
    rig.new_token.lock().extend([Token::new(other).ok(), None]);
    let bearer = format!("Bearer {other}");
    let mut watcher = Watcher::open(&rig, &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(watcher.closed().await, 1008);
}
