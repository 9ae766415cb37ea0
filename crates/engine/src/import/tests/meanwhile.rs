//! Files that agents go on with while they are read.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};

use langley_model::Micros;
use langley_protocol::transcript::TranscriptFormat;
use proptest::prelude::*;

use super::{Rig, line, once, text};
use crate::transcripts::TranscriptRoot;

/// What an agent does to its file while it is read, one thing at a time.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Append,
    /// A line in two parts, as a write that is cut in the middle.
    AppendTorn,
    Cut,
    /// The lines that were cut off last are written again.
    Again,
    Rewrite,
    Replace,
    Rename,
    Remove,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => Just(Deed::Append),
        2 => Just(Deed::AppendTorn),
        1 => Just(Deed::Cut),
        1 => Just(Deed::Again),
        1 => Just(Deed::Rewrite),
        1 => Just(Deed::Replace),
        1 => Just(Deed::Rename),
        1 => Just(Deed::Remove),
    ]
}

/// A line of some kilobytes, so that a file is read in several portions.
fn wide(number: u32) -> String {
    let pad = format!("{number:05} ").repeat(700);
    line(number).replace("\"content\":\"", &format!("\"content\":\"{pad}"))
}

/// A file that an agent writes while it is read.
struct Written {
    name: String,
    lines: Vec<u32>,
    /// Those that were cut off last.
    cut: Vec<u32>,
    /// The line of which only a part is there.
    torn: Option<u32>,
    next: u32,
}

impl Written {
    fn new() -> Self {
        let (lines, cut) = (Vec::new(), Vec::new());
        Self { name: "f.jsonl".into(), lines, cut, torn: None, next: 0 }
    }

