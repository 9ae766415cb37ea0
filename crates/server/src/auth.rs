//! Who may come in: the bearer token, one-time links, and the browser sessions they open.
//!
//! Everything is compared in constant time. Codes are held in memory only, and bounded; sessions are not held
//! at all: each carries its end and a seal that only the token makes. So knocking neither tells anything nor
//! grows anything, and a page that was left open is still signed in when the server has started again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde::Serialize;
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::assets;
use crate::doors::Doors;
use crate::error::{ApiError, ErrorBody};
use crate::guard;
use crate::params::Params;

/// The browser session's cookie.
pub const COOKIE: &str = "langley_session";

const LINKS_MAX: usize = 16;
const LINK_LIFE: Duration = Duration::from_secs(10 * 60);
const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The bearer token; never shown by `Debug`.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token as it is kept in its file; surrounding white space does not count.
    ///
    /// # Errors
    /// A token shorter than 16 characters, or one that no header can carry, as a sentence.
    pub fn new(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        let fits = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(BadToken) }
    }

    fn matches(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }

    /// A browser session that lasts until then, in seconds since the epoch.
    fn session(&self, until: u64) -> Result<String, ApiError> {
        let mut said = [0; SAID];
        let (end, nonce) = said.split_at_mut(size_of::<u64>());
        end.copy_from_slice(&until.to_be_bytes());
        getrandom::fill(nonce).map_err(ApiError::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([said.as_slice(), self.seal(&said).as_bytes()].concat()))
    }

    /// Whether this token made the session, and it lasts beyond now.
    fn opened(&self, session: &str, now: u64) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(session) else { return false };
        let Some((said, seal)) = bytes.split_first_chunk::<SAID>() else { return false };
        let sealed: bool = self.seal(said).as_bytes().as_slice().ct_eq(seal).into();
        let until = said.first_chunk().map_or(0, |end| u64::from_be_bytes(*end));
        sealed && until > now
    }

    fn seal(&self, said: &[u8]) -> blake3::Hash {
        let key = blake3::derive_key("langley 2026 browser session", self.0.as_bytes());
        blake3::keyed_hash(&key, said)
    }
}

/// Bytes that a session says: its end, and what makes it another than the others.
const SAID: usize = size_of::<u64>() + 16;

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Tells the token that counts at the moment; none when it is the one that was told last. Asked at every
/// request, one after the other, so it must be quick.
pub type NewToken = Box<dyn Fn() -> Option<Token> + Send + Sync>;

/// The text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the API token is unusable: it needs at least 16 visible ASCII characters; \
     run `langley token rotate` to make a new one"
)]
pub struct BadToken;

/// How a caller proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// By the token.
    Bearer,
    /// By a browser session.
    Cookie,
}

/// Every credential that opens the doors at the moment.
pub(crate) struct Keys {
    token: Mutex<Token>,
    new_token: NewToken,
    /// Codes that are not spent, oldest first.
    links: Mutex<Vec<Pass>>,
    /// How often the token was replaced.
    replaced: watch::Sender<u64>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("links", &self.links).finish_non_exhaustive()
    }
}

/// Tells whoever was let in that the token which did so is replaced.
#[derive(Clone, Debug)]
pub(crate) struct Replacements(watch::Receiver<u64>);

impl Replacements {
    /// Completes at the first since this was taken; never where there can be none any more.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

struct Pass {
    secret: String,
    until: Instant,
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn new(token: Token, new_token: NewToken) -> Self {
        Self {
            token: Mutex::new(token),
            new_token,
            links: Mutex::default(),
            replaced: watch::Sender::default(),
        }
    }

    /// Takes a new token in the place of the present one. What that one opened is closed: codes, browser
    /// sessions, and the connections that watch [`Self::replacements`].
    pub(crate) fn refresh(&self) {
        // Held from the look on, so that nobody puts one back that was replaced meanwhile, and until nothing
        // is open that the one before opened.
        let mut present = self.token.lock();
        let Some(token) = (self.new_token)() else { return };
        // A file that was written again with the same token in it replaces nothing.
        if present.matches(&token.0) {
            return;
        }
        *present = token;
        self.links.lock().clear();
        self.replaced.send_modify(|count| *count += 1);
        tracing::info!("the API token was replaced; links and browser sessions ended with it");
    }

    /// Changes whenever the token is replaced from now on: to be taken before what a caller offers is checked,
    /// so that no replacement in between is missed.
    pub(crate) fn replacements(&self) -> Replacements {
        self.refresh();
        Replacements(self.replaced.subscribe())
    }

    /// A code that opens one session, once, within ten minutes. The oldest of more than sixteen
    /// unused codes is forgotten.
    pub(crate) fn new_link(&self) -> Result<String, ApiError> {
        let code = secret()?;
        add(&mut self.links.lock(), code.clone());
        Ok(code)
    }

