//! The embedded dashboard: compressed as the browser takes it, cached as its name allows.

use http::{Method, StatusCode, header};

use crate::rig::Rig;

/// The first script under assets/ that the start page names.
async fn script(rig: &Rig) -> String {
    let page = rig.send(Method::GET, "/", &[]).await;
    let start = page.text().find("/assets/").expect("the page names no asset");
    page.text()[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hashed_file_is_sent_compressed_and_never_asked_for_again() {
    let rig = Rig::start().await;
    let path = script(&rig).await;
    let plain = rig.send(Method::GET, &path, &[]).await;
    assert_eq!(plain.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(plain.header(header::CONTENT_ENCODING), "");
    for (accepted, encoding) in [("gzip, deflate, br", "br"), ("gzip", "gzip")] {
        let answer = rig.send(Method::GET, &path, &[("accept-encoding", accepted)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CONTENT_ENCODING), encoding);
        assert_eq!(answer.header(header::VARY), "accept-encoding");
        assert_eq!(answer.header(header::CONTENT_TYPE), plain.header(header::CONTENT_TYPE));
        assert!(answer.body.len() < plain.body.len() / 2);
        assert_ne!(answer.header(header::ETAG), plain.header(header::ETAG));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_is_asked_for_each_time_but_sent_only_when_it_changed() {
    let rig = Rig::start().await;
    let first = rig.send(Method::GET, "/", &[]).await;
    assert_eq!(first.header(header::CACHE_CONTROL), "no-cache");
    let tag = first.header(header::ETAG).to_owned();
    let again = rig.send(Method::GET, "/", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
    let view = rig.send(Method::GET, "/flows?host=x", &[]).await;
    assert_eq!(view.body, first.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_files_are_not_served() {
    let rig = Rig::start().await;
    let stamp = rig.send(Method::GET, "/.langley-inputs", &[]).await;
    assert_eq!(stamp.status, StatusCode::NOT_FOUND);
}
