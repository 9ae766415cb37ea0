//! The project that an agent works on: the folder of it, or whatever name somebody gave it.

use crate::percent::percent_decoded;

/// The longest name that is accepted, in bytes: paths are longer than ids.
pub const PROJECT_MAX: usize = 1_024;

/// The header by which a project is named. It is taken off again, except where Amazon's SDK signed the request with
/// it; through a tunnel that is not read it passes as everything does.
pub const PROJECT_HEADER: &str = "x-langley-project";

/// A project's name: at most [`PROJECT_MAX`] bytes, no control characters, no separator at its end.
///
/// Used for telling costs apart only, never for authorisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Project(String);

impl Project {
    /// Accepts `text`, or nothing when it is empty, too long or holds control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let name = text.strip_suffix(['/', '\\']).filter(|name| !name.is_empty()).unwrap_or(text);
        let fits = !name.is_empty() && name.len() <= PROJECT_MAX;
        (fits && !name.chars().any(char::is_control)).then(|| Self(name.to_owned()))
    }

    /// That of the header's value, of which `%XX` stands for a byte.
    #[must_use]
    pub fn of_header(value: &str) -> Option<Self> {
        Self::parse(std::str::from_utf8(&percent_decoded(value)).ok()?)
    }

    /// As [`Self::of_header`] reads it: what is not printable ASCII, and `%`, as `%XX`.
    #[must_use]
    pub fn header_value(&self) -> String {
        let mut value = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            match byte {
                b' '..=b'~' if byte != b'%' => value.push(char::from(byte)),
                _ => value.push_str(&format!("%{byte:02X}")),
            }
        }
        value
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_same_with_and_without_its_last_separator() {
        let parsed = |text| Project::parse(text).map(|it| it.as_str().to_owned());
        assert_eq!(parsed(" /w/a/ ").as_deref(), Some("/w/a"));
        assert_eq!(parsed("C:\\w\\").as_deref(), Some("C:\\w"));
        assert_eq!(parsed("/").as_deref(), Some("/"));
        assert_eq!(parsed("my project").as_deref(), Some("my project"));
        for text in ["", " ", "/w\n/x", &"x".repeat(PROJECT_MAX + 1)] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn any_name_passes_through_a_header_and_comes_back() {
        for name in ["/home/u/a project", "/w/é 100%", "C:\\w", "%41", "プロジェクト"] {
            let project = Project::parse(name).unwrap();
            let value = project.header_value();
            assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
            assert_eq!(Project::of_header(&value), Some(project), "{value}");
        }
        assert_eq!(Project::of_header("/w/plain").unwrap().as_str(), "/w/plain");
        assert_eq!(Project::of_header("%ff"), None);
        assert_eq!(Project::of_header("a%0Ab"), None);
    }
}
