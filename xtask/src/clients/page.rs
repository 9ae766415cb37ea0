//! `docs/clients.md`: what was seen, for people who want to use a client.

use std::fmt::Write;

use super::case::{Case, Reverse};
use super::judge::Finding;
use super::packages::Packages;
use super::trial::Mode;

const HEAD: &str = "\
# Clients

*Written by `cargo xtask clients`, which installs each client from its registry and lets it run a
streamed exchange with a tool call through Langley, against the loopback provider. A mark means:
the client did its work and exited with 0, every request that reached the provider is a flow, every
flow is complete, and model, usage, tool calls and (where the client names one) session are right.*

| client | version | forward (`langley run -- …`) | base URL | HTTP | provider | session read from |
|---|---|---|---|---|---|---|
";

/// The page.
pub(crate) fn page(cases: &[Case], findings: &[Finding], packages: &Packages) -> String {
    let mut page = HEAD.to_owned();
    let mut notes = Vec::new();
    for case in cases {
        let of = |mode| {
            findings.iter().find(|finding| finding.title == case.title() && finding.mode == mode)
        };
        let (forward, reverse) = (of(Mode::Forward), of(Mode::Reverse));
        let mut cell = |finding: Option<&Finding>, mode| match finding {
            Some(finding) if finding.problems.is_empty() => "✓".to_owned(),
            Some(finding) => note(&mut notes, &finding.problems.join("; ")),
            None => note(&mut notes, case.excused(mode).unwrap_or("not tried")),
        };
        let row = [
            case.title(),
            packages.version(case.package).to_owned(),
            cell(forward, Mode::Forward),
            cell(reverse, Mode::Reverse),
            forward.map(|finding| finding.versions.join(", ")).unwrap_or_default(),
            case.provider.to_owned(),
            forward.and_then(|finding| finding.session.clone()).unwrap_or_else(|| "–".to_owned()),
        ];
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    for (at, text) in notes.iter().enumerate() {
        let _ = write!(page, "\n{}. {text}.", at + 1);
    }
    page += "\n\n## How each is pointed at Langley\n\n\
             Through the forward proxy, `langley run -- COMMAND` sets everything a client needs. \
             The SDKs for Node are the exception: before Node 22.21 and 24 (where \
             `langley run` sets `NODE_USE_ENV_PROXY=1`) its `fetch` and `https` follow no proxy by themselves, so the \
             programs tried here use undici's `EnvHttpProxyAgent` or `https-proxy-agent`. `ENTRY` \
             below is Langley's address, such as `http://127.0.0.1:9090`.\n\n\
             | client | by base URL |\n|---|---|\n";
    for case in cases {
        if let Reverse::By(variables, arguments) = case.reverse {
            let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
            let words = variables.chain(arguments.iter().map(|word| (*word).to_owned()));
            let words = words.collect::<Vec<_>>().join(" ");
            let words = words.replace("{entry}", "ENTRY").replace("{key}", "KEY");
            let _ = writeln!(page, "| {} | `{words}` |", case.title());
        }
    }
    page += "\n## What their transcripts tell\n\n\
             Of each run the ledger (`langley ledger`) holds what passed of the session against the file \
             that the client wrote of it, which Langley follows meanwhile. A mark above means also: every \
             call of the model is in both and used the same in both, and each that is not says why.\n\n\
             | client | way | passed | told | joined | gaps |\n|---|---|---|---|---|---|\n";
    for finding in findings {
        let Some(ledger) = &finding.ledger else { continue };
        let way = match finding.mode {
            Mode::Forward => "forward",
            Mode::Reverse => "base URL",
        };
        let [passed, told, joined] =
            ["/wire/responses", "/transcript/responses", "/joined"].map(|it| ledger.count(it));
        let (title, gaps) = (&finding.title, ledger.in_words());
        let _ = writeln!(page, "| {title} | {way} | {passed} | {told} | {joined} | {gaps} |");
    }
    page += "\n## Their TLS hellos\n\nJA4 as seen; a client can have several.\n\n\
             | client | JA4 |\n|---|---|\n";
    for finding in findings.iter().filter(|finding| !finding.ja4.is_empty()) {
        let shown: Vec<String> = finding.ja4.iter().map(|ja4| format!("`{ja4}`")).collect();
        let _ = writeln!(page, "| {} | {} |", finding.title, shown.join(", "));
    }
    page
}

/// A reference to a note below the table.
fn note(notes: &mut Vec<String>, text: &str) -> String {
    let at = notes.iter().position(|known| known == text).unwrap_or_else(|| {
        notes.push(text.to_owned());
        notes.len() - 1
    });
    format!("see {}", at + 1)
}
