//! What tools show of a project: its files, line by line, and what commands print about them.
//!
//! Agents read the same files again and again and run the same commands, which is why their traffic is
//! more alike than prose is.

use std::fmt::Write as _;

use super::random::Random;
use super::words::Words;

/// Files of a project, and lines of a file.
const FILES: u64 = 48;
const LINES: std::ops::Range<u64> = 60..320;

/// Names that the code of a project is made of.
const NAMES: usize = 220;

/// Lines of code, by how often they are chosen; `a` to `c` become names, `T` a type, `N` a number, and
/// `W` words.
const SHAPES: &[&str] = &[
    "    let @a = self.@b.@c(@a)?;",
    "    let @a = @b.@c();",
    "    }",
    "        }",
    "",
    "}",
    "    self.@a.push(@b);",
    "    if @a.is_empty() {",
    "        return Err(Error::@T);",
    "    for @a in &self.@b {",
    "        @a.@b(&mut @c, @N);",
    "    match @a.@b() {",
    "        Some(@a) => @b(@a),",
    "        None => continue,",
    "fn @a_@b(&mut self, @c: &@T) -> Result<@T, Error> {",
    "    /// @W.",
    "// @W",
    "    pub(crate) @a: Option<@T>,",
    "    @a: u64,",
    "use crate::@a::{@T, @T};",
    "    assert_eq!(@a.@b(), @N);",
    "    println!(\"@a: {}\", @b);",
    "    @a.insert(String::from(\"@b\"), @c.len());",
    "#[derive(Debug, Clone)]",
    "struct @T {",
    "impl @T {",
    "#[test]",
    "    let @a: Vec<_> = @b.iter().filter(|@c| @c.@a > @N).collect();",
];

/// Lines that commands print; `F` is a file.
const PRINTED: &[&str] = &[
    "test @a::tests::@b_@c ... ok",
    "test @a::tests::@b_@c_@a ... ok",
    "   Compiling @a v0.@N.0 (@R/crates/@a)",
    "warning: unused variable: `@a`\n  --> @F:@N:13\n   |\n   = note: `#[warn(unused_variables)]` on by default\n",
    "error[E0308]: mismatched types\n  --> @F:@N:22\n   |\n   |         expected `@T`, found `Option<@T>`\n",
    "@F:@N:    let @a = self.@b.@c(@a)?;",
    "-rw-r--r-- 1 dev dev @N Mar 14 09:26 @F",
    "2026-03-14T09:26:53Z INFO @a::@b: @W",
    " M @F",
];

/// A file of a project.
#[derive(Debug)]
struct File {
    path: String,
    lines: Vec<String>,
}

/// A project that agents work on.
#[derive(Debug)]
pub(super) struct Project {
    root: String,
    names: Vec<String>,
    files: Vec<File>,
}

impl Project {
    pub(super) fn new(words: &Words, random: &mut Random) -> Self {
        let plain = |text: String| -> String {
            text.chars().filter(char::is_ascii_lowercase).take(14).collect()
        };
        let mut names: Vec<String> = Vec::with_capacity(NAMES);
        while names.len() < NAMES {
            let name = plain(words.text(random, 1));
            if name.len() > 2 {
                names.push(name);
            }
        }
        let root = format!("/home/dev/src/{}-{}", names[0], names[1]);
        let mut project = Self { root, names, files: Vec::new() };
        for _ in 0..FILES {
            let (folder, name) = (project.name(random).to_owned(), project.name(random));
            let path = format!("{}/crates/{folder}/src/{name}.rs", project.root);
            let lines = (0..random.of(LINES))
                .map(|_| {
                    let shape = SHAPES[common(random, SHAPES.len())];
                    project.filled(words, random, shape)
                })
                .collect();
            project.files.push(File { path, lines });
        }
        project
    }

    /// The folder that it lies in.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// A file that is often worked on.
    pub(super) fn path(&self, random: &mut Random) -> &str {
        self.file(random).map_or("", |file| &file.path)
    }

