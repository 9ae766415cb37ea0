//! What a person said in a line that stands in a person's place: agents put words of their own before and behind it,
//! and whole texts beside it.

use std::borrow::Cow;

use super::parsed::{Part, Parts};
use crate::json::unescape;

/// How an agent marks its own words where a person speaks.
#[derive(Debug)]
pub(super) struct Marks {
    /// How texts begin that are the agent's as a whole.
    pub(super) whole: &'static [&'static str],
    /// Tags around the agent's words at the beginning or the end of a text.
    pub(super) sections: &'static [&'static str],
    /// How a text begins that has the agent's words first, and what stands before the person's.
    pub(super) preamble: Option<(&'static str, &'static str)>,
}

/// Claude Code's, whose extensions for editors tell what is open there.
pub(super) const CLAUDE: Marks = Marks {
    whole: &[
        "<bash-input>",
        "<bash-stderr>",
        "<bash-stdout>",
        // A command that the agent runs by itself begins with its name, one that asks the model with its message.
        "<command-name>",
        "<local-command-caveat>",
        "<local-command-stderr>",
        "<local-command-stdout>",
        "<task-notification>",
        "Caveat: The messages below",
        "[Request interrupted by user",
    ],
    sections: &[
        "system-reminder",
        "ide_opened_file",
        "ide_selection",
        "ide_diagnostics",
        "new-diagnostics",
    ],
    preamble: None,
};

/// Codex's.
pub(super) const CODEX: Marks = Marks {
    whole: &[
        "# AGENTS.md instructions",
        "<environment_context>",
        "<skill>",
        "<subagent_notification>",
        "<turn_aborted>",
        "<user_instructions>",
        "<user_shell_command>",
    ],
    sections: &["environment_context", "system-reminder"],
    preamble: Some(("# Context from my IDE setup", "## My request for Codex:")),
};

/// What stands where a person speaks.
#[derive(Debug, Default)]
pub(super) struct Spoken<'a> {
    /// The person's words, one text below the other; none where all is the agent's.
    pub(super) asked: Option<Cow<'a, str>>,
    /// What the agent put beside them, in order.
    pub(super) beside: Vec<Cow<'a, str>>,
    /// Whether an image is among it.
    pub(super) has_image: bool,
}

impl<'a> Spoken<'a> {
    /// Of a content.
    pub(super) fn of(parts: &Parts<'a>, marks: &Marks) -> Self {
        let mut spoken = Self::default();
        if let Parts::Text(escaped) = parts {
            spoken.take(unescape(escaped).unwrap_or_default(), marks);
        }
        for part in parts.list() {
            match part {
                Part::Text(escaped) => spoken.take(unescape(escaped).unwrap_or_default(), marks),
                Part::Block(block) => match block.text("type").as_deref().unwrap_or("text") {
                    kind if kind.ends_with("text") => {
                        spoken.take(block.text("text").unwrap_or_default(), marks);
                    }
                    kind => spoken.has_image |= kind.ends_with("image"),
                },
            }
        }
        spoken
    }

    /// Whether a person said something, and be it with an image alone. Where nobody said anything at all, a person
    /// sent it.
    pub(super) fn is_a_persons(&self) -> bool {
        self.asked.is_some() || self.has_image || self.beside.is_empty()
    }

    fn take(&mut self, text: Cow<'a, str>, marks: &Marks) {
        if is_images_tag(&text) {
            return;
        }
        let (start, end) = match persons(&text, marks) {
            Some(range) => range,
            None if text.trim().is_empty() => return,
            None => return self.beside.push(text),
        };
        let command = command(&text[start..end]);
        // As it stands, with the white space around it.
        if command.is_none() && [&text[..start], &text[end..]].iter().all(|it| it.trim().is_empty())
        {
            return self.say(text);
        }
        let part = |range: std::ops::Range<usize>| match &text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
            Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
        };
        let around = [part(0..start), part(end..text.len())];
        let said = command.map_or_else(|| part(start..end), Cow::Owned);
        self.beside.extend(around.into_iter().filter(|text| !text.trim().is_empty()));
        self.say(said);
    }

    fn say(&mut self, text: Cow<'a, str>) {
        match &mut self.asked {
            _ if text.is_empty() => {}
            Some(said) => {
                let said = said.to_mut();
                said.push('\n');
                said.push_str(&text);
            }
            None => self.asked = Some(text),
        }
    }
}

/// Where in a text the person's words stand; none where it has none.
fn persons(text: &str, marks: &Marks) -> Option<(usize, usize)> {
    let is_whole = |text: &str| marks.whole.iter().any(|mark| text.starts_with(mark));
    let (mut start, mut end) = (0, text.len());
    if let Some((begins, before)) = marks.preamble
        && text.trim_start().starts_with(begins)
    {
        start = text.find(before)? + before.len();
    }
    loop {
        let left = &text[start..end];
        start += left.len() - left.trim_start().len();
        end -= left.len() - left.trim_end().len();
        let left = text.get(start..end).filter(|left| !left.is_empty())?;
        if is_whole(left) {
            // What follows such a text is the agent's, too, but for a section that is closed.
            start += closed_at_start(left, marks)?;
        } else if let Some(len) = closed_at_start(left, marks) {
            start += len;
        } else if let Some(len) = closed_at_end(left, marks) {
            end -= len;
        } else {
            return Some((start, end));
        }
    }
}

/// The length of a section with which a text begins.
fn closed_at_start(text: &str, marks: &Marks) -> Option<usize> {
    let rest = text.strip_prefix('<')?;
    marks.sections.iter().find_map(|tag| {
        rest.strip_prefix(tag)?.strip_prefix('>')?;
        let close = format!("</{tag}>");
        Some(text.find(&close)? + close.len())
    })
}

