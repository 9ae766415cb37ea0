//! The reference of all keys as Markdown, so that the documentation cannot drift from the table.

use std::fmt::Write;

use super::key::{ALIASES, Default, Effect, KEYS, Key};
use super::kind::{Kind, bytes_text};

/// The tables of `docs/configuration.md`.
pub(crate) fn markdown() -> String {
    let mut out = String::new();
    let mut section = "";
    for key in KEYS {
        let head = key.path.split('.').next().unwrap_or_default();
        if head != section {
            section = head;
            let _ = write!(
                out,
                "\n### {head}\n\n| key | takes | default | short forms | what it does |\n|---|---|---|---|---|\n"
            );
        }
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            key.path,
            key.kind.accepted(),
            default(key),
            short_forms(key),
            meaning(key)
        );
    }
    out.push_str("\n### Older spellings\n\n| accepted | means |\n|---|---|\n");
    for (alias, meant) in ALIASES {
        let _ = writeln!(out, "| `{alias}` | `{meant}` |");
    }
    out
}

fn default(key: &Key) -> String {
    match (key.kind, key.default) {
        (_, Default::Unset(words)) => words.to_owned(),
        (_, Default::Text(text)) => format!("`{text}`"),
        (Kind::Bytes { .. }, Default::Number(bytes)) => bytes_text(bytes),
        (_, Default::Number(number)) => number.to_string(),
        (_, Default::Switch(on)) => on.to_string(),
        (_, Default::List([])) => "none".to_owned(),
        (_, Default::List(items)) if items.len() > 4 => "the LLM hosts, below".to_owned(),
        (_, Default::List(items)) => {
            items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
        }
    }
}

fn short_forms(key: &Key) -> String {
    let forms = [key.short_env, key.flag];
    forms.into_iter().flatten().map(|form| format!("`{form}`")).collect::<Vec<_>>().join(", ")
}

fn meaning(key: &Key) -> String {
    match key.effect {
        Effect::Acts => key.doc.to_owned(),
        Effect::Later => {
            format!("{} **Accepted and checked, but not used by this version.**", key.doc)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_key_as_the_table_has_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = std::fs::read_to_string(path).unwrap();
        assert!(
            page.contains(&markdown()),
            "docs/configuration.md is stale: put the output of `langley config reference` under \"All keys\""
        );
    }
}
