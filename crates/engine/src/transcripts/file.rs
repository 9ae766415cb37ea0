//! Reads one file from its beginning, or from where it was left.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use langley_protocol::transcript::{LinesRead, UsageLine, UsageReader};
use parking_lot::Mutex;

/// Bytes read at a time: they stay in the processor's cache until they were looked through.
pub(super) const PORTION: usize = 256 << 10;

/// The longest line that is read. Longer ones are counted.
const LINE_MAX: u64 = 48 << 20;

/// Room for one line that is longer than a portion; one thread at a time has it, so that there is one of them only.
pub(super) type LongLine = Mutex<Vec<u8>>;

/// What one file told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Where the lines ended that were read: behind the last line feed.
    pub(super) end: u64,
    pub(super) lines: LinesRead,
}

/// Reads the lines of a file from `start` on, up to `size` bytes, as many at a time as `portion` has room for.
/// `out` is told of each line whether it is whole: the last one, where it lacks its end, may be written on.
pub(super) fn read(
    path: &Path,
    (start, size): (u64, u64),
    reader: &mut UsageReader,
    (portion, long): (&mut [u8], &LongLine),
    out: &mut dyn FnMut(UsageLine<'_>, bool),
) -> io::Result<Told> {
    let mut file = File::open(path)?;
    if start > 0 {
        file.seek(SeekFrom::Start(start))?;
    }
    let most = portion.len();
    let mut told = Told { end: start, ..Told::default() };
    // Bytes in `portion` that are the beginning of a line.
    let mut kept = 0;
    let mut at = start;
    loop {
        let room = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX).min(most - kept);
        let read = read_some(&mut file, &mut portion[kept..kept + room])?;
        at += read as u64;
        let filled = kept + read;
        if let Some(feed) = memchr::memrchr(b'\n', &portion[kept..filled]) {
            let whole = kept + feed + 1;
            add(&mut told.lines, reader.read(&portion[..whole], &mut |line| out(line, true)));
            told.end += whole as u64;
            portion.copy_within(whole..filled, 0);
            kept = filled - whole;
        } else {
            kept = filled;
        }
        if read == 0 {
            break;
        }
        if kept == most {
            at = long_line(&mut file, &mut told, (at, size), reader, (portion, long), out)?;
            if told.end < at {
                // It lacks its end, and all that can be told of it was told.
                return Ok(told);
            }
            kept = 0;
            file.seek(SeekFrom::Start(at))?;
        }
    }
    // A last line without an end is being written: what cannot be read of it yet is no fault, and what can is counted
    // when it ends. The reader is as if it had never seen it.
    let mut beyond = reader.clone();
    beyond.read(&portion[..kept], &mut |line| out(line, false));
    beyond.rest(&mut |line| out(line, false));
    Ok(told)
}

/// Reads on in a line that is longer than the portion, which holds its beginning; answers where the next line
/// begins. It is held as a whole only where it may tell something.
fn long_line(
    file: &mut File,
    told: &mut Told,
    (mut at, size): (u64, u64),
    reader: &mut UsageReader,
    (portion, long): (&mut [u8], &LongLine),
    out: &mut dyn FnMut(UsageLine<'_>, bool),
) -> io::Result<u64> {
    /// More than a mark is long: it may lie across two portions.
    const OVERLAP: usize = 64;
    let (start, most) = (told.end, portion.len());
    let mut is_telling = reader.is_telling(portion);
    let mut end = None;
    while end.is_none() && at < size {
        portion.copy_within(most - OVERLAP.., 0);
        let room = usize::try_from(size - at).unwrap_or(usize::MAX).min(most - OVERLAP);
        let read = read_some(file, &mut portion[OVERLAP..OVERLAP + room])?;
        if read == 0 {
            break;
        }
        let new = &portion[OVERLAP..OVERLAP + read];
        let line = memchr::memchr(b'\n', new);
        end = line.map(|feed| at + feed as u64 + 1);
        let until = OVERLAP + line.unwrap_or(read);
        is_telling = is_telling || reader.is_telling(&portion[..until]);
        // What is kept of it is taken from the portion's end.
        let valid = OVERLAP + read;
        portion.copy_within(..valid, most - valid);
        at += read as u64;
    }
    let next = end.unwrap_or(at);
    let fits = next - start <= LINE_MAX;
    let mut line = long.lock();
    if is_telling && fits {
        line.resize(usize::try_from(next - start).unwrap_or(0), 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut line)?;
    }
    if end.is_some() {
        add(&mut told.lines, reader.read(&line, &mut |line| out(line, true)));
        told.lines.unreadable += u64::from(is_telling && !fits);
        told.end = next;
    } else {
        let mut beyond = reader.clone();
        beyond.read(&line, &mut |line| out(line, false));
        beyond.rest(&mut |line| out(line, false));
    }
    line.clear();
    line.shrink_to(1 << 20);
    Ok(next)
}

fn add(sum: &mut LinesRead, more: LinesRead) {
    sum.telling += more.telling;
    sum.unreadable += more.unreadable;
}

/// Fills `room` as far as there is something.
fn read_some(file: &mut File, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match file.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
