//! The presets as the dashboard's setup page shows them: how each client is pointed here by hand.

use std::net::SocketAddr;

use langley_server::{Based, KnownClient};

use crate::agent_env::{AgentEnvironment, is_added, reverse_url};
use crate::config::Environment;
use crate::home::Home;
use crate::preset::{Forward, PRESETS, Preset, Reverse, URL};

/// Every preset, agents first, for the proxy at `proxy`.
pub(crate) fn known_clients(home: &Home, proxy: SocketAddr) -> Vec<KnownClient> {
    PRESETS.iter().map(|preset| known(preset, home, proxy)).collect()
}

fn known(preset: &Preset, home: &Home, proxy: SocketAddr) -> KnownClient {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let trust = |name: &str| {
        let file = if is_added(name) { home.ca_certificate() } else { home.ca_bundle() };
        pair(name, file.display().to_string())
    };
    // Beyond loopback a password is asked for, which a base URL cannot carry; the page does not show it.
    let is_open = !proxy.ip().is_loopback();
    let url = if is_open {
        reverse_url(proxy).replace("http://", "http://langley:TOKEN@")
    } else {
        reverse_url(proxy)
    };
    let mut proxied = vec![pair("HTTPS_PROXY", url)];
    match preset.forward {
        Forward::Trusts(names) => proxied.extend(names.split(", ").map(trust)),
        Forward::ByNode => {
            proxied.push(pair("NODE_USE_ENV_PROXY", "1".to_owned()));
            proxied.push(trust("NODE_EXTRA_CA_CERTS"));
        }
    }
    // Nobody's own settings: whose the page's reader has is not known.
    let base = AgentEnvironment::reverse(proxy, &Environment::default());
    let variables = |names: &str| {
        let of = |name: &str| base.iter().find(|(known, _)| *known == name);
        let set = names.split(", ").filter_map(of);
        Based::Variables(set.map(|(name, value)| pair(name, value.to_owned())).collect())
    };
    let based = match preset.reverse {
        Reverse::Variables(names) => Some(variables(names)),
        Reverse::Opencode => Some(variables("OPENCODE_CONFIG_CONTENT")),
        Reverse::Arguments(words) => {
            let url = reverse_url(proxy);
            Some(Based::Arguments(words.iter().map(|word| word.replace(URL, &url)).collect()))
        }
        Reverse::Nothing => None,
    };
    let command = std::iter::once(preset.name).chain(example(preset.name));
    KnownClient {
        name: preset.client.to_owned(),
        command: command.map(str::to_owned).collect(),
        proxied_note: preset.forward.note().map(str::to_owned),
        proxied,
        based: based.filter(|_| !is_open),
    }
}

/// What is given to a command that is no agent by itself.
fn example(name: &str) -> impl Iterator<Item = &'static str> {
    let words: &[&str] = match name {
        "aws" => &["bedrock-runtime", "converse", "--cli-input-json", "file://request.json"],
        "bun" => &["run", "agent.ts"],
        "curl" => &["https://api.anthropic.com/v1/models"],
        "deno" => &["run", "--allow-all", "agent.ts"],
        "node" => &["agent.js"],
        "python" => &["agent.py"],
        _ => &[],
    };
    words.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client<'a>(known: &'a [KnownClient], command: &str) -> &'a KnownClient {
        known.iter().find(|client| client.command[0] == command).expect("a preset")
    }

    #[test]
    fn every_preset_is_shown_with_a_variable_of_trust_and_its_base_url() {
        let home = Home::at("/h".as_ref());
        let known = known_clients(&home, "127.0.0.1:9090".parse().expect("an address"));
        assert_eq!(known.len(), PRESETS.len());
        for (client, preset) in known.iter().zip(PRESETS) {
            assert_eq!(client.proxied[0].1, "http://127.0.0.1:9090");
            assert!(client.proxied.len() > 1, "{}", preset.name);
            assert_eq!(client.based.is_some(), preset.reverse != Reverse::Nothing);
            let by_node = client.proxied.iter().any(|(name, _)| name == "NODE_USE_ENV_PROXY");
            let note = client.proxied_note.as_deref();
            assert_eq!(note.is_some_and(|note| note.contains("22.21")), by_node, "{note:?}");
            if let Some(Based::Variables(variables)) = &client.based {
                assert!(!variables.is_empty(), "{}", preset.name);
            }
        }
        let trust = |command: &str| client(&known, command).proxied.last().cloned();
        let is = |name: &str, file: &str| Some((name.to_owned(), file.to_owned()));
        assert_eq!(trust("claude"), is("NODE_EXTRA_CA_CERTS", "/h/ca/ca.pem"));
        assert_eq!(trust("codex"), is("CODEX_CA_CERTIFICATE", "/h/ca/bundle.pem"));
        let Some(Based::Arguments(words)) = &client(&known, "codex").based else { panic!() };
        assert_eq!(words[1], "openai_base_url=\"http://127.0.0.1:9090/v1\"");
        let Some(Based::Variables(set)) = &client(&known, "python").based else { panic!() };
        let openai = ("OPENAI_BASE_URL".to_owned(), "http://127.0.0.1:9090/v1".to_owned());
        assert!(set.contains(&openai), "{set:?}");
    }

    #[test]
    fn where_a_password_is_asked_for_the_lines_have_a_place_for_it_or_are_left_out() {
        let home = Home::at("/h".as_ref());
        for client in known_clients(&home, "0.0.0.0:9090".parse().expect("an address")) {
            assert_eq!(client.proxied[0].1, "http://langley:TOKEN@127.0.0.1:9090");
            assert!(client.based.is_none(), "{}", client.name);
        }
    }
}
