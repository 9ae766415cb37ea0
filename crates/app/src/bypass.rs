//! Variables of the user's environment that lead an agent past Langley; told by `run` and `doctor`.

use std::net::{IpAddr, SocketAddr};

use langley_proxy::{Authority, BaseUrl, HostList, NoProxy};

use crate::agent_env::BASE_URLS;
use crate::config::Environment;
use crate::state::reachable;

/// Providers' hosts that are looked for in `NO_PROXY`.
const PROVIDERS: [&str; 5] = [
    "api.anthropic.com",
    "api.openai.com",
    "chatgpt.com",
    "generativelanguage.googleapis.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
];

/// A way past us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bypass {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) next: String,
}

/// Every way past the proxy at `proxy` that opens the TLS of `hosts`.
pub(crate) fn bypasses(
    environment: &Environment,
    hosts: &HostList,
    proxy: Option<SocketAddr>,
) -> Vec<Bypass> {
    let mut found: Vec<Bypass> = no_proxy(environment).into_iter().collect();
    let own = proxy.map(reachable);
    for (name, upstream, _) in BASE_URLS {
        let Some(text) = environment.value(name) else { continue };
        found.extend(base_url(name, text, upstream, hosts, own));
    }
    found
}

/// Providers that `NO_PROXY` names.
fn no_proxy(environment: &Environment) -> Option<Bypass> {
    let (name, list) = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find_map(|name| Some((name, environment.value(name)?)))?;
    let known = NoProxy::parse(list).ok()?;
    let covered: Vec<&str> =
        PROVIDERS.into_iter().filter(|host| known.covers(&Authority::new(host, 443))).collect();
    let everything = list.split(',').any(|entry| entry.trim() == "*");
    let whom = if everything { "every host".to_owned() } else { covered.join(", ") };
    (!covered.is_empty()).then(|| Bypass {
        what: format!("{name} names {whom}"),
        why: "agents reach what it names without any proxy, so nothing of it is recorded"
            .to_owned(),
        next: format!("take it out of {name}, or run `langley run --mode reverse -- CMD`"),
    })
}

fn base_url(
    name: &str,
    text: &str,
    upstream: &str,
    hosts: &HostList,
    own: Option<SocketAddr>,
) -> Option<Bypass> {
    let place = place(text);
    let found =
        |why: String, next: String| Some(Bypass { what: format!("{name} is {place}"), why, next });
    let url = match BaseUrl::parse(&place) {
        Ok(url) => url,
        Err(error) => return found(error.to_string(), format!("correct {name}")),
    };
    let target = url.authority();
    let is_loopback =
        target.host() == "localhost" || target.ip().is_some_and(|ip: IpAddr| ip.is_loopback());
    let is_own = own.is_some_and(|own| is_loopback && own.port() == target.port());
    if is_own || hosts.matches(target.host()) {
        return None;
    }
    if is_loopback {
        return found(
            "an address on this machine is reached without the proxy".to_owned(),
            format!(
                "unset it, or put Langley before it: set `proxy.reverse.upstreams.{upstream}.base_url` \
                 to that URL, and run `langley run --mode reverse -- CMD`"
            ),
        );
    }
    // Without TLS there is nothing to open: the proxy gets the request itself.
    if place.starts_with("http://") {
        return None;
    }
    found(
        format!("{} is not on the intercept list, so it is tunnelled unread", target.host()),
        format!("unset it, or add the host: LANGLEY_INTERCEPT_HOSTS=+{}", target.host()),
    )
}

/// Scheme, host and port of a URL: what stands before and behind them may be a secret.
fn place(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return "no URL".to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> String {
        let variables = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let environment = Environment { variables, folder: "/".into() };
        let hosts = HostList::parse(langley_proxy::LLM_HOSTS).unwrap();
        let proxy = "0.0.0.0:9090".parse().ok();
        let found = bypasses(&environment, &hosts, proxy);
        found.iter().map(|b| format!("{}; {}", b.what, b.why)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_list_of_exceptions_that_names_a_provider_is_found() {
        assert_eq!(said(&[("NO_PROXY", "localhost,.corp.example,10.0.0.0/8")]), "");
        assert!(
            said(&[("NO_PROXY", "anthropic.com")]).starts_with("NO_PROXY names api.anthropic.com;")
        );
        assert!(said(&[("no_proxy", ".openai.com")]).starts_with("no_proxy names api.openai.com;"));
        assert!(said(&[("NO_PROXY", "a, *")]).starts_with("NO_PROXY names every host;"));
    }

    #[test]
    fn a_base_url_elsewhere_is_found_and_one_that_leads_to_us_is_not() {
        assert_eq!(said(&[("ANTHROPIC_BASE_URL", "http://127.0.0.1:9090")]), "");
        assert_eq!(said(&[("ANTHROPIC_BASE_URL", "https://api.anthropic.com")]), "");
        let local = said(&[("ANTHROPIC_BASE_URL", "http://localhost:4000")]);
        assert!(local.contains("reached without the proxy"), "{local}");
        let gateway = said(&[("OPENAI_BASE_URL", "https://me:secret@gw.corp.example/v1")]);
        assert!(gateway.contains("gw.corp.example is not on the intercept list"), "{gateway}");
        assert!(!gateway.contains("secret"));
        assert_eq!(said(&[("OPENAI_BASE_URL", "http://gw.corp.example:8080/v1")]), "");
        let nonsense = said(&[("OPENAI_BASE_URL", "nonsense")]);
        assert!(nonsense.contains("it has no scheme"), "{nonsense}");
    }

    #[test]
    fn of_a_base_url_only_scheme_host_and_port_are_told() {
        for (url, told) in [
            ("https://gw.example/v1?api_key=s3cret", "https://gw.example"),
            ("https://me:s3cret@gw.example:8443/v1#s3cret", "https://gw.example:8443"),
            ("https://gw.example/a/s3cret@x", "https://gw.example"),
            ("https://gw.example?k=s3cret@x", "https://gw.example"),
        ] {
            assert_eq!(place(url), told);
            let said = said(&[("ANTHROPIC_BASE_URL", url)]);
            assert!(said.contains("gw.example") && !said.contains("s3cret"), "{said}");
        }
    }
}
