//! Ordinary texts that must stay exactly as they are.

use std::path::Path;

use langley_model::TextKind;

use crate::corpus::redactor;

const LINES: &[&str] = &[
    "task-sk-foo and risk-averse, disk-usage, desk-2024-0123456789abcdef",
    "use the sk- prefix (sk-...) or sk-ant-... for keys",
    "<div class=\"sk-fading-circle sk-circle12 sk-cube-grid-container-2\">",
    "from sklearn import svm; import sk-video",
    "550e8400-e29b-41d4-a716-446655440000",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "git checkout 5e6cf94a1b2c3d4e5f60718293a4b5c6d7e8f901",
    "{\"usage\":{\"input_tokens\": 12,\"output_tokens\":345,\"cache_read_input_tokens\":0}}",
    "{\"token\": null, \"password\": null, \"secret\": false, \"api_key\": 12}",
    "{\"stop_token\": \"<|end|>\", \"pad_token\": \"[PAD]\", \"max_tokens\": 1024}",
    "{\"token\":\" the\",\"logprob\":-0.31,\"bytes\":[32,116]}",
    "{\"next_page_token\": \"CAESBgoEGgIIAQ\", \"pageToken\": \"2\"}",
    "{\"key\": \"value\", \"sort_key\": \"created_at\", \"primaryKey\": \"id\", \"keyword\": \"rust\"}",
    "{\"required\":[\"username\",\"password\"],\"properties\":{\"password\":{\"type\":\"string\"}}}",
    "{\"name\":\"password\",\"in\":\"query\",\"type\":\"secret\"}",
    "{\"password\": \"\", \"api_key\": \"${API_KEY}\", \"secret\": \"********\"}",
    "headers: {\"Authorization\": \"Bearer \" + token, \"x-api-key\": apiKey}",
    "{\"Authorization\": \"required\", \"authorization\": \"optional on GET\"}",
    "password = input(\"password: \"); token = next(tokens)",
    "let token = lexer.next_token()?; if token == Token::Eof { return }",
    "api_key=os.environ[\"OPENAI_API_KEY\"], key=lambda x: x[1]",
    "client = OpenAI(api_key=settings.openai_api_key_v2)",
    "fn secret_key(&self) -> &SecretKey { &self.key }",
    "https://example.com/path?page=2&sort=desc&key=name&token=short",
    "https://github.com/rust-lang/rust/pull/12345#issuecomment-1",
    "git@github.com:owner/repo.git ssh://git@github.com/owner/repo.git",
    "postgres://${DB_USER}:${DB_PASS}@localhost/db and postgres://localhost:5432/db",
    "http://localhost:3000, http://127.0.0.1:8080/@vite/client, see https://npm.im/@types/node",
    "https://{user}:{password}@host/ and mysql://root:$MYSQL_PASSWORD@db",
    "npm_config_cache=/tmp npm_lifecycle_event=test npm_package_version",
    "hf_hub_download(repo_id=\"a/b\"); hf_transfer; HF_HOME=/data",
    "eyJ is how JSON starts in base64; eyJhbGciOi alone is no token. eyJfoo.bar.baz",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
    "grep -r 'BEGIN RSA PRIVATE KEY' . || echo \"-----BEGIN PRIVATE KEY-----\"",
    "ASIA and EURASIA; AKIA; AIzawa; the SG. index; box-xoxo-shaped; xoxo",
    "Bearer of bad news. The bearer authentication-scheme-of-choice was misunderstood",
    "Bearer token, Bearer <token>, Bearer $TOKEN, Bearer {token}",
    "ghp_ prefix, gho_short, github_pat_ prefix, glpat- prefix",
    "data:text/plain;base64,SGVsbG8sIHdvcmxkISBIZWxsbywgd29ybGQhIEhlbGxv",
    "{\"data\":\"SGVsbG8sIHdvcmxkISBIZWxsbywgd29ybGQhIEhlbGxv\",\"encoding\":\"base64\"}",
    "{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGg\"}",
    "{\"type\":\"thinking\",\"signature\":\"EqQBCkYIAxgCIkBvd2VyIHRoZSBsYXp5IGRvZyBhbmQgYWdhaW4=\"}",
    "msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9 req_011CSHoEeqs5C35K2UUqR7Fy",
    "C:\\npm_modules\\readme.txt \\server\\share\\ghost",
    "a \\u00e9 b \\u001b[31mred\\u001b[0m \\/ c",
    "sk_test is not live; whisk_live_update_function_name",
    // Near the shapes of assignments: types, schemas, templates, code that computes the value.
    "password: string; token: string | null; secretKey?: string; apiKey: Uint8Array<ArrayBuffer>;",
    "pub password: String, token: &str, api_key: Option<SecretString>, private_key: Vec<u8>,",
    "pub(crate) secret: [u8; 32], signing_key: Ed25519KeyPair, access_token: Cow<'static, str>,",
    "password: str = Field(...), secret: SecretStr | None = None, token: bytes = b''",
    "fn login(user: &str, password: &str) -> Result<Token> { let secret = derive(password)?; }",
    "const PASSWORD: &str = \"password\"; const API_KEY: &str = \"api_key\";",
    "password: { type: String, required: true, select: false }, token: z.string().min(16),",
    "apiKey: process.env.OPENAI_API_KEY ?? \"\", secret: env(\"APP_SECRET\"), token: getToken(),",
    "api_key=os.environ[\"API_KEY\"], password=os.getenv(\"DB_PASSWORD2\"), token=self.token2,",
    "client = Client(api_key=api_key, password=password1, secret=config.secret2, token=token)",
    "password = getpass.getpass(); secret = secrets.token_urlsafe(32); api_key = load_key(\"x1\")",
    "self.password = password2; this.apiKey = options.apiKey2; secret := cfg.Secret[\"a1\"]",
    "API_KEY=$OPENAI_API_KEY SECRET=${SECRET:-none} TOKEN=$(cat /run/secrets/token1) PASSWORD=%PW%",
    "API_KEY=<your key> SECRET_KEY=your-secret-key-1 PASSWORD=changeme1 ACCESS_TOKEN=xxxxxxxx1",
    "export API_KEY=\"${API_KEY}\" PASSWORD='...' SECRET=\"<secret-123>\" TOKEN=\"{{ token1 }}\"",
    "password: ${{ secrets.DB_PASSWORD1 }}, api-key: ${API_KEY_2}, secret: !Ref MySecret1",
    "PASSWORD=None SECRET=null API_KEY=true ACCESS_TOKEN=undefined PRIVATE_KEY=false",
    "private_key: ./keys/id_rsa2, private_key=/etc/ssl/private/key1.pem, secret_key: ~/.key1",
    "api_key: required, secret: optional, password: string, token: integer, passphrase: hidden",
    "      password:\n        type: string\n        minLength: 8\n      api_key:\n        type: string",
    "The password: at least 8 characters. A secret: 42 of them. Your API key: see below.",
    "| `password` | string | the user's password |\n| `api_key` | string | 32 characters |",
    "Cookie: name=value; Cookie: <cookie>; Set-Cookie: string; cookie: req.headers.cookie",
    "Authorization: Basic authentication, Authorization: Token based, Authorization: `Bearer $T`",
    "Authorization: Basic <credentials>, Authorization: Basic $CREDENTIALS, authorization: string",
    "curl -u user:password, curl -u $USER:$PASS, curl -u \"${USER}:${PASS}\"",
    "git push -u origin:main1, sort -u a:b1, useradd --user name:group1",
    "<input type=\"password\" name=\"password\"> <label for=\"password\">Password: </label>",
    "content-disposition: form-data; name=\"file\"; filename=\"a1.txt\"; name=\"password\"",
    "PASSWORD_MIN_LENGTH=12345678 TOKEN_COUNT=1234567890 SECRET_NAME=my-secret-1 KEY_ID=abc12345",
    "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTestDatabaseSecret-a1b2c3",
    "if password == \"\" { } if token != expected1 { } match secret { Some(x1) => x1 }",
    // Near phrases, brackets, and words that stand for a secret.
    "password: \"Enter your password\", passphrase: 'must have 8 characters', password: \"is too short\"",
    "password: \"The password of the user\", secret: \"the shared secret of the hook\", password: 'a'",
    "\"password=\" + password + \" and \" + x, \"password:\" +pw + \" is x1\", 'password: ' . $pw . ' x1'",
    "password: \"<your password>\", secret: \"[MY_SECRET]\", api_key: \"{api_key_1}\", token: '<token 1>'",
    "password: !secret db_password1, secret: [item1, item2], api_key = {name1: x}, password: !isSet1",
    "const ids = { password: [0x42u8; 32], api_key: \"{oauth2Token}\", secret: \"[k8s-secret]\" }",
    "DB_PASSWORD=\"$DB_PASS word\" PASSWORD=\"${PW:-a b}\" PASSPHRASE='$(op read x y)' password: !vault |",
    "API_KEY=<key2 SECRET_KEY=[api-key-1] PASSWORD={password1} SECRET={getSecret2(x)",
    "'password' => 'required|string|min:8', password: string|null, secret: Uint8Array|Buffer|null",
    "'password' => 'sometimes|nullable|string|between:8,64|confirmed', secret: Int32Array|null|Uint8Array[]",
    "password: \"Contraseña\", password: \"Mot de passe\", password: 'Пароль', password: '密码'",
    "API_KEY=your-api-key-1234567890 SECRET_KEY=yourSecretKey12345678 ACCESS_KEY=changeme1234567890",
    "api_key: \"xxxxxxxxxxxx1234\", secret: 'putYourKeyHere123456', client_secret: \"replacewith1234567\"",
    "name=\"password\"\ntype: text\n\nThe next paragraph",
    "password => hash(password, 12), token => token.length > 10, (secret) => ({ secret })",
    "impl Secret::V1, Password::Argon2, ApiKey::V2(x); use crate::token::V1; key::Ed25519",
    "gsk_prefix, fw_rule_name_of_some_length_12, r8_unorm, r8_g8_b8_a8_srgb, xai-org/grok-1, pplx-api",
    "shpat_ prefix, dop_v1_ prefix, app_v1_handler, lin_api_ prefix, hvs. prefix, the AA:AA marks",
    "https://example.com/api/webhooks/list, use react hooks, .git/hooks/pre-commit, hooks.slack.com",
];

