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

/// Adds what the end of an answer lacks: what it should have said before, and its end itself.
pub(crate) fn tell_end(
    note: &mut Option<String>,
    owed: Option<&'static str>,
    unsaid: Option<&'static str>,
) {
    if let Some(owed) = owed {
        add_note(note, &format!("the answer ended without {owed}"));
    }
    if let Some(unsaid) = unsaid {
        add_note(note, unsaid);
    }
}
