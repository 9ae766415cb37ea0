//! Hits as they are shown: the places of a flow where the words stand, with some text around them.

use std::ops::Range;
use std::sync::Arc;

use langley_model::{Flow, Passage, Place, Redactor, Stored};
use langley_store::{FlowFilter, Page, SearchQuery, Store, StoreError};

use super::text;

/// Snippets of one flow, and characters before and behind the first hit of each.
const SNIPPETS: usize = 4;
const BEFORE: usize = 60;
const BEHIND: usize = 180;

/// A flow in which the words were found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The flow.
    pub flow: Stored<Flow>,
    /// Where they stand; at most four places, and none where the text cannot be read any more.
    pub snippets: Vec<Snippet>,
}

/// Some text around a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Where the text stood.
    pub place: Place,
    /// The text, white space made single blanks.
    pub text: String,
    /// The words that were asked for, as ranges of characters (Unicode scalar values) of `text`.
    pub highlights: Vec<Range<usize>>,
    /// Whether text goes before it, and behind it.
    pub cut: [bool; 2],
}

/// Searches the new text of flows. Where texts have to be read for it, a page may be short, and none, and
/// still go on.
///
/// # Errors
/// A cursor that is not one, or a failure of the file.
pub fn search(
    store: &Store,
    redactor: &Arc<Redactor>,
    query: &SearchQuery,
    place: Option<Place>,
    filter: &FlowFilter,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<Found>, StoreError> {
    text::read_texts(store, redactor);
    let page = store.search(query, place, filter, cursor, limit)?;
    let mut items = Vec::with_capacity(page.items.len());
    for hit in page.items {
        let text = text::sealed(store, redactor, hit.flow.id, hit.whole);
        let text = store.readable(hit.flow.id, text)?;
        let wanted = |passage: &&Passage| place.is_none_or(|place| passage.place == place);
        let snippets = text.iter().flat_map(|text| &text.passages).filter(wanted);
        let snippets = snippets.filter_map(|passage| snippet(query, passage));
        items.push(Found { flow: hit.flow, snippets: snippets.take(SNIPPETS).collect() });
    }
    Ok(Page { items, next_cursor: page.next_cursor, damaged: page.damaged })
}

fn snippet(query: &SearchQuery, passage: &Passage) -> Option<Snippet> {
    let text = passage.text.as_str();
    let hits = query.hits(text);
    let first = hits.first()?.start;
    let start = text[..first].char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let end = text[first..].char_indices().nth(BEHIND).map_or(text.len(), |(at, _)| first + at);
    let mut shown = String::new();
    let mut len = 0;
    let mut highlights: Vec<Range<usize>> = Vec::new();
    let mut blank = true;
    for (at, c) in text[start..end].char_indices() {
        let at = start + at;
        if c.is_whitespace() {
            if !blank {
                shown.push(' ');
                len += 1;
            }
            blank = true;
            continue;
        }
        blank = false;
        if let Ok(hit) = hits.binary_search_by(|hit| place_of(hit, at)) {
            match highlights.last_mut() {
                Some(last) if last.end == len && hits[hit].start != at => last.end += 1,
                _ => highlights.push(len..len + 1),
            }
        }
        shown.push(c);
        len += 1;
    }
    let cut = [start > 0, end < text.len()];
    Some(Snippet { place: passage.place, text: shown, highlights, cut })
}

/// Where `hit` lies, seen from `at`.
fn place_of(hit: &Range<usize>, at: usize) -> std::cmp::Ordering {
    if hit.end <= at {
        std::cmp::Ordering::Less
    } else if hit.start > at {
        std::cmp::Ordering::Greater
    } else {
        std::cmp::Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use langley_store::{IndexEntry, Unindexed};

    use super::*;
    use crate::search::tests::Given;

    #[test]
    fn a_flow_whose_text_is_damaged_is_shown_without_it_and_counted_and_not_deleted_by_it() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::new(folder.path());
        let store = given.open();
        let long = "needle pin ".repeat(20_000);
        given.put(&store, &[(1, "a needle, a pin"), (2, &long), (3, "the pin, needle")]);
        for waiting in store.unindexed(9).unwrap() {
            let Unindexed { flow, revision, whole } = waiting;
            let text = text::sealed(&store, &given.redactor, flow, whole).unwrap();
            store.index(vec![IndexEntry { revision, text }]).unwrap();
        }
        store.close();
        given.damage();
        let store = given.open();
        let all = FlowFilter::default();
        let mut unread = 0;
        // A page of it; where words have to stand side by side, its text is asked for twice.
        for (words, shown, times) in
            [("needle pin", vec![(3, 1), (2, 0), (1, 1)], 1), ("\"needle pin\"", vec![(2, 0)], 2)]
        {
            let query = SearchQuery::parse(words).unwrap();
            let page = search(&store, &given.redactor, &query, None, &all, None, 9).unwrap();
            let found = page.items.iter();
            let found: Vec<_> =
                found.map(|found| (found.flow.started_at.0, found.snippets.len())).collect();
            assert_eq!(found, shown, "{words}");
            unread += times;
            assert_eq!(store.counters().unreadable_texts, unread, "{words}");
        }
        // Nobody can tell whether it says that.
        let said = FlowFilter { q: Some("\"needle pin\"".into()), ..all.clone() };
        assert_eq!(store.delete_flows(&said).unwrap(), 0);
        assert_eq!(store.count_flows(&all).unwrap(), 3);
    }

    fn shown(query: &str, text: &str) -> Option<Snippet> {
        let passage = Passage::new(Place::Answer, text.to_owned());
        snippet(&SearchQuery::parse(query).unwrap(), &passage)
    }

    #[test]
    fn a_snippet_marks_its_words_in_characters() {
        let found = shown("parser \"the néw\"", "Fix\n\n  the néw PARSER.").unwrap();
        assert_eq!(found.text, "Fix the néw PARSER.");
        let chars: Vec<char> = found.text.chars().collect();
        let marked = |range: &Range<usize>| chars[range.clone()].iter().collect::<String>();
        let words: Vec<_> = found.highlights.iter().map(marked).collect();
        assert_eq!(words, ["the", "néw", "PARSER"]);
        assert_eq!(found.cut, [false, false]);
        assert_eq!(shown("absent", "nothing here"), None);
    }

    #[test]
    fn a_long_text_is_cut_around_its_first_hit() {
        let text = format!("{} needle {}", "é ".repeat(500), "x ".repeat(500));
        let found = shown("needle", &text).unwrap();
        assert_eq!(found.cut, [true, true]);
        assert!(found.text.chars().count() <= BEFORE + BEHIND, "{}", found.text);
        assert_eq!(found.highlights.len(), 1);
    }
}
