//! Whose TLS hello providers see, in words: a setting without effect is said here.

use langley_proxy::{TlsProvider, TlsRules};

use super::check::Check;

const NAME: &str = "tls hello";

/// What the rules come to: those of the running server, or the configured ones while none runs.
pub(super) fn check(configured: &TlsRules, running: Option<&TlsRules>) -> Check {
    let Some(running) = running else { return judged(configured, "") };
    let (is, wanted) = (words(running), words(configured));
    if is == wanted {
        return judged(running, "the running server: ");
    }
    Check::warned(NAME, format!("the running server: {is}"))
        .why(format!("the configuration of this shell says otherwise: {wanted}"))
        .next("if that is meant, start the server again: `langley stop`, then `langley`")
}

fn judged(rules: &TlsRules, whose: &str) -> Check {
    if let (TlsProvider::Native, Some(fingerprint)) =
        (rules.default.provider, rules.default.fingerprint)
    {
        let what =
            format!("{whose}`proxy.tls.fingerprint` is {fingerprint}, and nothing mirrors it");
        return Check::warned(NAME, what).why("`proxy.tls.provider` is native").next(
            "set `proxy.tls.provider` to mirror or mirror-strict, or remove the fingerprint",
        );
    }
    Check::passed(NAME, format!("{whose}{}", words(rules)))
}

/// The rules in words.
pub(crate) fn words(rules: &TlsRules) -> String {
    let (provider, fingerprint) = (rules.default.provider, rules.default.fingerprint);
    let what = match (provider, fingerprint) {
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
    if rules.hosts.is_empty() {
        return what;
    }
    let rules: Vec<_> = rules.hosts.iter().map(ToString::to_string).collect();
    format!("{what}; except {}", rules.join(", "))
}

#[cfg(test)]
mod tests {
    use langley_proxy::{Fingerprint, TlsChoice};

    use super::*;

    fn said(provider: TlsProvider, fingerprint: Option<Fingerprint>, rules: &[&str]) -> String {
        let hosts = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let default = TlsChoice { provider, fingerprint };
        check(&TlsRules { default, hosts, ..TlsRules::default() }, None).to_string()
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

    #[test]
    fn the_running_servers_rules_are_told_and_a_difference_to_the_shells() {
        let mirror = TlsChoice { provider: TlsProvider::Mirror, fingerprint: None };
        let (native, mirror) =
            (TlsRules::default(), TlsRules { default: mirror, ..TlsRules::default() });
        let same = check(&mirror, Some(&mirror)).to_string();
        assert!(
            same.starts_with("ok    tls hello      the running server: providers see the agent's")
        );
        let other = check(&native, Some(&mirror)).to_string();
        assert!(
            other.starts_with("warn")
                && other.contains("the running server: providers see the agent's")
        );
        assert!(other.contains("says otherwise: providers see Langley's own"), "{other}");
    }
}