#[test]
fn ordinary_code_and_prose_stay_as_they_are() {
    for line in LINES {
        let redactor = redactor();
        let mut text = (*line).to_owned();
        redactor.scrub_text(&mut text);
        assert_eq!(text, *line);
        let mut nested = serde_json::json!({"a": [{"text": line}]}).to_string();
        for _ in 0..3 {
            let before = nested.clone();
            redactor.scrub_json(&mut nested);
            assert_eq!(nested, before);
            nested = serde_json::json!({ "again": nested }).to_string();
        }
        assert_eq!(redactor.counts(), []);
    }
}

/// Lines of the sources below `folder`, with the rule that would strike in each that has one.
fn struck(folder: &Path, lines: &mut usize, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "node_modules" && name != "target" && name != "dist" {
            struck(&path, lines, found);
        }
        let is_source = path.extension().is_some_and(|end| {
            ["rs", "md", "ts", "tsx", "toml", "sql", "mjs", "css"].iter().any(|known| end == *known)
        });
        if !is_source {
            continue;
        }
        let redactor = redactor();
        for (number, line) in std::fs::read_to_string(&path).unwrap_or_default().lines().enumerate()
        {
            *lines += 1;
            for suspect in redactor.suspects(TextKind::Plain, line.as_bytes()) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, suspect.rule));
            }
        }
    }
}

/// Nearly all that is struck here is planted for tests; it counts as if it were an error all the same.
#[test]
fn of_ordinary_code_less_than_one_line_in_a_thousand_is_touched() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut lines, mut found) = (0, Vec::new());
    for folder in ["crates", "web/src", "xtask", "docs"] {
        struck(&root.join(folder), &mut lines, &mut found);
    }
    println!("{} of {lines} lines:\n{}", found.len(), found.join("\n"));
    assert!(lines > 10_000);
    assert!(found.len() * 1_000 < lines, "{} of {lines}:\n{}", found.len(), found.join("\n"));
}
