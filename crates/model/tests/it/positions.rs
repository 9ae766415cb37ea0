//! Secrets in every position: headers, target, bodies, JSON inside JSON.

use langley_model::{HeaderBlock, Redactor, RedactorOptions};

use crate::corpus::{all, escaped, finds, redactor, shapes};

fn value_of(block: &HeaderBlock, name: &str) -> String {
    block.value(name).unwrap().to_owned()
}

#[test]
fn named_headers_lose_their_value_and_keep_their_scheme() {
    let mut block = HeaderBlock::new();
    for (name, value) in [
        ("Host", "api.anthropic.com"),
        ("Authorization", "Bearer abc"),
        ("proxy-authorization", "Basic abc"),
        ("X-Api-Key", "abc"),
        ("api-key", "abc"),
        ("x-goog-api-key", "abc"),
        ("x-amz-security-token", "abc"),
        ("x-aws-ec2-metadata-token", "AQAEAHJvbGU="),
        ("cookie", "a=abc"),
        ("set-cookie", "a=abc; Path=/"),
        ("X-My-Service-Secret", "abc"),
        ("x-auth-token", "abc"),
        ("X-Auth", "abc"),
        ("private-token", "abc"),
        ("Ocp-Apim-Subscription-Key", "abc"),
        ("sec-websocket-key", "dGhlIHNhbXBsZQ=="),
        ("anthropic-ratelimit-tokens-remaining", "12"),
        ("x-mine", "abc"),
        ("x-stainless-lang", "abc"),
    ] {
        block.push(name, value.as_bytes());
    }
    let options = RedactorOptions {
        always_redact_headers: vec!["X-Mine".into()],
        pattern_redact_headers: vec!["^x-stain".into()],
        ..RedactorOptions::default()
    };
    let redactor = Redactor::new(options).unwrap();
    let sealed = redactor.seal(block);
    assert_eq!(value_of(&sealed, "authorization"), "Bearer [redacted:header]");
    assert_eq!(value_of(&sealed, "proxy-authorization"), "Basic [redacted:header]");
    assert_eq!(value_of(&sealed, "host"), "api.anthropic.com");
    assert_eq!(value_of(&sealed, "anthropic-ratelimit-tokens-remaining"), "12");
    let text = String::from_utf8_lossy(sealed.as_bytes()).into_owned();
    assert_eq!(text.matches("[redacted:header]").count(), 16, "{text}");
    assert!(!text.contains("abc") && !text.contains("AQAE"), "{text}");
    let again = redactor.seal(sealed.into_inner());
    assert_eq!(String::from_utf8_lossy(again.as_bytes()), text);
}

#[test]
fn a_header_pattern_that_is_none_is_refused_in_words() {
    let options =
        RedactorOptions { pattern_redact_headers: vec!["(".into()], ..RedactorOptions::default() };
    assert!(Redactor::new(options).unwrap_err().contains("pattern_redact"));
}

#[test]
fn no_header_keeps_a_key_whatever_its_name() {
    // A part of a form has line ends, which no header has.
    for canary in all().iter().filter(|canary| !canary.text.contains("form-data")) {
        let mut block = HeaderBlock::new();
        for name in ["authorization", "x-other", "location", "cookie"] {
            block.push(name, canary.text.as_bytes());
        }
        let sealed = redactor().seal(block);
        let text = String::from_utf8_lossy(sealed.as_bytes()).into_owned();
        assert!(!finds(&text, canary), "{text}");
        assert_eq!(sealed.iter().count(), 4);
    }
}

#[test]
fn credential_parameters_of_a_target_lose_any_value() {
    for name in [
        "key",
        "api_key",
        "token",
        "access_token",
        "signature",
        "sig",
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "password",
        "secret",
        "code",
        "client%5Fsecret",
    ] {
        let mut target = format!("/v1/x?a=1&{name}=s3cr&b=2#{name}=s3cr");
        redactor().scrub_target(&mut target);
        assert_eq!(
            target,
            format!(
                "/v1/x?a=1&{name}=[redacted:url_parameter]&b=2#{name}=[redacted:url_parameter]"
            )
        );
    }
    let mut plain = String::from("/v1/messages?beta=true&keyword=x&tokens=3");
    redactor().scrub_target(&mut plain);
    assert_eq!(plain, "/v1/messages?beta=true&keyword=x&tokens=3");
}

#[test]
fn no_target_keeps_a_key() {
    for canary in shapes() {
        for before in ["/v1/", "/v1/x?q=", "/v1/x?q=%22", "http://host/"] {
            let mut target = format!("{before}{}", canary.text);
            redactor().scrub_target(&mut target);
            assert!(!finds(&target, &canary), "{target}");
        }
    }
}

#[test]
fn no_body_keeps_a_key_at_any_depth_of_json() {
    for canary in all() {
        let mut json = serde_json::json!({
            "messages": [{"role": "user", "content": format!("line\n{}\nline", canary.text)}],
        })
        .to_string();
        for depth in 0..4 {
            let body = redactor().body(json.clone().into_bytes());
            let text = String::from_utf8_lossy(body.as_bytes()).into_owned();
            let mut value: serde_json::Value = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("depth {depth}: {error}: {text}"));
            // What the innermost text says must not hold it either.
            for _ in 0..depth {
                value = serde_json::from_str(value["inner"].as_str().unwrap())
                    .unwrap_or_else(|error| panic!("depth {depth}: {error}: {text}"));
            }
            let content = value["messages"][0]["content"].as_str().unwrap();
            assert!(!finds(content, &canary) && !finds(&text, &canary), "depth {depth}: {text}");
            assert!(content.starts_with("line\n") && content.ends_with("\nline"), "{content}");
            json = serde_json::json!({ "inner": json }).to_string();
        }
    }
}

