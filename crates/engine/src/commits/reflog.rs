//! The log of a repository's `HEAD`: one line for each move, `OLD NEW NAME <MAIL> SECONDS ZONE\tWHAT: SUBJECT`
//! (gitrepository-layout(5), `logs`).

use langley_model::Micros;

/// What of a move is new work.
const WORK: [&str; 5] = ["commit", "commit (initial)", "commit (merge)", "cherry-pick", "revert"];

/// A commit as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The hash that it was made with.
    pub hash: String,
    /// The end of the second in which it was made.
    pub at: Micros,
    /// The first line of its message.
    pub subject: String,
    /// The number of the pull request that its subject names, as `(#12)` or `Merge pull request #12`.
    pub pull_request: Option<u64>,
    /// What `HEAD` was before.
    parent: String,
}

impl Commit {
    /// The second in which it was made.
    #[must_use]
    pub const fn second(&self) -> Micros {
        Micros(self.at.0 / 1_000_000 * 1_000_000)
    }
}

/// The commits of a log, in its order. One that was amended is told as what it became; one that a reset took back is
/// left out, and what led to it leads to the next. Lines that are no moves of `HEAD` as Git writes them are left out.
#[must_use]
pub fn commits(log: &str) -> Vec<Commit> {
    let mut found: Vec<Commit> = Vec::new();
    for (what, commit) in log.lines().filter_map(line) {
        if what == "commit (amend)" {
            let parent = match found.last() {
                Some(last) if last.hash == commit.parent => found.pop().map(|last| last.parent),
                _ => None,
            };
            found.push(Commit { parent: parent.unwrap_or_default(), ..commit });
        } else if WORK.contains(&what) {
            found.push(commit);
        } else if what == "reset"
            && found.last().is_some_and(|last| last.hash == commit.parent)
            && let Some(place) = found.iter().rposition(|it| it.parent == commit.hash)
            && found[place..].is_sorted_by(|one, next| next.parent == one.hash)
        {
            found.truncate(place);
        }
    }
    found
}

/// The end of the second of the log's first line, where lines before it are gone: what was done until then nobody
/// knows the commit of.
pub(super) fn known_from(log: &str) -> Option<Micros> {
    let (_, first) = log.lines().find_map(line)?;
    first.parent.bytes().any(|digit| digit != b'0').then_some(first.at)
}

/// What a line says was done, and what `HEAD` came to.
fn line(line: &str) -> Option<(&str, Commit)> {
    let (head, said) = line.split_once('\t')?;
    let mut words = head.split(' ');
    let (parent, hash) = (words.next()?, words.next()?);
    let is_hash = |word: &str| {
        (40..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut last = head.rsplit(' ');
    let (_zone, seconds) = (last.next()?, last.next()?);
    let seconds: i64 = seconds.parse().ok()?;
    let at = Micros(seconds.checked_mul(1_000_000)?.checked_add(999_999)?);
    let (what, subject) = said.split_once(": ").unwrap_or((said, ""));
    (is_hash(parent) && is_hash(hash)).then(|| {
        let pull_request = pull_request(subject);
        let (hash, parent) = (hash.to_owned(), parent.to_owned());
        (what, Commit { hash, at, subject: subject.to_owned(), pull_request, parent })
    })
}

/// The pull request that a subject names.
fn pull_request(subject: &str) -> Option<u64> {
    let number = match subject.strip_prefix("Merge pull request #") {
        Some(rest) => rest.split(' ').next()?,
        None => subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?.1,
    };
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(name: char) -> String {
        name.to_string().repeat(40)
    }

    fn moved(from: char, to: char, second: i64, said: &str) -> String {
        format!("{} {} A Person <a@b.c> {second} +0200\t{said}\n", hash(from), hash(to))
    }

    fn told(log: &str) -> Vec<(String, i64, String)> {
        let told = |it: Commit| (it.hash, it.at.0 / 1_000_000, it.subject);
        commits(log).into_iter().map(told).collect()
    }

    #[test]
    fn commits_are_told_and_other_moves_are_not() {
        let log = moved('0', 'a', 10, "commit (initial): begin: all of it")
            + &moved('a', 'b', 20, "commit: go on (#12)")
            + &moved('b', 'a', 30, "checkout: moving from main to other")
            + &moved('a', 'c', 40, "cherry-pick: go on")
            + &moved('c', 'd', 50, "commit (merge): Merge branch 'x'")
            + &moved('d', 'e', 60, "pull origin main: Fast-forward")
            + &moved('e', 'f', 70, "rebase (pick): go on")
            + "no line of a log\n"
            + &moved('f', '1', 80, "revert: Revert \"go on\"");
        let expected = [
            (hash('a'), 10, "begin: all of it".to_owned()),
            (hash('b'), 20, "go on (#12)".to_owned()),
            (hash('c'), 40, "go on".to_owned()),
            (hash('d'), 50, "Merge branch 'x'".to_owned()),
            (hash('1'), 80, "Revert \"go on\"".to_owned()),
        ];
        assert_eq!(told(&log), expected);
        let numbers: Vec<_> = commits(&log).iter().map(|it| it.pull_request).collect();
        assert_eq!(numbers, [None, Some(12), None, None, None]);
        assert_eq!(pull_request("Merge pull request #7 from a/b"), Some(7));
        assert_eq!(pull_request("mends (#x)"), None);
    }

    #[test]
    fn a_log_whose_beginning_is_gone_says_from_when_on_it_is_known() {
        let whole =
            moved('0', 'a', 10, "clone: from elsewhere") + &moved('a', 'b', 20, "commit: x");
        assert_eq!(known_from(&whole), None);
        let rest = whole.lines().nth(1).unwrap();
        assert_eq!(known_from(rest), Some(Micros(20_999_999)));
        assert_eq!(known_from("no line of a log"), None);
    }

    #[test]
    fn what_was_amended_is_one_commit_and_what_was_reset_is_none() {
        let log = moved('0', 'a', 10, "commit (initial): begin")
            + &moved('a', 'b', 20, "commit: wrong")
            + &moved('b', 'c', 30, "commit (amend): right")
            + &moved('c', 'd', 40, "commit: too early")
            + &moved('d', 'e', 50, "commit: far too early")
            + &moved('e', 'c', 60, "reset: moving to HEAD~2")
            + &moved('c', 'f', 70, "commit: in time")
            + &moved('f', '9', 80, "reset: moving to origin/main");
        let expected = [
            (hash('a'), 10, "begin".to_owned()),
            (hash('c'), 30, "right".to_owned()),
            (hash('f'), 70, "in time".to_owned()),
        ];
        assert_eq!(told(&log), expected);
        // From elsewhere it takes nothing back, and from the last one all up to where it goes.
        let elsewhere = log.clone() + &moved('9', 'a', 90, "reset: moving to a");
        assert_eq!(told(&elsewhere).len(), 3);
        let back = log
            + &moved('9', 'f', 90, "reset: moving to f")
            + &moved('f', 'a', 91, "reset: moving to a");
        assert_eq!(told(&back).len(), 1);
    }
}
