//! Anchors: the literals that a secret cannot do without, and the search for all of them at once.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::bytes::{Before, before};

/// Which rule looks at a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Aws,
    Bearer,
    Data,
    DataUrl,
    Escape,
    Field,
    Github,
    Gitlab,
    GoogleKey,
    GoogleToken,
    HuggingFace,
    ImageMagic,
    Jwt,
    Npm,
    Parameter,
    PrivateKey,
    Sendgrid,
    Sk,
    Slack,
    SlackHook,
    Stripe,
    Userinfo,
}

impl Anchor {
    /// Whether what is replaced starts with the anchor itself, so that a text ending in the first
    /// half of it must be held. Other anchors only announce what follows them.
    const fn holds(self) -> bool {
        !matches!(
            self,
            Self::Bearer
                | Self::Data
                | Self::DataUrl
                | Self::Field
                | Self::Parameter
                | Self::PrivateKey
                | Self::SlackHook
                | Self::Userinfo
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

/// Every anchor. None lies inside another one, so hits in order of their start never hide one
/// another; at most 64 and none below three bytes, because there the vectorised search ends or slows.
const ANCHORS: &[(&str, Anchor)] = &[
    ("AKIA", Anchor::Aws),
    ("ASIA", Anchor::Aws),
    ("earer ", Anchor::Bearer),
    // With the opening quote, because `data` alone begins every line of an event stream.
    ("\"data\"", Anchor::Data),
    ("\"data\\", Anchor::Data),
    (";base64,", Anchor::DataUrl),
    ("\\/\\", Anchor::Escape),
    ("\\u00", Anchor::Escape),
    ("KEY\"", Anchor::Field),
    ("KEY\\", Anchor::Field),
    ("Key\"", Anchor::Field),
    ("Key\\", Anchor::Field),
    ("key\"", Anchor::Field),
    ("key\\", Anchor::Field),
    ("CRET\"", Anchor::Field),
    ("CRET\\", Anchor::Field),
    ("cret\"", Anchor::Field),
    ("cret\\", Anchor::Field),
    ("OKEN\"", Anchor::Field),
    ("OKEN\\", Anchor::Field),
    ("oken\"", Anchor::Field),
    ("oken\\", Anchor::Field),
    ("WORD\"", Anchor::Field),
    ("WORD\\", Anchor::Field),
    ("word\"", Anchor::Field),
    ("word\\", Anchor::Field),
    ("zation\"", Anchor::Field),
    ("zation\\", Anchor::Field),
    ("phrase\"", Anchor::Field),
    ("phrase\\", Anchor::Field),
    ("gho_", Anchor::Github),
    ("ghp_", Anchor::Github),
    ("ghr_", Anchor::Github),
    ("ghs_", Anchor::Github),
    ("ghu_", Anchor::Github),
    ("github_pat_", Anchor::Github),
    ("glpat-", Anchor::Gitlab),
    ("AIza", Anchor::GoogleKey),
    ("ya29.", Anchor::GoogleToken),
    ("hf_", Anchor::HuggingFace),
    ("/9j/4", Anchor::ImageMagic),
    ("R0lGOD", Anchor::ImageMagic),
    ("UklGR", Anchor::ImageMagic),
    ("iVBORw0KGgo", Anchor::ImageMagic),
    ("eyJ", Anchor::Jwt),
    ("npm_", Anchor::Npm),
    ("KEY=", Anchor::Parameter),
    ("WORD=", Anchor::Parameter),
    ("ature=", Anchor::Parameter),
    ("cret=", Anchor::Parameter),
    ("key =", Anchor::Parameter),
    ("key=", Anchor::Parameter),
    ("oken=", Anchor::Parameter),
    ("sig=", Anchor::Parameter),
    ("word=", Anchor::Parameter),
    ("PRIVATE KEY", Anchor::PrivateKey),
    ("SG.", Anchor::Sendgrid),
    ("sk-", Anchor::Sk),
    ("xapp-", Anchor::Slack),
    ("xox", Anchor::Slack),
    ("hooks.slack.com/", Anchor::SlackHook),
    ("rk_live_", Anchor::Stripe),
    ("sk_live_", Anchor::Stripe),
    ("://", Anchor::Userinfo),
];

/// Length of the longest anchor.
pub(super) const LONGEST: usize = 16;

/// A place where an anchor stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) anchor: Anchor,
}

/// The first anchor at or after `from`.
pub(super) fn next_hit(text: &[u8], from: usize) -> Option<Hit> {
    let found = SEARCH.find(Input::new(text).range(from.min(text.len())..))?;
    let (_, anchor) = ANCHORS[found.pattern().as_usize()];
    Some(Hit { start: found.start(), end: found.end(), anchor })
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
        .build(ANCHORS.iter().map(|(literal, _)| literal))
        .expect("a few short literals make an automaton")
});

/// Prefixes of anchors by their last byte.
static HALVES: LazyLock<[Vec<Half>; 256]> = LazyLock::new(|| {
    let mut table = [const { Vec::new() }; 256];
    for (literal, anchor) in ANCHORS {
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
    for (literal, _) in ANCHORS {
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
        for (literal, _) in ANCHORS {
            let text = format!("ab{literal}cd");
            for at in 0..=text.len() {
                let inside = at > 2 && at < 2 + literal.len();
                assert_eq!(spans(text.as_bytes(), 2, at), inside, "{literal} at {at}");
                assert!(!spans(text.as_bytes(), 3, at), "{literal} at {at}");
            }
        }
    }

    #[test]
    fn no_anchor_lies_inside_another_and_all_fit_the_vectorised_search() {
        assert!(ANCHORS.len() <= 64, "{}", ANCHORS.len());
        assert!(ANCHORS.iter().all(|(literal, _)| literal.len() >= 3));
        assert_eq!(ANCHORS.iter().map(|(literal, _)| literal.len()).max(), Some(LONGEST));
        for (position, (outer, _)) in ANCHORS.iter().enumerate() {
            for (other, (inner, _)) in ANCHORS.iter().enumerate() {
                assert!(position == other || !outer.contains(inner), "{inner} in {outer}");
            }
            assert!(next_hit(outer.as_bytes(), 0).is_some());
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