#[test]
fn a_credential_member_is_found_when_the_body_itself_is_json() {
    for canary in crate::corpus::framed().iter().filter(|canary| canary.text.starts_with('{')) {
        let mut json = canary.text.clone();
        redactor().scrub_json(&mut json);
        assert!(!finds(&json, canary), "{json}");
        let _: serde_json::Value = serde_json::from_str(&json).unwrap();
    }
}

#[test]
fn a_password_of_the_word_itself_with_digits_is_one_and_a_type_is_none() {
    let redactor = redactor();
    let scrubbed = |text: &str| {
        let mut text = text.to_owned();
        redactor.scrub_text(&mut text);
        text
    };
    for secret in ["MyPassword123", "MySecretPass1", "Sup3rSecretPw0", "TokenOfMine7", "Secret2024"]
    {
        for name in ["password=", "password: "] {
            let text = scrubbed(&format!("{name}{secret}"));
            assert_eq!(text, format!("{name}[redacted:credential_assignment]"), "{secret}");
        }
    }
    for text in ["password: SecretString", "token=AccessToken", "password: Option<Secret>"] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn a_key_written_with_needless_escapes_is_found() {
    for canary in shapes() {
        for at in 0..6 {
            let byte = canary.text.as_bytes()[at];
            let written = format!("{}\\u{byte:04x}{}", &canary.text[..at], &canary.text[at + 1..]);
            let mut json = format!("{{\"a\":\" {written}\"}}");
            for depth in 0..3 {
                let mut text = json.clone();
                redactor().scrub_json(&mut text);
                assert!(!finds(&text, &canary), "depth {depth}: {text}");
                let _: serde_json::Value = serde_json::from_str(&text).unwrap();
                json = format!("{{\"inner\":\"{}\"}}", escaped(&json));
            }
        }
    }
    let mut quotes = String::from(r#"{"a":"{\u0022api_key\u0022:\u0022hidden-thing\u0022}"}"#);
    redactor().scrub_json(&mut quotes);
    assert_eq!(quotes, r#"{"a":"{\u0022api_key\u0022:\u0022[redacted:credential_field]\u0022}"}"#);
    let mut slashes = String::from(r#"{"a":"https:\/\/me:hidden-thing@host\/x"}"#);
    redactor().scrub_json(&mut slashes);
    assert_eq!(slashes, r#"{"a":"https:\/\/[redacted:url_password]@host\/x"}"#);
}

#[test]
fn a_value_whose_letters_are_escaped_is_replaced_to_its_end() {
    let canaries = all();
    let far: Vec<_> = canaries.iter().filter(|canary| !canary.text.is_ascii()).collect();
    assert!(far.len() > 3);
    for canary in far {
        let mut json = format!("{{\"a\":\" {} \"}}", escaped(&canary.text));
        for depth in 0..3 {
            let is_far = |character: char| !character.is_ascii();
            let mut ascii = String::new();
            for part in json.split_inclusive(is_far) {
                let far = part.chars().last().filter(|last| is_far(*last));
                ascii.push_str(part.trim_end_matches(is_far));
                ascii.extend(far.map(|far| format!("\\u{:04x}", u32::from(far))));
            }
            redactor().scrub_json(&mut ascii);
            let said: serde_json::Value = serde_json::from_str(&ascii).unwrap();
            assert!(!finds(&said.to_string(), canary), "depth {depth}: {ascii}");
            json = format!("{{\"inner\":\"{}\"}}", escaped(&json));
        }
    }
}

#[test]
fn a_part_of_a_form_may_have_headers_behind_its_name_up_to_a_bound() {
    let replaced = |filler: usize, end: &str| {
        let filled = format!("Content-Type: text/plain{}", "0".repeat(filler));
        let headers = ["name=\"password\"", &filled, "content-length: 8"].join(end);
        let mut form =
            format!("Content-Disposition: form-data; {headers}{end}{end}a secret{end}--b");
        let before = form.clone();
        redactor().scrub_text(&mut form);
        let is_replaced = !form.contains("a secret");
        assert!(form == before || form.contains("[redacted:credential_field]"), "{form}");
        is_replaced
    };
    for end in ["\r\n", "\n", "\\r\\n", "\\n"] {
        assert!(replaced(0, end) && !replaced(200, end), "{end:?}");
        let longest = (0..200).take_while(|filler| replaced(*filler, end)).count();
        assert!((longest..200).all(|filler| !replaced(filler, end)), "{end:?}");
    }
}

#[test]
fn redacting_twice_is_redacting_once() {
    for canary in all() {
        let redactor = redactor();
        let mut once = format!("a {} b", canary.text);
        redactor.scrub_text(&mut once);
        let mut twice = once.clone();
        redactor.scrub_text(&mut twice);
        assert_eq!(twice, once);
        let mut target = format!("/x?{}", canary.text);
        redactor.scrub_target(&mut target);
        let mut again = target.clone();
        redactor.scrub_target(&mut again);
        assert_eq!(again, target);
    }
}

#[test]
fn a_rule_that_is_switched_off_leaves_the_text_alone() {
    let options = RedactorOptions { api_keys: false, base64_images: false, ..Default::default() };
    let redactor = Redactor::new(options).unwrap();
    for canary in all() {
        let body = redactor.body(canary.text.clone().into_bytes());
        assert_eq!(body.as_bytes(), canary.text.as_bytes());
    }
}