    /// Spends a code for a session; none when it is unknown, spent or expired.
    fn redeem(&self, code: &str) -> Result<Option<String>, ApiError> {
        self.refresh();
        // Made before the code is looked for: where the token is replaced in between, neither opens anything.
        let session = self.token.lock().session(seconds_now() + SESSION_LIFE.as_secs())?;
        let mut links = self.links.lock();
        let Some(position) = find(&links, code) else { return Ok(None) };
        links.remove(position);
        Ok(Some(session))
    }

    /// What the request's headers prove; none when nothing does.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Option<Credential> {
        self.refresh();
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let (scheme, offered) = authorization.to_str().ok()?.split_once(' ')?;
            let bearer =
                scheme.eq_ignore_ascii_case("bearer") && self.token.lock().matches(offered.trim());
            return bearer.then_some(Credential::Bearer);
        }
        let (token, now) = (self.token.lock(), seconds_now());
        cookies(headers).any(|offered| token.opened(offered, now)).then_some(Credential::Cookie)
    }
}

fn secret() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(ApiError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn add(links: &mut Vec<Pass>, secret: String) {
    let now = Instant::now();
    links.retain(|link| link.until > now);
    if links.len() >= LINKS_MAX {
        links.remove(0);
    }
    links.push(Pass { secret, until: now + LINK_LIFE });
}

/// Compares with every pass, so that the time taken tells nothing about any.
fn find(passes: &[Pass], offered: &str) -> Option<usize> {
    let now = Instant::now();
    let mut found = None;
    for (position, pass) in passes.iter().enumerate() {
        let same: Choice = pass.secret.as_bytes().ct_eq(offered.as_bytes());
        if bool::from(same) && pass.until > now {
            found = Some(position);
        }
    }
    found
}

/// Every value under our cookie's name: cookies do not know ports, so there may be several.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Lets a request through that proves itself.
pub(crate) async fn require(
    State(doors): State<Doors>,
    mut request: Request,
    next: Next,
) -> Response {
    let replacements = doors.keys().replacements();
    request.extensions_mut().insert(replacements);
    match doors.keys().check(request.headers()) {
        Some(Credential::Bearer) => next.run(request).await,
        // A browser sends its cookie by itself, so a cookie alone does not say who asks.
        Some(Credential::Cookie)
            if guard::needs_origin(request.method(), request.headers())
                && guard::stated_origin(request.headers(), doors.allowed_hosts()) != Some(true) =>
        {
            ApiError::origin_not_allowed().into_response()
        }
        Some(Credential::Cookie) => next.run(request).await,
        None => {
            let mut refusal = ApiError::unauthorized().into_response();
            let challenge = HeaderValue::from_static("Bearer realm=\"langley\"");
            refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            refusal
        }
    }
}

/// A link that signs one browser in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInLink {
    /// The address to open; works once, for ten minutes.
    pub url: String,
}

/// Makes a one-time sign-in link.
#[utoipa::path(
    post, path = "/api/auth/link", tag = "auth", operation_id = "make_sign_in_link",
    responses((status = 200, body = SignInLink), (status = 401, body = ErrorBody))
)]
pub(crate) async fn link(
    State(doors): State<Doors>,
    params: Params,
) -> Result<Json<SignInLink>, ApiError> {
    params.only(&[])?;
    Ok(Json(SignInLink { url: doors.sign_in_link()? }))
}

