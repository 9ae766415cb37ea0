//! The password of a listener that other machines reach.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

/// A password that may change: what counts at the moment is asked for at each check.
#[derive(Clone)]
pub struct Password(Arc<dyn Fn() -> String + Send + Sync>);

impl Password {
    /// `current` is asked at each connection and each plain request, so it must be quick.
    pub fn new(current: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(current))
    }

    /// Whether `offered` is it, in a time that tells nothing about it but its length.
    #[must_use]
    pub fn fits(&self, offered: &[u8]) -> bool {
        offered.ct_eq((self.0)().as_bytes()).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
