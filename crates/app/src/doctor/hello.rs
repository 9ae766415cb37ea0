//! Whose TLS hello providers see, in words: a setting without effect is said here.

use langley_proxy::{TlsProvider, TlsRules};

use super::check::Check;

const NAME: &str = "tls hello";

/// What the rules come to.
pub(super) fn check(rules: &TlsRules) -> Check {
    let (provider, fingerprint) = (rules.default.provider, rules.default.fingerprint);
    if let (TlsProvider::Native, Some(fingerprint)) = (provider, fingerprint) {
        let what = format!("`proxy.tls.fingerprint` is {fingerprint}, and nothing mirrors it");
        return Check::warned(NAME, what).why("`proxy.tls.provider` is native").next(
            "set `proxy.tls.provider` to mirror or mirror-strict, or remove the fingerprint",
        );
    }
    let mut what = match (provider, fingerprint) {
        (TlsProvider::Native, _) => "providers see Langley's own".to_owned(),
        (_, Some(fingerprint)) => {
            format!("providers see that of {fingerprint} ({})", provider.as_str())
        }
        (TlsProvider::Mirror, None) => "providers see the agent's; Langley's own in reverse mode \
             and where that is not accepted"
            .to_owned(),
        (TlsProvider::MirrorStrict, None) => "providers see the agent's or none; reverse mode, \
             which has none, needs `proxy.tls.fingerprint`"
            .to_owned(),
    };
    if !rules.hosts.is_empty() {
        let rules: Vec<_> = rules.hosts.iter().map(ToString::to_string).collect();
        what = format!("{what}; except {}", rules.join(", "));
    }
    Check::passed(NAME, what)
}

#[cfg(test)]
mod tests {
    use langley_proxy::{Fingerprint, TlsChoice};

    use super::*;

    fn said(provider: TlsProvider, fingerprint: Option<Fingerprint>, rules: &[&str]) -> String {
        let hosts = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let default = TlsChoice { provider, fingerprint };
        check(&TlsRules { default, hosts, ..TlsRules::default() }).to_string()
    }

    #[test]
    fn the_rules_are_told_and_one_without_effect_is_warned_of() {
        assert!(said(TlsProvider::Native, None, &[]).contains("Langley's own"));
        assert!(said(TlsProvider::Mirror, None, &[]).contains("the agent's"));
        let bun = said(TlsProvider::MirrorStrict, Some(Fingerprint::Bun), &["a.example=native"]);
        assert!(bun.contains("that of bun (mirror-strict); except a.example=native"), "{bun}");
        let idle = said(TlsProvider::Native, Some(Fingerprint::Node), &[]);
        assert!(idle.contains("warn") && idle.contains("nothing mirrors it"), "{idle}");
    }
}
