//! Anchors: the literals that a secret cannot do without, and the search for all of them at once.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::bytes::{Before, before};
use super::name::{PASS_STEMS, endings, stem_end};
use super::spread::spread;

/// Which rule looks at a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Aws,
    Bearer,
    Bedrock,
    Cookie,
    Curl,
    Data,
    DataUrl,
    Escape,
    Fireworks,
    Github,
    Gitlab,
    GoogleKey,
    GoogleSecret,
    GoogleToken,
    Groq,
    Hook,
    HuggingFace,
    ImageMagic,
    Jwt,
    Linear,
    Live,
    Name,
    Npm,
    Parameter,
    Perplexity,
    Pypi,
    Replicate,
    Sendgrid,
    Shopify,
    Sk,
    Slack,
    /// Of a name that ends in one of several ways.
    Stem,
    Telegram,
    Terraform,
    Userinfo,
    Vault,
    Versioned,
    Xai,
}

impl Anchor {
    /// Whether what is replaced starts with the anchor itself, so that a text ending in the first
    /// half of it must be held. Other anchors only announce what follows them.
    const fn holds(self) -> bool {
        !matches!(
            self,
            Self::Bearer
                | Self::Cookie
                | Self::Curl
                | Self::Data
                | Self::DataUrl
                | Self::Hook
                | Self::Live
                | Self::Name
                | Self::Parameter
                | Self::Stem
                | Self::Telegram
                | Self::Terraform
                | Self::Userinfo
                | Self::Versioned
        )
    }

    /// Whether the first half of the anchor at `at` may become a hit.
    fn may_start(self, text: &[u8], at: usize, floor: usize) -> bool {
        match self {
            Self::Escape => true,
            Self::ImageMagic => at > 0 && text[at - 1] == b'"',
            _ => before(text, at, floor) != Before::Word,
        }
    }
}

/// The anchors that are no names; beside them stand the [endings](super::name::endings) of all names
/// of credentials, and [stems](super::name::PASS_STEMS). None begins another one, so hits in order of their start never hide one another;
/// at most 64 in all and none below three bytes, because there the vectorised search ends or slows.
const ANCHORS: &[(&str, Anchor)] = &[
    ("AKIA", Anchor::Aws),
    ("ASIA", Anchor::Aws),
    ("earer ", Anchor::Bearer),
    ("ABSK", Anchor::Bedrock),
    ("kie:", Anchor::Cookie),
    ("--user", Anchor::Curl),
    ("-u ", Anchor::Curl),
    // With the opening quote, because `data` alone begins every line of an event stream.
    ("\"data", Anchor::Data),
    (";base64,", Anchor::DataUrl),
    ("\\/\\", Anchor::Escape),
    ("\\u00", Anchor::Escape),
    ("fw_", Anchor::Fireworks),
    ("gho_", Anchor::Github),
    ("ghp_", Anchor::Github),
    ("ghr_", Anchor::Github),
    ("ghs_", Anchor::Github),
    ("ghu_", Anchor::Github),
    ("github_pat_", Anchor::Github),
    ("glpat-", Anchor::Gitlab),
    ("AIza", Anchor::GoogleKey),
    ("GOCSPX-", Anchor::GoogleSecret),
    ("ya29.", Anchor::GoogleToken),
    ("gsk_", Anchor::Groq),
    ("hooks", Anchor::Hook),
    ("hf_", Anchor::HuggingFace),
    ("/9j/4", Anchor::ImageMagic),
    ("R0lGOD", Anchor::ImageMagic),
    ("UklGR", Anchor::ImageMagic),
    ("iVBORw0KGgo", Anchor::ImageMagic),
    ("eyJ", Anchor::Jwt),
    ("lin_api_", Anchor::Linear),
    ("_live_", Anchor::Live),
    ("npm_", Anchor::Npm),
    ("ature=", Anchor::Parameter),
    ("sig=", Anchor::Parameter),
    ("pplx-", Anchor::Perplexity),
    ("pypi-", Anchor::Pypi),
    ("r8_", Anchor::Replicate),
    ("SG.", Anchor::Sendgrid),
    ("shp", Anchor::Shopify),
    ("sk-", Anchor::Sk),
    ("xapp-", Anchor::Slack),
    ("xox", Anchor::Slack),
    (":AA", Anchor::Telegram),
    (".atlasv1.", Anchor::Terraform),
    ("://", Anchor::Userinfo),
    ("hvs.", Anchor::Vault),
    ("_v1_", Anchor::Versioned),
    ("xai-", Anchor::Xai),
];

