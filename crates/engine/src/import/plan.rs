//! Which file is which: what was found in the folders, held against what is known.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use langley_model::Micros;
use langley_protocol::transcript::UsageReader;
use langley_store::KnownTranscript;

use crate::transcripts::{PROBE, TranscriptFile, Walked, digest_128, probes};

/// A file whose last change is younger than that may have changed since, within a step of the clock; and what its
/// reader holds back may still be told.
pub(super) const YOUNG_NS: i64 = 2_000_000_000;

/// What is to be done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) file: TranscriptFile,
    /// Its place among the known ones.
    pub(super) known: Option<usize>,
    pub(super) mode: Mode,
    pub(super) is_renamed: bool,
    /// Whether conversations that somebody deleted are to come in again.
    pub(super) is_again: bool,
}

/// What a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// Whether the folders are all there are, so that a file that is not found in them is gone.
    pub(super) is_all: bool,
    /// Whether every file is read from its beginning, for what of it was deleted.
    pub(super) is_again: bool,
}

/// From where a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// From where it was left; a new one from its beginning.
    On,
    /// From its beginning, because it is not what it was.
    Anew,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    /// Places of the known ones whose files are missed.
    pub(super) missed: Vec<usize>,
}

/// The key of a path.
pub(super) fn path_key(path: &Path) -> [u8; 16] {
    digest_128(&[path.as_os_str().as_bytes()]).to_be_bytes()
}

/// Whether a file's beginning, and what stands before the place where it was left, are what they were.
pub(super) fn goes_on(file: &File, known: &KnownTranscript) -> io::Result<bool> {
    let (offset, expected) = (known.place.offset, known.place.probes);
    if offset == 0 || file.metadata()?.len() < offset {
        return Ok(offset == 0 && known.records == 0);
    }
    match probes(file, offset) {
        // It is being cut.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        probes => Ok(probes? == expected && is_remembered(known)),
    }
}

/// Whether what its reader remembered can be read: of another version's it may not be, and then a reader in the midst
/// of a file would know neither session nor model.
fn is_remembered(known: &KnownTranscript) -> bool {
    serde_json::from_str::<UsageReader>(&known.place.reader).is_ok()
}

/// The digest of a file's beginning; none where it is shorter than a probe.
fn beginning(file: &TranscriptFile) -> Option<u64> {
    let [first, _] = probes(&File::open(&file.path).ok()?, PROBE).ok()?;
    Some(first)
}

/// The same of a known one, also where it is to be read anew.
fn known_beginning(known: &KnownTranscript) -> Option<u64> {
    let (offset, [first, _]) = (known.place.offset, known.place.probes);
    (offset >= PROBE || (offset == 0 && first != 0)).then_some(first)
}

/// Whether a file's beginning is what it was, whatever became of the rest.
fn begins_alike(file: &TranscriptFile, known: &KnownTranscript) -> io::Result<bool> {
    let (offset, [first, _]) = (known.place.offset, known.place.probes);
    if offset == 0 || offset >= PROBE {
        return Ok(known_beginning(known).is_some_and(|known| beginning(file) == Some(known)));
    }
    Ok(probes(&File::open(&file.path)?, offset)?[0] == first)
}

fn is_going_on(file: &TranscriptFile, known: &KnownTranscript) -> io::Result<bool> {
    goes_on(&File::open(&file.path)?, known)
}

