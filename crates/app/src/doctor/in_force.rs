//! What the running server goes by: its own settings, which may differ from those of this shell.

use langley_proxy::TlsRules;
use serde_json::Value;

use crate::api::Api;
use crate::config::{Config, Layers, Origin, TLS_KEYS};
use crate::home::Home;
use crate::state::State;
use crate::token::Token;

/// The settings of the running server, as its API tells them.
#[derive(Debug)]
pub(crate) struct InForce(Value);

impl InForce {
    /// Asks for them; none when it does not answer, which is another check's finding.
    pub(super) async fn ask(home: &Home, state: &State) -> Option<Self> {
        Self::of(&Api::new(state.api, Token::read(home).ok().flatten())).await
    }

    /// The same, by its API.
    pub(crate) async fn of(api: &Api) -> Option<Self> {
        api.get("/api/settings").await.ok().map(Self)
    }

    /// As if it had been told so.
    #[cfg(test)]
    pub(crate) const fn told(settings: Value) -> Self {
        Self(settings)
    }

    /// A key's value and where it came from, where it is set.
    pub(crate) fn value(&self, key: &str) -> Option<(&Value, &str)> {
        let item = self.item(key)?;
        let value = Some(&item["value"]).filter(|value| !value.is_null())?;
        Some((value, item["source"].as_str().unwrap_or_default()))
    }

    /// Where a key's value came from, as exactly as the server tells it.
    pub(crate) fn origin(&self, key: &str) -> Option<&str> {
        let item = self.item(key)?;
        item["origin"].as_str().or_else(|| item["source"].as_str())
    }

    fn item(&self, key: &str) -> Option<&Value> {
        self.0["items"].as_array()?.iter().find(|item| item["key"] == key)
    }

    /// Whose TLS hello it sends.
    pub(crate) fn tls(&self) -> TlsRules {
        let mut layers = Layers::defaults();
        for key in TLS_KEYS {
            if let Some((value, _)) = self.value(key) {
                layers.set(key, value, Origin::Settings);
            }
        }
        Config::tls_of(&layers)
    }
}

#[cfg(test)]
mod tests {
    use langley_proxy::TlsProvider;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_servers_own_settings_are_read_back() {
        let items = [
            json!({ "key": "proxy.tls.provider", "value": "mirror", "source": "flag", "origin": "flag --x" }),
            json!({ "key": "proxy.tls.fingerprint", "value": null, "source": "default" }),
            json!({ "key": "proxy.tls.hosts", "value": ["a.example=native"], "source": "file" }),
        ];
        let server = InForce(json!({ "items": items }));
        assert_eq!(server.value("proxy.tls.provider"), Some((&json!("mirror"), "flag")));
        assert_eq!(server.origin("proxy.tls.provider"), Some("flag --x"));
        assert_eq!(server.origin("proxy.tls.hosts"), Some("file"), "an earlier version's");
        assert_eq!(server.value("proxy.tls.fingerprint"), None);
        let rules = server.tls();
        assert_eq!(rules.default.provider, TlsProvider::Mirror);
        assert_eq!(rules.hosts[0].to_string(), "a.example=native");
    }
}
