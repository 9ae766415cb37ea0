//! What the proof found, for people and for scripts.

use std::fmt;

use langley_proxy::PROBE_HOST;
use serde_json::{Value, json};

use super::case::{Case, Version};
use super::compare::Difference;
use super::latency::Latency;
use crate::state::{State, reachable};

/// The whole proof.
#[derive(Debug)]
pub(super) struct Report {
    /// The server it was made with.
    pub(super) state: State,
    /// Whether that server was started for this only.
    pub(super) temporary: bool,
    /// Whose TLS hello it sends, in words; none when it does not tell.
    pub(super) hello: Option<String>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) latency: Vec<Latency>,
    pub(super) ja4: Vec<Ja4>,
    /// Requests that went through the proxy.
    pub(super) sent: usize,
    /// Flows of them that were recorded, and taken out of the record again.
    pub(super) taken_out: usize,
}

/// One exchange, compared.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) case: &'static Case,
    pub(super) differences: Vec<Difference>,
}

/// TLS hellos: the client's own, and the one that the origin got from the proxy instead.
#[derive(Debug)]
pub(super) struct Ja4 {
    pub(super) version: Version,
    pub(super) client: String,
    pub(super) proxy: String,
}

impl Ja4 {
    fn is_equal(&self) -> bool {
        self.client == self.proxy
    }
}

impl Report {
    /// Whether no byte differs. Hello and latency are told, not judged.
    pub(super) fn is_clean(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.differences.len()).sum()
    }

    /// For scripts.
    pub(super) fn as_json(&self) -> Value {
        let exchanges: Vec<Value> = self.outcomes.iter().map(Outcome::as_json).collect();
        let latency: Vec<Value> = self.latency.iter().map(Latency::as_json).collect();
        let ja4 = self.ja4.iter().map(|ja4| {
            json!({
                "version": ja4.version.name(),
                "in": ja4.client,
                "out": ja4.proxy,
                "equal": ja4.is_equal(),
            })
        });
        json!({
            "ok": self.is_clean(),
            "host": PROBE_HOST,
            "proxy": reachable(self.state.proxy),
            "version": self.state.version,
            "temporary_server": self.temporary,
            "tls_hello": self.hello,
            "differences": self.count(),
            "exchanges": exchanges,
            "latency": latency,
            "ja4": ja4.collect::<Vec<_>>(),
            "requests_through_proxy": self.sent,
            "flows_recorded_and_removed": self.taken_out,
        })
    }
}

impl Outcome {
    /// Whether both ways came to an answer.
    pub(super) fn is_carried(&self) -> bool {
        !self.differences.iter().any(Difference::is_failure)
    }

    fn as_json(&self) -> Value {
        let differences: Vec<Value> = self.differences.iter().map(Difference::as_json).collect();
        json!({
            "version": self.case.version.name(),
            "name": self.case.name,
            "same": self.differences.is_empty(),
            "differences": differences,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.temporary {
            "a temporary server with default settings but yours of `proxy.tls`: none runs; start yours with `langley`"
        } else {
            "the running server"
        };
        writeln!(f, "through the proxy at {} ({whose})", reachable(self.state.proxy))?;
        writeln!(f, "to a built-in origin on this machine, as {PROBE_HOST}")?;
        if let Some(hello) = &self.hello {
            writeln!(f, "with its TLS setting: {hello}")?;
        }
        writeln!(f)?;
        for outcome in &self.outcomes {
            let word = if outcome.differences.is_empty() { "same" } else { "DIFF" };
            writeln!(f, "{word}  {:<9} {}", outcome.case.version.name(), outcome.case.name)?;
            for difference in &outcome.differences {
                writeln!(f, "        {}", difference.what)?;
                writeln!(f, "          direct   {}", difference.direct)?;
                writeln!(f, "          proxied  {}", difference.proxied)?;
            }
        }
        writeln!(f)?;
        for latency in &self.latency {
            writeln!(
                f,
                "latency {:<9} {:+} µs ({} µs direct, {} µs through the proxy; medians of {})",
                latency.version.name(),
                latency.added_us(),
                latency.direct_us,
                latency.proxied_us,
                Latency::SAMPLES,
            )?;
        }
        for ja4 in &self.ja4 {
            let version = ja4.version.name();
            if ja4.is_equal() {
                writeln!(f, "JA4     {version:<9} equal: {}", ja4.client)?;
            } else {
                writeln!(
                    f,
                    "JA4     {version:<9} in {}, out {}: not equal",
                    ja4.client, ja4.proxy
                )?;
            }
        }
        if !self.ja4.iter().all(Ja4::is_equal) {
            writeln!(
                f,
                "        a provider can tell the proxy's TLS hello from the agent's; no byte of \
                 HTTP depends on it"
            )?;
        }
        writeln!(
            f,
            "\n{} of {} requests were recorded meanwhile, and taken out of the record again",
            self.taken_out.min(self.sent),
            self.sent
        )?;
        writeln!(f, "{} exchanges compared, {} differences", self.outcomes.len(), self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::CASES;
    use super::*;

    fn report(differences: Vec<Difference>) -> Report {
        let address = "127.0.0.1:9090".parse().unwrap();
        Report {
            state: State { pid: 1, proxy: address, api: address, version: "0".into() },
            temporary: false,
            hello: Some("providers see Langley's own".to_owned()),
            outcomes: vec![Outcome { case: &CASES[0], differences }],
            latency: vec![Latency { version: Version::Http1, direct_us: 90, proxied_us: 130 }],
            ja4: vec![Ja4 { version: Version::Http1, client: "a".into(), proxy: "b".into() }],
            sent: 57,
            taken_out: 57,
        }
    }

    #[test]
    fn one_difference_fails_the_proof_and_is_shown_with_both_values() {
        let difference = Difference {
            what: "answer, as the client saw it: header".into(),
            direct: "A: 1".into(),
            proxied: "a: 1".into(),
        };
        let disturbed = report(vec![difference]);
        assert!(!disturbed.is_clean() && disturbed.as_json()["ok"] == false);
        assert_eq!(disturbed.as_json()["exchanges"][0]["differences"][0]["proxied"], "a: 1");
        insta::assert_snapshot!(disturbed.to_string(), @r"
        through the proxy at 127.0.0.1:9090 (the running server)
        to a built-in origin on this machine, as fidelity.langley.test
        with its TLS setting: providers see Langley's own

        DIFF  HTTP/1.1  header case and order
                answer, as the client saw it: header
                  direct   A: 1
                  proxied  a: 1

        latency HTTP/1.1  +40 µs (90 µs direct, 130 µs through the proxy; medians of 51)
        JA4     HTTP/1.1  in a, out b: not equal
                a provider can tell the proxy's TLS hello from the agent's; no byte of HTTP depends on it

        57 of 57 requests were recorded meanwhile, and taken out of the record again
        1 exchanges compared, 1 differences
        ");
    }

    #[test]
    fn another_hello_is_told_but_is_no_difference() {
        let clean = report(Vec::new());
        assert!(clean.is_clean());
        assert_eq!(clean.as_json()["ja4"][0]["equal"], false);
        assert_eq!(clean.as_json()["latency"][0]["added_us"], 40);
    }
}
