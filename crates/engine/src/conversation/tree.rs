//! Which branch a line is of. Lines name the one that they follow; where two that go on follow the same one, a person
//! went back and said something else, or an answer was asked for again.

use std::collections::HashMap;

use langley_model::{LineRole, Micros};
use langley_store::ThreadLine;

/// A branch of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// Its number. The one that goes on to the newest line is 0.
    pub number: u32,
    /// The branch that it left; none for the first.
    pub parent: Option<u32>,
    /// The line after which it left.
    pub from: Option<String>,
    /// When its first line was written.
    pub first_at: Micros,
    /// When its newest line was written.
    pub last_at: Micros,
    /// Lines.
    pub lines: u64,
}

/// What is known of what follows a line, the line included.
#[derive(Clone, Copy, Default)]
struct Below {
    /// Whether anything is said there: a result that nobody reacted to is no branch.
    speaks: bool,
    /// Time and number of the newest line.
    newest: (i64, i64),
}

/// The branch of each line, and all branches. Lines have each id once.
pub(super) fn branches(lines: &[ThreadLine]) -> (Vec<u32>, Vec<Branch>) {
    let tree = Tree::of(lines);
    let below = tree.below(lines);
    let mut of = vec![0; lines.len()];
    let mut branches = vec![Branch::default()];
    for &at in &tree.order {
        let (speaking, silent): (Vec<usize>, Vec<usize>) =
            tree.children[at].iter().copied().partition(|child| below[*child].speaks);
        let goes_on = speaking.iter().copied().max_by_key(|child| below[*child].newest);
        for child in silent {
            of[child] = of[at];
        }
        for child in speaking {
            of[child] = if Some(child) == goes_on {
                of[at]
            } else {
                let number = u32::try_from(branches.len()).unwrap_or(u32::MAX);
                let (parent, from) = (Some(of[at]), lines[at].uuid.clone());
                branches.push(Branch { number, parent, from, ..Branch::default() });
                number
            };
        }
    }
    for (line, number) in lines.iter().zip(&of) {
        let branch = &mut branches[*number as usize];
        branch.first_at = if branch.lines == 0 { line.at } else { branch.first_at.min(line.at) };
        branch.last_at = branch.last_at.max(line.at);
        branch.lines += 1;
    }
    (of, branches)
}

/// Lines by what they follow.
struct Tree {
    parent: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    /// All lines, each behind the one that it follows.
    order: Vec<usize>,
}

impl Tree {
    fn of(lines: &[ThreadLine]) -> Self {
        let places: HashMap<&str, usize> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((line.uuid.as_deref()?, at)))
            .collect();
        let mut children = vec![Vec::new(); lines.len()];
        let parents = lines.iter().enumerate().map(|(at, line)| {
            let parent = line.parent.as_deref().and_then(|id| places.get(id)).copied();
            // A subagent's lines are a conversation of their own.
            parent.filter(|parent| {
                *parent != at
                    && lines[*parent].is_sidechain == line.is_sidechain
                    && lines[*parent].agent_id == line.agent_id
            })
        });
        let mut parent: Vec<Option<usize>> = parents.collect();
        for (at, parent) in parent.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(at);
            }
        }
        let mut order = Vec::with_capacity(lines.len());
        let mut is_seen = vec![false; lines.len()];
        let mut walk = |root: usize, is_seen: &mut Vec<bool>| {
            let mut waiting = vec![root];
            while let Some(at) = waiting.pop() {
                if !std::mem::replace(&mut is_seen[at], true) {
                    order.push(at);
                    waiting.extend(children[at].iter().rev());
                }
            }
        };
        for at in (0..lines.len()).filter(|at| parent[*at].is_none()) {
            walk(at, &mut is_seen);
        }
        // In a damaged file lines may follow each other in a ring: it is entered anywhere.
        for at in 0..lines.len() {
            if !is_seen[at] {
                walk(at, &mut is_seen);
                parent[at] = None;
            }
        }
        for (at, children) in children.iter_mut().enumerate() {
            children.retain(|child| parent[*child] == Some(at));
        }
        Self { parent, children, order }
    }

    fn below(&self, lines: &[ThreadLine]) -> Vec<Below> {
        let mut below = vec![Below::default(); lines.len()];
        for &at in self.order.iter().rev() {
            let line = &lines[at];
            let before = self.parent[at].and_then(|parent| lines[parent].message_id.as_deref());
            // An answer has a line for each of its blocks.
            let goes_on = line.message_id.is_some() && line.message_id.as_deref() == before;
            let speaks = match line.role {
                LineRole::Prompt => true,
                LineRole::Answer => !goes_on,
                _ => false,
            };
            let own = Below { speaks, newest: (line.at.0, line.id) };
            below[at] = self.children[at].iter().fold(own, |sum, child| Below {
                speaks: sum.speaks || below[*child].speaks,
                newest: sum.newest.max(below[*child].newest),
            });
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id:parent role [message]`, in the order of time.
    fn lines(text: &[&str]) -> Vec<ThreadLine> {
        let line = |(number, text): (usize, &&str)| {
            let mut words = text.split_whitespace();
            let (uuid, parent) = words.next().unwrap().split_once(':').unwrap();
            let role = words.next().unwrap();
            let role = LineRole::ALL.into_iter().find(|it| it.as_str() == role).unwrap();
            let number = i64::try_from(number).unwrap();
            ThreadLine {
                id: number,
                at: Micros(number),
                role,
                uuid: Some(uuid.to_owned()),
                parent: Some(parent.to_owned()).filter(|it| !it.is_empty()),
                message_id: words.next().map(str::to_owned),
                ..ThreadLine::default()
            }
        };
        text.iter().enumerate().map(line).collect()
    }

    #[test]
    fn results_of_parallel_calls_make_no_branches() {
        let lines = lines(&[
            "p: prompt",
            "a1:p answer m1",
            "a2:a1 answer m1",
            "r1:a1 tool_result",
            "r2:a2 tool_result",
            "b:r1 answer m2",
            "q:b prompt",
        ]);
        let (of, branches) = branches(&lines);
        assert_eq!(of, [0; 7]);
        assert_eq!(branches.len(), 1);
        assert_eq!((branches[0].lines, branches[0].last_at), (7, Micros(6)));
    }

    #[test]
    fn who_goes_back_and_says_something_else_leaves_a_branch_behind() {
        let lines = lines(&[
            "p: prompt",
            "a:p answer m1",
            "q:a prompt",
            "b:q answer m2",
            "r:a prompt",
            "c:r answer m3",
            "s:a prompt",
        ]);
        let (of, branches) = branches(&lines);
        assert_eq!(of, [0, 0, 1, 1, 2, 2, 0], "the newest goes on");
        let left: Vec<_> = branches.iter().map(|it| (it.parent, it.from.as_deref())).collect();
        assert_eq!(left, [(None, None), (Some(0), Some("a")), (Some(0), Some("a"))]);
        assert_eq!((branches[1].first_at, branches[1].last_at), (Micros(2), Micros(3)));
    }

    #[test]
    fn lines_that_follow_each_other_in_a_ring_or_nobody_are_all_there() {
        let lines = lines(&["a:b prompt", "b:a answer m1", "c:gone prompt", "d:d prompt"]);
        let (of, branches) = branches(&lines);
        assert_eq!(of, [0; 4]);
        assert_eq!(branches[0].lines, 4);
    }
}
