//! `cargo xtask tidy`: the points of the house style that a machine can check.

mod rules;

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::arrows::arrows;
use crate::workspace::{files, root};

/// A text file of the project.
#[derive(Debug)]
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// Something a rule objects to.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counts from 1.
    line: usize,
    what: String,
}

impl Source {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }
}

/// Checks every file, and the arrows.
pub(crate) fn tidy() -> Result<()> {
    let mut findings = Vec::new();
    let mut checked = 0;
    for path in files()? {
        // What is not text has no style.
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        let source = Source { path: path.to_string_lossy().replace('\\', "/"), text };
        for rule in rules::ALL {
            rule(&source, &mut findings);
        }
        checked += 1;
    }
    for Finding { path, line, what } in &findings {
        println!("{path}:{line}: {what}");
    }
    let arrows = arrows();
    if let Err(error) = &arrows {
        println!("{error:#}");
    }
    println!("tidy: {checked} files, {} findings", findings.len());
    if findings.is_empty() && arrows.is_ok() { Ok(()) } else { bail!("the tree is not tidy") }
}
