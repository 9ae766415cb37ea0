//! Query parameters, parsed strictly: a misspelt filter must not silently match everything.

use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::request::Parts;
use langley_model::Micros;

use crate::error::ApiError;

/// The query string as (name, value) pairs; names are unique.
#[derive(Debug)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| ApiError::bad_parameter("?", "", "name=value pairs in UTF-8"))?;
        Ok(Self { pairs })
    }
}

/// Whether a request has a body, where none is read.
pub(crate) struct HasBody(pub(crate) bool);

impl<S: Sync> FromRequest<S> for HasBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(!request.into_body().is_end_stream()))
    }
}

impl Params {
    /// Refuses every name that is not in `accepted`, and a name given twice.
    pub(crate) fn only(self, accepted: &[&str]) -> Result<Self, ApiError> {
        for (position, (name, value)) in self.pairs.iter().enumerate() {
            if !accepted.contains(&name.as_str()) {
                return Err(ApiError::unknown_parameter(name, accepted));
            }
            if self.pairs[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::bad_parameter(name, value, "each parameter once"));
            }
        }
        Ok(self)
    }

    /// Refuses a name without a value: where a filter says what is deleted, none is not all.
    pub(crate) fn stated(self) -> Result<Self, ApiError> {
        match self.pairs.iter().find(|(_, value)| value.is_empty()) {
            Some((name, value)) => {
                let accepted = "a value; leave the parameter out if it is not meant to filter";
                Err(ApiError::bad_parameter(name, value, accepted))
            }
            None => Ok(self),
        }
    }

    /// The value of `name`; an empty value counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(candidate, _)| candidate == name);
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of `name` as text of at most 4,096 bytes, owned.
    pub(crate) fn owned(&self, name: &str) -> Result<Option<String>, ApiError> {
        const LONGEST: usize = 4096;
        match self.text(name) {
            Some(value) if value.len() > LONGEST => {
                Err(ApiError::bad_parameter(name, value, "at most 4096 bytes"))
            }
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// The value of `name`, read by `parse`; `accepted` says what it takes.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        accepted: impl AsRef<str>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.text(name)
            .map(|value| parse(value).ok_or_else(|| ApiError::bad_parameter(name, value, accepted)))
            .transpose()
    }

    /// `limit`, from 1 to `most`; `fallback` when absent.
    pub(crate) fn limit(&self, fallback: usize, most: usize) -> Result<usize, ApiError> {
        let accepted = format!("a whole number from 1 to {most}");
        let limit = self.parsed("limit", accepted, |value| {
            value.parse().ok().filter(|limit| (1..=most).contains(limit))
        })?;
        Ok(limit.unwrap_or(fallback))
    }

    /// A point in time: RFC 3339, a date (its start in UTC), or an age such as `15m`.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Micros>, ApiError> {
        let accepted =
            "RFC 3339 as 2026-01-31T08:00:00Z, a date as 2026-01-31, or an age as 15m, 24h, 7d";
        self.parsed(name, accepted, |value| point_in_time(value, Micros::now()))
    }

    /// `since` and `until`; one that ends before it begins is refused, for nothing can be in it.
    pub(crate) fn span(&self) -> Result<Span, ApiError> {
        let (since, until) = (self.time("since")?, self.time("until")?);
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            let since = self.text("since").unwrap_or_default();
            let accepted = "a time that is not later than `until`";
            return Err(ApiError::bad_parameter("since", since, accepted));
        }
        Ok((since, until))
    }
}

/// A span of time: from when on, and until when.
pub(crate) type Span = (Option<Micros>, Option<Micros>);

/// Names with commas between, each at most once; none where one is not understood.
pub fn each_once<T: PartialEq>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for word in text.split(',') {
        let one = parse(word.trim())?;
        if all.contains(&one) {
            return None;
        }
        all.push(one);
    }
    Some(all)
}

fn point_in_time(text: &str, now: Micros) -> Option<Micros> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Micros(time.as_microsecond()));
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Micros(start.timestamp().as_microsecond()));
    }
    let unit = text.chars().last()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let age = i64::from(count).checked_mul(seconds)?.checked_mul(1_000_000)?;
    Some(Micros(now.0.checked_sub(age)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Params { pairs: pairs.iter().map(own).collect() }
    }

    #[test]
    fn a_misspelt_parameter_is_refused_with_the_accepted_names() {
        let error = params(&[("hots", "x")]).only(&["host", "limit"]).unwrap_err();
        assert_eq!(error.code(), "unknown_parameter");
        assert!(error.body().error.hint.contains("host, limit"));
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let error = params(&[("host", "a"), ("host", "b")]).only(&["host"]).unwrap_err();
        assert_eq!(error.code(), "bad_parameter");
    }

    #[test]
    fn a_limit_outside_its_range_is_refused() {
        assert_eq!(params(&[]).limit(100, 500).unwrap(), 100);
        assert_eq!(params(&[("limit", "500")]).limit(100, 500).unwrap(), 500);
        for bad in ["0", "501", "-1", "ten", "99999999999999999999"] {
            assert!(params(&[("limit", bad)]).limit(100, 500).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let span = |since, until| params(&[("since", since), ("until", until)]).span();
        assert!(span("2026-01-01", "2026-01-02").is_ok());
        assert!(span("2026-01-02", "2026-01-02").is_ok());
        let error = span("2026-01-03", "2026-01-02").unwrap_err();
        assert_eq!(error.code(), "bad_parameter");
        assert!(error.body().error.hint.contains("`until`"), "{error:?}");
        assert!(params(&[("until", "2026-01-02")]).span().is_ok());
    }

    #[test]
    fn a_time_is_rfc_3339_a_date_or_an_age() {
        let now = Micros(1_000_000_000_000_000);
        assert_eq!(point_in_time("1970-01-01T00:00:01.5Z", now), Some(Micros(1_500_000)));
        assert_eq!(point_in_time("1970-01-02", now), Some(Micros(86_400_000_000)));
        assert_eq!(point_in_time("15m", now), Some(Micros(now.0 - 900_000_000)));
        assert_eq!(point_in_time("yesterday", now), None);
        assert_eq!(point_in_time("m", now), None);
        assert_eq!(point_in_time("-5m", now), None);
    }
}