    fn text(&self) -> String {
        self.lines.iter().map(|number| wide(*number) + "\n").collect()
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn end_torn(&mut self, rig: &Rig) {
        if let Some(number) = self.torn.take() {
            rig.append(&self.name, &(wide(number)[100..].to_owned() + "\n"));
            self.lines.push(number);
        }
    }

    fn suffer(&mut self, rig: &Rig, deed: Deed) {
        match deed {
            Deed::Append => {
                self.end_torn(rig);
                for _ in 0..60 {
                    let number = self.fresh();
                    rig.append(&self.name, &(wide(number) + "\n"));
                    self.lines.push(number);
                }
            }
            Deed::AppendTorn => {
                self.end_torn(rig);
                let number = self.fresh();
                rig.append(&self.name, &wide(number)[..100]);
                self.torn = Some(number);
            }
            Deed::Cut => {
                self.torn = None;
                self.cut = self.lines.split_off(self.lines.len() / 2);
                let len = self.text().len() as u64;
                if let Ok(file) = OpenOptions::new().write(true).open(rig.path(&self.name)) {
                    file.set_len(len).unwrap();
                }
            }
            Deed::Again => {
                self.end_torn(rig);
                for number in std::mem::take(&mut self.cut) {
                    rig.append(&self.name, &(wide(number) + "\n"));
                    self.lines.push(number);
                }
            }
            Deed::Rewrite | Deed::Replace => {
                self.torn = None;
                self.cut.clear();
                self.lines = self.lines.iter().copied().step_by(2).collect();
                let number = self.fresh();
                self.lines.push(number);
                let target = if matches!(deed, Deed::Replace) { "new" } else { &self.name };
                fs::write(rig.path(target), self.text()).unwrap();
                if matches!(deed, Deed::Replace) {
                    fs::rename(rig.path("new"), rig.path(&self.name)).unwrap();
                }
            }
            Deed::Rename => {
                let name = format!("r{}.jsonl", self.fresh());
                if fs::rename(rig.path(&self.name), rig.path(&name)).is_ok() {
                    self.name = name;
                }
            }
            Deed::Remove => {
                let _ = fs::remove_file(rig.path(&self.name));
                (self.lines, self.cut, self.torn) = (Vec::new(), Vec::new(), None);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn what_an_agent_does_while_its_file_is_read_loses_nothing_and_doubles_nothing(
        deeds in proptest::collection::vec((deed(), 0_usize..8, any::<bool>()), 1..10)
    ) {
        let mut rig = Rig::new();
        let mut file = Written::new();
        file.suffer(&rig, Deed::Append);
        let path = rig.folder.path().join("projects");
        let root = [TranscriptRoot { format: TranscriptFormat::ClaudeCode, path }];
        let (mut written, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut is_idle = true;
        for (deed, steps, settles) in deeds {
            // It comes while the file is read, at whatever place that is.
            for _ in 0..steps {
                if std::mem::take(&mut is_idle) {
                    rig.importer.look(&root, true, Micros::now()).unwrap();
                }
                is_idle = !rig.importer.step().unwrap();
            }
            written.extend(file.lines.iter().copied());
            file.suffer(&rig, deed);
            if settles {
                while rig.importer.step().unwrap() {}
                is_idle = true;
                rig.import();
                seen.extend(file.lines.iter().copied());
            }
        }
        while rig.importer.step().unwrap() {}
        rig.import();
        for lines in [&mut written, &mut seen] {
            lines.extend(file.lines.iter().copied());
        }
        let mut counts = rig.counts();
        for number in &seen {
            prop_assert!(counts.contains_key(&wide(*number)), "line {} is lost", number);
        }
        for number in &written {
            let count = counts.remove(&wide(*number)).unwrap_or(0);
            prop_assert!(count <= 1, "line {} is kept {} times", number, count);
        }
        let others: Vec<_> = counts.keys().map(|text| &text[..60.min(text.len())]).collect();
        prop_assert!(others.is_empty(), "nobody wrote {:?}", others);
    }
}

#[test]
fn a_file_that_was_cut_and_then_got_another_name_is_the_same_file() {
    let mut rig = Rig::new();
    let text: String = (0..4).map(wide).map(|line| line + "\n").collect();
    rig.append("a.jsonl", &text);
    rig.import();
    let cut = text.split_inclusive('\n').take(2).map(|line| line.len() as u64).sum();
    let file = OpenOptions::new().write(true).open(rig.path("a.jsonl")).unwrap();
    file.set_len(cut).unwrap();
    fs::rename(rig.path("a.jsonl"), rig.path("b.jsonl")).unwrap();
    rig.import();
    let counts = rig.counts();
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [1; 4], "{:?}", counts.len());
}

#[test]
fn lines_that_were_cut_off_and_are_written_again_are_kept_once() {
    let mut rig = Rig::new();
    let all: Vec<String> = (0..50).map(|number| line(number) + "\n").collect();
    let note = "{\"type\":\"mode\",\"mode\":\"x\"}\n";
    rig.append("a.jsonl", &(all.concat() + note + note));
    rig.import();
    fs::write(rig.path("a.jsonl"), all[..21].concat()).unwrap();
    rig.import();
    for part in [&all[21..30], &all[30..50]] {
        rig.append("a.jsonl", &part.concat());
        rig.import();
        assert!(
            rig.counts().iter().all(|(text, count)| *count == 1 + u32::from(text == note.trim()))
        );
    }
    // What is new is kept, and what is said more often than before, too.
    rig.append("a.jsonl", &(note.repeat(3) + &text(60..62)));
    rig.import();
    let counts = rig.counts();
    assert_eq!(counts[note.trim()], 3);
    assert_eq!(counts.len(), 53);
    assert!((60..62).all(|number| counts[&line(number)] == 1));
}

#[test]
fn lines_that_were_cut_off_beside_empty_ones_and_are_written_again_are_kept_once() {
    let mut rig = Rig::new();
    let empty = "\n".repeat(20);
    rig.append("a.jsonl", &(text(0..5) + &empty + &text(5..10)));
    rig.import();
    fs::write(rig.path("a.jsonl"), text(0..5) + &empty).unwrap();
    rig.import();
    rig.append("a.jsonl", &text(5..8));
    rig.restart();
    rig.import();
    rig.append("a.jsonl", &text(8..12));
    rig.import();
    assert_eq!(rig.counts(), once(0..12));
}

#[test]
fn a_file_that_was_cut_is_read_anew_once_whatever_is_said_twice_in_it() {
    let mut rig = Rig::new();
    let note = "{\"type\":\"mode\",\"mode\":\"x\"}\n";
    rig.append("a.jsonl", &(text(0..5) + note + &text(5..10)));
    rig.import();
    fs::write(rig.path("a.jsonl"), text(0..5) + note).unwrap();
    assert_eq!(rig.import().rewritten, 1);
    for times in 2..5 {
        rig.append("a.jsonl", note);
        let report = rig.import();
        assert_eq!((report.grown, report.rewritten, report.lines), (1, 0, 1));
        assert_eq!(rig.counts()[note.trim()], times);
    }
    rig.append("a.jsonl", &text(4..6));
    assert_eq!(rig.import().rewritten, 0);
    assert_eq!((rig.counts()[&line(4)], rig.counts()[&line(5)]), (2, 1), "one is back");
    rig.append("a.jsonl", &text(5..6));
    rig.restart();
    rig.import();
    assert_eq!(rig.counts()[&line(5)], 2, "and said twice");
}

#[test]
fn a_file_that_was_written_anew_as_another_one_under_another_name_is_the_same_file() {
    let mut rig = Rig::new();
    let text =
        |numbers: &[u32]| numbers.iter().map(|number| wide(*number) + "\n").collect::<String>();
    rig.append("a.jsonl", &text(&[0, 1, 2]));
    rig.import();
    rig.append("b.jsonl", &text(&[0, 2, 3]));
    fs::remove_file(rig.path("a.jsonl")).unwrap();
    rig.import();
    let counts = rig.counts();
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [1; 4], "{:?}", counts.len());
}

#[test]
fn a_file_that_got_another_name_and_was_written_anew_while_it_was_read_is_the_same_file() {
    let mut rig = Rig::new();
    let mut file = Written::new();
    file.suffer(&rig, Deed::Append);
    let path = rig.folder.path().join("projects");
    let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path };
    rig.importer.look(&[root], true, Micros::now()).unwrap();
    assert!(rig.importer.step().unwrap());
    for deed in [Deed::Rename, Deed::Cut, Deed::Append] {
        file.suffer(&rig, deed);
    }
    while rig.importer.step().unwrap() {}
    rig.import();
    let counts = rig.counts();
    assert!(counts.values().all(|count| *count == 1));
    assert!(file.lines.iter().all(|number| counts.contains_key(&wide(*number))));
}

#[test]
fn a_file_that_was_cut_or_replaced_since_it_was_looked_at_is_read_from_its_beginning() {
    for is_replaced in [false, true] {
        let mut rig = Rig::new();
        rig.append("a.jsonl", &text(0..5));
        rig.import();
        rig.append("a.jsonl", &text(5..7));
        let path = rig.folder.path().join("projects");
        let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path };
        rig.importer.look(&[root], true, Micros::now()).unwrap();
        let target = if is_replaced { "new" } else { "a.jsonl" };
        fs::write(rig.path(target), text(20..60)).unwrap();
        if is_replaced {
            fs::rename(rig.path("new"), rig.path("a.jsonl")).unwrap();
        }
        while rig.importer.step().unwrap() {}
        rig.import();
        // What was between two looks only, nobody saw; nothing is a part of a line.
        assert_eq!(rig.counts(), once((0..5).chain(20..60)), "replaced: {is_replaced}");
    }
}

#[test]
fn a_file_that_is_written_anew_while_it_is_read_is_read_anew_and_leaves_no_part_of_a_line() {
    let mut rig = Rig::new();
    let old: String = (0..200).map(|number| wide(number) + "\n").collect();
    fs::write(rig.path("a.jsonl"), old).unwrap();
    let path = rig.folder.path().join("projects");
    let root = TranscriptRoot { format: TranscriptFormat::ClaudeCode, path };
    rig.importer.look(&[root], true, Micros::now()).unwrap();
    // Some of what was read at once is told.
    for _ in 0..2 {
        assert!(rig.importer.step().unwrap());
    }
    let new: String = (300..500).map(|number| wide(number) + " \n").collect();
    fs::write(rig.path("a.jsonl"), &new).unwrap();
    while rig.importer.step().unwrap() {}
    let before = rig.counts();
    assert!(before.len() > 16 && before.len() < 200, "what was in memory is told");
    assert!((0..200).filter(|number| before.contains_key(&wide(*number))).count() == before.len());
    rig.import();
    let counts = rig.counts();
    assert_eq!(counts.len(), before.len() + 200);
    assert!(counts.values().all(|count| *count == 1));
}
