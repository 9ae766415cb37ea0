//! One watcher's WebSocket: greets, takes its wishes, empties its mailbox at most ten times a second.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use langley_model::SESSION_ID_MAX;
use tokio::time::{Instant, sleep_until, timeout};

use super::hub::Watcher;
use super::mailbox::{Delivery, Scope};
use super::message::{LiveMessage, Subscribe};
use crate::auth::Replacements;
use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::stats;

/// Between two deliveries, so that a flow is sent at most ten times a second.
const BETWEEN_DELIVERIES: Duration = Duration::from_millis(100);
/// After a resync, so that a watcher that cannot keep up does not only resync.
const AFTER_RESYNC: Duration = Duration::from_secs(1);
const BETWEEN_STATS: Duration = Duration::from_secs(1);
const BETWEEN_PINGS: Duration = Duration::from_secs(30);
/// Two pings unanswered.
const SILENCE: Duration = Duration::from_secs(75);
/// A watcher that takes nothing for so long is gone.
const SEND_LIMIT: Duration = Duration::from_secs(20);
const INCOMING_MAX: usize = 4 * 1024;

/// Opens the live feed.
///
/// The server greets with `hello`; the watcher answers `{"subscribe":{"flows":true}}`, optionally
/// with `session` or `flow`. Nothing that commits after `hello` is missed by a watcher that loads
/// its lists after it.
#[utoipa::path(
    get, path = "/ws", tag = "live",
    responses(
        (status = 101, description = "Switched to a WebSocket of JSON text messages", body = LiveMessage),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(crate) async fn live(
    State(doors): State<Doors>,
    Extension(replacements): Extension<Replacements>,
    params: Params,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    params.only(&[])?;
    let upgrade = upgrade.map_err(|_| ApiError::upgrade_required())?;
    let watcher = doors.hub().watch().ok_or_else(|| {
        ApiError::too_many(
            "Too many live connections are open.",
            "Close a dashboard tab or another watcher.",
        )
    })?;
    Ok(upgrade
        .read_buffer_size(INCOMING_MAX)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(4 * 1024 * 1024)
        .max_message_size(INCOMING_MAX)
        .max_frame_size(INCOMING_MAX)
        .on_upgrade(move |socket| attend(socket, doors, watcher, replacements)))
}

async fn attend(
    socket: WebSocket,
    doors: Doors,
    mut watcher: Watcher,
    mut replacements: Replacements,
) {
    let (sink, mut incoming) = socket.split();
    let mut outgoing = Outgoing { sink };
    let end = tokio::select! {
        end = serve(&mut outgoing, &mut incoming, &doors, &mut watcher) => end,
        () = replacements.next() => {
            Err(End::Told(close_code::POLICY, "the API token was replaced"))
        }
    };
    if let Err(End::Told(code, reason)) = end {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let _ =
            timeout(Duration::from_secs(1), outgoing.sink.send(Message::Close(Some(frame)))).await;
    }
}

/// Why a conversation ended.
enum End {
    /// The watcher went away, or takes nothing.
    Gone,
    /// We end it, and say so.
    Told(u16, &'static str),
}

async fn serve(
    outgoing: &mut Outgoing,
    incoming: &mut SplitStream<WebSocket>,
    doors: &Doors,
    watcher: &mut Watcher,
) -> Result<(), End> {
    let hub = std::sync::Arc::clone(&watcher.hub);
    let mailbox = std::sync::Arc::clone(&watcher.mailbox);
    // The mailbox receives already: what commits from here on is in the store or in the mailbox.
    let version = env!("CARGO_PKG_VERSION");
    outgoing.now(&LiveMessage::Hello { revision: hub.revision().0, version }).await?;

    let mut subscribed = false;
    let mut deliver_at: Option<Instant> = None;
    let mut stats_at: Option<Instant> = None;
    // Figures were told while a delivery was pending, which may take along changes that came later.
    let mut stats_again = false;
    let mut not_before = Instant::now();
    let mut stats_not_before = Instant::now();
    let mut ping_at = Instant::now() + BETWEEN_PINGS;
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = incoming.next() => {
                heard = Instant::now();
                let Some(Ok(message)) = message else { return Err(End::Gone) };
                match message {
                    Message::Text(text) => match wish(&text) {
                        Ok(scope) => {
                            subscribed = true;
                            mailbox.narrow(scope);
                            let revision = hub.revision().0;
                            outgoing.now(&LiveMessage::Subscribed { revision }).await?;
                        }
                        Err(complaint) => outgoing.now(&complaint).await?,
                    },
                    Message::Binary(_) => {
                        return Err(End::Told(close_code::UNSUPPORTED, "only text messages"));
                    }
                    Message::Close(_) => return Err(End::Gone),
                    Message::Ping(_) | Message::Pong(_) => {}
                }
            }
            () = mailbox.rung(), if subscribed && deliver_at.is_none() => {
                let now = Instant::now();
                deliver_at = Some(now.max(not_before));
                stats_at = stats_at.or(Some(now.max(stats_not_before)));
            }
            () = until(deliver_at) => {
                deliver_at = None;
                let delivery = mailbox.take();
                let pause = if delivery.lost { AFTER_RESYNC } else { BETWEEN_DELIVERIES };
                outgoing.deliver(delivery, hub.revision().0, mailbox.followed()).await?;
                not_before = Instant::now() + pause;
                if std::mem::take(&mut stats_again) {
                    stats_at = stats_at.or(Some(Instant::now().max(stats_not_before)));
                }
            }
            () = until(stats_at) => {
                stats_at = None;
                stats_again = deliver_at.is_some();
                // Figures that cannot be read now come with the next change.
                if let Ok(stats) = stats::stats(doors).await {
                    let revision = hub.revision().0;
                    outgoing.now(&LiveMessage::Stats { revision, stats: Box::new(stats) }).await?;
                }
                stats_not_before = Instant::now() + BETWEEN_STATS;
            }
            () = sleep_until(ping_at) => {
                if heard.elapsed() > SILENCE {
                    return Err(End::Gone);
                }
                // Where nobody asks anything, a new token is found here.
                doors.keys().refresh();
                outgoing.send(Message::Ping(axum::body::Bytes::new())).await?;
                ping_at = Instant::now() + BETWEEN_PINGS;
            }
            () = watcher.closed() => return Err(End::Told(close_code::AWAY, "Langley is stopping")),
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Reads a wish; what is wrong with it comes back as a message for the watcher.
fn wish(text: &str) -> Result<Scope, LiveMessage> {
    let complaint = |message: String| LiveMessage::Error {
        code: "bad_message",
        message,
        hint: r#"Send {"subscribe":{"flows":true,"session":"…","flow":"…"}}; session and flow may be absent."#,
    };
    let Subscribe { subscribe } = serde_json::from_str(text)
        .map_err(|error| complaint(format!("Not understood: {error}.")))?;
    let flow = subscribe
        .flow
        .map(|flow| flow.parse().map_err(|_| complaint(String::from("`flow` is not a flow id."))))
        .transpose()?;
    if subscribe.session.as_ref().is_some_and(|session| session.len() > SESSION_ID_MAX) {
        return Err(complaint(format!("`session` is longer than {SESSION_ID_MAX} bytes.")));
    }
    let flows = subscribe.flows.unwrap_or(flow.is_none());
    Ok(Scope { flows, session: subscribe.session, flow })
}

struct Outgoing {
    sink: SplitSink<WebSocket, Message>,
}

impl Outgoing {
    async fn deliver(
        &mut self,
        delivery: Delivery,
        revision: u64,
        followed: Option<langley_model::FlowId>,
    ) -> Result<(), End> {
        // Serialising thousands of flows must not keep this worker from the proxy's tasks.
        const AT_ONCE: usize = 64;
        if delivery.lost {
            self.feed(&LiveMessage::Resync { revision }).await?;
        }
        for run in delivery.spoken {
            self.feed(&LiveMessage::Text {
                flow_id: run.flow.to_string(),
                block: run.block,
                kind: run.kind.into(),
                text: run.text,
            })
            .await?;
        }
        for (position, flow) in delivery.flows.iter().enumerate() {
            let revision = flow.revision().0;
            if followed == Some(flow.id) {
                self.feed(&LiveMessage::Event {
                    revision,
                    flow_id: flow.id.to_string(),
                    event_count: flow.event_count,
                })
                .await?;
            }
            self.feed(&LiveMessage::Flow { revision, flow: Box::new(flow.into()) }).await?;
            if position % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        for finding in &delivery.findings {
            let revision = finding.revision().0;
            let finding = Box::new((&***finding).into());
            self.feed(&LiveMessage::Finding { revision, finding }).await?;
        }
        self.flush().await
    }

    async fn now(&mut self, message: &LiveMessage) -> Result<(), End> {
        self.feed(message).await?;
        self.flush().await
    }

    async fn feed(&mut self, message: &LiveMessage) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
        in_time(self.sink.feed(Message::text(text))).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        in_time(self.sink.send(message)).await
    }

    async fn flush(&mut self) -> Result<(), End> {
        in_time(self.sink.flush()).await
    }
}

async fn in_time<E>(sending: impl Future<Output = Result<(), E>>) -> Result<(), End> {
    match timeout(SEND_LIMIT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_names_flows_session_or_flow() {
        let id = langley_model::FlowId::new();
        let all = wish(r#"{"subscribe":{"flows":true}}"#).ok().unwrap();
        assert_eq!(all, Scope { flows: true, session: None, flow: None });
        let one = wish(&format!(r#"{{"subscribe":{{"flow":"{id}"}}}}"#)).ok().unwrap();
        assert_eq!(one, Scope { flows: false, session: None, flow: Some(id) });
        let session = wish(r#"{"subscribe":{"session":"s","flow":null}}"#).ok().unwrap();
        assert_eq!(session, Scope { flows: true, session: Some("s".into()), flow: None });
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_answered_not_ignored() {
        for text in ["", "{}", r#"{"subscribe":{"flow":"x"}}"#, r#"{"subscribe":{"flws":true}}"#] {
            assert!(matches!(wish(text), Err(LiveMessage::Error { .. })), "{text}");
        }
    }
}
