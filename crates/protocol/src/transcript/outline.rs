//! A line of Claude Code's read from both its ends, past the content between: that is most of a line, and tells nothing
//! of usage.
//!
//! It is for lines as Claude Code writes them. Of any other it says nothing, and they are read as a whole: where white
//! space stands between their members, where a member comes twice or is of another kind than it should be, where the
//! usage does not follow the content within the same message.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::claude::{Line, Message, Served, Stated, Written};
use crate::json::{first_special, unescape};

/// Begins the message of a line. In a text its quotes would be escaped, so a second one says that a torn line stands
/// before another without a line feed between.
static MESSAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"message\":{"));

/// What a line says of whose it is: that of an answer has no other usage than its message's.
const ANSWER: &[u8] = b"\"assistant\"";

/// A line in which the first `"usage":` stands at `usage`; none where it is not as expected.
pub(super) fn read(line: &[u8], usage: usize) -> Option<Line<'_>> {
    let (mut told, mut message) = (Line::default(), Message::default());
    let mut is_answer = false;
    let mut walk = Walk { bytes: line, text: None, at: 0 };
    walk.byte(b'{')?;
    loop {
        let name = walk.name()?;
        if name == b"message" {
            break;
        }
        told.take(name, &mut walk, &mut is_answer)?;
        walk.byte(b',')?;
    }
    walk.byte(b'{')?;
    loop {
        let name = walk.name()?;
        if name == b"content" {
            break;
        }
        message.take(name, &mut walk)?;
        walk.byte(b',')?;
    }
    // The list ends before the usage, with nothing but plain members between.
    let content = line.get(walk.at..usage)?;
    let end = memchr::memrchr(b']', content)?;
    if content.first() != Some(&b'[') || MESSAGE.find(&content[..end]).is_some() {
        return None;
    }
    let from = walk.at + end + 1;
    let (bytes, usage) = (&line[from..], usage - from);
    let mut walk = Walk { bytes, text: Some(std::str::from_utf8(bytes).ok()?), at: 0 };
    let mut is_stopped = false;
    loop {
        walk.byte(b',')?;
        if walk.at == usage {
            break;
        }
        let name = walk.name()?;
        is_stopped |= name == b"stop_reason";
        message.take(name, &mut walk)?;
    }
    walk.name()?;
    walk.usage(message.usage.insert(Stated::default()))?;
    while walk.goes_on()? {
        let name = walk.name()?;
        message.take(name, &mut walk)?;
    }
    while walk.goes_on()? {
        let name = walk.name()?;
        told.take(name, &mut walk, &mut is_answer)?;
    }
    told.message = Some(message);
    (is_stopped && is_answer && walk.at == bytes.len()).then_some(told)
}

impl<'a> Line<'a> {
    /// Takes in a member; none where it is not as expected.
    #[inline]
    fn take(&mut self, name: &[u8], walk: &mut Walk<'a>, is_answer: &mut bool) -> Option<()> {
        let text = match name {
            b"timestamp" => &mut self.timestamp,
            b"requestId" => &mut self.request_id,
            b"sessionId" => &mut self.session_id,
            b"agentId" => &mut self.agent_id,
            b"cwd" => &mut self.cwd,
            b"type" => {
                *is_answer = walk.value()? == ANSWER;
                return Some(());
            }
            b"message" => return None,
            _ => return walk.value().map(|_| ()),
        };
        walk.keep(text)
    }
}

impl<'a> Message<'a> {
    /// Takes in a member; none where it is not as expected.
    fn take(&mut self, name: &[u8], walk: &mut Walk<'a>) -> Option<()> {
        match name {
            b"id" => walk.keep(&mut self.id),
            b"model" => walk.keep(&mut self.model),
            b"usage" | b"content" => None,
            _ => walk.value().map(|_| ()),
        }
    }
}

/// A place in a line without white space between its parts.
struct Walk<'a> {
    bytes: &'a [u8],
    /// The same, where it is known to be text as a whole.
    text: Option<&'a str>,
    at: usize,
}

