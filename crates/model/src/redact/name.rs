//! Names: what names a credential, in whatever spelling, and the ends by which such names are found.

use super::bytes::{alnum, run_back};

/// Longest name that is looked at.
pub(super) const NAME_MAX: usize = 64;

/// Names, and ends of names, whose value is a credential whatever it is. A blank stands between
/// words, where a spelling may have `_`, `-`, `.`, a capital or nothing.
pub(super) const CERTAIN: &[&str] = &[
    "access key",
    "access token",
    "account key",
    "api key",
    "api token",
    "app token",
    "auth key",
    "auth token",
    "bearer token",
    "bot token",
    "client secret",
    "consumer key",
    "deploy token",
    "encryption key",
    "github token",
    "gitlab token",
    "hf token",
    "id token",
    "jwt key",
    "master key",
    "npm token",
    "oauth token",
    "passphrase",
    "passwd",
    "password",
    "private key",
    "private token",
    "refresh token",
    "sas token",
    "secret",
    "secret key",
    "secret token",
    "security token",
    "service key",
    "session token",
    "signing key",
    "slack token",
    "subscription key",
    "vault token",
    "webhook key",
];

/// What ends words that begin with `pass`, whose second half some write with a capital of its own
/// (`passPhrase`), and the stems of those that [end](stem_end) in one of two ways (`passWord`, `passwd`).
const PASS_ENDINGS: [&str; 3] = ["phrase", "Phrase", "PHRASE"];
pub(super) const PASS_STEMS: [&str; 3] = ["ssw", "ssW", "SSW"];

/// Names of a value that is a credential when it looks like one, and of a scheme with a credential.
const OTHERS: [&str; 2] = ["token", "authorization"];

/// How sure a name is that its value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Whatever the value is.
    Certain,
    /// When the value looks like one: `token` is also a word of language models.
    Likely,
    /// A scheme and a credential.
    Authorization,
}

impl Credential {
    /// What a member of this name holds, when it is a credential; case, `_`, `-` and `.` do not
    /// matter.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        credential(name.as_bytes())
    }

    /// The beginning of a member whose value is judged as one of this kind's, up to the value's first
    /// byte.
    pub(super) const fn opening(self) -> &'static [u8] {
        match self {
            Self::Certain => b"\"password\":\"",
            Self::Likely => b"\"token\":\"",
            Self::Authorization => b"\"authorization\":\"",
        }
    }
}

/// Whether `name` names a credential; case, `_`, `-` and `.` do not matter.
pub(super) fn credential(name: &[u8]) -> Option<Credential> {
    let mut folded = [0; NAME_MAX];
    let mut len = 0;
    for byte in name.iter().filter(|byte| alnum(**byte)) {
        *folded.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    let folded = &folded[..len];
    match folded {
        b"token" => Some(Credential::Likely),
        b"authorization" | b"httpauthorization" | b"proxyauthorization" => {
            Some(Credential::Authorization)
        }
        _ if CERTAIN.iter().any(|end| ends_with(folded, end)) => Some(Credential::Certain),
        _ => is_variable(name).then_some(Credential::Likely),
    }
}

/// What the name of a value that is assigned leads one to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A credential, or something else.
    Likely,
    /// A credential that a machine has made.
    Key,
    /// A person's word or phrase, which needs neither digits nor length.
    Password,
}

impl Named {
    /// What a `name` of this kind stands for.
    pub(super) fn of(name: &[u8], kind: Credential) -> Self {
        let ends = |end: &[u8]| {
            let mut rest = name.iter().rev().filter(|byte| alnum(**byte));
            end.iter()
                .rev()
                .all(|byte| rest.next().is_some_and(|own| own.eq_ignore_ascii_case(byte)))
        };
        match kind {
            Credential::Likely | Credential::Authorization => Self::Likely,
            Credential::Certain
                if [b"password".as_slice(), b"passwd", b"passphrase"].into_iter().any(ends) =>
            {
                Self::Password
            }
            Credential::Certain => Self::Key,
        }
    }
}