/// Trades a one-time code for a session cookie and leads to the dashboard. A browser that is signed in
/// already is led there whatever its code.
#[utoipa::path(
    get, path = "/auth", tag = "auth", security(()),
    params(("code" = String, Query, description = "The one-time code")),
    responses(
        (status = 303, description = "Signed in; leads to the dashboard"),
        (status = 401, description = "The code was used before, expired, or never existed"),
    )
)]
pub(crate) async fn sign_in(
    State(doors): State<Doors>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["code"])?;
    let code = params.text("code").ok_or_else(|| {
        ApiError::missing_parameter("code", "Run `langley` for a complete sign-in link.")
    })?;
    let Some(session) = doors.keys().redeem(code)? else {
        return Ok(match doors.keys().check(&headers) {
            Some(Credential::Cookie) => {
                (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response()
            }
            _ => assets::spent_link(),
        });
    };
    let age = SESSION_LIFE.as_secs();
    let cookie = format!("{COOKIE}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}");
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())])
        .into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;

    fn keys() -> Keys {
        Keys::new(Token::new("0123456789abcdef").unwrap(), Box::new(|| None))
    }

    #[test]
    fn a_new_token_takes_the_old_ones_place_with_all_that_it_opened() {
        let (put, put_there) = std::sync::mpsc::sync_channel(1);
        let put_there = Mutex::new(put_there);
        let new_token = Box::new(move || put_there.lock().try_recv().ok());
        let keys = Keys::new(Token::new("0123456789abcdef").unwrap(), new_token);
        let bearer = |token: &str| {
            keys.check(&headers(header::AUTHORIZATION, &format!("Bearer {token}"))).is_some()
        };
        let cookie = |session: &str| {
            keys.check(&headers(header::COOKIE, &format!("{COOKIE}={session}"))).is_some()
        };
        let session = keys.redeem(&keys.new_link().unwrap()).unwrap().unwrap();
        let code = keys.new_link().unwrap();
        let watching = keys.replacements();
        assert!(bearer("0123456789abcdef") && cookie(&session));
        assert!(!watching.0.has_changed().unwrap());
        put.send(Token::new("0123456789abcdef").unwrap()).unwrap();
        assert!(cookie(&session), "the same token once more replaces nothing");
        put.send(Token::new("fedcba9876543210").unwrap()).unwrap();
        assert!(!bearer("0123456789abcdef"), "the old one's next use is refused");
        assert!(bearer("fedcba9876543210"));
        assert!(!cookie(&session), "a session that the old one opened");
        assert_eq!(keys.redeem(&code).unwrap(), None);
        assert!(watching.0.has_changed().unwrap());
    }

    #[test]
    fn nobody_else_looks_for_a_new_token_while_one_is_put_in_the_old_ones_place() {
        let keys = Arc::new(OnceLock::<Keys>::new());
        let (looked, looks) = std::sync::mpsc::sync_channel(1);
        let them = Arc::downgrade(&keys);
        let new_token = Box::new(move || {
            let keys = them.upgrade().unwrap();
            looked.send(keys.get().unwrap().token.is_locked()).unwrap();
            None
        });
        let token = Token::new("0123456789abcdef").unwrap();
        keys.set(Keys::new(token, new_token)).unwrap();
        keys.get().unwrap().refresh();
        assert_eq!(looks.recv(), Ok(true));
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_the_whole_token_opens() {
        let keys = keys();
        let check = |value| keys.check(&headers(header::AUTHORIZATION, value));
        assert_eq!(check("Bearer 0123456789abcdef"), Some(Credential::Bearer));
        assert_eq!(check("bearer 0123456789abcdef"), Some(Credential::Bearer));
        assert_eq!(check("Bearer 0123456789abcde"), None);
        assert_eq!(check("Bearer 0123456789abcdef0"), None);
        assert_eq!(check("Basic 0123456789abcdef"), None);
        assert_eq!(check("Bearer "), None);
    }

    #[test]
    fn a_code_opens_one_session_once() {
        let keys = keys();
        let code = keys.new_link().unwrap();
        let session = keys.redeem(&code).unwrap().unwrap();
        assert_eq!(keys.redeem(&code).unwrap(), None);
        let cookie = format!("other=1; {COOKIE}=stale; {COOKIE}={session}");
        assert_eq!(keys.check(&headers(header::COOKIE, &cookie)), Some(Credential::Cookie));
        let cookie = format!("{COOKIE}={session}x");
        assert_eq!(keys.check(&headers(header::COOKIE, &cookie)), None);
    }

    #[test]
    fn a_code_past_its_time_opens_nothing() {
        let keys = keys();
        let code = keys.new_link().unwrap();
        keys.links.lock()[0].until = Instant::now();
        assert_eq!(keys.redeem(&code).unwrap(), None);
    }

    #[test]
    fn codes_are_bounded_and_the_oldest_goes_first() {
        let keys = keys();
        let codes: Vec<_> = (0..=LINKS_MAX).map(|_| keys.new_link().unwrap()).collect();
        assert_eq!(keys.redeem(&codes[0]).unwrap(), None);
        assert!(keys.redeem(&codes[1]).unwrap().is_some());
    }

    #[test]
    fn a_browser_that_was_signed_in_still_is_when_the_server_has_started_again() {
        let before = keys();
        let session = before.redeem(&before.new_link().unwrap()).unwrap().unwrap();
        let cookie = format!("{COOKIE}={session}");
        let after = keys();
        assert_eq!(after.check(&headers(header::COOKIE, &cookie)), Some(Credential::Cookie));
        let other = Token::new("fedcba9876543210").unwrap();
        let elsewhere = Keys::new(other, Box::new(|| None));
        assert_eq!(elsewhere.check(&headers(header::COOKIE, &cookie)), None);
    }

    #[test]
    fn a_session_ends_in_time_and_each_of_its_bytes_counts() {
        let token = Token::new("0123456789abcdef").unwrap();
        let session = token.session(100).unwrap();
        assert!(token.opened(&session, 99) && !token.opened(&session, 100));
        let bytes = URL_SAFE_NO_PAD.decode(&session).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            assert!(!token.opened(&URL_SAFE_NO_PAD.encode(&forged), 1), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(!token.opened(&URL_SAFE_NO_PAD.encode(&bytes[..length]), 1), "{length} bytes");
        }
        assert_ne!(session, token.session(100).unwrap());
    }

    #[test]
    fn a_token_that_is_too_short_or_not_visible_is_refused() {
        assert_eq!(Token::new("short").unwrap_err(), BadToken);
        assert_eq!(Token::new("0123456789abcde\u{7f}").unwrap_err(), BadToken);
        assert_eq!(format!("{:?}", Token::new(" 0123456789abcdef\n").unwrap()), "Token(…)");
    }
}
