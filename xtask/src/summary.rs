//! Adds up what ran: a step that fails, and tests that never ran, both fail the whole.

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

/// How one step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A check held.
    Passed,
    /// A check did not.
    Failed(String),
    /// Tests ran.
    Tests(Tests),
    /// It could not run here, which is allowed.
    Skipped(String),
}

/// Tests counted in a runner's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tests {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// What failed, as the runner names it; it may name fewer than it counts.
    pub(crate) names: Vec<String>,
}

/// Most failed tests of a step that the closing table names.
const NAMED: usize = 20;

/// All steps.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    lines: Vec<Line>,
}

impl Summary {
    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Passed and failed, steps and tests together.
    pub(crate) fn totals(&self) -> (u64, u64) {
        self.lines.iter().fold((0, 0), |(passed, failed), line| match &line.verdict {
            Verdict::Passed => (passed + 1, failed),
            Verdict::Failed(_) => (passed, failed + 1),
            Verdict::Tests(tests) => (passed + tests.passed, failed + tests.failed),
            Verdict::Skipped(_) => (passed, failed),
        })
    }

    /// Whether everything held and at least one test ran.
    pub(crate) fn holds(&self) -> bool {
        let ran = self
            .lines
            .iter()
            .any(|line| matches!(&line.verdict, Verdict::Tests(tests) if tests.passed > 0));
        ran && self.totals().1 == 0
    }

    /// The closing table, and the names of what failed once more: whoever sees the end of a long output
    /// sees them. Its last line is `N passed, N failed`.
    pub(crate) fn text(&self) -> String {
        let mut out = String::from("\n");
        for Line { name, verdict, took } in &self.lines {
            let (mark, note) = match verdict {
                Verdict::Passed => ("ok     ", String::new()),
                Verdict::Failed(why) => ("FAILED ", why.clone()),
                Verdict::Tests(tests) if tests.failed > 0 => {
                    ("FAILED ", format!("{} passed, {} failed", tests.passed, tests.failed))
                }
                Verdict::Tests(tests) => ("ok     ", format!("{} passed", tests.passed)),
                Verdict::Skipped(why) => ("skipped", why.clone()),
            };
            let _ = writeln!(out, "{mark} {name:<12} {:>6.1} s  {note}", took.as_secs_f64());
            if let Verdict::Tests(tests) = verdict {
                for name in tests.names.iter().take(NAMED) {
                    let _ = writeln!(out, "        {name}");
                }
            }
        }
        let (passed, failed) = self.totals();
        let _ = write!(out, "\n{passed} passed, {failed} failed");
        out
    }
}

impl Tests {
    /// Turns counts into a verdict: a runner that failed or ran nothing has failed, whatever it
    /// printed.
    pub(crate) fn verdict(self, ok: bool) -> Verdict {
        if !ok && self.failed == 0 {
            let passed = self.passed;
            return Verdict::Failed(format!("the runner failed, and {passed} tests passed"));
        }
        if self.passed + self.failed == 0 {
            return Verdict::Failed("no test ran".to_owned());
        }
        Verdict::Tests(self)
    }

    /// Counts in the output of nextest, `cargo test`, vitest or playwright.
    pub(crate) fn count(output: &str) -> Self {
        static ANSI: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*m").ok());
        static TOTAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(concat!(
                r"(?m)^\s*(?:Summary \[.*tests? run:|test result: \w+\.|Tests\s)(.*)$",
                r"|^\s*(\d+ (?:passed|failed|flaky))(?: \(.*\))?$",
            ))
            .ok()
        });
        static NUMBER: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"(\d+) (passed|failed|flaky|timed out)").ok());
        let mut tests = Self::default();
        let (Some(ansi), Some(total), Some(number)) = (&*ANSI, &*TOTAL, &*NUMBER) else {
            return tests;
        };
        let plain = ansi.replace_all(output, "");
        for line in total.captures_iter(&plain) {
            let part = line.get(1).or_else(|| line.get(2)).map_or("", |part| part.as_str());
            for found in number.captures_iter(part) {
                let count = found[1].parse().unwrap_or(0);
                match &found[2] {
                    "passed" | "flaky" => tests.passed += count,
                    _ => tests.failed += count,
                }
            }
        }
        tests.names = failures(&plain);
        tests
    }

    /// These and those.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed += other.failed;
        self.names.extend(other.names);
        self
    }
}

