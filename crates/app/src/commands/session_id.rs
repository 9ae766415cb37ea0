//! Sessions named by how their ids begin: what is shown of one, or as much as tells it from others.

use langley_store::{Store, StoreError};

use crate::error::{AppError, Result};

/// Ids that are named where several begin so.
const NAMED: usize = 5;

/// Ids that are looked for: those, and how many more there are.
const FOUND: u32 = 1_000;

/// The one id among `known` that begins as `asked` does: that itself where it is one of them, or none begins so.
///
/// # Errors
/// Several begin so.
pub(super) fn whole(asked: &str, known: impl IntoIterator<Item = String>) -> Result<String> {
    let mut begin: Vec<String> =
        known.into_iter().filter(|id| !asked.is_empty() && id.starts_with(asked)).collect();
    begin.sort();
    begin.dedup();
    match begin.as_slice() {
        [] => Ok(asked.to_owned()),
        [one] => Ok(one.clone()),
        several if several.iter().any(|id| id == asked) => Ok(asked.to_owned()),
        several => {
            let more = several.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let named = &several[..several.len().min(NAMED)];
            Err(AppError::failed(format!("several sessions begin with {asked}"))
                .why(named.join(", ") + &more)
                .next("give as much of the id as tells one from the others"))
        }
    }
}

/// Those of conversations that are kept, with those that passed where `has_passed` asks for them, and what is asked for
/// itself where anything is known of it: that it was deleted, or that it passed.
pub(super) fn kept(
    store: &Store,
    asked: &str,
    has_passed: bool,
) -> std::result::Result<Vec<String>, StoreError> {
    let mut known = store.sessions_that_begin(asked, has_passed, FOUND)?;
    if store.session(asked)?.is_some() || store.conversation_deleted_at(asked)?.is_some() {
        known.push(asked.to_owned());
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_of(asked: &str, known: &[&str]) -> std::result::Result<String, String> {
        whole(asked, known.iter().map(|id| (*id).to_owned())).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn an_id_is_known_by_its_beginning_where_that_is_of_one_alone() {
        let known = ["019a-1", "019a-12", "7c", "7c"];
        assert_eq!(whole_of("7", &known).unwrap(), "7c");
        assert_eq!(whole_of("019a-1", &known).unwrap(), "019a-1");
        assert_eq!(whole_of("other", &known).unwrap(), "other");
        assert_eq!(whole_of("", &known).unwrap(), "");
        let said = whole_of("019a", &known).unwrap_err();
        assert!(said.contains("019a-1, 019a-12"), "{said}");
    }
}
