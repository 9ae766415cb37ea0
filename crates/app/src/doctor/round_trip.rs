//! The proof: a request goes through the proxy to the built-in provider, and must be on record.
//!
//! With a running server it goes through that one (plain HTTP to loopback, so that no provider is
//! contacted and no foreign authority is needed); else through a temporary one, with TLS.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use langley_fixture::{Fixture, FixtureOptions};
use langley_model::{CHECK_AGENT, ConnectionId};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::check::Check;
use crate::api::{Api, ApiError};
use crate::config::Layers;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::{State, reachable};
use crate::temporary::Temporary;
use crate::token::Token;

const PATIENCE: Duration = Duration::from_secs(10);
/// By how much the server's clock may be behind.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
const NAME: &str = "round trip";

/// Sends the request and looks for its flow.
pub(super) async fn check(home: &Home, running: Option<&State>) -> Check {
    let tried = match running {
        Some(state) if state.proxy.ip().is_loopback() => through_running(home, state).await,
        _ => through_temporary().await,
    };
    tried.unwrap_or_else(|error| Check::failed(NAME, &error))
}

async fn through_running(home: &Home, state: &State) -> Result<Check> {
    let fixture = Fixture::start(FixtureOptions::default())
        .await
        .map_err(|error| failed("the built-in provider did not start", &error))?;
    let mark = Mark::new();
    let target = format!("{}/v1/models?doctor={}", fixture.http_url(), mark.text);
    let status = plain(state, &target)
        .await
        .map_err(|error| failed("the proxy does not carry a request", error.as_ref()))?;
    fixture.stop().await;
    if status != 200 {
        return Err(AppError::failed(format!(
            "the proxy answered {status} for a provider on loopback"
        ))
        .next("see what it said in the dashboard, under Flows"));
    }
    let api = Api::new(state.api, Token::read(home)?);
    mark.found_and_removed(&api).await
}

/// What a request of this check is known by.
struct Mark {
    text: String,
    /// It was sent at this time or later. Without it the server would look through all it ever recorded.
    since: Timestamp,
}

impl Mark {
    /// For a request that is sent from now on.
    fn new() -> Self {
        let since = Timestamp::now();
        // A clock that was set meanwhile by a little is nobody's fault.
        let since = since.checked_sub(MARGIN).unwrap_or(since);
        Self { text: ConnectionId::new().to_string(), since }
    }

    /// The request, as the API's listings name it.
    fn filter(&self) -> String {
        format!("q={}&since={:.6}", self.text, self.since)
    }

    /// Waits until it is on record, and takes it out again: it is nobody's, and would stand among the
    /// user's flows.
    async fn found_and_removed(&self, api: &Api) -> Result<Check> {
        let filter = self.filter();
        let recorded = on_record(api, &format!("/api/flows?limit=1&{filter}")).await;
        let taken_out = api.delete(&format!("/api/flows?{filter}")).await;
        recorded?;
        match taken_out {
            Ok(_) => Ok(Check::passed(
                NAME,
                "a request went through the running proxy and was recorded (and is removed again)",
            )),
            // The server goes on with what it was asked for.
            Err(error @ ApiError::Slow { .. }) => Ok(Check::warned(
                NAME,
                "a request went through the running proxy and was recorded; it is being removed",
            )
            .why(error.to_string())
            .next("see that `langley flows` no longer lists it (user agent langley-doctor)")),
            Err(error) => Err(failed("the request of this check stays in the record", &error)),
        }
    }
}