/// Whether a name is written as variables of the environment are: in capitals.
pub(super) fn is_capitals(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Whether this is a variable of the environment for some key or token: `X_TOKEN`, `STRIPE_KEY`.
fn is_variable(name: &[u8]) -> bool {
    is_capitals(name) && (name.ends_with(b"_TOKEN") || name.ends_with(b"_KEY"))
}

/// Whether `folded` ends with the words of `end`, of which only the blanks are left out.
fn ends_with(folded: &[u8], end: &str) -> bool {
    let mut rest = folded.iter().rev();
    end.bytes().rev().filter(|byte| *byte != b' ').all(|byte| rest.next() == Some(&byte))
}

/// The name that ends at `to`: where it starts. What is left of an escape before it (`\n`, `%22`) is
/// no part of it.
pub(super) fn start(text: &[u8], to: usize) -> usize {
    let start = run_back(text, to, NAME_MAX, |byte| alnum(byte) || b"_-.".contains(&byte));
    let name = &text[start..to];
    let escaped = match start.checked_sub(1).map(|at| text[at]) {
        Some(b'\\') if matches!(name, [b'n' | b'r' | b't', _, ..]) => 1,
        Some(b'%') if name.len() > 2 && name[..2].iter().all(u8::is_ascii_hexdigit) => 2,
        _ => 0,
    };
    start + escaped
}

/// The literals in which names of credentials end, in every spelling. As long as their words allow,
/// because a longer one is met less often in other words, but without a word's first letters, which
/// have two cases; a short word is there with both.
pub(super) fn endings() -> Vec<String> {
    let mut endings: Vec<String> = PASS_ENDINGS.map(str::to_owned).into();
    for name in CERTAIN.iter().chain(&OTHERS).filter(|name| !name.starts_with("pass")) {
        let word = name.rsplit(' ').next().unwrap_or(name);
        let is_short = word.len() <= 4;
        let first = if word.len() < 6 { 1 } else { 2 };
        let tail = if is_short { word } else { &word[first.max(word.len().saturating_sub(6))..] };
        endings.push(tail.to_owned());
        endings.push(tail.to_ascii_uppercase());
        if is_short {
            endings.push(tail[..1].to_ascii_uppercase() + &tail[1..]);
        }
    }
    endings.sort();
    endings.dedup();
    endings
}

/// Where a name ends whose stem ends at `at`: behind `word` or `wd`, or where that is cut by the end of the
/// text or by the quote around a piece of it. None when the stem is that of another word.
pub(super) fn stem_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    [b"ord".as_slice(), b"d"].into_iter().find_map(|wanted| {
        let same =
            wanted.iter().zip(rest).take_while(|(wanted, byte)| byte.eq_ignore_ascii_case(wanted));
        let len = same.count();
        let is_whole = len == wanted.len() || matches!(rest.get(len), None | Some(b'"'));
        is_whole.then_some(at + len)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::anchor::next_hit;
    use crate::redact::{Redactor, RedactorOptions};

    /// Names that are written as one word or as two.
    const PARTED: [&str; 3] = ["passPhrase", "passWord", "passWd"];

    /// Every spelling that names are written in.
    fn spellings(name: &str) -> Vec<String> {
        let words: Vec<&str> = name.split(' ').collect();
        let title = |word: &&str| word[..1].to_ascii_uppercase() + &word[1..];
        let pascal: String = words.iter().map(title).collect();
        let camel = pascal[..1].to_ascii_lowercase() + &pascal[1..];
        let mut spellings = vec![pascal, camel];
        for joint in ["_", "-", ".", ""] {
            spellings.push(words.join(joint));
            spellings.push(words.join(joint).to_ascii_uppercase());
            spellings.push(words.iter().map(title).collect::<Vec<_>>().join(joint));
        }
        for spelling in spellings.clone() {
            let before = if spelling.contains('-') { "x-" } else { "my_" };
            spellings.push(format!("{before}{spelling}"));
        }
        spellings
    }

    #[test]
    fn no_spelling_of_a_name_hides_what_is_assigned_to_it() {
        const VALUE: &str = "a8Kd73nQz019sLmW42xYb6Tq";
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let mut hidden = Vec::new();
        for spelling in CERTAIN.iter().chain(&PARTED).flat_map(|name| spellings(name)) {
            for sign in ["=", " = ", ": ", ":", ":=", " := ", "\t= ", "= "] {
                for (open, close) in
                    [("", ""), ("\"", "\""), ("'", "'"), ("`", "`"), ("\\\"", "\\\"")]
                {
                    hidden.push(format!("{spelling}{sign}{open}{VALUE}{close}"));
                    hidden.push(format!("'{spelling}'{sign}{open}{VALUE}{close}"));
                }
            }
            for sign in [" => ", "=>", ": ", ":"] {
                hidden.push(format!("\"{spelling}\"{sign}\"{VALUE}\""));
                hidden.push(format!("{spelling}{sign}'{VALUE}'"));
            }
            hidden.push(format!("export {spelling}=\"{VALUE}\""));
            hidden.push(format!("env['{spelling}'] = '{VALUE}'"));
            hidden.push(format!("{spelling}: String = \"{VALUE}\""));
        }
        assert!(hidden.len() > 10_000);
        for text in &hidden {
            for (before, after) in [("", ""), ("a\n", "\n"), ("a\\n", "\\n"), (" (", ")")] {
                let mut stored = format!("{before}{text}{after}");
                redactor.scrub_text(&mut stored);
                assert!(!stored.contains(&VALUE[4..20]), "{before}{text}{after} is {stored}");
            }
        }
    }

    #[test]
    fn every_spelling_of_a_name_ends_in_an_anchor() {
        for spelling in
            CERTAIN.iter().chain(&OTHERS).chain(&PARTED).flat_map(|name| spellings(name))
        {
            let text = format!("{spelling}=");
            let ends = std::iter::successors(next_hit(text.as_bytes(), 0), |hit| {
                next_hit(text.as_bytes(), hit.start + 1)
            });
            assert!(ends.map(|hit| hit.end).any(|end| end == spelling.len()), "{spelling}");
        }
    }

    #[test]
    fn a_name_is_told_from_words_that_end_alike() {
        for (name, kind) in [
            ("X-Api-Key", Some(Credential::Certain)),
            ("DB_PASSWORD", Some(Credential::Certain)),
            ("token", Some(Credential::Likely)),
            ("STRIPE_KEY", Some(Credential::Likely)),
            ("Authorization", Some(Credential::Authorization)),
            ("sort_key", None),
            ("max_tokens", None),
            ("next_page_token", None),
            ("keyword", None),
        ] {
            assert_eq!(Credential::of_name(name), kind, "{name}");
        }
    }
}
