//! Planted secrets, and the search that must not find them again.
//!
//! No secret stands whole in this file, so that scanners of source code leave it alone.

use langley_model::{Redactor, RedactorOptions};

/// A secret in a shape: the text to plant, and the parts of it that must never be seen.
pub(crate) struct Canary {
    /// The rule that must strike.
    pub(crate) rule: &'static str,
    /// The text as it appears in the wild.
    pub(crate) text: String,
    /// What must be gone.
    pub(crate) secrets: Vec<String>,
}

pub(crate) fn redactor() -> Redactor {
    Redactor::new(RedactorOptions::default()).unwrap()
}

/// Whether any part of at least six bytes behind the harmless prefix of a secret is in `text`.
pub(crate) fn finds(text: &str, canary: &Canary) -> bool {
    canary.secrets.iter().any(|secret| {
        secret
            .as_bytes()
            .windows(6)
            .any(|part| memchr::memmem::find(text.as_bytes(), part).is_some())
    })
}

fn whole(rule: &'static str, prefix: &str, body: &str) -> Canary {
    Canary { rule, text: format!("{prefix}{body}"), secrets: vec![body.to_owned()] }
}

fn inside(rule: &'static str, before: &str, secret: &str, after: &str) -> Canary {
    Canary { rule, text: format!("{before}{secret}{after}"), secrets: vec![secret.to_owned()] }
}

