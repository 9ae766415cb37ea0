//! Trust towards providers: roots and certificates of one's own, and hosts that are not checked.

use jiff::{SignedDuration, Timestamp};
use langley_proxy::ClientCertificate;
use serde_json::Value;

use super::check::{Check, Verdict};
use super::folder::privacy;
use crate::api::Api;
use crate::config::{Config, Layers};
use crate::home::Home;
use crate::preflight;
use crate::state::State;
use crate::token::Token;

const ASKED: &str = "client certificate";

/// What the configuration says of trust.
pub(super) fn checks(config: &Config, layers: &Layers) -> Vec<Check> {
    let mut checks: Vec<Check> = upstream_ca(config, layers).into_iter().collect();
    checks.extend(
        config
            .client_certificates
            .iter()
            .map(|(name, certificate)| client_certificate(name, certificate)),
    );
    checks.extend(insecure(&config.insecure_hosts));
    checks
}

fn upstream_ca(config: &Config, layers: &Layers) -> Option<Check> {
    Some(match preflight::upstream_ca(config, layers)? {
        Err(error) => Check::failed("upstream ca", &error),
        Ok(count) => Check::passed("upstream ca", format!("{count} certificates")),
    })
}

fn client_certificate(name: &str, certificate: &ClientCertificate) -> Check {
    if let Err(error) = preflight::client_certificate(name, certificate) {
        return Check::failed(ASKED, &error);
    }
    let private = privacy(ASKED, &certificate.key, 0o600);
    if private.verdict != Verdict::Pass {
        return private;
    }
    Check::passed(ASKED, format!("`{name}` can be presented"))
}

/// Hosts whose certificate nobody checks.
fn insecure(hosts: &[String]) -> Option<Check> {
    (!hosts.is_empty()).then(|| {
        Check::warned("trust", format!("NOT CHECKED: the certificate of {}", hosts.join(", ")))
            .why("anybody on the way to such a host can read and change what passes, keys included")
            .next("put its root into `proxy.upstream_ca`, and empty `proxy.insecure_hosts`")
            .in_red()
    })
}

/// Hosts that the running server had to tunnel because they asked for a certificate.
pub(super) async fn asked(home: &Home, state: &State, config: &Config) -> Option<Check> {
    let api = Api::new(state.api, Token::read(home).ok().flatten());
    // A server that does not answer is another check's finding.
    let since = Timestamp::now() - SignedDuration::from_hours(24);
    let certificates = config.client_certificates.values();
    let covered = |host: &str| certificates.clone().any(|known| known.hosts.matches(host));
    judge(&api.get("/api/tunnels?limit=500").await.ok()?, since, covered)
}

/// What was tunnelled since then, of hosts that are not `covered` meanwhile.
fn judge(tunnels: &Value, since: Timestamp, covered: impl Fn(&str) -> bool) -> Option<Check> {
    let why = langley_model::TunnelReason::ClientCertificateAsked.as_str();
    let tunnels = tunnels["items"].as_array()?.iter();
    let mut hosts: Vec<&str> = tunnels
        .filter(|tunnel| tunnel["why"] == why)
        .filter(|tunnel| {
            let started = tunnel["started_at"].as_str().and_then(|text| text.parse().ok());
            started.is_some_and(|started: Timestamp| started >= since)
        })
        .filter_map(|tunnel| tunnel["host"].as_str())
        .filter(|host| !covered(host))
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    (!hosts.is_empty()).then(|| {
        Check::warned(ASKED, format!("the provider asked for one: {}", hosts.join(", ")))
            .why("Langley had none to present at the time, so the connection was passed on unread")
            .next("name certificate and key in `proxy.client_certificates.<name>`, then start Langley again")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use langley_proxy::HostList;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_that_is_not_checked_is_named_in_red() {
        assert!(insecure(&[]).is_none());
        let check = insecure(&["lab.example".to_owned()]).unwrap();
        assert!(check.is_red());
        assert_eq!(check.verdict, Verdict::Warn);
        assert!(check.to_string().contains("lab.example"), "{check}");
    }

    #[test]
    fn a_host_that_asked_in_vain_is_named_once() {
        let since: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let at = |time: &str, host: &str, why: &str| json!({ "host": host, "why": why, "started_at": time });
        let tunnel = |host: &str, why: &str| at("2026-11-20T12:00:01.000001Z", host, why);
        let none = |_: &str| false;
        let asked = "client_certificate_asked";
        let tunnels = [
            tunnel("b.example", asked),
            tunnel("a.example", "not_listed"),
            tunnel("b.example", asked),
        ];
        let check = judge(&json!({ "items": tunnels }), since, none).unwrap();
        assert!(check.to_string().contains("asked for one: b.example\n"), "{check}");
        let other = json!({ "items": [tunnel("a.example", "not_tls")] });
        assert!(judge(&other, since, none).is_none());
        let earlier = json!({ "items": [at("2026-11-19T12:00:00.000000Z", "b.example", asked)] });
        assert!(judge(&earlier, since, none).is_none());
        let configured = |host: &str| host == "b.example";
        assert!(judge(&json!({ "items": tunnels }), since, configured).is_none());
    }

    #[test]
    fn a_key_that_others_can_read_and_a_file_that_is_none_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["agent".to_owned()]).unwrap();
        let certificate = ClientCertificate {
            hosts: HostList::parse(&["a.example"]).unwrap(),
            certificate: folder.path().join("agent.pem"),
            key: folder.path().join("agent.key"),
        };
        assert_eq!(client_certificate("corp", &certificate).verdict, Verdict::Fail);
        fs::write(&certificate.certificate, made.cert.pem()).unwrap();
        fs::write(&certificate.key, made.signing_key.serialize_pem()).unwrap();
        for (mode, verdict) in [(0o600, Verdict::Pass), (0o644, Verdict::Warn)] {
            fs::set_permissions(&certificate.key, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(client_certificate("corp", &certificate).verdict, verdict, "{mode:o}");
        }
    }
}
