//! How to point an agent here, and how far the first run has come.

use axum::Json;
use axum::extract::State;
use langley_model::{Flow, Mode};
use langley_store::FlowFilter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::{Based, Doors, KnownClient};
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
    /// The clients that are known, and the command lines of each.
    pub clients: Vec<SetupClient>,
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

/// A client, and the command lines that point it here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupClient {
    /// What it is.
    pub name: String,
    /// With everything set for it.
    pub run: String,
    /// By proxy, all by hand; where it asks for a password, TOKEN stands for what `langley token show` prints.
    pub proxied: String,
    /// On what that depends; null where it always works.
    pub proxied_note: Option<String>,
    /// By base URL; null where it takes none from outside, or the proxy asks for a password.
    pub based: Option<String>,
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
        clients: info.clients.iter().map(|client| lines(client, &info.program)).collect(),
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
    let command = format!("{} run -- claude", doors.info().program);
    vec![SetupCommand { label: "Run any agent".to_owned(), command }]
}

fn lines(client: &KnownClient, program: &str) -> SetupClient {
    let words = |words: &[String]| words.iter().map(shell_word).collect::<Vec<_>>();
    let command = words(&client.command).join(" ");
    let with = |variables: &[(String, String)]| {
        let set = variables.iter().map(|(name, value)| format!("{name}={} ", shell_word(value)));
        format!("{}{command}", set.collect::<String>())
    };
    let based = client.based.as_ref().map(|based| match based {
        Based::Variables(variables) => with(variables),
        Based::Arguments(arguments) => {
            let (own, rest) = client.command.split_at(client.command.len().min(1));
            [words(own), words(arguments), words(rest)].concat().join(" ")
        }
    });
    SetupClient {
        name: client.name.clone(),
        run: format!("{program} run -- {command}"),
        proxied: with(&client.proxied),
        proxied_note: client.proxied_note.clone(),
        based,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_pointed_here_by_variables_or_by_arguments_before_its_own() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut client = KnownClient {
            name: "An agent".into(),
            command: vec!["agent".into(), "my file".into()],
            proxied: vec![pair("HTTPS_PROXY", "http://127.0.0.1:1"), pair("CA", "/a b/ca.pem")],
            proxied_note: Some("Not on Sundays.".into()),
            based: Some(Based::Variables(vec![pair("URL", "http://127.0.0.1:1/v1")])),
        };
        let shown = lines(&client, "langley");
        assert_eq!(shown.run, "langley run -- agent 'my file'");
        let proxied = "HTTPS_PROXY=http://127.0.0.1:1 CA='/a b/ca.pem' agent 'my file'";
        assert_eq!(shown.proxied, proxied);
        assert_eq!(shown.proxied_note.as_deref(), Some("Not on Sundays."));
        assert_eq!(shown.based.as_deref(), Some("URL=http://127.0.0.1:1/v1 agent 'my file'"));
        client.based = Some(Based::Arguments(vec!["-c".into(), "url=\"x\"".into()]));
        let based = lines(&client, "langley").based;
        assert_eq!(based.as_deref(), Some("agent -c 'url=\"x\"' 'my file'"));
        client.based = None;
        assert_eq!(lines(&client, "langley").based, None);
    }
}
