//! The scan: anchors from left to right, each judged by its rule, over a text that may go on.

use std::borrow::Cow;

use super::anchor::{Anchor, Hit, LONGEST, ending, next_hit};
use super::rule::Rule;
use super::stop::Stop;
use super::view::View;
use super::{announced, assign, image, parameter, shape};

/// Which rules are on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Keys, credential fields, passwords.
    pub(super) keys: bool,
    /// Base64 images.
    pub(super) images: bool,
}

impl Rules {
    /// Whether no rule is on.
    pub(super) const fn none(self) -> bool {
        !self.keys && !self.images
    }
}

/// A part of a text to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
    pub(super) text: Cow<'static, str>,
}

impl Cut {
    /// A cut that leaves its rule's plain placeholder.
    pub(super) const fn plain(rule: Rule, start: usize, end: usize) -> Self {
        Self { start, end, rule, text: Cow::Borrowed(rule.placeholder()) }
    }
}

/// What a rule says of a hit.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing here; the scan goes on behind the hit's first byte.
    Nothing,
    /// Replace this.
    Cut(Cut),
    /// The text ends too early to say.
    More(More),
}

/// An open question at the end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct More {
    /// What must not be shown before the answer; the text's length when it is still harmless.
    pub(super) hold: usize,
    /// As what it would have to be swallowed when the answer does not come in time.
    pub(super) open: Option<(Rule, Stop)>,
}

/// A window of a text, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    /// Bytes of a [`View`], with some context before what is to be judged.
    pub(super) text: &'a [u8],
    /// Where the last cut ended.
    pub(super) floor: usize,
    /// Whether the text ends here.
    pub(super) last: bool,
}

impl Window<'_> {
    /// The verdict when a rule ran into the end of the text: an open question if it goes on.
    pub(super) const fn at_end(self, hold: usize, open: Option<(Rule, Stop)>) -> Verdict {
        if self.last { Verdict::Nothing } else { Verdict::More(More { hold, open }) }
    }
}

/// Where a scan stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Anchors before this have been judged.
    pub(super) next: usize,
    /// Where the last cut ended.
    pub(super) floor: usize,
}

/// How far a scan came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Halt {
    pub(super) mark: Mark,
    /// Up to here the text is decided.
    pub(super) decided: usize,
    /// Whether the continuation must be searched together with the end.
    pub(super) seam: bool,
    /// Whether an anchor at the end is not judged yet.
    pub(super) asks: bool,
    /// What the undecided rest would be swallowed as.
    pub(super) open: Option<(Rule, Stop)>,
}

/// Scans `text` from `mark`, gives every cut to `cuts`, and stops at an open question unless
/// `last` says that the text ends here.
pub(super) fn scan(
    text: &[u8],
    mark: Mark,
    last: bool,
    rules: Rules,
    cuts: &mut dyn FnMut(Cut),
) -> Halt {
    let Mark { mut next, mut floor } = mark;
    while let Some(hit) = next_hit(text, next) {
        match judge(Window { text, floor, last }, hit, rules) {
            Verdict::Nothing => next = hit.start + 1,
            Verdict::Cut(cut) => {
                next = cut.end.max(hit.start + 1);
                floor = cut.end;
                cuts(cut);
            }
            Verdict::More(More { hold, open }) => {
                let mark = Mark { next: hit.start, floor };
                return Halt { mark, decided: hold, seam: true, asks: true, open };
            }
        }
    }
    let seam_start = text.len().saturating_sub(LONGEST - 1);
    let mark = Mark { next: next.max(seam_start).max(floor), floor };
    if last {
        return Halt { mark, decided: text.len(), seam: false, asks: false, open: None };
    }
    let ending = ending(text, floor);
    Halt { mark, decided: ending.hold, seam: ending.seam, asks: false, open: None }
}

/// Where the first anchor at or after `from` stands; none where there is none, or no rule is on.
pub(super) fn first(raw: &[u8], from: usize, rules: Rules) -> Option<usize> {
    if rules.none() { None } else { next_hit(raw, from).map(|hit| hit.start) }
}

/// Every cut of a whole text, in order.
pub(super) fn cuts(raw: &[u8], rules: Rules) -> Vec<Cut> {
    first(raw, 0, rules).map_or_else(Vec::new, |first| cuts_from(raw, first, rules))
}

/// The same of one whose first anchor is known.
pub(super) fn cuts_from(raw: &[u8], first: usize, rules: Rules) -> Vec<Cut> {
    let mut found = Vec::new();
    let view = View::whole(raw);
    let next = if view.is_plain() { first } else { 0 };
    scan(view.bytes(), Mark { next, floor: 0 }, true, rules, &mut |cut| {
        found.push(Cut { start: view.to_raw(cut.start), end: view.to_raw(cut.end), ..cut });
    });
    found
}

fn judge(window: Window<'_>, hit: Hit, rules: Rules) -> Verdict {
    let on = match hit.anchor {
        Anchor::Data | Anchor::DataUrl | Anchor::ImageMagic => rules.images,
        _ => rules.keys,
    };
    if !on {
        return Verdict::Nothing;
    }
    match hit.anchor {
        Anchor::Escape => Verdict::Nothing,
        // What a stem ends in may be cut.
        Anchor::Stem if hit.end == window.text.len() => window.at_end(hit.end, None),
        Anchor::Name | Anchor::Stem => assign::judge(window, hit.end),
        Anchor::Parameter => assign::judge(window, hit.end - 1),
        Anchor::Bearer => parameter::bearer(window, hit),
        Anchor::Cookie => parameter::cookie(window, hit),
        Anchor::Curl => parameter::curl(window, hit),
        Anchor::Userinfo => parameter::userinfo(window, hit),
        Anchor::Hook | Anchor::Live | Anchor::Telegram | Anchor::Terraform | Anchor::Versioned => {
            announced::judge(window, hit)
        }
        Anchor::Data => image::member(window, hit),
        Anchor::DataUrl => image::data_url(window, hit),
        Anchor::ImageMagic => image::magic(window, hit),
        _ => shape::judge(window, hit),
    }
}
