//! What `run` and `start` say of the server of this home where it is not what this shell asks for: one
//! line for each thing, and never longer than a moment of waiting.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use langley_proxy::UpstreamProxy;
use tokio::sync::oneshot;

use crate::api::Api;
use crate::config::{Address, Loaded, Origin};
use crate::doctor::{InForce, leads_to, weakened_server};
use crate::home::Home;
use crate::state::{State, reachable};
use crate::token::Token;

/// How long the server has to answer, which has just said that it is well.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the upstream proxy has: a command waits for it.
const PROBE: Duration = Duration::from_secs(1);

const UPSTREAM: &str = "proxy.upstream_proxy";

/// Every line, for the server at `state` in a shell whose configuration is `loaded`.
pub(crate) async fn told(home: &Home, loaded: &Loaded, state: &State) -> Vec<String> {
    let api = Api::new(state.api, Token::read(home).ok().flatten());
    let in_force = tokio::time::timeout(PATIENCE, InForce::of(&api)).await.ok().flatten();
    let mut lines: Vec<String> = elsewhere(loaded, state).into_iter().collect();
    // Without an answer nothing is known of it, and nothing is said.
    if let Some(in_force) = in_force {
        let server = Upstream::of_server(&in_force, state);
        lines.extend(server.differs_from(&Upstream::of_shell(loaded, state)));
        lines.extend(server.dead(PROBE).await);
        lines.extend(weakened_server(&loaded.layers, &in_force));
    }
    lines
}

/// Where this shell wants a listener, and the server of this home has it elsewhere.
fn elsewhere(loaded: &Loaded, state: &State) -> Option<String> {
    let doors =
        [("proxy", &loaded.config.proxy, state.proxy), ("api", &loaded.config.api, state.api)];
    let ignored: Vec<String> = doors
        .into_iter()
        .filter(|(_, wanted, found)| !fits(wanted, *found))
        .filter_map(|(section, wanted, _)| {
            let origin = &loaded.layers.entry(&format!("{section}.port"))?.origin;
            let is_asked = matches!(origin, Origin::Flag(_) | Origin::Env(_));
            is_asked.then(|| format!("{section} {wanted} ({origin})"))
        })
        .collect();
    (!ignored.is_empty()).then(|| {
        format!(
            "the server of this home already runs (process {}) with proxy {} and api {}, so {} has no \
             effect; end it first with `langley stop`, or name another home with --home",
            state.pid,
            reachable(state.proxy),
            reachable(state.api),
            ignored.join(" and ")
        )
    })
}

/// Whether a listener at `found` is what was asked for; a name and port 0 leave it open.
fn fits(wanted: &Address, found: SocketAddr) -> bool {
    let fits_ip = wanted.host.parse().map_or(true, |ip: std::net::IpAddr| ip == found.ip());
    wanted.port == 0 || (wanted.port == found.port() && fits_ip)
}

/// The proxy that Langley itself goes through, and who says so.
struct Upstream {
    proxy: Option<UpstreamProxy>,
    origin: String,
}

impl Upstream {
    fn of_server(in_force: &InForce, state: &State) -> Self {
        let url = in_force.value(UPSTREAM).and_then(|(url, _)| url.as_str()).unwrap_or("none");
        let origin = in_force.origin(UPSTREAM).unwrap_or("default");
        Self { proxy: parsed(url, state), origin: origin.to_owned() }
    }

    fn of_shell(loaded: &Loaded, state: &State) -> Self {
        let origin = loaded.layers.entry(UPSTREAM).map(|entry| entry.origin.to_string());
        let url = loaded.config.upstream_proxy.as_deref().unwrap_or("none");
        Self { proxy: parsed(url, state), origin: origin.unwrap_or_default() }
    }

    fn differs_from(&self, shell: &Self) -> Option<String> {
        let name = |upstream: &Self| {
            let proxy = upstream.proxy.as_ref();
            proxy.map_or_else(|| "no proxy".to_owned(), |proxy| proxy.address().to_string())
        };
        let (server_goes, shell_says) = (name(self), name(shell));
        (server_goes != shell_says).then(|| {
            let by = match shell.origin.as_str() {
                "" => String::new(),
                origin => format!(" ({origin})"),
            };
            format!(
                "the server that runs reaches providers through {server_goes}, this shell says \
                 {shell_says}{by}, and the server's counts; to change it, end the server with \
                 `langley stop` and run this again"
            )
        })
    }

    /// Says that nobody answers there.
    async fn dead(&self, patience: Duration) -> Option<String> {
        let address = self.proxy.as_ref()?.address();
        let why = answers(address.host().to_owned(), address.port(), patience).await.err()?;
        Some(format!(
            "the upstream proxy {address} cannot be reached ({why}), so no provider behind it can be; the server \
             has it from: {}; start that proxy, or go without: `langley stop`, then again with \
             LANGLEY_UPSTREAM_PROXY=none",
            self.origin
        ))
    }
}