async fn plain(
    state: &State,
    target: &str,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(reachable(state.proxy)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let uri: hyper::Uri = target.parse()?;
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let request = Request::get(uri)
        .header("host", host)
        .header("user-agent", CHECK_AGENT)
        .body(Full::<Bytes>::default())?;
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await??;
    let status = answer.status().as_u16();
    answer.into_body().collect().await?;
    driver.abort();
    Ok(status)
}

async fn through_temporary() -> Result<Check> {
    const HOST: &str = "api.anthropic.com";
    let stage = Temporary::start(&Layers::default(), Duration::ZERO).await?;
    let road = stage.road()?;
    let carried = async {
        let mut connection = road.to(HOST).await?;
        let request = Request::get("/v1/models")
            .header("host", HOST)
            .header("user-agent", CHECK_AGENT)
            .body(Full::<Bytes>::default())?;
        let answer = connection.send(request).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok::<u16, Box<dyn std::error::Error + Send + Sync>>(status)
    };
    let found = match tokio::time::timeout(PATIENCE, carried).await {
        Ok(Ok(200)) => on_record(&stage.api()?, "/api/flows?limit=1").await,
        Ok(Ok(status)) => Err(AppError::failed(format!("the proxy answered {status}"))),
        Ok(Err(error)) => Err(failed("the proxy does not carry a request", error.as_ref())),
        Err(_) => {
            Err(AppError::failed("the proxy does not carry a request").why("no answer in time"))
        }
    };
    stage.end(std::future::pending()).await?;
    found?;
    Ok(Check::passed(
        NAME,
        "a request went through a temporary proxy, its TLS was opened, and it was recorded",
    ))
}

/// Waits until the listing has an ended flow.
async fn on_record(api: &Api, listing: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = api
            .get(listing)
            .await
            .map_err(|error| failed("what was recorded cannot be read", &error))?;
        if page["items"][0]["outcome"] == "completed" {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(AppError::failed("the request was carried, but not recorded")
                .why(format!("no flow was listed within {} s", PATIENCE.as_secs()))
                .next("look at Health in the dashboard: queue, drops, writer")
                .next("check that the disk has room and the home can be written"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn failed(what: &str, error: &(dyn std::error::Error + 'static)) -> AppError {
    AppError::failed(what.to_owned())
        .because(error)
        .next("run it with LANGLEY_LOG=debug, and report what it says")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::super::check::Verdict;
    use super::*;

    /// A server that has every flow recorded and, of what it is asked to delete, says `deleted`; or
    /// nothing. With what it was asked for.
    async fn server(deleted: Option<&'static str>) -> (Api, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let answer = if line.starts_with("GET ") {
                    Some(r#"{"items":[{"outcome":"completed"}]}"#)
                } else {
                    deleted
                };
                seen.lock().unwrap().push(line);
                match answer {
                    Some(body) => {
                        let length = body.len();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                    }
                    None => {
                        silent.push(stream);
                        // Nothing is left to happen but that the asker's patience ends.
                        tokio::time::pause();
                    }
                }
            }
        });
        (Api::new(address, None), asked)
    }

    #[tokio::test]
    async fn only_what_came_since_the_check_began_is_looked_through() {
        let (api, asked) = server(Some(r#"{"deleted":1}"#)).await;
        let before = Timestamp::now();
        let mark = Mark::new();
        let check = mark.found_and_removed(&api).await.unwrap();
        assert_eq!(check.verdict, Verdict::Pass);
        let asked = asked.lock().unwrap();
        assert!(asked[0].starts_with("GET ") && asked[1].starts_with("DELETE "), "{asked:?}");
        for line in asked.iter() {
            let (_, since) = line.split_once("&since=").expect("a bound");
            let since: Timestamp = since.split([' ', '&']).next().unwrap().parse().unwrap();
            assert!(
                before.duration_since(since) <= MARGIN + SignedDuration::from_secs(1),
                "{line}"
            );
            assert!(since <= before && line.contains(&mark.text), "{line}");
        }
    }

    #[tokio::test]
    async fn a_removal_that_takes_its_time_is_a_warning() {
        let (api, asked) = server(None).await;
        let check = Mark::new().found_and_removed(&api).await.unwrap();
        assert_eq!(check.verdict, Verdict::Warn);
        let said = check.to_string();
        assert!(said.contains("is being removed") && said.contains("within 5 s"), "{said}");
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
}
