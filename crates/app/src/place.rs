//! Where a provider is, in the forms in which a person reads or types it.

use langley_proxy::Authority;

/// Its URL by `scheme`; the port where it is not the scheme's own.
pub(crate) fn url(scheme: &str, place: &Authority) -> String {
    format!("{scheme}://{}", short(scheme, place))
}

/// Its name, with the port where it is not that of `scheme`.
pub(crate) fn short(scheme: &str, place: &Authority) -> String {
    let own = if scheme == "http" { ":80" } else { ":443" };
    let place = place.to_string();
    place.strip_suffix(own).map_or(place.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_told_where_it_is_not_the_schemes_own() {
        for (host, port, scheme, shown) in [
            ("api.example", 443, "https", "api.example"),
            ("api.example", 8443, "https", "api.example:8443"),
            ("api.example", 80, "http", "api.example"),
            ("api.example", 80, "https", "api.example:80"),
            ("::1", 443, "https", "[::1]"),
            ("::1", 11434, "http", "[::1]:11434"),
        ] {
            let place = Authority::new(host, port);
            assert_eq!(short(scheme, &place), shown);
            assert_eq!(url(scheme, &place), format!("{scheme}://{shown}"));
        }
    }
}