/// The proxy that `url` names. Langley itself is none: in a shell inside `langley run` it stands there.
fn parsed(url: &str, state: &State) -> Option<UpstreamProxy> {
    if url == "none" || leads_to(url, state.proxy) {
        return None;
    }
    UpstreamProxy::parse(url).ok()
}

/// Whether somebody listens there. On a thread of its own, because looking a name up can take long and
/// holds a runtime's end up; a command waits for `patience` and no longer.
async fn answers(host: String, port: u16, patience: Duration) -> Result<(), String> {
    let (tell, told) = oneshot::channel();
    let asking = std::thread::Builder::new().name("probe".to_owned()).spawn(move || {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connected = TcpStream::connect((host, port));
        let _nobody_waits_any_more = tell.send(connected.map(drop));
    });
    if asking.is_err() {
        return Ok(());
    }
    match tokio::time::timeout(patience, told).await {
        Ok(Ok(connected)) => connected.map_err(|error| error.to_string()),
        // Slow is not dead: doctor has the time to find out.
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::GlobalArgs;
    use crate::config::{self, Environment};

    fn loaded(pairs: &[(&str, &str)], args: &GlobalArgs) -> (tempfile::TempDir, Loaded) {
        let folder = tempfile::tempdir().unwrap();
        let mut variables: std::collections::BTreeMap<_, _> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        variables.insert("LANGLEY_HOME".into(), folder.path().display().to_string());
        let environment = Environment { variables, folder: folder.path().to_owned() };
        let loaded = config::load(args, &environment).unwrap();
        (folder, loaded)
    }

    fn state() -> State {
        State {
            pid: 7,
            proxy: "127.0.0.1:9090".parse().unwrap(),
            api: "127.0.0.1:9091".parse().unwrap(),
            version: "0.1.0".into(),
        }
    }

    fn server(url: &str) -> InForce {
        InForce::told(json!({ "items": [
            { "key": UPSTREAM, "value": url, "source": "environment", "origin": "environment ALL" },
        ]}))
    }

    #[test]
    fn a_listener_elsewhere_is_told_only_where_this_shell_asked_for_it() {
        let said = |listen: &str| {
            let args = GlobalArgs { listen: Some(listen.into()), ..GlobalArgs::default() };
            elsewhere(&loaded(&[], &args).1, &state())
        };
        let told = said("127.0.0.1:9999").unwrap();
        assert!(told.contains("proxy 127.0.0.1:9999 (flag --listen) has no effect"), "{told}");
        assert!(told.contains("process 7") && told.contains("langley stop"), "{told}");
        assert!(said("127.0.0.2:9090").is_some());
        for same in ["127.0.0.1:9090", "localhost:9090", "127.0.0.1:0"] {
            assert_eq!(said(same), None, "{same}");
        }
        let args = GlobalArgs::default();
        let by_environment = loaded(&[("LANGLEY_API", "127.0.0.1:1")], &args).1;
        assert!(elsewhere(&by_environment, &state()).unwrap().contains("api 127.0.0.1:1"));
        let mut moved = state();
        moved.proxy = "127.0.0.1:5".parse().unwrap();
        assert_eq!(elsewhere(&loaded(&[], &args).1, &moved), None, "a default asks for nothing");
    }

    #[test]
    fn another_way_out_than_this_shells_is_told_and_langley_itself_is_none() {
        let said = |of_server: &str, of_shell: &str| {
            let (_folder, loaded) = loaded(&[("HTTPS_PROXY", of_shell)], &GlobalArgs::default());
            let shell = Upstream::of_shell(&loaded, &state());
            Upstream::of_server(&server(of_server), &state()).differs_from(&shell)
        };
        let told = said("http://me:s3cret@corp:3128", "http://other:8080").unwrap();
        assert!(told.contains("through corp:3128, this shell says other:8080"), "{told}");
        assert!(told.contains("HTTPS_PROXY") && !told.contains("s3cret"), "{told}");
        assert!(said("none", "http://corp:3128").unwrap().contains("through no proxy"));
        assert_eq!(said("http://corp:3128", "http://corp:3128"), None);
        assert_eq!(said("none", "http://127.0.0.1:9090"), None, "inside `langley run`");
        let unset = Upstream::of_server(&InForce::told(json!({ "items": [] })), &state());
        assert!(unset.proxy.is_none());
    }

    #[tokio::test]
    async fn a_dead_upstream_proxy_is_told_and_a_live_one_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = |host: &str| {
            let url = format!("http://{host}:{}", address.port());
            Upstream::of_server(&server(&url), &state())
        };
        let patience = Duration::from_secs(10);
        assert_eq!(upstream("127.0.0.1").dead(patience).await, None);
        assert_eq!(upstream("localhost").dead(patience).await, None, "whichever address it is");
        drop(listener);
        let told = upstream("127.0.0.1").dead(patience).await.unwrap();
        assert!(
            told.contains(&format!("{address} cannot be reached (Connection refused")),
            "{told}"
        );
        assert!(told.contains("has it from: environment ALL;"), "{told}");
    }
}
