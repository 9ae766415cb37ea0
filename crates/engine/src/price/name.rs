//! Names of models as providers and their agents write them, and the names they may stand for in the book.

/// What stands before a model at Bedrock: the region it is served in, or that it is served anywhere.
const PLACES: [&str; 8] = ["us-gov.", "us.", "eu.", "apac.", "jp.", "au.", "ca.", "global."];

/// Who made it, where a host serves models of several.
const MAKERS: [&str; 6] = ["anthropic.", "openai.", "anthropic/", "openai/", "google/", "x-ai/"];

/// The names that a model may have in the book: as it stands, then with less and less of what says only
/// where it is served and which edition it is.
pub(crate) fn candidates(model: &str) -> Vec<String> {
    let lower = model.trim().to_ascii_lowercase();
    let name = local(&lower);
    let mut names = Vec::new();
    let placeless = PLACES.iter().find_map(|place| name.strip_prefix(place)).unwrap_or(name);
    shorten(placeless, &mut names);
    if let Some(own) = MAKERS.iter().find_map(|maker| placeless.strip_prefix(maker)) {
        shorten(own, &mut names);
    }
    names
}

/// Whether a name says that the model is served anywhere.
pub(super) fn is_global(model: &str) -> bool {
    local(&model.to_ascii_lowercase()).starts_with("global.")
}

/// The name within an address: of an ARN what stands behind its last slash.
fn local(name: &str) -> &str {
    let is_address =
        ["arn:", "models/", "publishers/", "projects/"].iter().any(|start| name.starts_with(start));
    if is_address { name.rsplit('/').next().unwrap_or(name) } else { name }
}

/// Adds `name`, and the shorter ones that it may be an edition of.
fn shorten(name: &str, names: &mut Vec<String>) {
    let mut rest = name;
    loop {
        // Claude 4.5 is claude-4-5 to some hosts and claude-4.5 to others.
        let spelt = if rest.contains("claude") { rest.replace('.', "-") } else { rest.to_owned() };
        if !names.contains(&spelt) {
            names.push(spelt);
        }
        match shorter(rest) {
            Some(less) if !less.is_empty() => rest = less,
            _ => return,
        }
    }
}

/// The name without the last thing that says only which edition it is.
fn shorter(name: &str) -> Option<&str> {
    if name.ends_with(']') {
        return name.rsplit_once('[').map(|(name, _)| name);
    }
    if let Some((name, _)) = name.split_once('@') {
        return Some(name);
    }
    if let Some((name, version)) = name.rsplit_once(':') {
        return is_number(version).then_some(name);
    }
    if let Some(name) = name.strip_suffix("-latest") {
        return Some(name);
    }
    let parts: Vec<&str> = name.rsplitn(4, '-').collect();
    let behind = |count: usize| {
        let cut = parts.iter().take(count).map(|part| part.len() + 1).sum::<usize>();
        name.get(..name.len().checked_sub(cut)?)
    };
    let length =
        |place: usize| parts.get(place).filter(|part| is_number(part)).map_or(0, |part| part.len());
    match (length(2), length(1), length(0)) {
        (4, 2, 2) => behind(3),
        (_, 2, 2 | 4) => behind(2),
        (_, _, 8 | 3) => behind(1),
        _ => {
            let version = parts.first()?.strip_prefix('v')?;
            is_number(version).then(|| behind(1)).flatten()
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_behind_its_place_its_maker_and_its_edition() {
        for (model, known) in [
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
            ("Claude-Opus-4.5", "claude-opus-4-5"),
            ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
            ("claude-opus-5-5@20260101", "claude-opus-5-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("anthropic.claude-v2:1", "claude-v2"),
            ("global.anthropic.claude-opus-5-5-v1:0", "claude-opus-5-5"),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1",
                "claude-opus-4-6",
            ),
            ("us.amazon.nova-pro-v1:0", "amazon.nova-pro"),
            ("meta.llama3-3-70b-instruct-v1:0", "meta.llama3-3-70b-instruct"),
            ("gpt-5.4-2026-03-05", "gpt-5.4"),
            ("openai.gpt-5.4", "gpt-5.4"),
            ("models/gemini-2.5-pro-001", "gemini-2.5-pro"),
            ("gemini-2.5-pro-preview-06-05", "gemini-2.5-pro-preview"),
            ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-preview-09-2025"),
            ("publishers/google/models/gemini-3-pro-preview", "gemini-3-pro-preview"),
            ("accounts/fireworks/models/glm-5p2", "accounts/fireworks/models/glm-5p2"),
            ("gpt-4-0613", "gpt-4-0613"),
            ("grok-code-fast-1", "grok-code-fast-1"),
        ] {
            assert!(candidates(model).iter().any(|name| name == known), "{:?}", candidates(model));
        }
    }

    #[test]
    fn what_makes_another_model_is_never_cut_off() {
        assert_eq!(candidates("gpt-5.4-codex"), ["gpt-5.4-codex"]);
        assert_eq!(candidates("gpt-5.4-mini"), ["gpt-5.4-mini"]);
        assert_eq!(candidates("claude-opus-5-5"), ["claude-opus-5-5"]);
        assert_eq!(candidates(""), [""]);
        assert_eq!(candidates("ft:gpt-4o:acme::x1"), ["ft:gpt-4o:acme::x1"]);
        assert!(!candidates("gpt-4-1106-preview").contains(&"gpt-4".to_owned()));
        for odd in ["-", "@", ":1", "[", "]", "-v1", "--20250101", "é-2025-01-01"] {
            assert!(!candidates(odd).is_empty(), "{odd}");
        }
    }

    #[test]
    fn only_what_says_so_is_served_anywhere() {
        assert!(is_global("global.anthropic.claude-opus-5-5-v1:0"));
        assert!(is_global("arn:aws:bedrock:us-east-1:1:inference-profile/global.x"));
        assert!(!is_global("us.anthropic.claude-opus-5-5-v1:0"));
        assert!(!is_global("anthropic.claude-opus-5-5-v1:0"));
    }
}
