//! Assigned values: which are a secret themselves, and which only name one, call for one or stand in
//! for one.
//!
//! Where a name is certain, nearly every literal counts; code that computes the value does not. What
//! is asked for grows as the place says less: in quotes least, behind a colon of prose most.

use super::bytes::{alnum, base64, digits, letter, of_word};
use super::name::{CERTAIN, Named, credential};
use super::stand_in::{is_message, is_stand_in};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes.
    Quoted,
    /// As a variable of the environment is set: `NAME=value`.
    Environment,
    /// Without quotes, where code would have an expression or a type, and prose a word.
    Bare,
}

/// What is known of the place of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) form: Form,
    pub(super) named: Named,
}

/// Whether `value` is a secret, and not what stands for one. Without quotes a `|` may stand between two, and
/// one is enough.
pub(super) fn is_secret(value: &[u8], place: Place) -> bool {
    if place.form == Form::Quoted || !value.contains(&b'|') {
        return is_one(value, place);
    }
    value.split(|byte| *byte == b'|').any(|part| is_one(part, place))
        && !is_stand_in(value, place.form)
}

/// The same of a value that is one. What costs least is asked first.
fn is_one(value: &[u8], place: Place) -> bool {
    let is_dense = is_dense(value);
    (is_dense || place.named != Named::Likely && is_strong(value, place))
        && !is_stand_in(value, place.form)
        && (is_dense || !stands_for_one(value, place.form))
}

/// Whether a value without many digits is a name, a path or code. What sets a variable of the environment is
/// neither a name nor the name of a variable.
fn stands_for_one(value: &[u8], form: Form) -> bool {
    is_path(value)
        || match form {
            Form::Quoted => is_name(value),
            Form::Environment => is_word(value) || is_expression(value, form),
            Form::Bare => is_name(value) || is_expression(value, form),
        }
}

/// Whether a value could be a secret in such a place.
fn is_strong(value: &[u8], Place { form, named }: Place) -> bool {
    let is_mixed = digits(value) > 0 && value.iter().any(|byte| letter(*byte));
    let is_password = named == Named::Password;
    let least = if is_password { 6 } else { 8 };
    let is_word = || value.len() >= least && value.iter().all(|byte| letter(*byte));
    match form {
        Form::Quoted if value.len() < least => false,
        Form::Quoted if value.iter().any(u8::is_ascii_whitespace) => {
            is_password && is_phrase(value)
        }
        Form::Quoted => {
            let opens = value.first().is_some_and(|byte| b"[{<".contains(byte));
            is_mixed || has_mark(value) || opens || is_password && is_word()
        }
        Form::Environment => value.len() >= 4 && (is_mixed || has_mark(value) || is_word()),
        Form::Bare => value.len() >= 6 && is_mixed,
    }
}

/// Whether a value with blanks is a phrase of somebody's, and not what a form or a message says to them.
fn is_phrase(value: &[u8]) -> bool {
    // What stands between two strings of code begins or ends with a blank, or with what joins them.
    let begins = value.first().is_some_and(|byte| of_word(*byte) || b"!#*<@[^{~".contains(byte));
    let ends = value.last().is_some_and(|byte| of_word(*byte) || b"!#$%)*>?@]^}~.".contains(byte));
    let words = || value.split(|byte| !of_word(*byte)).filter(|word| !word.is_empty());
    begins && ends && words().count() >= 2 && !is_message(words)
}

/// Whether a value is too long and too full of digits for a word of any language.
fn is_dense(value: &[u8]) -> bool {
    let count = digits(value);
    value.len() >= 16 && count >= 3 && count < value.len() && value.iter().all(|b| base64(*b))
}

/// Whether a value has marks that no name has.
fn has_mark(value: &[u8]) -> bool {
    value.iter().any(|byte| b"!#$%^&*+=~?@|".contains(byte))
}

