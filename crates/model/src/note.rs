//! What is said of a flow that was not wholly understood or kept, in sentences.

/// The longest note, in bytes.
const NOTE_MAX: usize = 1_024;

/// Adds a sentence to a note, once, and only while the note is short.
pub fn add_note(note: &mut Option<String>, sentence: &str) {
    let note = note.get_or_insert_default();
    if note.contains(sentence) || note.len() + sentence.len() > NOTE_MAX {
        return;
    }
    if !note.is_empty() {
        note.push_str("; ");
    }
    note.push_str(sentence);
}