/// Every anchor.
static ALL: LazyLock<Vec<Literal>> = LazyLock::new(|| spread(listed(), |(literal, _)| literal));

/// What is searched for.
pub(super) type Literal = (Cow<'static, str>, Anchor);

/// Every anchor, in the order of the lists.
pub(super) fn listed() -> Vec<Literal> {
    let fixed = ANCHORS.iter().map(|(literal, anchor)| (Cow::Borrowed(*literal), *anchor));
    let names = endings().into_iter().map(|ending| (Cow::Owned(ending), Anchor::Name));
    let stems = PASS_STEMS.iter().map(|stem| (Cow::Borrowed(*stem), Anchor::Stem));
    fixed.chain(names).chain(stems).collect()
}

/// Length of the longest anchor.
pub(super) const LONGEST: usize = 11;

/// Most blanks between a name and what assigns to it.
pub(super) const BLANKS_MAX: usize = 16;

/// A place where an anchor stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) anchor: Anchor,
}

/// The first anchor at or after `from`.
///
/// Names of credentials are also everyday words: one that nothing assigns to is passed over here, by
/// bytes that stand in `text`, so that it costs no rule and delays no event.
pub(super) fn next_hit(text: &[u8], from: usize) -> Option<Hit> {
    let mut from = from.min(text.len());
    loop {
        let found = SEARCH.find(Input::new(text).range(from..))?;
        let (_, anchor) = ALL[found.pattern().as_usize()];
        let is_hit = |end: &usize| match anchor {
            Anchor::Name | Anchor::Stem => is_assigned(text, *end),
            _ => true,
        };
        let end = match anchor {
            Anchor::Stem => stem_end(text, found.end()),
            _ => Some(found.end()),
        };
        if let Some(end) = end.filter(is_hit) {
            return Some(Hit { start: found.start(), end, anchor });
        }
        from = found.start() + 1;
    }
}

/// Whether what follows a name may assign to it: a quote, an escape, `=` or `:`, or the text's end.
/// Two names go on otherwise: the first line of a private key, and the short-lived keys of Bedrock.
///
/// Nothing is asked of what stands before, which may be in an earlier piece of the text; and what is
/// cut by the end, or by the quote around a piece, may be anything.
fn is_assigned(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    let goes_on = |wanted: &[u8]| {
        let other = wanted.iter().zip(rest).find(|(wanted, byte)| wanted != byte);
        other.is_none_or(|(_, byte)| *byte == b'"')
    };
    match rest.first() {
        Some(b' ' | b'\t') => {
            let blanks = rest.iter().take(BLANKS_MAX).take_while(|b| matches!(b, b' ' | b'\t'));
            let next = rest.get(blanks.count());
            next.is_none_or(|byte| b"=:\\\"".contains(byte)) || goes_on(b" BLOCK-")
        }
        Some(b'-') => goes_on(b"-----") || goes_on(b"-YmVkcm9jay5"),
        Some(byte) => b"=:\\\"'`".contains(byte),
        None => true,
    }
}

/// Whether this is a text up to the name in the first line of a PEM block with a private key.
pub(super) fn is_pem(text: &[u8]) -> bool {
    text.ends_with(b"PRIVATE KEY")
}

/// What the end of a text says of its continuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// From here on the text may become a secret; the text's length when nothing is suspicious.
    pub(super) hold: usize,
    /// Whether an anchor may span the end, so that the continuation must be searched together
    /// with it.
    pub(super) seam: bool,
}

/// Looks for the first half of an anchor at the end of `text`, after `floor`.
pub(super) fn ending(text: &[u8], floor: usize) -> Ending {
    let mut ending = Ending { hold: text.len(), seam: false };
    let Some(&last) = text.last() else { return ending };
    let previous = text.len().checked_sub(2).map(|index| text[index]);
    for half in &HALVES[usize::from(last)] {
        if half.previous.is_some() && half.previous != previous {
            continue;
        }
        let fits = text.len() >= floor + half.text.len() && text.ends_with(half.text);
        if !fits {
            continue;
        }
        let start = text.len() - half.text.len();
        if !half.anchor.holds() {
            ending.seam = true;
        } else if half.anchor.may_start(text, start, floor) {
            ending.hold = ending.hold.min(start);
        }
    }
    ending
}