/// The length of a section with which a text ends.
fn closed_at_end(text: &str, marks: &Marks) -> Option<usize> {
    let rest = text.strip_suffix('>')?;
    marks.sections.iter().find_map(|tag| {
        rest.strip_suffix(tag)?.strip_suffix("</")?;
        Some(text.len() - text.rfind(&format!("<{tag}>"))?)
    })
}

/// Codex puts a tag before and one behind each image.
fn is_images_tag(text: &str) -> bool {
    let text = text.trim();
    text == "</image>"
        || text.strip_prefix("<image").and_then(|rest| rest.strip_suffix('>')).is_some_and(
            |within| {
                !within.contains(['<', '>', '\n'])
                    && !within.starts_with(|c: char| c.is_alphanumeric())
            },
        )
}

/// A command that asks the model, as a person types it: `/review the cart`. Claude Code writes its message first,
/// and that of one which it runs by itself behind the name.
fn command(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with("<command-message>") {
        return None;
    }
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.rsplit_once(&format!("</{tag}>"))?.0.trim())
    };
    let name = within("command-name").or_else(|| within("command-message"))?;
    let name = format!("/{}", name.trim_start_matches('/'));
    let args = within("command-args").filter(|args| !args.is_empty());
    Some(args.map_or_else(|| name.clone(), |args| format!("{name} {args}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(
        content: impl Into<serde_json::Value>,
        marks: &Marks,
        asked: Option<&str>,
        beside: &[&str],
    ) {
        let json = content.into().to_string();
        let spoken = Spoken::of(&Parts::of(&json), marks);
        let others: Vec<&str> = spoken.beside.iter().map(|text| text.trim()).collect();
        assert_eq!((spoken.asked.as_deref(), others.as_slice()), (asked, beside));
    }

    #[test]
    fn what_an_agent_puts_around_a_question_is_told_apart_from_it() {
        let reminder = "<system-reminder>\nIt is Monday.\n</system-reminder>";
        let text = |text: &str| serde_json::json!({ "type": "text", "text": text });
        says(
            serde_json::json!([text(reminder), text("fix it")]),
            &CLAUDE,
            Some("fix it"),
            &[reminder],
        );
        says(format!("{reminder}\n\nfix it"), &CLAUDE, Some("fix it"), &[reminder]);
        says(format!("fix it\n{reminder}"), &CLAUDE, Some("fix it"), &[reminder]);
        says(reminder, &CLAUDE, None, &[reminder]);
        // What stands within is what the person copied there.
        let within = format!("why is {reminder} there?");
        says(within.as_str(), &CLAUDE, Some(&within), &[]);
        let open = "<ide_opened_file>The user opened /a.py</ide_opened_file>";
        says(format!("{open}\nexplain"), &CLAUDE, Some("explain"), &[open]);
        // One that is not closed is a person's word.
        says(
            "<system-reminder> what is that?",
            &CLAUDE,
            Some("<system-reminder> what is that?"),
            &[],
        );
        says(" two\n", &CLAUDE, Some(" two\n"), &[]);
        says(serde_json::json!([text("a"), text("b")]), &CLAUDE, Some("a\nb"), &[]);
        says("", &CLAUDE, None, &[]);
    }

    #[test]
    fn a_command_that_asks_the_model_is_what_its_person_typed() {
        let asks = "<command-message>review is running…</command-message>\n<command-name>/review</command-name>\n<command-args>the cart </command-args>";
        says(asks, &CLAUDE, Some("/review the cart"), &[]);
        let plain = "<command-message>fix</command-message>\n<command-name>fix</command-name>";
        says(plain, &CLAUDE, Some("/fix"), &[]);
        let reminder = "<system-reminder>r</system-reminder>";
        says(format!("{asks}\n{reminder}"), &CLAUDE, Some("/review the cart"), &[reminder]);
        says(format!("{reminder}\n{plain}"), &CLAUDE, Some("/fix"), &[reminder]);
        let local = "<command-name>/clear</command-name>\n<command-message>clear</command-message>";
        says(local, &CLAUDE, None, &[local]);
        let notice = "<task-notification>\n<status>completed</status>\n</task-notification>\nRead the output.";
        says(notice, &CLAUDE, None, &[notice]);
    }

    #[test]
    fn what_codex_says_of_editors_images_and_skills_is_no_question() {
        let setup =
            "# Context from my IDE setup:\n\n## Active file: a.rs\n\n## My request for Codex:";
        says(format!("{setup}\nfix it\n"), &CODEX, Some("fix it"), &[setup]);
        says("# Context from my IDE setup:\nx", &CODEX, None, &["# Context from my IDE setup:\nx"]);
        says(
            "<skill>\n<name>pdf</name>\n</skill>",
            &CODEX,
            None,
            &["<skill>\n<name>pdf</name>\n</skill>"],
        );
        let part = |kind: &str, text: &str| serde_json::json!({ "type": kind, "text": text });
        let image = serde_json::json!([
            part("input_text", "<image name=[Image #1]>"),
            { "type": "input_image", "image_url": "data:" },
            part("input_text", "</image>"),
            part("input_text", "see it"),
        ]);
        says(image, &CODEX, Some("see it"), &[]);
        says("<image> tags are old", &CODEX, Some("<image> tags are old"), &[]);
    }

    #[test]
    fn an_image_alone_and_an_empty_text_are_a_persons() {
        let of = |content: serde_json::Value| {
            let json = content.to_string();
            Spoken::of(&Parts::of(&json), &CLAUDE).is_a_persons()
        };
        assert!(of(serde_json::json!([{ "type": "image", "source": {} }])));
        assert!(of("".into()) && of("hi".into()));
        assert!(!of("<system-reminder>x</system-reminder>".into()));
    }
}
