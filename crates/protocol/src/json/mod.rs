//! JSON read in place: an object as its members' raw texts, because a reader of other people's
//! formats must not fail on a member it does not need.

mod skip;

use std::borrow::Cow;

use skip::Skip;
pub(crate) use skip::first_special;

/// The most members of an object that are looked at; no format here has nearly so many.
const MAX_MEMBERS: usize = 1024;

/// A JSON object's members in order, values unparsed. A repeated name: the last one counts.
#[derive(Debug, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Object<'a> {
    /// Reads one whole JSON object.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        Self::of(std::str::from_utf8(text).ok()?)
    }

    /// Reads as many members as there are whole ones, and whether the text was one whole object.
    pub(crate) fn read_lossy(text: &'a [u8]) -> (Self, bool) {
        let mut object = Self { members: Vec::with_capacity(8) };
        let (text, is_text) = match std::str::from_utf8(text) {
            Ok(text) => (text, true),
            Err(error) => (str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(), false),
        };
        let is_whole = object.collect(&mut Skip::new(text)).is_some();
        (object, is_whole && is_text)
    }

    /// Reads one whole JSON object, of which it is known that it is a text.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        let mut object = Self { members: Vec::with_capacity(8) };
        object.collect(&mut Skip::new(text))?;
        Some(object)
    }

    /// Reads the first members of a whole JSON object, up to one with this name.
    #[must_use]
    pub fn up_to(text: &'a str, name: &str) -> Option<Self> {
        let mut object = Self { members: Vec::with_capacity(1) };
        let skip = &mut Skip::new(text);
        let mut is_met = false;
        let whole = object.collect_with(skip, |key, skip| {
            if is_met {
                return None;
            }
            is_met = inner(key) == Some(name);
            skip.value().map(|_| ())
        });
        (is_met || whole.is_some()).then_some(object)
    }

    /// Collects the members of what stands here, which ends with the text.
    fn collect(&mut self, skip: &mut Skip<'a>) -> Option<()> {
        self.collect_with(skip, |_, skip| skip.value().map(|_| ()))?;
        skip.blanks().is_none().then_some(())
    }

    /// Collects the members of what stands here; `pass` passes a member's value, by its name with its quotes.
    fn collect_with(
        &mut self,
        skip: &mut Skip<'a>,
        mut pass: impl FnMut(&'a str, &mut Skip<'a>) -> Option<()>,
    ) -> Option<()> {
        skip.take(b'{')?;
        if skip.blanks()? == b'}' {
            skip.at += 1;
            return Some(());
        }
        loop {
            skip.blanks()?;
            let (name, is_escaped) = skip.name()?;
            skip.blanks()?;
            let start = skip.at;
            pass(name, skip)?;
            let value = skip.since(start)?;
            if self.members.len() < MAX_MEMBERS {
                let name = inner(name).unwrap_or_default();
                let plain = Cow::Borrowed(name);
                let name = if is_escaped { unescape(name).unwrap_or_default() } else { plain };
                self.members.push((name, value));
            }
            match skip.blanks()? {
                b',' => skip.at += 1,
                b'}' => break skip.at += 1,
                _ => return None,
            }
        }
        Some(())
    }

    /// The JSON text of a member; none when it is absent or `null`.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        let found = self.members.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    }

    /// Name and JSON text of the members, in order, repeated ones included.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().map(|(name, raw)| (&**name, *raw))
    }

    /// The names of the members, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
    }

    /// A member that is a string, unescaped.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.raw(name)?)
    }

    /// A member that is a string, unescaped and owned; empty when it is none.
    pub(crate) fn owned(&self, name: &str) -> String {
        self.text(name).map(Cow::into_owned).unwrap_or_default()
    }

    /// A member that is a non-negative integer.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// A member that is a non-negative integer below 2³².
    pub(crate) fn index(&self, name: &str) -> Option<u32> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// A member that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// Name and JSON text of the first member that is not `null`: of a union, the one it has.
    pub(crate) fn first(&self) -> Option<(&str, &'a str)> {
        let found = self.members.iter().find(|(_, raw)| *raw != "null");
        found.map(|(name, raw)| (&**name, *raw))
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::of(self.raw(name)?)
    }
}

/// An object, the object in one of its members, and the list in one of that one's, read in one pass: most of a text may
/// lie deep in it.
#[derive(Debug, Default)]
pub(crate) struct Nested<'a> {
    pub(crate) object: Object<'a>,
    /// None where the member is no object, or has escapes in its name.
    pub(crate) within: Option<Object<'a>>,
    /// None where that one's member is no list, or has escapes in its name.
    pub(crate) list: Option<Vec<Listed<'a>>>,
}

