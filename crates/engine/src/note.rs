//! What of a flow could not be decoded, in sentences.

/// The longest decode note, in bytes.
const NOTE_MAX: usize = 1_024;

/// Adds a sentence to a note, once, and only while the note is short.
pub(crate) fn add_note(note: &mut Option<String>, sentence: &str) {
    let note = note.get_or_insert_default();
    if note.contains(sentence) || note.len() + sentence.len() > NOTE_MAX {
        return;
    }
    if !note.is_empty() {
        note.push_str("; ");
    }
    note.push_str(sentence);
}