/// Whether an anchor that starts at `from` or later spans position `at`.
pub(super) fn spans(text: &[u8], from: usize, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let (Some(&last), Some(next)) = (before.last(), after.first()) else { return false };
    SEAMS[usize::from(last)].iter().any(|(half, rest)| {
        rest.first() == Some(next)
            && from + half.len() <= at
            && before.ends_with(half)
            && after.starts_with(rest)
    })
}

/// A proper prefix of an anchor.
#[derive(Debug)]
struct Half {
    text: &'static [u8],
    previous: Option<u8>,
    anchor: Anchor,
}

#[expect(clippy::expect_used, reason = "the anchors are constant, and a test builds the search")]
static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(ALL.iter().map(|(literal, _)| literal.as_bytes()))
        .expect("a few short literals make an automaton")
});

/// Prefixes of anchors by their last byte.
static HALVES: LazyLock<[Vec<Half>; 256]> = LazyLock::new(|| {
    let mut table = [const { Vec::new() }; 256];
    for (literal, anchor) in ALL.iter() {
        for len in 1..literal.len() {
            let text = &literal.as_bytes()[..len];
            let previous = len.checked_sub(2).map(|index| text[index]);
            let last = usize::from(text[len - 1]);
            let row: &mut Vec<Half> = &mut table[last];
            let known = row.iter().any(|half| half.text == text && half.anchor == *anchor);
            if !known {
                row.push(Half { text, previous, anchor: *anchor });
            }
        }
    }
    table
});

/// The two parts of an anchor that is cut in two.
type Parts = (&'static [u8], &'static [u8]);

/// Both parts of every cut of every anchor, by the last byte of the first part.
static SEAMS: LazyLock<[Vec<Parts>; 256]> = LazyLock::new(|| {
    let mut table = [const { Vec::new() }; 256];
    for (literal, _) in ALL.iter() {
        for len in 1..literal.len() {
            let (half, rest) = literal.as_bytes().split_at(len);
            let row: &mut Vec<Parts> = &mut table[usize::from(half[len - 1])];
            row.push((half, rest));
        }
    }
    table
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_seen_across_every_seam() {
        for (literal, _) in ALL.iter() {
            let text = format!("ab{literal}cd");
            for at in 0..=text.len() {
                let inside = at > 2 && at < 2 + literal.len();
                assert_eq!(spans(text.as_bytes(), 2, at), inside, "{literal} at {at}");
                assert!(!spans(text.as_bytes(), 3, at), "{literal} at {at}");
            }
        }
    }

    #[test]
    fn no_anchor_begins_another_and_all_fit_the_vectorised_search() {
        assert!(ALL.len() <= 64, "{}", ALL.len());
        assert!(ALL.iter().all(|(literal, _)| literal.len() >= 3));
        assert_eq!(ALL.iter().map(|(literal, _)| literal.len()).max(), Some(LONGEST));
        for (position, (outer, _)) in ALL.iter().enumerate() {
            for (other, (inner, _)) in ALL.iter().enumerate() {
                let begins = outer.starts_with(inner.as_ref());
                assert!(position == other || !begins, "{inner} begins {outer}");
            }
            assert!(next_hit(outer.as_bytes(), 0).is_some());
        }
    }

    #[test]
    fn a_name_that_nothing_assigns_to_is_no_hit() {
        for text in [
            "the key is",
            "tokens=",
            "a keyword: x",
            "key-value",
            "password   of",
            "KEYS",
            "key--v",
            "passwort=",
            "glassware: x",
        ] {
            assert!(next_hit(text.as_bytes(), 0).is_none(), "{text}");
        }
        for text in [
            "key",
            "api_key ",
            "token\t= ",
            "password:",
            "SECRET'",
            "Key\\\"",
            "PRIVATE KEY-",
            "KEY BL",
            "key-\"",
            "passWd=",
            "passwo",
            "passw\"",
        ] {
            assert!(next_hit(text.as_bytes(), 0).is_some(), "{text}");
        }
    }

    #[test]
    fn the_first_half_of_a_key_is_held_only_where_a_word_starts() {
        let hold = |text: &str| ending(text.as_bytes(), 0).hold;
        assert_eq!(hold("the s"), 4);
        assert_eq!(hold("the sk"), 4);
        assert_eq!(hold("the task"), 8);
        assert_eq!(hold("this"), 4);
        assert_eq!(hold(r"a line\nsk"), 8);
        assert_eq!(hold(r"a line\n"), 8);
        assert_eq!(hold("see githu"), 4);
    }
}