impl<'a> Walk<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether another member follows in an object, or else it ends here.
    #[inline]
    fn goes_on(&mut self) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    /// Passes a member's name without escapes, and its colon.
    #[inline]
    fn name(&mut self) -> Option<&'a [u8]> {
        self.byte(b'"')?;
        let start = self.at;
        let bytes = self.bytes;
        let length = first_special(&bytes[start..])?;
        self.at += length;
        self.byte(b'"')?;
        self.byte(b':')?;
        Some(&bytes[start..start + length])
    }

    /// Passes a value, and tells its text.
    #[inline]
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        match self.peek()? {
            b'"' => self.string().map(|_| ())?,
            b'{' | b'[' => self.nest()?,
            _ => self.word()?,
        }
        Some(&self.bytes[start..self.at])
    }

    /// Passes a list or an object.
    fn nest(&mut self) -> Option<()> {
        let mut deep = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => deep += 1,
                b'}' | b']' => deep -= 1,
                b'"' => {
                    self.string()?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if deep == 0 {
                return Some(());
            }
        }
    }

    /// Passes a number or a word.
    #[inline]
    fn word(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let is_more =
            |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'.' | b'+' | b'-');
        self.at += rest.iter().position(|byte| !is_more(byte)).filter(|length| *length > 0)?;
        Some(())
    }

    /// Passes a string; whether it has an escape.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        let bytes = self.bytes;
        let mut is_escaped = false;
        self.at += 1;
        loop {
            self.at += first_special(bytes.get(self.at..)?)?;
            match bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(is_escaped);
                }
                b'\\' => self.at += 2,
                // A control character.
                _ => return None,
            }
            is_escaped = true;
        }
    }

    /// Keeps a text, or that there is none.
    #[inline]
    fn keep(&mut self, text: &mut Option<Cow<'a, str>>) -> Option<()> {
        let start = self.at + 1;
        if self.peek()? != b'"' {
            return (self.value()? == b"null").then_some(());
        }
        let is_escaped = self.string()?;
        let inner = match self.text {
            Some(text) => text.get(start..self.at - 1)?,
            None => std::str::from_utf8(&self.bytes[start..self.at - 1]).ok()?,
        };
        let told = if is_escaped { unescape(inner)? } else { Cow::Borrowed(inner) };
        text.replace(told).is_none().then_some(())
    }

    /// Passes an object of which `take` takes each member.
    #[inline]
    fn object(&mut self, mut take: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.byte(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let name = self.name()?;
            take(self, name)?;
            if !self.goes_on()? {
                return Some(());
            }
        }
    }

    fn usage(&mut self, stated: &mut Stated<'a>) -> Option<()> {
        self.object(|walk, name| match name {
            b"input_tokens" => walk.count(&mut stated.input_tokens),
            b"output_tokens" => walk.count(&mut stated.output_tokens),
            b"cache_creation_input_tokens" => walk.count(&mut stated.cache_creation_input_tokens),
            b"cache_read_input_tokens" => walk.count(&mut stated.cache_read_input_tokens),
            b"cache_creation" if walk.peek() == Some(b'{') => {
                let mut written = Written::default();
                walk.object(|walk, name| match name {
                    b"ephemeral_5m_input_tokens" => {
                        walk.count(&mut written.ephemeral_5m_input_tokens)
                    }
                    b"ephemeral_1h_input_tokens" => {
                        walk.count(&mut written.ephemeral_1h_input_tokens)
                    }
                    _ => walk.value().map(|_| ()),
                })?;
                stated.cache_creation.replace(written).is_none().then_some(())
            }
            b"server_tool_use" if walk.peek() == Some(b'{') => {
                let mut served = Served::default();
                walk.object(|walk, name| match name {
                    b"web_search_requests" => walk.count(&mut served.web_search_requests),
                    _ => walk.value().map(|_| ()),
                })?;
                stated.server_tool_use.replace(served).is_none().then_some(())
            }
            b"cache_creation" | b"server_tool_use" => (walk.value()? == b"null").then_some(()),
            b"service_tier" => walk.keep(&mut stated.service_tier),
            b"speed" => walk.keep(&mut stated.speed),
            b"inference_geo" => walk.keep(&mut stated.inference_geo),
            _ => walk.value().map(|_| ()),
        })
    }

    /// Keeps a count, or that there is none.
    #[inline]
    fn count(&mut self, count: &mut Option<u64>) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let mut sum = 0_u64;
        let mut length = 0;
        while let Some(digit) = rest.get(length).filter(|byte| byte.is_ascii_digit()) {
            sum = sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            length += 1;
        }
        if length == 0 {
            return (self.value()? == b"null").then_some(());
        }
        // Of a number that goes on the next member cannot be read.
        self.at += length;
        let is_led_by_zero = length > 1 && rest[0] == b'0';
        (!is_led_by_zero && count.replace(sum).is_none()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::parsed;

    /// As Claude Code writes an answer.
    const LINE: &str = r#"{"parentUuid":"p-1","isSidechain":false,"userType":"external","cwd":"C:\\Users\\é","sessionId":"S-1","version":"2.0.28","gitBranch":"main","message":{"model":"claude-opus-4-1","id":"msg_01","type":"message","role":"assistant","content":[{"type":"text","text":"a \"usage\": [1] \\ é"},{"type":"tool_use","id":"t","name":"Edit","input":{"list":[1,{"a":[]}],"message":"m"}}],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":6,"cache_creation_input_tokens":70,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":50},"output_tokens":3,"service_tier":"standard","server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"speed":"fast","iterations":[{"input_tokens":6}]},"context_management":null},"requestId":"req_1","type":"assistant","uuid":"u-1","timestamp":"2025-08-01T00:00:01.500Z","agentId":"a-1"}"#;

    /// The same with its members in the order of their names.
    const SORTED: &str = r#"{"cwd":"/w","isSidechain":false,"message":{"content":[{"text":"x","type":"text"}],"id":"msg_01","model":"claude-opus-4-1","role":"assistant","stop_reason":"end_turn","type":"message","usage":{"cache_creation":null,"input_tokens":6,"output_tokens":18446744073709551615}},"requestId":"req_1","sessionId":"S-1","timestamp":"2025-08-01T00:00:01.500Z","type":"assistant"}"#;

    fn outlined(line: &[u8]) -> Option<Line<'_>> {
        let place = memchr::memmem::find(line, b"\"usage\":")?;
        read(line, place)
    }

    /// What is told of a line is what the whole of it says, where that is JSON at all.
    fn agrees(line: &[u8]) -> bool {
        let mut room = String::new();
        let Some(told) = outlined(line) else { return true };
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        !is_json || parsed::<Line<'_>>(line, &mut room).as_ref() == Some(&told)
    }

    #[test]
    fn a_line_as_it_is_written_is_told_without_its_content() {
        for line in [LINE, SORTED] {
            let told = outlined(line.as_bytes()).expect("as expected");
            let mut room = String::new();
            assert_eq!(Some(&told), parsed(line.as_bytes(), &mut room).as_ref());
            assert_eq!(told.request_id.as_deref(), Some("req_1"));
            let output = told.message.and_then(|it| it.usage).and_then(|it| it.output_tokens);
            assert!(output.is_some(), "{line}");
        }
        let damaged = LINE.replace("[1] ", "\u{1}[1] ").into_bytes();
        assert!(outlined(&damaged).is_some(), "what a content says costs no figures");
    }

    #[test]
    fn of_a_line_of_another_shape_nothing_is_said() {
        let usage = r#""usage":{"input_tokens":1,"output_tokens":2}"#;
        for (what, line) in [
            (
                "a result's usage",
                LINE.replace(r#""type":"assistant","uuid""#, r#""type":"user","uuid""#),
            ),
            ("no type", LINE.replace(r#""type":"assistant","uuid""#, r#""uuid""#)),
            ("white space", LINE.replace(r#","requestId""#, r#", "requestId""#)),
            ("a carriage return", format!("{LINE}\r")),
            (
                "a content that is a text",
                SORTED.replace(r#"[{"text":"x","type":"text"}]"#, r#""x""#),
            ),
            (
                "usage within the content",
                LINE.replace(r#"{"list""#, &format!("{{{usage},\"list\"")),
            ),
            (
                "usage before the content",
                LINE.replace(r#""content":["#, &format!("{usage},\"content\":[")),
            ),
            (
                "usage within a list",
                LINE.replace(
                    r#""usage":{"#,
                    r#""a":[{"b":[],"stop_reason":null,"usage":{"output_tokens":1}}],"x":{"#,
                ),
            ),
            (
                "usage of another",
                LINE.replace(r#"}],"stop_reason""#, r#"}]},"other":{"list":[],"stop_reason""#)
                    .replace(r#""stop_reason":null,"#, ""),
            ),
            ("no usage", LINE.replace(r#""usage":{"#, r#""usage":null,"x":{"#)),
            ("a member twice", LINE.replace(r#""version""#, r#""sessionId":"S-2","version""#)),
            (
                "the message twice",
                LINE.replace(r#","requestId""#, r#","message":null,"requestId""#),
            ),
            ("usage twice", LINE.replace(r#","context_management":null"#, &format!(",{usage}"))),
            ("a figure below zero", LINE.replace(r#""output_tokens":3"#, r#""output_tokens":-3"#)),
            (
                "a figure that is none",
                LINE.replace(r#""output_tokens":3"#, r#""output_tokens":"3""#),
            ),
            (
                "a figure with a point",
                LINE.replace(r#""output_tokens":3"#, r#""output_tokens":3.5"#),
            ),
            (
                "a figure beyond",
                LINE.replace(r#""output_tokens":3"#, r#""output_tokens":18446744073709551616"#),
            ),
            ("an id that is no text", LINE.replace(r#""id":"msg_01""#, r#""id":7"#)),
            ("cut at its end", LINE.trim_end_matches('}').to_owned()),
            ("more at its end", format!("{LINE}}}")),
        ] {
            assert_eq!(outlined(line.as_bytes()), None, "{what}");
        }
    }

    #[test]
    fn a_torn_line_before_another_is_not_told_as_one() {
        let content = LINE.find("[1]").expect("within the content");
        let torn = [&LINE[..content], LINE].concat();
        assert_eq!(outlined(torn.as_bytes()), None);
        let torn = [&LINE[..content], SORTED].concat();
        assert_eq!(outlined(torn.as_bytes()), None);
    }

    #[test]
    fn a_changed_line_tells_what_the_whole_of_it_says() {
        let bits = [
            "",
            "{",
            "}",
            "[",
            "]",
            ",",
            "\"",
            "\\",
            ":",
            "null",
            "0",
            "-1",
            "\"a\":1,",
            "\"usage\":",
            "\"message\":{",
            " ",
            "}]",
            "}},",
        ];
        for line in [LINE, SORTED] {
            for at in (0..line.len()).filter(|at| line.is_char_boundary(*at)) {
                let next = at + line[at..].chars().next().map_or(1, char::len_utf8);
                for bit in bits {
                    for from in [at, next] {
                        let changed = [&line[..at], bit, &line[from..]].concat();
                        assert!(agrees(changed.as_bytes()), "{changed}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn members_in_any_order_are_told_as_the_whole_says(
            order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle(),
            within in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let inner = [
                r#""content":[{"usage":{},"a":[]}]"#, r#""id":"m""#, r#""model":null"#, r#""stop_reason":"x]""#,
                r#""usage":{"output_tokens":7}"#, r#""list":[]"#,
            ];
            let inner = within.iter().map(|at| inner[*at]).collect::<Vec<_>>().join(",");
            let message = format!(r#""message":{{{inner}}}"#);
            let outer = [
                &*message, r#""type":"assistant""#, r#""requestId":"r""#, r#""cwd":"\u00e9""#, r#""sessionId":null"#,
                r#""toolUseResult":{"content":[],"stop_reason":1,"n":{"usage":{"output_tokens":1}}}"#,
                r#""timestamp":"t""#, r#""a":[{}]"#, r#""agentId":"""#,
            ];
            let line = order.iter().map(|at| outer[*at]).collect::<Vec<_>>().join(",");
            let line = format!("{{{line}}}");
            prop_assert!(agrees(line.as_bytes()), "{}", line);
        }
    }
}
