//! A plain table for the terminal: columns as wide as their widest cell, the last one free.

use std::fmt;

use langley_model::is_obeyed;

/// A number with its noun, of which there is one or several.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Rows of cells.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Row>,
    /// Characters of a line; what is beyond them is cut.
    width: usize,
}

/// A row, and what stands on lines of its own below it.
#[derive(Clone, Debug)]
struct Row {
    cells: Vec<String>,
    below: Vec<String>,
}

impl Table {
    /// A table with its head.
    pub(crate) fn new<'h>(head: impl IntoIterator<Item = &'h str>) -> Self {
        let cells = head.into_iter().map(str::to_owned).collect();
        Self { rows: vec![Row { cells, below: Vec::new() }], width: usize::MAX }
    }

    /// Cuts what is longer than so many characters in a line.
    pub(crate) const fn cut_at(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Adds a row of as many cells as the head has, each as [`shown`].
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(shown).collect();
        self.rows.push(Row { cells, below: Vec::new() });
    }

    /// Says something of the last row, at its full length.
    pub(crate) fn below(&mut self, text: String) {
        if let Some(row) = self.rows.last_mut() {
            row.below.push(shown(text));
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.cells.iter().zip(&widths) {
                line.push_str(cell);
                let missing = width.saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', missing + 2));
            }
            let line = line.trim_end();
            match line.char_indices().nth(self.width) {
                Some(_) => {
                    let kept: String = line.chars().take(self.width.saturating_sub(1)).collect();
                    writeln!(f, "{}…", kept.trim_end())?;
                }
                None => writeln!(f, "{line}")?,
            }
            for text in &row.below {
                writeln!(f, "    {text}")?;
            }
        }
        Ok(())
    }
}

/// The text with a mark in the place of what a terminal would obey: it may be what a server sent.
pub(crate) fn shown(text: String) -> String {
    if text.contains(is_obeyed) {
        text.chars().map(|c| if is_obeyed(c) { '·' } else { c }).collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_shown() {
        let mut table = Table::new(["A", "B"]);
        table.row(["long cell".into(), "x\u{1b}[2J\u{202e}".into()]);
        table.below("what is said of it, as long as it is\u{1b}".into());
        table.row(["é".into(), String::new()]);
        let narrow = table.clone().cut_at(12).to_string();
        assert_eq!(narrow.lines().next_back(), Some("é"));
        assert!(narrow.contains("\nlong cell…\n"), "{narrow}");
        insta::assert_snapshot!(table.to_string(), @r"
        A          B
        long cell  x·[2J·
            what is said of it, as long as it is·
        é
        ");
    }
}
