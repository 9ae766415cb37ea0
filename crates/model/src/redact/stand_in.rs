//! What stands in the place of a secret: a reference to where it is, a name to be filled in, a type, a
//! word for its state, and what a form or a message says about it.

use super::bytes::{alnum, letter, of_word};
use super::field::is_template;
use super::value::{Form, is_sized_type};

/// What a value is when nobody has set it yet: its type, or a word for its state.
const KINDS: [&[u8]; 31] = [
    b"bool",
    b"boolean",
    b"bytes",
    b"default",
    b"disabled",
    b"empty",
    b"enabled",
    b"encrypted",
    b"false",
    b"hidden",
    b"integer",
    b"invalid",
    b"missing",
    b"never",
    b"none",
    b"null",
    b"number",
    b"object",
    b"optional",
    b"plain",
    b"prompt",
    b"random",
    b"required",
    b"secretstr",
    b"string",
    b"text",
    b"true",
    b"undefined",
    b"unknown",
    b"unset",
    b"value",
];

/// Whether a value stands for a secret that is elsewhere, or for any.
pub(super) fn is_stand_in(value: &[u8], form: Form) -> bool {
    const OPENINGS: [&[u8]; 8] = [b"[redacted", b"$(", b"${", b"#{", b"@{", b"%(", b"%{", b"..."];
    const INSIDE: [&[u8]; 8] =
        [b"${", b"{{", b"}}", b"...", b"\xe2\x80\xa6", b"://", b"\" +", b"process.env"];
    const WORDS: [&[u8]; 12] = [
        b"changeme",
        b"change_me",
        b"change-me",
        b"dummy",
        b"getenv",
        b"insert",
        b"placeholder",
        b"redacted",
        b"replace",
        b"todo",
        b"xxxx",
        b"your",
    ];
    // What the field is called in a form.
    const LABELS: [&str; 5] = ["contraseña", "mot de passe", "şifre", "пароль", "Пароль"];
    let has = |part: &[u8]| value.windows(part.len()).any(|at| at.eq_ignore_ascii_case(part));
    let is_reference = value.first() == Some(&b'$')
        && value[1..].iter().all(|byte| alnum(*byte) || b"_.:".contains(byte))
        || value.len() > 2 && value.first() == Some(&b'%') && value.last() == Some(&b'%');
    let is_code = match (form, value.first()) {
        (Form::Bare, Some(b'<' | b'{' | b'[')) | (Form::Environment, Some(b'<')) => true,
        (Form::Bare, Some(b'!')) => !is_spiked(value),
        _ => false,
    };
    let first = value.first().copied().unwrap_or_default();
    is_template(value)
        || is_reference
        || is_code
        || is_enclosed_name(value)
        || value.iter().all(|byte| *byte == first)
        || value.iter().filter(|byte| of_word(**byte)).count() < 3
        || OPENINGS.iter().any(|opening| value.starts_with(opening))
        || INSIDE.iter().any(|part| has(part))
        || WORDS.iter().any(|word| has_word(value, word))
        || is_declaration(value, form)
        || LABELS.iter().any(|label| value.eq_ignore_ascii_case(label.as_bytes()))
        || is_field_of_format(value)
}

/// Whether a value says what there may be, in one part or in several: `string|null`, `required|string|min:8`. With
/// a part that does not, everyday words beside it are parts of somebody's password.
fn is_declaration(value: &[u8], form: Form) -> bool {
    let parts = || value.split(|byte| *byte == b'|').map(<[u8]>::trim_ascii);
    let is_kind = |part: &[u8]| KINDS.iter().any(|kind| part.eq_ignore_ascii_case(kind));
    let is_type = |part: &[u8]| form == Form::Bare && is_type(part);
    parts().any(is_kind) && parts().all(|part| is_kind(part) || is_rule(part) || is_type(part))
}

/// Whether this is a type beside others: `Buffer`, `Uint8Array`, `string[]`.
fn is_type(part: &[u8]) -> bool {
    // A value ends before the bracket that closes: it may be one around it.
    let name = part.strip_suffix(b"[]").or_else(|| part.strip_suffix(b"[")).unwrap_or(part);
    let is_capitalised = name.first().is_some_and(u8::is_ascii_uppercase);
    is_capitalised && name.iter().all(u8::is_ascii_alphabetic)
        || name.iter().all(|byte| alnum(*byte)) && !is_spiked(name) && is_sized_type(name)
}