/// Whose file each is, in the order of trust: by path and inode, by inode, by contents, by what it
/// begins with, by path.
/// Files at `damaged` places are left alone: what is known of them cannot be read, and all their lines would come in once more.
pub(super) fn plan(
    walked: &mut Walked,
    (known, damaged): (&[KnownTranscript], &HashSet<[u8; 16]>),
    scope: Scope,
) -> Plans {
    let mut plans = Plans::default();
    let left = walked.files.extract_if(.., |file| damaged.contains(&path_key(&file.path)));
    let why = "its row in the database is damaged, so that nobody knows how far it was read; what is kept of it stays";
    walked.refused.extend(left.map(|file| (file.path, io::Error::other(why))));
    let keys: Vec<[u8; 16]> = walked.files.iter().map(|file| path_key(&file.path)).collect();
    let present: HashSet<[u8; 16]> = keys.iter().copied().collect();
    let mut by_path: HashMap<[u8; 16], usize> = HashMap::new();
    let mut by_inode: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    let mut by_name: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut by_beginning: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, it) in known.iter().enumerate() {
        // Of several that were at a path, the one that is there counts, else the last.
        let is_better =
            |other: &usize| it.deleted_at.is_none() || known[*other].deleted_at.is_some();
        if by_path.get(&it.place.path_key).is_none_or(is_better) {
            by_path.insert(it.place.path_key, place);
        }
        by_inode.entry(it.place.inode).or_default().push(place);
        if !present.contains(&it.place.path_key) {
            by_name.entry(name_of(&it.place.path)).or_default().push(place);
            if let Some(beginning) = known_beginning(it) {
                by_beginning.entry(beginning).or_default().push(place);
            }
        }
    }
    let mut claimed = vec![false; known.len()];
    let mut whose: Vec<Option<usize>> = vec![None; walked.files.len()];
    // What is where it was comes first: nobody else is that file.
    for (at, file) in walked.files.iter().enumerate() {
        let place = by_path.get(&keys[at]).copied();
        let is_it = |place: &usize| known[*place].place.inode == file.inode;
        if let Some(place) = place.filter(is_it) {
            (whose[at], claimed[place]) = (Some(place), true);
        }
    }
    for (at, file) in walked.files.iter().enumerate() {
        if whose[at].is_some() {
            continue;
        }
        let name = file.path.file_name().map_or(&b""[..], OsStr::as_bytes);
        let moved = by_inode.get(&file.inode).into_iter().chain(by_name.get(name)).flatten();
        let is_moved = |place: &&usize| {
            let it = &known[**place];
            // A copy is another file as long as the first one is there.
            let may_be = it.place.inode == file.inode || is_missed(it, walked);
            !claimed[**place]
                && may_be
                && it.place.offset > 0
                && is_going_on(file, it).unwrap_or(false)
        };
        let moved = moved.copied().collect::<Vec<_>>();
        // One that was cut or written anew before it got another name begins as it did.
        let is_changed = |place: &&usize| {
            let it = &known[**place];
            !claimed[**place]
                && it.place.inode == file.inode
                && is_missed(it, walked)
                && begins_alike(file, it).unwrap_or(false)
        };
        let found = moved.iter().find(is_moved).or_else(|| moved.iter().find(is_changed)).copied();
        // So does one that was written anew as another file, under another name.
        let alike = || {
            // Whoever was at this path goes before, and of several nobody knows which it is.
            let is_free = |place: &&usize| !claimed[**place];
            if by_beginning.is_empty() || by_path.get(&keys[at]).is_some_and(|it| is_free(&it)) {
                return None;
            }
            let all = by_beginning.get(&beginning(file)?)?.iter().copied();
            let mut left = all.filter(|it| is_free(&it) && is_missed(&known[*it], walked));
            left.next().filter(|_| left.next().is_none())
        };
        let found = found.or_else(alike);
        whose[at] = found;
        if let Some(place) = found {
            claimed[place] = true;
        }
    }
    for (at, key) in keys.iter().enumerate() {
        if whose[at].is_none()
            && let Some(place) = by_path.get(key).copied().filter(|place| !claimed[*place])
        {
            (whose[at], claimed[place]) = (Some(place), true);
        }
    }
    for (at, file) in walked.files.iter().enumerate() {
        let known = whose[at].map(|place| (place, &known[place]));
        match of(file, keys[at], known, scope.is_again) {
            Ok(plan) => plans.plans.extend(plan),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walked.refused.push((file.path.clone(), error)),
        }
    }
    if scope.is_all {
        let is_missed = |(place, it): &(usize, &KnownTranscript)| {
            let is_candidate = !claimed[*place] && it.deleted_at.is_none();
            is_candidate && is_missed(it, walked)
        };
        plans.missed = known.iter().enumerate().filter(is_missed).map(|(place, _)| place).collect();
    }
    plans
}

/// What is to be done with a file; nothing where it is as it was.
fn of(
    file: &TranscriptFile,
    key: [u8; 16],
    known: Option<(usize, &KnownTranscript)>,
    is_again: bool,
) -> io::Result<Option<Plan>> {
    let plan =
        |known, mode, is_renamed| Plan { file: file.clone(), known, mode, is_renamed, is_again };
    let Some((place, it)) = known else { return Ok(Some(plan(None, Mode::On, false))) };
    let is_renamed = it.place.path_key != key;
    if is_again {
        return Ok(Some(plan(Some(place), Mode::Anew, is_renamed)));
    }
    let is_same = it.place.inode == file.inode
        && it.place.size == file.size
        && it.place.modified_ns == file.modified_ns;
    if is_same && !is_renamed && it.deleted_at.is_none() {
        return Ok(None);
    }
    // Of the same length, and changed since: something within it is another.
    let is_other_within = it.place.inode == file.inode
        && it.place.size == file.size
        && it.place.modified_ns != 0
        && it.place.modified_ns != file.modified_ns
        && !is_renamed;
    // Another file in its place may be its like at both ends only.
    let is_other_file = it.place.inode != file.inode && !is_renamed;
    let is_on = !is_other_within && !is_other_file && is_going_on(file, it)?;
    let mode = if is_on { Mode::On } else { Mode::Anew };
    Ok(Some(plan(Some(place), mode, is_renamed)))
}

