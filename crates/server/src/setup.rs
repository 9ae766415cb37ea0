//! How to point an agent here, and how far the first run has come.

use axum::Json;
use axum::extract::State;
use langley_model::{Flow, Mode};
use langley_store::FlowFilter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::params::Params;
use crate::shell::shell_word;

/// Where everything is, and what to do first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Setup {
    /// For `HTTPS_PROXY`.
    pub proxy_url: String,
    /// For a base URL such as `ANTHROPIC_BASE_URL`.
    pub reverse_url: String,
    /// The dashboard and API.
    pub api_url: String,
    /// The certificate to trust.
    pub ca_path: String,
    /// Its SHA-256.
    pub ca_fingerprint: String,
    /// The data folder.
    pub home: String,
    /// Hosts whose TLS is opened.
    pub intercept_hosts: Vec<String>,
    /// Ready-made command lines.
    pub commands: Vec<SetupCommand>,
    /// Steps of the first run.
    pub checklist: Checklist,
    /// Whether made-up sessions are shown (`langley demo`), so that there is nothing to set up.
    pub demo: bool,
}

/// A command line to copy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupCommand {
    /// What it does.
    pub label: String,
    /// The line.
    pub command: String,
}

/// Steps of the first run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checklist {
    /// The proxy listens.
    pub proxy_up: bool,
    /// An agent came by base URL, or trusted our certificate.
    pub trust_ready: bool,
    /// An answer's first byte was seen.
    pub first_byte: bool,
    /// A token was counted.
    pub first_token: bool,
}

/// Shows how to point an agent here, and how far the first run has come.
#[utoipa::path(
    get, path = "/api/setup", tag = "system",
    responses((status = 200, body = Setup), (status = 401, body = ErrorBody))
)]
pub(crate) async fn setup(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<Setup>, ApiError> {
    params.only(&[])?;
    let seen = doors.seen();
    if !(seen.trust.reached() && seen.byte.reached() && seen.token.reached()) {
        let newest = doors.read(|store| store.flows(&FlowFilter::default(), None, 100)).await?;
        let any = |reached: fn(&Flow) -> bool| newest.items.iter().any(|flow| reached(flow));
        seen.trust.reach_if(any(is_trusted));
        seen.byte.reach_if(any(|flow| flow.status.is_some() && !flow.is_answered_by_langley()));
        seen.token.reach_if(any(|flow| flow.usage.output.is_some_and(|tokens| tokens.0 > 0)));
    }
    let info = doors.info();
    Ok(Json(Setup {
        proxy_url: doors.proxy_url(),
        reverse_url: doors.proxy_url(),
        api_url: doors.api_url(),
        ca_path: info.ca_path.display().to_string(),
        ca_fingerprint: info.ca_fingerprint.clone(),
        home: info.home.display().to_string(),
        intercept_hosts: info.intercept_hosts.clone(),
        commands: commands(&doors),
        checklist: Checklist {
            proxy_up: (doors.gauges().proxy_connections)().is_some(),
            trust_ready: seen.trust.reached(),
            first_byte: seen.byte.reached(),
            first_token: seen.token.reached(),
        },
        demo: info.demo,
    }))
}

/// Whether the agent came by base URL, or spoke TLS with our certificate.
fn is_trusted(flow: &Flow) -> bool {
    flow.mode == Mode::Reverse || (flow.scheme == "https" && !flow.is_unreached_connect())
}

fn commands(doors: &Doors) -> Vec<SetupCommand> {
    let proxy = doors.proxy_url();
    let ca = shell_word(&doors.info().ca_path);
    let bundle = shell_word(&doors.info().bundle_path);
    let command = |label: &str, command: String| SetupCommand { label: label.to_owned(), command };
    vec![
        command("Run any agent", format!("{} run -- claude", doors.info().program)),
        command(
            "Node agents, by proxy",
            format!("HTTPS_PROXY={proxy} NODE_EXTRA_CA_CERTS={ca} claude"),
        ),
        command(
            "Python agents, by proxy",
            format!(
                "HTTPS_PROXY={proxy} SSL_CERT_FILE={bundle} REQUESTS_CA_BUNDLE={bundle} python agent.py"
            ),
        ),
        command("By base URL, without a certificate", format!("ANTHROPIC_BASE_URL={proxy} claude")),
        command(
            "curl, by proxy",
            format!("curl --proxy {proxy} --cacert {bundle} https://api.anthropic.com/v1/models"),
        ),
    ]
}
