//! What a record is worth, where not all can be kept.

use langley_model::{EventRun, Record, RedactedBytes};

use crate::telling;

/// How little a record is worth; the first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    MinorEvents,
    PlainEvents,
    Events,
    Bodies,
    HeadersAndMessages,
    All,
}

impl Worth {
    /// Whether an event of this type, with this data, is worth no more.
    fn covers(self, kind: &str, data: &[u8]) -> bool {
        match self {
            Self::MinorEvents => telling::is_minor(kind),
            Self::PlainEvents => !telling::is_telling(kind, data),
            Self::Events | Self::Bodies | Self::HeadersAndMessages | Self::All => true,
        }
    }
}

/// Bytes of a record that may be given up at this worth.
pub(crate) fn droppable(record: &Record, worth: Worth) -> usize {
    match (record, worth) {
        (Record::Events(run), Worth::MinorEvents | Worth::PlainEvents) => run
            .iter()
            .filter(|(_, kind, data)| worth.covers(kind, data))
            .map(|(_, _, data)| data.len() + 1)
            .sum(),
        (Record::Events(_), _)
        | (Record::Body(_), Worth::Bodies | Worth::HeadersAndMessages | Worth::All)
        | (Record::Headers(_) | Record::Message(..), Worth::HeadersAndMessages | Worth::All)
        | (Record::Flow(_) | Record::Tunnel(_), Worth::All) => weight(record),
        (
            Record::Flow(_)
            | Record::Headers(_)
            | Record::Body(_)
            | Record::Message(..)
            | Record::Tunnel(_)
            | Record::Drop(_)
            | Record::Loss(..),
            _,
        ) => 0,
    }
}

/// A run without the events that are given up, and how many those were.
pub(crate) fn without(run: &EventRun, worth: Worth) -> (EventRun, u64) {
    if !matches!(worth, Worth::MinorEvents | Worth::PlainEvents) {
        let dropped = run.spans.len() as u64;
        return (EventRun { flow: run.flow, ..EventRun::default() }, dropped);
    }
    let mut rest = EventRun { flow: run.flow, kinds: run.kinds.clone(), ..EventRun::default() };
    let mut text = RedactedBytes::new();
    let (mut start, mut dropped) = (0, 0);
    for (span, kind, data) in run.iter() {
        let end = start + data.len();
        if worth.covers(kind, data) {
            dropped += 1;
        } else {
            text.append_part(&run.text, start..end);
            rest.spans.push(*span);
        }
        start = end;
    }
    rest.text = text;
    (rest, dropped)
}

/// About how many bytes a record holds.
pub(crate) fn weight(record: &Record) -> usize {
    const FIXED: usize = 128;
    FIXED
        + match record {
            Record::Flow(flow) => 1_024 + flow.path.len(),
            Record::Headers(headers) => headers.lines.as_bytes().len(),
            Record::Body(body) => body.bytes.len() + size_of_val(&*body.pieces),
            Record::Events(run) => run.text.len() + 40 * run.spans.len(),
            Record::Message(_, message) => message.weight(),
            Record::Tunnel(_) | Record::Drop(_) | Record::Loss(..) => 128,
        }
}
