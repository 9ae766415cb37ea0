//! Text that compresses as real text does: words by Zipf's law, the common ones common and the rest many.

use super::random::Random;

/// The commonest words of English prose about programs, by rank.
const COMMON: &[&str] = &[
    "the", "of", "to", "and", "a", "in", "is", "it", "that", "for", "this", "with", "as", "be",
    "are", "on", "not", "we", "you", "can", "by", "from", "or", "which", "an", "if", "when",
    "will", "at", "has", "so", "its", "then", "there", "one", "all", "but", "they", "each", "into",
    "no", "only", "what", "was", "after", "before", "because", "now", "also", "more", "than",
    "would", "should", "does", "them", "other", "where", "two", "first", "same", "such", "any",
    "how", "still", "here", "both", "between", "without", "until", "while", "every", "some",
    "since", "could", "next", "last", "again", "instead", "however", "already", "never", "always",
    "might", "must", "once", "under", "over", "about", "like", "just", "need", "want", "see",
    "look", "let", "make", "take", "give", "keep", "show", "find", "think", "know", "seem",
];

/// Stems of rarer words; each has several forms.
const STEMS: &[&str] = &[
    "test",
    "fail",
    "file",
    "function",
    "return",
    "value",
    "type",
    "error",
    "call",
    "read",
    "write",
    "check",
    "change",
    "run",
    "build",
    "code",
    "line",
    "name",
    "string",
    "number",
    "list",
    "map",
    "key",
    "index",
    "table",
    "row",
    "query",
    "request",
    "answer",
    "server",
    "client",
    "connect",
    "buffer",
    "stream",
    "event",
    "block",
    "thread",
    "lock",
    "queue",
    "batch",
    "commit",
    "branch",
    "merge",
    "pass",
    "expect",
    "assert",
    "panic",
    "handle",
    "route",
    "parse",
    "format",
    "encode",
    "compress",
    "cache",
    "store",
    "load",
    "save",
    "open",
    "close",
    "start",
    "stop",
    "wait",
    "retry",
    "limit",
    "bound",
    "count",
    "measure",
    "compare",
    "search",
    "filter",
    "sort",
    "group",
    "order",
    "page",
    "cursor",
    "token",
    "model",
    "prompt",
    "tool",
    "agent",
    "session",
    "task",
    "price",
    "report",
    "record",
    "trace",
    "log",
    "level",
    "config",
    "option",
    "default",
    "setting",
    "module",
    "crate",
    "import",
    "export",
    "field",
    "struct",
    "trait",
    "generic",
    "borrow",
    "clone",
    "drop",
    "move",
    "slice",
    "array",
    "vector",
    "hash",
    "digest",
    "sign",
    "verify",
    "secret",
    "header",
    "body",
    "status",
    "method",
    "path",
    "host",
    "port",
    "socket",
    "proxy",
    "forward",
    "intercept",
    "certificate",
    "migrate",
    "schema",
    "column",
    "constraint",
    "refactor",
    "rename",
    "replace",
    "insert",
    "delete",
    "update",
    "select",
    "join",
    "append",
    "render",
    "layout",
    "button",
    "screen",
    "colour",
    "margin",
    "theme",
    "chart",
    "window",
    "memory",
    "process",
    "signal",
    "kernel",
    "driver",
    "device",
    "network",
    "packet",
    "timeout",
];

/// What a stem becomes.
const FORMS: &[(&str, &str)] = &[
    ("", ""),
    ("", "s"),
    ("", "ed"),
    ("", "ing"),
    ("", "er"),
    ("re", ""),
    ("un", "ed"),
    ("", "_id"),
    ("", "able"),
    ("pre", ""),
    ("is_", ""),
    ("", "_count"),
    ("sub", "s"),
    ("", "::new"),
    ("max_", ""),
    ("", ".rs"),
    ("", "_at"),
    ("on_", ""),
    ("", "ment"),
    ("over", ""),
];

/// Chances that the table divides among the words.
const SLOTS: usize = 1 << 16;

/// Words that often come after a certain word, and how many times of a hundred one of them does: a
/// language is made of phrases.
const FOLLOWERS: usize = 3;
const FOLLOWS: u64 = 88;

/// A vocabulary.
#[derive(Debug)]
pub(crate) struct Words {
    words: Vec<String>,
    /// Position of a word for each chance.
    table: Vec<u16>,
    /// What often follows each word.
    followers: Vec<[u16; FOLLOWERS]>,
}

impl Words {
    pub(crate) fn new() -> Self {
        let mut words: Vec<String> = COMMON.iter().map(|word| (*word).to_owned()).collect();
        for (before, after) in FORMS {
            words.extend(STEMS.iter().map(|stem| format!("{before}{stem}{after}")));
        }
        // Zipf and Mandelbrot: the frequency of a word is one over its rank and a little.
        let weights: Vec<f64> = (0..words.len()).map(|rank| 1.0 / (rank as f64 + 2.7)).collect();
        let sum: f64 = weights.iter().sum();
        let mut table = Vec::with_capacity(SLOTS);
        let mut reached = 0.0;
        for (position, weight) in weights.iter().enumerate() {
            reached += weight / sum * SLOTS as f64;
            table.resize((reached.round() as usize).clamp(table.len(), SLOTS), position as u16);
        }
        table.resize(SLOTS, 0);
        let mut same = Random::new(words.len() as u64);
        let mut follower = || table[(same.next() >> 48) as usize];
        let followers = words.iter().map(|_| [(); FOLLOWERS].map(|()| follower())).collect();
        Self { words, table, followers }
    }

    /// The word after another one.
    fn after(&self, last: u16, random: &mut Random) -> u16 {
        if random.percent(FOLLOWS) {
            let usual = self.followers.get(usize::from(last)).copied().unwrap_or_default();
            usual[random.of(0..FOLLOWERS as u64) as usize]
        } else {
            self.table[(random.next() >> 48) as usize]
        }
    }

    /// Appends words, about as many bytes as asked for; nothing in them needs an escape in JSON.
    pub(crate) fn write(&self, random: &mut Random, bytes: usize, out: &mut String) {
        let end = out.len() + bytes;
        let mut word = self.table[(random.next() >> 48) as usize];
        while out.len() < end {
            word = self.after(word, random);
            out.push_str(self.words.get(usize::from(word)).map_or("the", String::as_str));
            out.push_str(match random.of(0..24) {
                0 => ". ",
                1 | 2 => ", ",
                3 => ": ",
                _ => " ",
            });
            if random.percent(1) {
                out.push_str(&random.of(2..4000).to_string());
                out.push(' ');
            }
        }
    }

    /// The same as a text of its own.
    pub(crate) fn text(&self, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 24);
        self.write(random, bytes, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_common_and_rare_ones_come_too() {
        let (words, mut random) = (Words::new(), Random::new(1));
        let text = words.text(&mut random, 200_000);
        let all: Vec<&str> = text.split_whitespace().collect();
        let times = |word: &str| all.iter().filter(|other| **other == word).count();
        assert!(times("the") > all.len() / 50, "{}", times("the"));
        let distinct: std::collections::HashSet<&str> = all.iter().copied().collect();
        assert!(distinct.len() > 1_000, "{}", distinct.len());
        assert!(!text.contains(['"', '\\', '\n']));
    }
}
