//! Who gets in: tokens, links, cookies, names, origins, and what every answer carries.

use http::{Method, StatusCode, header};

use crate::rig::{Rig, TOKEN};

const LOCKED: [&str; 14] = [
    "/api/drops",
    "/api/facets",
    "/api/flows",
    "/api/flows/count",
    "/api/flows/export",
    "/api/flows/0190f0c4-7e2a-7000-8000-000000000000",
    "/api/flows/0190f0c4-7e2a-7000-8000-000000000000/request",
    "/api/openapi.json",
    "/api/settings",
    "/api/setup",
    "/api/stats",
    "/api/tunnels",
    "/metrics",
    "/ws",
];

#[tokio::test(flavor = "multi_thread")]
async fn only_health_opens_without_a_credential() {
    let rig = Rig::start().await;
    let health = rig.send(Method::GET, "/api/health", &[]).await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json(), serde_json::json!({"status": "ok", "version": "0.0.0-test"}));
    for path in LOCKED {
        for credential in [None, Some("Bearer wrong-token-0123456789"), Some("Basic x"), Some("")] {
            let headers: Vec<_> =
                credential.map(|value| ("authorization", value)).into_iter().collect();
            let answer = rig.send(Method::GET, path, &headers).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} with {credential:?}");
            assert_eq!(answer.error_code(), "unauthorized");
            assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_one_browser_in_once() {
    let rig = Rig::start().await;
    let bearer = format!("Bearer {TOKEN}");
    let link = rig.send(Method::POST, "/api/auth/link", &[("authorization", &bearer)]).await;
    let url = link.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&format!("http://{}", rig.address)).unwrap();

    let signed_in = rig.send(Method::GET, path, &[]).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(signed_in.header(header::LOCATION), "/");
    let cookie = signed_in.header(header::SET_COOKIE);
    for attribute in ["langley_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    let stats = rig.send(Method::GET, "/api/stats", &[("cookie", &pair)]).await;
    assert_eq!(stats.status, StatusCode::OK);

    let again = rig.send(Method::GET, path, &[]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.headers.get(header::SET_COOKIE).is_none());
    assert!(again.header(header::CONTENT_TYPE).starts_with("text/html"));
    let stale = rig.send(Method::GET, path, &[("cookie", "langley_session=stale")]).await;
    assert_eq!(stale.status, StatusCode::UNAUTHORIZED);
    let known = rig.send(Method::GET, path, &[("cookie", &pair)]).await;
    assert_eq!(known.status, StatusCode::SEE_OTHER);
    assert_eq!(known.header(header::LOCATION), "/");
    assert!(known.headers.get(header::SET_COOKIE).is_none());
    assert_eq!(rig.send(Method::GET, "/auth", &[]).await.error_code(), "missing_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_alone_changes_nothing() {
    let rig = Rig::start().await;
    let url = rig.doors.sign_in_link().unwrap();
    let path = url.strip_prefix(&format!("http://{}", rig.address)).unwrap();
    let signed_in = rig.send(Method::GET, path, &[]).await;
    let cookie = signed_in.header(header::SET_COOKIE).split(';').next().unwrap();
    let ours = format!("http://{}", rig.address);

    let silent = rig.send(Method::DELETE, "/api/flows", &[("cookie", cookie)]).await;
    assert_eq!(silent.status, StatusCode::FORBIDDEN);
    assert_eq!(silent.error_code(), "origin_not_allowed");
    let headers = [("cookie", cookie), ("origin", ours.as_str())];
    assert_eq!(rig.send(Method::DELETE, "/api/flows", &headers).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_is_refused_even_with_the_token() {
    let rig = Rig::start().await;
    let bearer = format!("Bearer {TOKEN}");
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        let answer = rig.send(Method::DELETE, "/api/flows", &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(answer.error_code(), "origin_not_allowed");
        let upgrade =
            [("authorization", bearer.as_str()), ("origin", origin), ("upgrade", "websocket")];
        let answer = rig.send(Method::GET, "/ws", &upgrade).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_ours_is_refused_on_every_path() {
    let rig = Rig::start().await;
    let port = rig.address.port();
    for path in ["/api/health", "/", "/api/flows", "/assets/x.js", "/ws", "/auth?code=x"] {
        for host in ["evil.example", &format!("evil.example:{port}"), "localhost", "127.0.0.1:1"] {
            let answer = rig.send(Method::GET, path, &[("host", host)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}{path}");
            assert_eq!(answer.error_code(), "host_not_allowed");
        }
    }
    for host in ["localhost", "[::1]", "langley.test"] {
        let answer =
            rig.send(Method::GET, "/api/health", &[("host", &format!("{host}:{port}"))]).await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_fence_it_in() {
    let rig = Rig::start().await;
    for path in ["/", "/api/health", "/api/stats", "/api/nothing", "/some/view"] {
        let answer = rig.ask(path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        let live = format!("connect-src 'self' ws://{};", rig.address);
        for directive in [
            "default-src 'none';",
            "script-src 'self';",
            "style-src 'self';",
            "img-src 'self' data:;",
            "font-src 'self';",
            live.as_str(),
            "base-uri 'none';",
            "frame-ancestors 'none';",
            "form-action 'none'",
        ] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        if path.starts_with("/api/") {
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_the_api_is_json() {
    let rig = Rig::start().await;
    let bearer = format!("Bearer {TOKEN}");
    let missing = rig.ask("/api/nothing").await;
    assert_eq!(
        (missing.status, missing.error_code().as_str()),
        (StatusCode::NOT_FOUND, "not_found")
    );
    let verb = rig.send(Method::PATCH, "/api/flows", &[("authorization", &bearer)]).await;
    assert_eq!(verb.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(verb.error_code(), "method_not_allowed");
    assert!(verb.header(header::ALLOW).contains("GET"));
    let plain = rig.ask("/ws").await;
    assert_eq!(
        (plain.status, plain.error_code().as_str()),
        (StatusCode::BAD_REQUEST, "upgrade_required")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_needs_no_credential_and_has_nothing_inline() {
    let rig = Rig::start().await;
    for path in ["/", "/flows/0190f0c4-7e2a-7000-8000-000000000000"] {
        let page = rig.send(Method::GET, path, &[]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"));
        let text = page.text();
        assert!(!text.contains("<style") && !text.contains(" style="), "{text}");
    }
    let missing = rig.send(Method::GET, "/assets/missing.js", &[]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let posted = rig.send(Method::POST, "/", &[]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_is_registered_with_the_token_only_and_refused_with_a_reason() {
    let rig = Rig::start().await;
    let token = format!("Bearer {TOKEN}");
    let key = [("authorization", token.as_str())];
    let ask = |headers, body| rig.send_body(Method::POST, "/api/fidelity", headers, body);
    let origin = r#"{"address": "127.0.0.1:4433", "ca_pem": "PEM"}"#;
    assert_eq!(ask(&[], origin).await.status, StatusCode::UNAUTHORIZED);
    let registered = ask(&key, origin).await.json();
    assert_eq!(registered["host"], "fidelity.langley.test");
    assert_eq!(registered["expires_at"], "1970-01-01T00:01:00.000000Z");
    for body in [r#"{"address": "192.0.2.1:443", "ca_pem": ""}"#, r#"{"address": "x"}"#, "no"] {
        let refused = ask(&key, body).await;
        assert_eq!(
            (refused.status, refused.error_code().as_str()),
            (StatusCode::BAD_REQUEST, "bad_probe")
        );
    }
}
