//! A plain table for the terminal: columns as wide as their widest cell, the last one free.

use std::fmt;

use langley_model::is_obeyed;

/// A number with its noun, of which there is one or several.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Rows of `N` cells.
#[derive(Clone, Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<Row<N>>,
}

/// A row, and what stands on lines of its own below it.
#[derive(Clone, Debug)]
struct Row<const N: usize> {
    cells: [String; N],
    below: Vec<String>,
}

impl<const N: usize> Table<N> {
    /// A table with its head.
    pub(crate) fn new(head: [&str; N]) -> Self {
        Self { rows: vec![Row { cells: head.map(str::to_owned), below: Vec::new() }] }
    }

    /// Adds a row, its cells as [`shown`].
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(Row { cells: cells.map(shown), below: Vec::new() });
    }

    /// Says something of the last row, at its full length.
    pub(crate) fn below(&mut self, text: String) {
        if let Some(row) = self.rows.last_mut() {
            row.below.push(shown(text));
        }
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row.cells[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..N).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.cells.iter().zip(&widths) {
                line.push_str(cell);
                let missing = width.saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', missing + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
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
        insta::assert_snapshot!(table.to_string(), @r"
        A          B
        long cell  x·[2J·
            what is said of it, as long as it is·
        é
        ");
    }
}
