//! Headers that name a session: read in one way by whoever records and by whoever refuses.

use serde_json::Value;

use crate::id::SessionId;

/// A header that names a session, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionHeader {
    /// Langley's own.
    Langley,
    /// Claude Code's.
    ClaudeCode,
    /// Codex's.
    SessionId,
    /// Codex's, of an earlier version.
    SessionUnderscoreId,
    /// Codex's, of an earlier version.
    ConversationId,
    /// Several agents'.
    PlainSessionId,
    /// Codex's: JSON, of which the session is a member.
    CodexTurnMetadata,
}

impl SessionHeader {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Langley,
        Self::ClaudeCode,
        Self::SessionId,
        Self::SessionUnderscoreId,
        Self::ConversationId,
        Self::PlainSessionId,
        Self::CodexTurnMetadata,
    ];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Langley => "x-langley-session",
            Self::ClaudeCode => "x-claude-code-session-id",
            Self::SessionId => "session-id",
            Self::SessionUnderscoreId => "session_id",
            Self::ConversationId => "conversation_id",
            Self::PlainSessionId => "x-session-id",
            Self::CodexTurnMetadata => "x-codex-turn-metadata",
        }
    }

    /// The header of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        // Most headers are none of these, and comparing lengths is cheap.
        let is_it =
            |it: &Self| it.name().len() == name.len() && it.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_it)
    }

    /// The session that its value names; none where that is no valid id.
    #[must_use]
    pub fn read(self, value: &[u8]) -> Option<SessionId> {
        let text = std::str::from_utf8(value).ok()?;
        if self == Self::CodexTurnMetadata {
            let turn: Value = serde_json::from_str(text).ok()?;
            return SessionId::parse(turn.get("session_id")?.as_str()?);
        }
        SessionId::parse(text)
    }

    /// The session that the headers name, and by which: the strongest that has a valid id, the first line of
    /// several.
    pub fn find<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Option<(Self, SessionId)> {
        let mut found: Option<(Self, SessionId)> = None;
        for (name, value) in headers {
            let Some(header) = Self::named(name) else { continue };
            if found.as_ref().is_none_or(|(held, _)| header < *held)
                && let Some(id) = header.read(value)
            {
                found = Some((header, id));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[(&str, &str)]) -> Option<(SessionHeader, String)> {
        let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
        SessionHeader::find(lines).map(|(header, id)| (header, id.to_string()))
    }

    #[test]
    fn the_strongest_header_with_a_valid_id_names_the_session_whatever_the_order() {
        for pair in SessionHeader::ALL[..6].windows(2) {
            let [strong, weak] = pair else { unreachable!() };
            for lines in [
                [(strong.name(), "strong"), (weak.name(), "weak")],
                [(weak.name(), "weak"), (strong.name(), "strong")],
            ] {
                assert_eq!(found(&lines), Some((*strong, "strong".into())), "{pair:?}");
            }
            let control = [(strong.name(), "a\u{7}b"), (weak.name(), "weak")];
            assert_eq!(found(&control), Some((*weak, "weak".into())), "an invalid id is none");
        }
        let long = "x".repeat(257);
        let lines = [("Session-Id", long.as_str()), ("session-id", " s-1 "), ("session-id", "s-2")];
        assert_eq!(found(&lines), Some((SessionHeader::SessionId, "s-1".into())));
    }

    #[test]
    fn codex_names_it_in_json_as_well() {
        let turn = |text| found(&[("x-codex-turn-metadata", text)]).map(|(_, id)| id);
        assert_eq!(turn(r#"{"turn_id":"t","session_id":"s-1"}"#).as_deref(), Some("s-1"));
        assert_eq!(turn(r#"{"session_id":7}"#), None);
    }
}