/// Whether this is a rule of a form for what is entered, as validators name them: `nullable`, `between:8,64`.
fn is_rule(part: &[u8]) -> bool {
    const RULES: [&[u8]; 29] = [
        b"alpha_dash",
        b"alpha_num",
        b"array",
        b"bail",
        b"between",
        b"confirmed",
        b"current_password",
        b"different",
        b"digits",
        b"email",
        b"exists",
        b"filled",
        b"in",
        b"max",
        b"min",
        b"not_in",
        b"nullable",
        b"numeric",
        b"present",
        b"regex",
        b"required_if",
        b"required_with",
        b"required_without",
        b"same",
        b"size",
        b"sometimes",
        b"unique",
        b"url",
        b"uuid",
    ];
    let end = memchr::memchr(b':', part).unwrap_or(part.len());
    let (name, detail) = (&part[..end], part.get(end + 1..).unwrap_or_default());
    let is_plain = |it: &[u8]| {
        it.len() <= 4 && it.iter().all(u8::is_ascii_digit)
            || it.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
    };
    RULES.contains(&name) && (name == b"regex" || detail.split(|byte| *byte == b',').all(is_plain))
}

/// Whether a value is a name between brackets, to be filled in: `<your key>`, `[PASSWORD]`.
fn is_enclosed_name(value: &[u8]) -> bool {
    match value {
        [b'<', name @ .., b'>'] => !is_spiked(name),
        [b'[', name @ .., b']'] | [b'{', name @ .., b'}'] => {
            name.iter().all(|byte| of_word(*byte) || b" _-.:".contains(byte)) && !is_spiked(name)
        }
        _ => false,
    }
}

/// Whether there are digits in words, as in no name: `Tr0ub4dor`. One may be: `oauth2Token`.
pub(super) fn is_spiked(value: &[u8]) -> bool {
    let is_spike = |pair: &&[u8]| pair[0].is_ascii_digit() && letter(pair[1]);
    value.windows(2).filter(is_spike).count() > 1
}

/// Whether `word` stands in `value` as a word: with no letter before it, or as a capitalised one, and with
/// none behind it but those of a word that goes on so (`yourkey`). In the midst of a key it is chance.
fn has_word(value: &[u8], word: &[u8]) -> bool {
    const GO_ON: [&[u8]; 18] = [
        b"access", b"api", b"app", b"client", b"here", b"it", b"key", b"me", b"own", b"pass",
        b"private", b"real", b"secret", b"text", b"this", b"token", b"with", b"x",
    ];
    value.windows(word.len()).enumerate().any(|(start, found)| {
        if !found.eq_ignore_ascii_case(word) {
            return false;
        }
        let rest = &value[start + word.len()..];
        let is_title = found[0].is_ascii_uppercase() && found[1].is_ascii_lowercase();
        let starts = start.checked_sub(1).is_none_or(|before| {
            !alnum(value[before]) || is_title && value[before].is_ascii_lowercase()
        });
        let ends = rest.first().is_none_or(|behind| {
            !behind.is_ascii_alphabetic()
                || behind.is_ascii_uppercase() && found[word.len() - 1].is_ascii_lowercase()
        });
        let goes_on = || {
            GO_ON.iter().any(|next| {
                rest.get(..next.len()).is_some_and(|behind| behind.eq_ignore_ascii_case(next))
            })
        };
        starts && (ends || goes_on())
    })
}

/// Whether a value has a name in braces, as a format string has.
fn is_field_of_format(value: &[u8]) -> bool {
    let Some(open) = memchr::memchr(b'{', value) else { return false };
    let Some(len) = memchr::memchr(b'}', &value[open..]) else { return false };
    value[open + 1..open + len].iter().all(|byte| alnum(*byte) || b"_.:?!()$".contains(byte))
        && !is_spiked(&value[open + 1..open + len])
}

/// Whether `words` are what a form or a message says about a password.
pub(super) fn is_message<'a, W: Iterator<Item = &'a [u8]>>(words: impl Fn() -> W) -> bool {
    const ANYWHERE: [&[u8]; 13] = [
        b"cannot",
        b"characters",
        b"chars",
        b"credentials",
        b"invalid",
        b"must",
        b"optional",
        b"passphrase",
        b"password",
        b"passwords",
        b"required",
        b"string",
        b"username",
    ];
    const FIRST: [&[u8]; 26] = [
        b"are",
        b"at",
        b"can",
        b"choose",
        b"confirm",
        b"do",
        b"does",
        b"doesn",
        b"don",
        b"enter",
        b"for",
        b"forgot",
        b"has",
        b"incorrect",
        b"is",
        b"minimum",
        b"missing",
        b"not",
        b"please",
        b"repeat",
        b"should",
        b"to",
        b"use",
        b"used",
        b"was",
        b"wrong",
    ];
    let is_in = |list: &[&[u8]], word: &[u8]| list.iter().any(|it| word.eq_ignore_ascii_case(it));
    words().next().is_some_and(|first| is_in(&FIRST, first))
        || words().any(|word| is_in(&ANYWHERE, word))
}
