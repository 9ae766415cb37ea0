//! A page of what was said, that needs nothing else: no script, no font, no picture, no address is asked
//! for. All that was recorded is text in it.

use std::io::{self, Write};

use langley_engine::new_text;
use langley_model::{Flow, MicroUsd, Passage, Place, Redactor, Stored, Tokens, is_obeyed};
use langley_store::{FlowFilter, Store};

use super::{ExportError, Exported, Wholeness};
use crate::wire::rfc3339;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1d1f;--soft:#5b6068;--ground:#fff;--raised:#f4f5f6;--line:#d9dce0}\
@media(prefers-color-scheme:dark){:root{--ink:#e8e9eb;--soft:#a4a9b1;--ground:#16171a;--raised:#202226;--line:#373a40}}\
body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
h1{font-size:1.3rem}h2{font-size:.85rem;font-weight:600;color:var(--soft);margin:2rem 0 .5rem;border-top:1px solid var(--line);padding-top:.75rem}\
section,details{margin:.5rem 0;padding:.5rem .75rem;background:var(--raised);border-radius:6px}\
h3,summary{font-size:.75rem;font-weight:600;color:var(--soft);margin:0}summary{cursor:pointer}\
pre{margin:.25rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace}\
footer{margin-top:2rem;color:var(--soft)}";

pub(super) fn head(filter: &FlowFilter, out: &mut dyn Write) -> io::Result<()> {
    let title = filter.session.as_ref().map_or_else(
        || String::from("Recorded flows"),
        |session| format!("Session {}", escaped(session)),
    );
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
}

pub(super) fn foot(done: &Exported, out: &mut dyn Write) -> io::Result<()> {
    let lack = done.lack().map(|lack| format!("; {lack}")).unwrap_or_default();
    let count = done.flows;
    write!(
        out,
        "<footer>{count} flows{lack}. Written by Langley; secrets were replaced.</footer>\n</body>\n</html>\n"
    )
}

/// Writes what was new in a flow; of the `first` one the conversation before it as well.
pub(super) fn flow(
    store: &Store,
    redactor: &Redactor,
    flow: &Stored<Flow>,
    first: bool,
    out: &mut dyn Write,
) -> Result<Wholeness, ExportError> {
    let mut facts = vec![rfc3339(flow.started_at)];
    facts.extend(flow.model.clone().or_else(|| flow.model_requested.clone()));
    // One that found no way to a provider has no host.
    let place = if flow.host.is_empty() { String::new() } else { flow.authority() };
    facts.push(format!("{} {place}{}", flow.method, flow.path));
    facts.extend(flow.status.map(|status| format!("status {status}")));
    facts.push(flow.outcome.map_or("open", |outcome| outcome.as_str()).to_owned());
    let tokens = |tokens: Option<Tokens>, word| tokens.map(|t| format!("{} {word}", t.0));
    let usage = &flow.usage;
    facts.extend(tokens(usage.input_uncached(flow.dialect()), "uncached input tokens"));
    facts.extend(tokens(usage.cache_read, "read from the cache"));
    let written = [usage.cache_write_5m, usage.cache_write_1h].into_iter().flatten();
    facts.extend(tokens(written.reduce(|one, other| Tokens(one.0 + other.0)), "written to it"));
    facts.extend(tokens(usage.output, "output tokens"));
    facts.extend(flow.cost.map(|MicroUsd(cost)| format!("${}", dollars(cost))));
    if !flow.tool_names.is_empty() {
        facts.push(format!("called {}", flow.tool_names.join(", ")));
    }
    let facts: Vec<_> = facts.iter().map(|fact| escaped(fact)).collect();
    write!(out, "<article id=\"{}\">\n<h2>{}</h2>\n", flow.id, facts.join(" · "))?;
    if let Some(lack) = flow.lack() {
        writeln!(out, "<p>{}</p>", escaped(&lack))?;
    }
    let mut wholeness = Wholeness::default();
    let text = wholeness.sound(new_text(store, redactor, flow.id, first).map(Some))?;
    if text.is_none() {
        writeln!(out, "<p>What was said is damaged in the database and left out.</p>")?;
    }
    let passages = text.iter().flat_map(|text| &text.passages).collect::<Vec<_>>();
    // Of what a tool is given, each value is a passage of its own.
    for one in passages.chunk_by(|_, next| next.goes_on) {
        let Some(Passage { place, .. }) = one.first() else { continue };
        let text: Vec<_> = one.iter().map(|passage| escaped(&passage.text)).collect();
        let (name, text) = (name(*place), text.join("\n"));
        // What a person reads stands open, what machines said to one another is folded.
        match place {
            Place::Prompt | Place::Answer => {
                writeln!(out, "<section><h3>{name}</h3><pre>{text}</pre></section>")?;
            }
            _ => writeln!(out, "<details><summary>{name}</summary><pre>{text}</pre></details>")?,
        }
    }
    out.write_all(b"</article>\n")?;
    Ok(wholeness)
}

/// Dollars to the hundredth of a cent.
fn dollars(micro: i64) -> String {
    let tenths = (micro.unsigned_abs() + 50) / 100;
    let sign = if micro < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", tenths / 10_000, tenths % 10_000)
}

const fn name(place: Place) -> &'static str {
    match place {
        Place::Prompt => "Prompt",
        Place::Answer => "Answer",
        Place::Thinking => "Thinking",
        Place::ToolInput => "Tool input",
        Place::ToolResult => "Tool result",
    }
}

/// Text that cannot become markup; what cannot be seen and what turns text around is shown as a mark.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if is_obeyed(c) && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_becomes_markup() {
        let text = "<script src='https://x'>&\u{202e}\u{1b}[2J\n";
        assert_eq!(
            escaped(text),
            "&lt;script src=&#39;https://x&#39;&gt;&amp;\u{fffd}\u{fffd}[2J\n"
        );
    }
}
