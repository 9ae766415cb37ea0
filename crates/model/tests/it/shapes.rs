//! Every shape, and the control that the search finds what is not redacted.

use crate::corpus::{all, finds, redactor};

#[test]
fn the_search_finds_a_secret_that_was_not_redacted() {
    let canaries = all();
    assert!(canaries.len() >= 40);
    for canary in &canaries {
        assert!(finds(&canary.text, canary), "{}", canary.text);
        assert!(finds(&format!("{{\"a\":\"{}\"}}", canary.secrets[0]), canary), "{}", canary.text);
        assert!(!finds("nothing here", canary));
    }
}

#[test]
fn every_shape_is_replaced_by_the_rule_of_its_name() {
    for canary in all() {
        let redactor = redactor();
        let mut text = format!("before {} after", canary.text);
        redactor.scrub_text(&mut text);
        assert!(!finds(&text, &canary), "{text}");
        assert!(text.contains(&format!("[redacted:{}", canary.rule)), "{text}");
        assert!(text.starts_with("before ") && text.ends_with(" after"), "{text}");
        let counts = redactor.counts();
        assert_eq!(counts.len(), 1, "{counts:?} {text}");
        assert_eq!((counts[0].rule, counts[0].count), (canary.rule, 1));
    }
}

#[test]
fn a_key_is_replaced_whatever_punctuation_stands_around_it() {
    for canary in crate::corpus::shapes() {
        for (before, after) in [
            ("(", ")"),
            ("`", "`"),
            ("\"", "\""),
            ("=", ";"),
            ("key:", ","),
            ("\n", "\n"),
            ("'", "'"),
            ("…", "…"),
            ("", "."),
            ("<", ">"),
        ] {
            let mut text = format!("{before}{}{after}", canary.text);
            redactor().scrub_text(&mut text);
            assert!(!finds(&text, &canary), "{text}");
        }
    }
}

#[test]
fn an_image_becomes_its_type_size_and_hash() {
    let pixels = "AAAA".repeat(30);
    let mut body = format!(
        "{{\"source\":{{\"type\":\"base64\",\"media_type\":\"image/jpeg\",\"data\":\"{pixels}\"}}}}"
    );
    redactor().scrub_json(&mut body);
    assert!(body.contains("[redacted:base64_image image/jpeg 90 bytes "), "{body}");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["source"]["type"], "base64");
}

#[test]
fn a_pem_block_keeps_its_first_line_and_a_certificate_keeps_all() {
    let canary = crate::corpus::framed().swap_remove(1);
    let mut text = canary.text.clone();
    redactor().scrub_text(&mut text);
    assert_eq!(text, "-----BEGIN RSA PRIVATE KEY-----[redacted:private_key]\n");
    let mut certificate = canary.text.replace("RSA PRIVATE KEY", "CERTIFICATE");
    let before = certificate.clone();
    redactor().scrub_text(&mut certificate);
    assert_eq!(certificate, before);
}

#[test]
fn the_placeholder_of_an_image_names_a_type_and_nothing_else_that_stands_in_its_place() {
    let secret = "sk-ant-api03-Zq7mWx2LkT9vBn4RjY6sHd8Qe1Fg3";
    let pixels = "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";
    let replaced = |kind: &str| {
        [
            format!("{{\"media_type\":\"{kind}\",\"data\":\"{pixels}\"}}"),
            format!("{{\"url\":\"data:{kind};base64,{pixels}\"}}"),
        ]
        .map(|mut text| {
            redactor().scrub_text(&mut text);
            assert!(!text.contains(pixels), "{text}");
            text
        })
    };
    for text in replaced(&format!("image/{secret}")) {
        assert!(!text.contains(secret), "{text}");
        assert!(text.contains("[redacted:base64_image image 30 bytes "), "{text}");
    }
    for text in replaced("image/WEBP") {
        assert!(text.contains("[redacted:base64_image image/webp 30 bytes "), "{text}");
    }
}
