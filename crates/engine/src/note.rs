//! What of a flow could not be decoded, in sentences.

use langley_model::add_note;

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