/// Whether a value is a word for credentials and nothing else: `password`, `api_key,`.
fn is_word(value: &[u8]) -> bool {
    let last = value.iter().rposition(|byte| alnum(*byte)).map_or(0, |last| last + 1);
    CERTAIN.iter().any(|known| value[..last].eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a value is itself a name of credentials, with or without a small number: `api_key`, `db_password2`. Words
/// that are written together are one only where it is known: `adminpassword` is somebody's password.
fn is_name(value: &[u8]) -> bool {
    let body = value.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    let name = &value[..body];
    let is_composed = name.iter().any(|byte| b"_-.".contains(byte));
    if value.len() - body > 2 || !is_composed && !is_word(name) {
        return false;
    }
    let is_identifier = name.iter().all(|byte| alnum(*byte) || b"_-.".contains(byte));
    // A weak word with a number is still a word that opens something.
    let is_weak = body < value.len() && CERTAIN.iter().any(|known| name == known.as_bytes());
    is_identifier && !is_weak && credential(name).is_some()
}

/// Whether a value is where something lies, not what it is.
fn is_path(value: &[u8]) -> bool {
    let is_relative =
        [b"./".as_slice(), b"../", b"~/", b".\\"].iter().any(|start| value.starts_with(start));
    let is_plain =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/_-.".contains(byte);
    is_relative || value.contains(&b'/') && value.iter().all(is_plain)
}

/// Whether a value without quotes is code: a call, an index, a path of names, an operation, or the
/// name of a variable; also where that is negated, or within brackets.
fn is_expression(value: &[u8], form: Form) -> bool {
    let opening = value.iter().take_while(|byte| b"!([{".contains(byte)).count();
    let value = &value[opening..];
    const OPERATORS: [&[u8]; 7] = [b"::", b"->", b"=>", b"==", b"()", b"||", b"!="];
    let is_part = |byte: &u8| alnum(*byte) || b"_$".contains(byte);
    let name = value.iter().take_while(|byte| is_part(byte) || b".?:".contains(byte)).count();
    let starts_as_name =
        value.first().is_some_and(|b| b.is_ascii_alphabetic() || b"_$*".contains(b));
    let opens = value.get(name).is_some_and(|byte| b"([{".contains(byte));
    if starts_as_name && name > 0 && opens
        || OPERATORS.iter().any(|part| value.windows(part.len()).any(|at| at == *part))
    {
        return true;
    }
    if value.contains(&b'.') {
        // Names with dots between; what has a number first or many of them is none.
        return starts_as_name
            && digits(value) < 3
            && value.split(|byte| *byte == b'.').all(|part| {
                part.first().is_none_or(|b| b.is_ascii_alphabetic() || *b == b'_')
                    && part.iter().all(is_part)
            });
    }
    let is_identifier = value.iter().all(is_part);
    if is_identifier && value.starts_with(b"_") {
        return true;
    }
    let is_constant = is_identifier
        && value.iter().all(|byte| !byte.is_ascii_lowercase())
        && value.contains(&b'_');
    let speaks_of_one = [b"pass".as_slice(), b"secret", b"token", b"key", b"auth", b"pwd"]
        .iter()
        .any(|word| value.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word)));
    let is_type = value.first().is_some_and(u8::is_ascii_uppercase);
    // People make passwords of the word, a capital and digits; types have no digits.
    let is_made_up = is_type
        && digits(value) > 0
        && [b"pass".as_slice(), b"pw"]
            .iter()
            .any(|word| value.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word)));
    let is_kind = value.len() <= 8 && is_identifier && is_sized_type(value);
    is_constant
        || form == Form::Bare
            && (is_identifier && speaks_of_one && (digits(value) < 3 || is_type) && !is_made_up
                || is_kind)
}

/// Whether this is a type with its size: `uint32`, `varchar255`, `char64`, `utf8mb4`.
pub(super) fn is_sized_type(value: &[u8]) -> bool {
    const TYPES: [&[u8]; 10] = [
        b"bigint", b"bytes", b"char", b"complex", b"float", b"int", b"string", b"uint", b"utf",
        b"varchar",
    ];
    let letters = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    TYPES.iter().any(|known| value[..letters].eq_ignore_ascii_case(known))
}
