//! The proof: a request goes through the proxy to the built-in provider, and must be on record.
//!
//! With a running server it goes through that one (plain HTTP to loopback, so that no provider is
//! contacted and no foreign authority is needed); else through a temporary one, with TLS.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use langley_fixture::{Fixture, FixtureOptions};
use langley_model::ConnectionId;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::check::Check;
use crate::api::Api;
use crate::config::Layers;
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::state::{State, reachable};
use crate::temporary::Temporary;
use crate::token::Token;

const PATIENCE: Duration = Duration::from_secs(10);
const NAME: &str = "round trip";

/// Sends the request and looks for its flow.
pub(super) async fn check(home: &Home, running: Option<&State>) -> Check {
    let tried = match running {
        Some(state) if state.proxy.ip().is_loopback() => through_running(home, state).await,
        _ => through_temporary().await,
    };
    match tried {
        Ok(what) => Check::passed(NAME, what),
        Err(error) => Check::failed(NAME, &error),
    }
}

async fn through_running(home: &Home, state: &State) -> Result<String> {
    let fixture = Fixture::start(FixtureOptions::default())
        .await
        .map_err(|error| failed("the built-in provider did not start", &error))?;
    let mark = ConnectionId::new().to_string();
    let target = format!("{}/v1/models?doctor={mark}", fixture.http_url());
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
    let recorded = on_record(&api, &format!("/api/flows?limit=1&q={mark}")).await;
    // It is nobody's: it would stand among the user's flows.
    let taken_out = api.delete(&format!("/api/flows?q={mark}")).await;
    recorded?;
    taken_out.map_err(|error| failed("the request of this check stays in the record", &error))?;
    Ok("a request went through the running proxy and was recorded (and is removed again)"
        .to_owned())
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
        .header("user-agent", "langley-doctor")
        .body(Full::<Bytes>::default())?;
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await??;
    let status = answer.status().as_u16();
    answer.into_body().collect().await?;
    driver.abort();
    Ok(status)
}

async fn through_temporary() -> Result<String> {
    const HOST: &str = "api.anthropic.com";
    let stage = Temporary::start(&Layers::default(), Duration::ZERO).await?;
    let road = stage.road()?;
    let carried = async {
        let mut connection = road.to(HOST).await?;
        let request = Request::get("/v1/models")
            .header("host", HOST)
            .header("user-agent", "langley-doctor")
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
    Ok("a request went through a temporary proxy, its TLS was opened, and it was recorded"
        .to_owned())
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
