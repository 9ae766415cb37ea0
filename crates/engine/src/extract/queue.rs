//! What threads that read ahead have told, until it is its turn: in bounded room, whichever file it is of.

use std::collections::{HashMap, VecDeque};
use std::io;

use parking_lot::{Condvar, Mutex};

use super::records::Records;
use super::teller::Counts;

/// Bytes of records that may wait of files whose turn it is not yet, and of the one whose turn it is. Beyond that one
/// portion of each thread, which is as long as its longest record, or as what is told between a call and its result.
const AHEAD: usize = 16 << 20;
const OF_TURN: usize = 512 << 10;

/// What a thread hands on.
#[derive(Debug)]
pub(super) enum Portion {
    /// Records of a file.
    Records(Records),
    /// The file ends.
    End(io::Result<Counts>),
}

impl Portion {
    const fn bytes(&self) -> usize {
        match self {
            Self::Records(records) => records.len(),
            Self::End(_) => 0,
        }
    }
}

/// Portions of files, by the files' places.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is a portion of the file whose turn it is, or nobody will bring one.
    more: Condvar,
    /// There is room, or nobody takes anything any more.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<usize, VecDeque<Portion>>,
    /// The file whose portions are taken.
    turn: usize,
    /// Bytes that wait of it, and of those behind it.
    of_turn: usize,
    ahead: usize,
    is_over: bool,
}

/// Ends the queue when it goes.
#[derive(Debug)]
pub(super) struct Over<'q> {
    queue: &'q Queue,
    only_in_panic: bool,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        if !self.only_in_panic || std::thread::panicking() {
            self.queue.state.lock().is_over = true;
            self.queue.more.notify_all();
            self.queue.room.notify_all();
        }
    }
}

impl Queue {
    /// Ends the queue when what is answered goes.
    pub(super) const fn over(&self) -> Over<'_> {
        Over { queue: self, only_in_panic: false }
    }

    /// The same, in a panic alone.
    pub(super) const fn over_when_panicking(&self) -> Over<'_> {
        Over { queue: self, only_in_panic: true }
    }

    /// Waits until there is room and puts a portion of a file in; whether anybody still takes them.
    pub(super) fn put(&self, place: usize, portion: Portion) -> bool {
        let bytes = portion.bytes();
        let mut state = self.state.lock();
        while !state.is_over && state.is_full_for(place) {
            self.room.wait(&mut state);
        }
        if state.is_over {
            return false;
        }
        *state.bytes_of(place) += bytes;
        let is_awaited = place == state.turn;
        state.waiting.entry(place).or_default().push_back(portion);
        drop(state);
        if is_awaited {
            self.more.notify_one();
        }
        true
    }

    /// Waits for the next portion of a file, whose turn it is from now on. None will come where the threads are no more.
    pub(super) fn next_of(&self, place: usize) -> Option<Portion> {
        let mut state = self.state.lock();
        if state.turn != place {
            let bytes = state.waiting.get(&place).into_iter().flatten().map(Portion::bytes).sum();
            state.turn = place;
            state.ahead -= bytes;
            state.of_turn = bytes;
            // Whoever reads this one has its own bound now.
            self.room.notify_all();
        }
        loop {
            if let Some(portion) = state.waiting.get_mut(&place).and_then(VecDeque::pop_front) {
                state.of_turn -= portion.bytes();
                if matches!(portion, Portion::End(_)) {
                    state.waiting.remove(&place);
                }
                drop(state);
                self.room.notify_all();
                return Some(portion);
            }
            if state.is_over {
                return None;
            }
            self.more.wait(&mut state);
        }
    }
}

impl State {
    const fn is_full_for(&self, place: usize) -> bool {
        if place == self.turn { self.of_turn >= OF_TURN } else { self.ahead >= AHEAD }
    }

    const fn bytes_of(&mut self, place: usize) -> &mut usize {
        if place == self.turn { &mut self.of_turn } else { &mut self.ahead }
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{Redactor, RedactorOptions};

    use super::super::mode::ExtractMode;
    use super::super::record::Head;
    use super::super::records::{Draft, Told};
    use super::*;

    #[test]
    fn portions_of_a_file_come_in_their_order_however_far_ahead_they_are() {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let portion = |offset: u64| {
            let told = Told { mode: ExtractMode::UserPrompts, at: None, offset, response: None };
            let mut draft = Draft::default();
            draft.put(told, &Head::default(), |record| {
                record.text("text", Some(&" ".repeat(OF_TURN / 2)));
            });
            Portion::Records(draft.take(&redactor))
        };
        // More than may wait.
        let count = 3 * (AHEAD / OF_TURN) as u64;
        let queue = Queue::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for offset in 0..count {
                    assert!(queue.put(1, portion(offset)));
                }
                assert!(queue.put(1, Portion::End(Ok(Counts::default()))));
            });
            assert!(queue.put(0, Portion::End(Ok(Counts::default()))));
            assert!(matches!(queue.next_of(0), Some(Portion::End(Ok(_)))));
            for expected in 0..count {
                let Some(Portion::Records(records)) = queue.next_of(1) else {
                    panic!("{expected}")
                };
                assert_eq!(records.iter().next().unwrap().0.offset, expected);
            }
            assert!(matches!(queue.next_of(1), Some(Portion::End(Ok(_)))));
        });
        drop(queue.over());
        assert!(!queue.put(2, portion(0)));
        assert!(queue.next_of(2).is_none());
    }
}