/// The last part of a path.
fn name_of(path: &str) -> &[u8] {
    Path::new(path).file_name().map_or(&b""[..], OsStr::as_bytes)
}

/// Whether a file that was not found is gone, and not merely beyond what was looked at.
fn is_missed(known: &KnownTranscript, walked: &Walked) -> bool {
    let path = Path::new(&known.place.path);
    if path_key(path) == known.place.path_key {
        let found = std::fs::symlink_metadata(path);
        return found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    }
    // Its name was redacted, so that it cannot be asked for. What was seen and is not read hides nothing.
    walked.refused.iter().all(|(_, error)| error.kind() == io::ErrorKind::InvalidData)
}

/// The time of the last change, by which a file is known to be as it was.
pub(super) fn settled(file: &TranscriptFile, is_waiting: bool, now: Micros) -> i64 {
    let is_young = now.0.saturating_mul(1000).saturating_sub(file.modified_ns) < YOUNG_NS;
    if is_young || is_waiting { 0 } else { file.modified_ns }
}

#[cfg(test)]
mod tests {
    use langley_protocol::transcript::TranscriptFormat;
    use langley_store::TranscriptPlace;

    use super::*;

    #[test]
    fn a_file_whose_reader_another_version_kept_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "{}\n{}\n").unwrap();
        let file = File::open(&path).unwrap();
        let of = |reader: &str| KnownTranscript {
            id: 1,
            place: TranscriptPlace {
                offset: 6,
                probes: probes(&file, 6).unwrap(),
                reader: reader.to_owned(),
                ..TranscriptPlace::default()
            },
            records: 2,
            deleted_at: None,
        };
        let format = TranscriptFormat::Codex;
        let own = serde_json::to_string(&UsageReader::new(format)).unwrap();
        assert!(goes_on(&file, &of(&own)).unwrap());
        // As growth was kept before: without the names of its members.
        let before = own.replace("\"grown\":null", "\"grown\":[null,[1,2,3,4,5]]");
        assert_ne!(before, own);
        assert!(!goes_on(&file, &of(&before)).unwrap());
        assert!(!goes_on(&file, &of("")).unwrap());
    }

    use crate::transcripts::{user_roots, walk};

    #[test]
    fn a_file_of_which_nobody_knows_how_far_it_was_read_is_left_alone_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
        paths.iter().for_each(|path| std::fs::write(path, "{}\n").unwrap());
        let mut walked = walk(&user_roots(vec![folder.path().to_owned()]));
        let damaged = HashSet::from([path_key(&walked.files[0].path)]);
        let scope = Scope { is_all: true, is_again: true };
        let plans = plan(&mut walked, (&[], &damaged), scope).plans;
        let planned: Vec<&Path> = plans.iter().map(|plan| &*plan.file.path).collect();
        let refused: Vec<&Path> = walked.refused.iter().map(|(path, _)| &**path).collect();
        assert_eq!((planned, refused), (vec![&*paths[1]], vec![&*paths[0]]));
    }

    #[test]
    fn a_file_with_a_redacted_name_is_missed_unless_it_may_be_in_what_could_not_be_looked_at() {
        use io::ErrorKind::{InvalidData, PermissionDenied};
        // Its key is that of another path: of the name as it was.
        let place = TranscriptPlace {
            path: "/nowhere/[redacted].jsonl".to_owned(),
            path_key: path_key(Path::new("/nowhere/secret.jsonl")),
            ..TranscriptPlace::default()
        };
        let known = KnownTranscript { id: 1, place, records: 1, deleted_at: None };
        let missed = |refused: &[io::ErrorKind]| {
            let why = |kind: &io::ErrorKind| ("/nowhere/x".into(), io::Error::from(*kind));
            let refused = refused.iter().map(why).collect();
            let mut walked = Walked { files: Vec::new(), refused };
            let scope = Scope { is_all: true, is_again: false };
            plan(&mut walked, (std::slice::from_ref(&known), &HashSet::new()), scope).missed
        };
        assert_eq!(missed(&[]), [0]);
        // That was seen, and is none.
        assert_eq!(missed(&[InvalidData, InvalidData]), [0]);
        for refused in [&[PermissionDenied][..], &[InvalidData, PermissionDenied]] {
            assert_eq!(missed(refused), [0; 0], "it may lie there: {refused:?}");
        }
    }
}