/// An element of a list.
#[derive(Debug)]
pub(crate) enum Listed<'a> {
    Object(Object<'a>),
    /// The JSON of anything else.
    Other(&'a str),
}

impl<'a> Nested<'a> {
    /// Reads one whole object with what its member `within` and that one's member `list` hold.
    pub(crate) fn of(text: &'a str, within: &str, list: &str) -> Option<Self> {
        // Lines have more members than what is within them.
        let mut it = Self { object: Object { members: Vec::with_capacity(20) }, ..Self::default() };
        let Self { object, within: found, list: listed } = &mut it;
        let skip = &mut Skip::new(text);
        object.collect_with(skip, |name, skip| {
            if inner(name) != Some(within) {
                return skip.value().map(|_| ());
            }
            (*found, *listed) = (None, None);
            if skip.peek() != Some(b'{') {
                return skip.value().map(|_| ());
            }
            let members = found.insert(Object { members: Vec::with_capacity(8) });
            members.collect_with(skip, |name, skip| {
                if inner(name) != Some(list) {
                    return skip.value().map(|_| ());
                }
                *listed = None;
                if skip.peek() != Some(b'[') {
                    return skip.value().map(|_| ());
                }
                let all = listed.insert(Vec::new());
                skip.elements(|skip| {
                    all.push(if skip.peek() == Some(b'{') {
                        let mut object = Object { members: Vec::with_capacity(8) };
                        object.collect_with(skip, |_, skip| skip.value().map(|_| ()))?;
                        Listed::Object(object)
                    } else {
                        Listed::Other(skip.value()?)
                    });
                    Some(())
                })
            })
        })?;
        skip.blanks().is_none().then_some(it)
    }
}

/// The JSON text of an element of an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a>(&'a str);

impl<'a> Element<'a> {
    pub(crate) const fn get(self) -> &'a str {
        self.0
    }
}

/// The elements of a JSON array, unparsed.
pub(crate) fn elements(text: &str) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    each_element(text, |element| elements.push(element))?;
    Some(elements)
}

/// Shows the elements of a JSON array, unparsed.
fn each_element<'a>(text: &'a str, mut see: impl FnMut(Element<'a>)) -> Option<()> {
    let mut skip = Skip::new(text);
    skip.elements(|skip| skip.value().map(|value| see(Element(value))))?;
    skip.blanks().is_none().then_some(())
}

/// The type that the object states in `member`, else `name`.
pub(crate) fn stated<'a>(object: Option<&Object<'a>>, member: &str, name: &'a str) -> &'a str {
    match object.and_then(|object| object.text(member)) {
        Some(Cow::Borrowed(kind)) => kind,
        // Escapes in a type's name: nobody sends that.
        Some(Cow::Owned(_)) | None => name,
    }
}

/// The same of an event, which is an `error` where it states no type and holds one: so some servers and
/// gateways break an answer off, in the form that an error's body has.
pub(crate) fn stated_or_error<'a>(
    object: Option<&Object<'a>>,
    member: &str,
    name: &'a str,
) -> &'a str {
    let is_error =
        |object: &Object<'_>| object.raw(member).is_none() && object.raw("error").is_some();
    if object.is_some_and(is_error) { "error" } else { stated(object, member, name) }
}

/// Number of elements of a JSON array.
pub(crate) fn count(text: &str) -> Option<u64> {
    let mut count = 0;
    each_element(text, |_| count += 1)?;
    Some(count)
}

/// What lies between the quotes of a JSON string's text; none when the text is no string.
pub(crate) fn inner(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// The string that a JSON text is, unescaped; none when it is none.
#[must_use]
pub fn text(raw: &str) -> Option<Cow<'_, str>> {
    unescape(inner(raw)?)
}

/// Undoes the escapes of RFC 8259 §7 between a JSON string's quotes. None when an escape is not
/// one of the format's. A surrogate without its other half becomes U+FFFD.
pub(crate) fn unescape(escaped: &str) -> Option<Cow<'_, str>> {
    let bytes = escaped.as_bytes();
    let Some(first) = memchr::memchr(b'\\', bytes) else { return Some(Cow::Borrowed(escaped)) };
    let mut text = String::with_capacity(escaped.len());
    text.push_str(&escaped[..first]);
    let mut at = first;
    loop {
        // Here `at` is at a backslash.
        let mut used = 2;
        let c = match *bytes.get(at + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = hex4(bytes.get(at + 2..)?)?;
                used = 6;
                match unit {
                    0xD800..0xDC00 => match low_surrogate(bytes.get(at + 6..)?) {
                        Some(low) => {
                            used = 12;
                            let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                            char::from_u32(code)?
                        }
                        None => char::REPLACEMENT_CHARACTER,
                    },
                    0xDC00..0xE000 => char::REPLACEMENT_CHARACTER,
                    _ => char::from_u32(unit)?,
                }
            }
            _ => return None,
        };
        text.push(c);
        let rest = escaped.get(at + used..)?;
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => {
                text.push_str(&rest[..next]);
                at += used + next;
            }
            None => {
                text.push_str(rest);
                return Some(Cow::Owned(text));
            }
        }
    }
}