    /// Part of a file as a tool that reads shows it, about as long as asked for.
    pub(super) fn read(&self, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 80);
        let Some(file) = self.file(random) else { return text };
        // Tools read whole stretches, mostly from the same places.
        let from = random.of(0..file.lines.len() as u64) as usize / 20 * 20;
        for (number, line) in (1..).zip(&file.lines).skip(from) {
            if text.len() >= bytes {
                break;
            }
            let _ = writeln!(text, "{number:>6}\t{line}");
        }
        text
    }

    /// Code as a model writes it: lines of a file and some that are new.
    pub(super) fn code(&self, words: &Words, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 80);
        let Some(file) = self.file(random) else { return text };
        let from = random.of(0..file.lines.len() as u64) as usize;
        let mut lines = file.lines.iter().skip(from);
        while text.len() < bytes {
            match lines.next().filter(|_| random.percent(70)) {
                Some(line) => text.push_str(line),
                None => {
                    let shape = SHAPES[common(random, SHAPES.len())];
                    text.push_str(&self.filled(words, random, shape));
                }
            }
            text.push('\n');
        }
        text
    }

    /// What a command prints, about as long as asked for.
    pub(super) fn print(&self, words: &Words, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 160);
        let mut shape = PRINTED[0];
        while text.len() < bytes {
            // The lines of one command are alike.
            if text.is_empty() || random.percent(8) {
                shape = PRINTED[common(random, PRINTED.len())];
            }
            text.push_str(&self.filled(words, random, shape));
            text.push('\n');
        }
        text
    }

    fn file(&self, random: &mut Random) -> Option<&File> {
        self.files.get(common(random, self.files.len().max(1)))
    }

    fn name(&self, random: &mut Random) -> &str {
        self.names.get(common(random, self.names.len().max(1))).map_or("it", String::as_str)
    }

    /// A shape with its places filled.
    fn filled(&self, words: &Words, random: &mut Random, shape: &str) -> String {
        let chosen = [(); 3].map(|()| self.name(random));
        let mut line = String::with_capacity(shape.len() + 40);
        let mut rest = shape;
        while let Some((before, place)) = rest.split_once('@') {
            line.push_str(before);
            let (mark, after) = place.split_at(1.min(place.len()));
            match mark {
                "a" => line.push_str(chosen[0]),
                "b" => line.push_str(chosen[1]),
                "c" => line.push_str(chosen[2]),
                "T" => {
                    let name = self.name(random);
                    line.push_str(&name[..1].to_ascii_uppercase());
                    line.push_str(&name[1..]);
                }
                "N" => line.push_str(&random.of(1..400).to_string()),
                "F" => line.push_str(self.path(random)),
                "R" => line.push_str(&self.root),
                _ => line.push_str(words.text(random, 50).trim_end()),
            }
            rest = after;
        }
        line.push_str(rest);
        line
    }
}

/// A position of which the first ones are the common ones.
fn common(random: &mut Random, len: usize) -> usize {
    let len = len as u64;
    (random.of(0..len) * (random.of(0..len) + 1) / len) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_as_long_as_asked_for_and_some_of_it_comes_again() {
        let (words, mut random) = (Words::new(), Random::new(2));
        let project = Project::new(&words, &mut random);
        for bytes in [100, 2_000] {
            let shown = project.print(&words, &mut random, bytes);
            assert!((bytes..bytes + 400).contains(&shown.len()), "{}", shown.len());
            let code = project.code(&words, &mut random, bytes);
            assert!((bytes..bytes + 400).contains(&code.len()), "{}", code.len());
        }
        let readings: Vec<String> = (0..400).map(|_| project.read(&mut random, 900)).collect();
        let distinct: std::collections::HashSet<&String> = readings.iter().collect();
        assert!((50..399).contains(&distinct.len()), "{}", distinct.len());
        assert!(readings.iter().all(|text| text.is_ascii() && !text.contains('@')));
    }
}
