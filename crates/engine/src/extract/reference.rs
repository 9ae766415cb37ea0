//! The page of the documentation that says what each mode tells.

use std::fmt::Write as _;

use langley_protocol::transcript::TranscriptFormat;

use super::mode::ExtractMode;

/// What stands at the page's beginning.
const HEAD: &str = include_str!("reference.md");

/// The text of `docs/extract.md`.
#[must_use]
pub fn extract_reference() -> String {
    let mut page = String::from(HEAD);
    for mode in ExtractMode::ALL {
        let spec = mode.spec();
        // Writing to a string does not fail.
        let _ = write!(page, "\n### {}\n\n{}.\n", spec.name, spec.about);
        let absent: Vec<_> = TranscriptFormat::ALL
            .into_iter()
            .filter_map(|format| Some((format.agent(), mode.absent(format)?)))
            .collect();
        let reasons: Vec<String> = match absent.as_slice() {
            [(_, reason), rest @ ..]
                if rest.len() == 2 && rest.iter().all(|(_, it)| it == reason) =>
            {
                vec![format!("Not available: {reason}.")]
            }
            some => some
                .iter()
                .map(|(agent, why)| format!("Not available for {agent}: {why}."))
                .collect(),
        };
        if !reasons.is_empty() {
            let _ = write!(page, "\n{}\n", reasons.join(" "));
        }
        if !spec.fields.is_empty() {
            page.push_str("\n| field | what it says |\n|---|---|\n");
        }
        for (name, what) in spec.fields {
            let _ = writeln!(page, "| `{name}` | {what} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_is_what_the_table_of_modes_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/extract.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            page == extract_reference(),
            "docs/extract.md is stale: write the output of `langley extract --reference` there"
        );
    }
}