fn low_surrogate(bytes: &[u8]) -> Option<u32> {
    hex4(bytes.strip_prefix(b"\\u")?).filter(|unit| (0xDC00..0xE000).contains(unit))
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes
        .get(..4)?
        .iter()
        .try_fold(0, |unit, byte| char::from(*byte).to_digit(16).map(|digit| unit << 4 | digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_gives_its_members_without_reading_their_values() {
        let object = Object::read(
            br#" {"a": "x\ny", "b": [1, {}], "c": 7, "n": null, "\u0064": true, "c": 8} "#,
        );
        let object = object.expect("an object");
        assert_eq!(object.text("a").as_deref(), Some("x\ny"));
        assert_eq!(object.raw("b"), Some("[1, {}]"));
        assert_eq!(object.number("c"), Some(8));
        assert_eq!(object.raw("n"), None);
        assert_eq!(object.flag("d"), Some(true));
        assert_eq!(object.text("c"), None);
        assert_eq!(count("[1, [2, 3], {}]"), Some(3));
    }

    #[test]
    fn what_is_read_in_one_pass_is_what_is_read_member_by_member() {
        let whole = r#"{"m":{"c":[{"a":1}," b ",[2],null, {"x":{}}],"d":7},"e":1}"#;
        let told = |text: &str| {
            let Nested { object, within, list } = Nested::of(text, "m", "c")?;
            let list = list.map(|list| {
                let told = |it: Listed<'_>| match it {
                    Listed::Object(object) => format!("{:?}", object.members().collect::<Vec<_>>()),
                    Listed::Other(json) => json.to_owned(),
                };
                list.into_iter().map(told).collect::<Vec<_>>()
            });
            Some((format!("{object:?}"), within.map(|it| format!("{it:?}")), list))
        };
        let apart = |text: &str| {
            let object = Object::of(text)?;
            let within = object.object("m");
            let raw = within.as_ref().and_then(|it| it.raw("c")).filter(|it| it.starts_with('['));
            let list = raw.map(|raw| {
                let told = |it: Element<'_>| match Object::of(it.get()) {
                    Some(object) => format!("{:?}", object.members().collect::<Vec<_>>()),
                    None => it.get().to_owned(),
                };
                elements(raw).expect("a list").into_iter().map(told).collect::<Vec<_>>()
            });
            Some((format!("{object:?}"), within.map(|it| format!("{it:?}")), list))
        };
        let mut texts = vec![whole.to_owned(), whole.replace(',', " , ")];
        // Cut and changed at every place: what one takes the other takes.
        for at in 0..whole.len() {
            texts.push(whole[..at].to_owned());
            for other in ["", "{", "}", "[", "]", ",", "\"", "null"] {
                texts.push(format!("{}{other}{}", &whole[..at], &whole[at + 1..]));
            }
        }
        texts.push(r#"{"m":{"c":[1]},"m":{"c":[2]}}"#.to_owned());
        texts.push(r#"{"m":{"c":[1]},"m":null}"#.to_owned());
        texts.push(r#"{"m":{"c":[1],"c":2}}"#.to_owned());
        for text in texts {
            assert_eq!(told(&text), apart(&text), "{text}");
        }
    }

    #[test]
    fn a_broken_object_gives_the_members_before_the_break() {
        let (object, whole) = Object::read_lossy(br#"{"model": "m", "messages": [{"role": "us"#);
        assert!(!whole);
        assert_eq!(object.text("model").as_deref(), Some("m"));
        assert!(Object::read(b"[]").is_none());
        assert!(Object::read(b"{} {}").is_none());
    }

    #[test]
    fn escapes_mean_what_the_standard_says() {
        let same = |escaped: &str| {
            let theirs: String = serde_json::from_str(&format!("\"{escaped}\"")).expect("valid");
            assert_eq!(unescape(escaped).as_deref(), Some(theirs.as_str()), "{escaped}");
        };
        for escaped in ["", "plain é", r"\n\t\r\b\f\/\\\u0022", r"\ud83d\ude00 \u00e9", r"a\\u0041"]
        {
            same(escaped);
        }
        assert_eq!(unescape(r"a\ud83d").as_deref(), Some("a\u{fffd}"));
        assert_eq!(unescape(r"\ud83dx\ude00").as_deref(), Some("\u{fffd}x\u{fffd}"));
        assert_eq!(unescape(r"\ud83d\u0041").as_deref(), Some("\u{fffd}A"));
        for broken in [r"\x", r"\u12", r"\u12g4", "\\"] {
            assert_eq!(unescape(broken), None, "{broken}");
        }
    }
}
