//! The shell that the doctor was called from: variables that lead agents past Langley, or make their
//! connections unsafe or impossible.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use langley_proxy::{BaseUrl, HostList};

use super::check::Check;
use crate::agent_env::trust_files;
use crate::bypass::bypasses;
use crate::config::Environment;

const NAME: &str = "environment";

/// Variables that lead Bedrock's requests to a base URL.
const BEDROCK_URLS: [&str; 2] = ["ANTHROPIC_BEDROCK_BASE_URL", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"];

/// What is in the way; one passed check when nothing is.
pub(super) fn checks(
    environment: &Environment,
    hosts: &[String],
    proxy: Option<SocketAddr>,
) -> Vec<Check> {
    let hosts = HostList::parse(hosts).ok();
    let ways = hosts.map(|hosts| bypasses(environment, &hosts, proxy)).unwrap_or_default();
    let mut found: Vec<Check> = ways
        .into_iter()
        .map(|way| Check::warned(NAME, way.what).why(way.why).next(way.next))
        .collect();
    found.extend(unchecked_node(environment));
    found.extend(signed_bedrock(environment, proxy));
    found.extend(missing_files(environment));
    if found.is_empty() {
        found.push(Check::passed(NAME, "no variable leads agents past Langley"));
    }
    found
}

fn unchecked_node(environment: &Environment) -> Option<Check> {
    let name = "NODE_TLS_REJECT_UNAUTHORIZED";
    (environment.value(name) == Some("0")).then(|| {
        Check::warned(NAME, format!("{name} is 0"))
            .why("Node then takes any certificate from anybody, with Langley and without")
            .next(format!("unset {name}: `langley run` gives trust in one certificate instead"))
    })
}

/// Requests that are signed for AWS's own host, but sent to us by a base URL.
fn signed_bedrock(environment: &Environment, proxy: Option<SocketAddr>) -> Option<Check> {
    let proxy = proxy?;
    let name = BEDROCK_URLS.into_iter().find(|name| {
        let url = environment.value(name).and_then(|url| BaseUrl::parse(url).ok());
        url.is_some_and(|url| {
            let target = url.authority();
            let is_local =
                target.host() == "localhost" || target.ip().is_some_and(|ip| ip.is_loopback());
            is_local && target.port() == proxy.port()
        })
    })?;
    environment.value("AWS_BEARER_TOKEN_BEDROCK").is_none().then(|| {
        Check::warned(NAME, format!("{name} leads Bedrock's requests to Langley by base URL"))
            .why("without a bearer token they are signed (SigV4), and the signature covers the host: AWS refuses them")
            .next(format!("unset {name}, and use forward mode: `langley run -- CMD`"))
            .next("or use a bearer token: AWS_BEARER_TOKEN_BEDROCK")
    })
}

/// Files of certificates that are named, but are not there.
fn missing_files(environment: &Environment) -> Vec<Check> {
    let named = trust_files().filter_map(|name| Some((name, environment.value(name)?)));
    let missing = named.filter_map(|(name, path)| {
        let error = fs::metadata(environment.absolute(Path::new(path))).err()?;
        Some(
            Check::warned(NAME, format!("{name} names {path}, which cannot be read"))
                .why(error.to_string())
                .next(format!(
                    "correct or unset {name}; `langley run` sets its own for the command"
                )),
        )
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> Vec<Check> {
        let variables = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let environment = Environment { variables, folder: "/".into() };
        let hosts: Vec<String> =
            langley_proxy::LLM_HOSTS.iter().map(|host| (*host).to_owned()).collect();
        checks(&environment, &hosts, "127.0.0.1:9090".parse().ok())
    }

    #[test]
    fn each_bad_variable_is_found_and_a_clean_shell_passes() {
        assert_eq!(said(&[("PATH", "/bin")])[0].verdict, Verdict::Pass);
        for (pairs, part) in [
            (vec![("NO_PROXY", "api.anthropic.com")], "NO_PROXY names api.anthropic.com"),
            (vec![("NODE_TLS_REJECT_UNAUTHORIZED", "0")], "NODE_TLS_REJECT_UNAUTHORIZED is 0"),
            (vec![("OPENAI_BASE_URL", "http://localhost:1")], "OPENAI_BASE_URL is"),
            (vec![("SSL_CERT_FILE", "/no/such.pem")], "SSL_CERT_FILE names /no/such.pem"),
            (vec![("ANTHROPIC_BEDROCK_BASE_URL", "http://127.0.0.1:9090")], "by base URL"),
        ] {
            let found = said(&pairs);
            assert_eq!((found.len(), found[0].verdict), (1, Verdict::Warn), "{part}");
            let text = found[0].to_string();
            assert!(text.contains(part) && text.contains("next:"), "{text}");
        }
        let token = ("AWS_BEARER_TOKEN_BEDROCK", "t");
        let local = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://localhost:9090");
        assert_eq!(said(&[local, token])[0].verdict, Verdict::Pass);
        assert_eq!(said(&[local])[0].verdict, Verdict::Warn);
    }
}
