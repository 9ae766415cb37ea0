//! What is said of flows that passed and are not in the record at all: the same wherever it is told.

use serde_json::Value;

/// How many they are; none where all are in the record. `more`: whether there may be more than these.
pub(crate) fn missing(flows: u64, more: bool) -> Option<String> {
    match (flows, more) {
        (0, false) => None,
        (0, true) => Some(String::from("flows may have passed that are not in the record")),
        (1, false) => Some(String::from("1 flow passed and is not in the record")),
        (_, false) => Some(format!("{flows} flows passed and are not in the record")),
        (_, true) => Some(format!("{flows} flows or more passed and are not in the record")),
    }
}

/// The line about it, by the figures of a server or of the database; none also where an earlier version gave
/// them, which did not count.
pub(crate) fn line(figures: &Value) -> Option<String> {
    let said = match figures.get("flows_unrecorded")? {
        Value::Null => String::from("unknown: what the database tells of it cannot be read"),
        flows => missing(flows.as_u64()?, figures["flows_unrecorded_more"] == true)?,
    };
    Some(format!("missing    {said}; `langley doctor` says why"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flows_that_are_not_in_the_record_are_told_apart_from_what_was_dropped_of_others() {
        let of = |flows: Value, more: bool| {
            line(&json!({ "flows_unrecorded": flows, "flows_unrecorded_more": more }))
        };
        assert_eq!(of(json!(0), false), None);
        assert!(of(json!(1), false).unwrap().starts_with("missing    1 flow passed and is not"));
        assert!(of(json!(97), false).unwrap().starts_with("missing    97 flows passed"));
        assert!(of(json!(256), true).unwrap().starts_with("missing    256 flows or more passed"));
        assert!(of(json!(0), true).unwrap().starts_with("missing    flows may have passed"));
        assert!(of(Value::Null, false).unwrap().starts_with("missing    unknown"));
        assert_eq!(line(&Value::Null), None, "an earlier version");
    }
}