/// Secrets that are recognised by their own shape, without quotes or line ends in them.
pub(crate) fn shapes() -> Vec<Canary> {
    let (l, u) = ("q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5", "Q7ZK2VW9XY4RT6BN");
    let long = format!("{l}{}", "Hj1Gf0Ds2Qa4We6Zu8Io");
    vec![
        whole("anthropic_key", "sk-ant-", &format!("api03-{long}-AA")),
        whole("anthropic_key", "sk-ant-", &format!("admin01-{l}_{l}")),
        whole("anthropic_key", "sk-ant-", &format!("oat01-{l}")),
        whole("anthropic_key", "sk-ant-", &format!("sid01-{l}")),
        whole("openai_key", "sk-", &format!("{long}Ty")),
        whole("openai_key", "sk-proj-", &format!("{l}_{l}-{l}")),
        whole("openai_key", "sk-svcacct-", &long),
        whole("openai_key", "sk-admin-", &long),
        whole("openai_key", "sk-or-v1-", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"),
        whole("openai_key", "sk-", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        whole("aws_key", "AKIA", u),
        whole("aws_key", "ASIA", u),
        whole("google_key", "AIza", &format!("Sy{l}-_Hj1Gf0Ds")),
        whole("google_token", "ya29.", &format!("a0{long}")),
        whole("github_token", "ghp_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("github_token", "gho_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("github_token", "ghu_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("github_token", "ghs_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("github_token", "ghr_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("github_token", "github_pat_", &format!("11{l}_{long}")),
        whole("gitlab_token", "glpat-", "q7Zk2Vw9_y4Rt6Bn-8Mc"),
        whole("slack_token", "xoxb-", "123456789012-1234567890123-q7Zk2Vw9Xy4Rt6Bn"),
        whole("slack_token", "xoxp-", "123456789012-1234567890123-q7Zk2Vw9Xy4Rt6Bn"),
        whole("slack_token", "xoxa-", "2-123456789012-q7Zk2Vw9Xy4Rt6Bn"),
        whole("slack_token", "xoxr-", "123456789012-q7Zk2Vw9Xy4Rt6Bn"),
        whole("slack_token", "xoxs-", "123456789012-q7Zk2Vw9Xy4Rt6Bn"),
        whole("slack_token", "xapp-", "1-A0123456789-q7Zk2Vw9Xy4Rt6Bn"),
        whole("huggingface_token", "hf_", "qWkZVwXyRtBnMcLpHjGfDsQaWeZuIo12xY"),
        whole("npm_token", "npm_", &format!("{l}Hj1Gf0Ds2Qa4")),
        whole("jwt", "eyJ", &format!("hbGciOiJIUzI1NiJ9.eyJzdWIiOiJxN1prMlZ3OSJ9.{l}")),
        whole("jwt", "eyJ", "hbGciOiJub25lIn0.eyJzdWIiOiJxN1prMlZ3OSJ9"),
        inside("stripe_key", "sk_live_", l, ""),
        inside("stripe_key", "rk_live_", l, ""),
        whole("sendgrid_key", "SG.", &format!("q7Zk2Vw9Xy4Rt6Bn8Mc3Lp.{long}")),
        inside("bearer_token", "Authorization: Bearer ", l, ""),
        inside("url_password", "postgres://", &format!("app:{l}"), "@db.internal:5432/main"),
        inside("url_password", "mongodb+srv://", &format!("app:{l}"), "@a.b.net,c.d.net/x"),
        inside("url_password", "redis://", ":hunter2-hunter2", "@cache:6379/0"),
        inside("url_password", "https://", &format!("deploy:{l}"), "@git.example/x.git"),
        inside(
            "slack_webhook",
            "https://hooks.slack.com/",
            "services/T0123ABCD/B0123ABCD/q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5H",
            "",
        ),
        inside(
            "url_parameter",
            "https://s3.example/a?X-Amz-Signature=",
            "0f1e2d3c4b5a6978",
            "&x=1",
        ),
        inside("url_parameter", "https://api.example/v1?access_token=", l, "#top"),
        inside("url_parameter", "https://api.example/v1?a=1&api_key=", l, ""),
        inside(
            "credential_assignment",
            "AWS_SECRET_ACCESS_KEY=",
            "q7Zk2Vw9Xy4Rt6Bn/8Mc3Lp5Hj1Gf0Ds2Qa4We6Z",
            "",
        ),
        inside(
            "credential_assignment",
            "aws_secret_access_key = ",
            "q7Zk2Vw9Xy4Rt6Bn/8Mc3Lp5Hj1Gf0Ds2Qa4We6Z",
            "",
        ),
    ]
    .into_iter()
    .chain(issued())
    .chain(assigned())
    .collect()
}

/// Keys as their providers document them, beyond the best known.
fn issued() -> Vec<Canary> {
    let l = "q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5";
    let long = format!("{l}Hj1Gf0Ds2Qa4We6Zu8Io");
    let hex = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    vec![
        whole("groq_key", "gsk_", &format!("{long}Wg7dyb3")),
        whole("xai_key", "xai-", &format!("{long}{long}")),
        whole("perplexity_key", "pplx-", &format!("{long}0a1b2")),
        whole("fireworks_key", "fw_", "3ZkQ7Zk2Vw9Xy4Rt6Bn8Mc3L"),
        whole("replicate_token", "r8_", &long[..37]),
        whole("google_client_secret", "GOCSPX-", &long[..28]),
        whole("pypi_token", "pypi-", &format!("AgEIcHlwaS5vcmc{long}_{l}")),
        whole("shopify_token", "shpat_", &hex[..32]),
        whole("shopify_token", "shpss_", &hex[..32]),
        whole("vault_token", "hvs.", &format!("CAESI{long}")),
        whole("linear_key", "lin_api_", &long[..40]),
        whole("bedrock_key", "ABSK", &format!("QmVkcm9ja0FQSUtleS1{long}{long}+/{long}=")),
        inside("bedrock_key", "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t", l, ""),
        inside("digitalocean_token", "dop_v1_", hex, ""),
        inside("together_key", "tgp_v1_", &long, ""),
        inside("terraform_token", "bM1nQ0sD7fG3hJ.atlasv1.", &format!("{long}-{l}"), ""),
        inside("telegram_token", "123456789:", &format!("AA{}", &long[..33]), ""),
        inside(
            "discord_webhook",
            "https://discord.com/api/webhooks/",
            &format!("123456789012345678/{long}_{l}"),
            "",
        ),
        inside("curl_password", "curl -sS -u app:", "p4ss-w0rd!q7Zk2Vw9", " https://api.example/"),
        // The user is a key with some services.
        inside("curl_password", "curl -u ", "q7Zk2Vw9Xy4Rt6Bn:p4ss-w0rd!q7Zk2Vw9", ""),
        inside("curl_password", "curl --user app:", "p4ss-w0rd!q7Zk2Vw9", " https://api.example/"),
    ]
}

/// Values without quotes, of names that say what they are.
fn assigned() -> Vec<Canary> {
    let l = "a8Kd73nQz019sLmW42xYb6Tq";
    let base64 = "a8Kd73nQz019sLmW42xYb6Tq/a8Kd73nQz019sLmW42xYb6Tq==";
    let of = |before: &str, secret: &str| inside("credential_assignment", before, secret, "");
    let mut canaries = vec![
        inside(
            "credential_assignment",
            "AccountName=store;AccountKey=",
            base64,
            ";EndpointSuffix=core.windows.net",
        ),
        of("AWS_SECRET_ACCESS_KEY=", &format!("wJalrXUtnFEMI/K7MDENG/bPxRfiCY{}", "EXAMPLEKEY")),
        of("DB_PASSWORD=", "hunter2-hunter"),
        of("DB_PASSWORD=", "MySecretPassword123"),
        of("POSTGRES_PASSWORD=", "mysecretpassword"),
        of("DB_PASSWORD=", "Passw0rd"),
        of("JWT_SECRET=", "super-secret-jwt-secret-2024"),
        of("ZHIPU_API_KEY=", "a3f9c2d18e7b4605.Xk29QmZp7Lw4Rt"),
        of("DB_PASSWORD=", "p4$$w0rd!23xyz#99-long"),
        of("Authorization: Basic ", "cTdaazJWdzlYeTRSdDZCbg=="),
        of("Authorization: Token ", "9944b09199c62bcf9418ad84"),
        of("Cookie: ", "session=q7Zk2Vw9Xy4Rt6Bn; theme=dark-q7Zk2Vw9"),
        of("password: ", "hunter2-correct-horse"),
        of("password = ", "hunter2-correct-horse"),
        of("x-api-key: ", "q7Zk2Vw9Xy4Rt6Bn"),
        of("api_key: ", "q7Zk2Vw9Xy4Rt6Bn"),
        of("passWord=", "hunter2-correct-horse"),
        of("userPassPhrase: ", "hunter2-correct-horse"),
        of("DB_PASSWORD=", "!horse-battery-9"),
        of("DB_PASSWORD=", "[x9$kQ2pL-horse"),
        of("DB_PASSWORD=", "{h3llo+W0rld-horse"),
        of("DB_PASSWORD=", "horse|battery9|staple"),
        of("password = ", "Tr0ub4|dor3-horse7"),
        // Beside everyday words, of which a declaration is made.
        of("DB_PASSWORD=", "hunter22|text|required"),
        of("DB_PASSWORD=", "null|hunter22"),
        of("password = ", "text|Tr0ub4|dor3-horse7"),
        of("password: ", "required|min:8|Tr0ub4dor3-horse7"),
        of("DB_PASSWORD=", "Schlüsselblümchen"),
        of("password: ", "Schlüsselblümchen2"),
        of("DB_PASSWORD=<", "Tr0ub4dor3x-horse"),
        of("password: ", "!Tr0ub4dor3x-horse"),
        of("API_KEY=", "aYOURb8Kd73nQz019sLmW42x"),
        of("SECRET_KEY=", "a8Kd73TODOz019sLmXXXX42xYb6Tq"),
        of("DB_PASSWORD=", "Reinserted-Todorov9"),
        of("password=", "MyPassCode123"),
        of("password=", "MySecretPass123"),
        of("password=", "Sup3rSecretPw012"),
    ];
    for name in [
        "JWT_SECRET=",
        "CLIENT_SECRET=",
        "SESSION_SECRET=",
        "AUTH_TOKEN=",
        "GITLAB_TOKEN=",
        "X_TOKEN=",
        "STRIPE_KEY=",
        "apiKey=",
        "PASSPHRASE=",
        "API_KEY = ",
        "API_KEY:=",
        "secretKey = ",
    ] {
        canaries.push(of(name, l));
    }
    canaries
}

/// Secrets that are recognised by what stands around them; with quotes and line ends.
pub(crate) fn framed() -> Vec<Canary> {
    let body =
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\nVJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1G\n";
    let pem = |name: &str| {
        inside(
            "private_key",
            &format!("-----BEGIN {name}-----\n"),
            &format!("{body}Qw=="),
            &format!("\n-----END {name}-----\n"),
        )
    };
    let field = |name: &str| {
        inside("credential_field", &format!("{{\"{name}\": \""), "correct horse battery", "\"}")
    };
    let pixels = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
    let mut canaries = vec![
        pem("PRIVATE KEY"),
        pem("RSA PRIVATE KEY"),
        pem("EC PRIVATE KEY"),
        pem("OPENSSH PRIVATE KEY"),
        pem("PGP PRIVATE KEY BLOCK"),
        inside(
            "credential_field",
            "{\"authorization\":\"Basic ",
            "cTdaazJWdzlYeTRSdDZCbg==",
            "\"}",
        ),
        inside("credential_field", "{\"token\":\"", "0123456789abcdef0123", "\"}"),
        inside("base64_image", "{\"url\":\"data:image/png;base64,", pixels, "\"}"),
        inside(
            "base64_image",
            "{\"type\":\"base64\",\"media_type\":\"image/webp\",\"data\":\"",
            "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333",
            "\"}",
        ),
        inside(
            "base64_image",
            "{\"data\":\"",
            "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333",
            "\",\"type\":\"base64\",\"media_type\":\"image/webp\"}",
        ),
        inside("base64_image", "{\"b64_json\":\"", pixels, "\"}"),
    ];
    for (before, after) in [
        ("export X_TOKEN=\"", "\""),
        ("CLIENT_SECRET='", "'"),
        ("api_key: \"", "\","),
        ("apiKey := \"", "\""),
        ("\"client_secret\" => \"", "\","),
        ("os.environ[\"API_KEY\"] = \"", "\""),
        ("x = {'password': '", "'}"),
        ("const API_KEY: &'static str = \"", "\";"),
        ("let password: string | null = `", "`"),
        ("curl -H 'api-key: ", "' https://api.example/"),
        ("curl -b \"\" -H \"Cookie: sid=", "\""),
    ] {
        let text = "a8Kd73nQz019sLmW42xYb6Tq";
        let cookie = before.find("sid=").map_or(0, |_| "sid=".len());
        let (before, kept) = before.split_at(before.len() - cookie);
        canaries.push(inside("credential_assignment", before, &format!("{kept}{text}"), after));
    }
    for end in ["\r\n", "\n"] {
        let before = format!("content-disposition: form-data; name=\"client_secret\"{end}{end}");
        let after = format!("{end}--boundary--");
        canaries.push(inside("credential_field", &before, "a8Kd73nQz019sLmW42xYb6Tq", &after));
        let typed = format!(
            "content-disposition: form-data; name=\"password\"{end}Content-Type: text/plain; \
             charset=\"utf-8\"{end}Content-Transfer-Encoding: 8bit{end}{end}"
        );
        canaries.push(inside("credential_field", &typed, "swordfish and chips", &after));
    }
    for (before, secret, after) in [
        ("password = \"", "correct horse battery staple", "\""),
        ("DB_PASSWORD='", "correct-horse battery, staple!", "'"),
        ("passPhrase: \"", "grüne Bäume wachsen langsam", "\""),
        ("PASSWORD: '", &format!("correct {} horse battery", "h".repeat(119)), "'"),
        ("let password = \"", "!horse-battery", "\";"),
        ("password: '", "[horse-battery", "'"),
        ("password = \"", "{staple-battery", "\""),
        ("clientSecret: \"", "<staple-battery", "\""),
        ("password = \"", "[Tr0ub4dor-horse]", "\""),
        ("password = \"", "horse|battery", "\""),
        ("password = \"", "horse|random|9Xk2", "\""),
        ("password: '", "Horse|text|Battery", "'"),
        ("password = \"", "Schlüsselblümchen", "\""),
        ("apiKey: \"", "aYOURb8Kd73nQz019sLmW42x", "\""),
    ] {
        canaries.push(inside("credential_assignment", before, secret, after));
    }
    let quoted = inside("curl_password", "curl -u \"app:", "p4ss-w0rd!q7Zk2Vw9", "\" -v");
    canaries.push(quoted);
    for name in [
        "api_key",
        "apiKey",
        "OPENAI_API_KEY",
        "password",
        "db_password",
        "secret",
        "client_secret",
        "access_token",
        "refreshToken",
        "private_key",
        "aws_secret_access_key",
        "passphrase",
    ] {
        canaries.push(field(name));
    }
    canaries
}

/// Every planted secret.
pub(crate) fn all() -> Vec<Canary> {
    let mut canaries = shapes();
    canaries.extend(framed());
    canaries
}

/// The inside of a JSON string that stands for `text`.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