/// The names of what failed in a runner's output without colours, each once.
fn failures(plain: &str) -> Vec<String> {
    static FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            // nextest, and cargo test
            r"(?m)^\s*(?:(?:FAIL|TIMEOUT|SIG\w+|ABORT) \[[^\]]*\](?: \([^)]*\))?\s+(.+)|test (\S+) \.\.\. FAILED",
            // vitest, and playwright
            r"|FAIL\s+(\S+ > .+)|\d+\) (?:\[\w+\] › )?(\S+:\d+:\d+ › .+?)[\s─]*)$",
        ))
        .ok()
    });
    let mut names: Vec<String> = Vec::new();
    for found in FAILED.iter().flat_map(|failed| failed.captures_iter(plain)) {
        let name =
            (1..5).find_map(|place| found.get(place)).map_or("", |name| name.as_str().trim());
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(passed: u64, failed: u64, names: &[&str]) -> Tests {
        Tests { passed, failed, names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn every_runners_closing_line_and_failures_are_understood() {
        let nextest = "        FAIL [   0.012s] ( 3/21) langley-store::it kill::torn\n\
                       \x20    Summary [   3.645s] 21 tests run: 20 passed, 1 failed, 0 skipped\n\
                       \x20       FAIL [   0.012s] ( 3/21) langley-store::it kill::torn\n";
        assert_eq!(Tests::count(nextest), counted(20, 1, &["langley-store::it kill::torn"]));
        let libtest = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured\n\
                       test codec::tests::whole ... FAILED\n\
                       test result: FAILED. 2 passed; 1 failed; 0 ignored\n";
        assert_eq!(Tests::count(libtest), counted(7, 1, &["codec::tests::whole"]));
        let vitest = " FAIL  src/a.test.tsx > the list is open\n Test Files  3 passed (3)\n\
                      \x1b[2m      Tests \x1b[22m 1 failed | 11 passed (12)\n";
        assert_eq!(Tests::count(vitest), counted(11, 1, &["src/a.test.tsx > the list is open"]));
        let playwright = "  1) e2e/a.spec.ts:106:1 › a star is kept ─────\n\n  1 failed\n\
                          \x20   e2e/a.spec.ts:106:1 › a star is kept ─────\n  14 passed (12.3s)\n";
        let names = ["e2e/a.spec.ts:106:1 › a star is kept"];
        assert_eq!(Tests::count(playwright), counted(14, 1, &names));
    }

    #[test]
    fn the_closing_table_names_what_failed() {
        let mut summary = Summary::default();
        let verdict = counted(3, 1, &["a.spec.ts:1:1 › x"]).verdict(false);
        summary.push(Line { name: "browser".into(), verdict, took: Duration::ZERO });
        let text = summary.text();
        assert!(text.contains("3 passed, 1 failed\n        a.spec.ts:1:1 › x\n"), "{text}");
    }

    #[test]
    fn a_runner_that_ran_nothing_has_failed() {
        assert!(matches!(Tests::default().verdict(true), Verdict::Failed(_)));
        let tests = counted(3, 0, &[]);
        assert!(matches!(tests.clone().verdict(false), Verdict::Failed(_)));
        assert_eq!(tests.clone().verdict(true), Verdict::Tests(tests));
    }

    #[test]
    fn the_whole_fails_without_tests_and_with_any_failure() {
        let line = |verdict| Line { name: "x".into(), verdict, took: Duration::ZERO };
        let mut summary = Summary::default();
        summary.push(line(Verdict::Passed));
        assert!(!summary.holds());
        summary.push(line(Verdict::Tests(counted(2, 0, &[]))));
        assert!(summary.holds());
        assert!(summary.text().ends_with("\n3 passed, 0 failed"));
        summary.push(line(Verdict::Failed("why".into())));
        assert!(!summary.holds());
    }
}
