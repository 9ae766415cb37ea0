//! The library's cipher suites with hashes that know the sent hello; made once for the process.

use std::sync::LazyLock;

use rustls::crypto::aws_lc_rs;
use rustls::{CipherSuiteCommon, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use super::stripping::StrippingAead;
use super::transcript::SentHash;

static SUITES: LazyLock<Vec<SupportedCipherSuite>> =
    LazyLock::new(|| aws_lc_rs::ALL_CIPHER_SUITES.iter().map(wrapped).collect());

/// The suite with this number, when the library has it.
pub(super) fn suite(number: u16) -> Option<SupportedCipherSuite> {
    SUITES.iter().find(|suite| u16::from(suite.suite()) == number).copied()
}

// The library wants suites that live for ever; there are nine of them.
fn wrapped(suite: &SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common, true),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: Box::leak(Box::new(StrippingAead(suite.aead_alg))),
                quic: None,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common, false),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
    }
}

fn common(of: &CipherSuiteCommon, derives: bool) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: of.suite,
        hash_provider: Box::leak(Box::new(SentHash { inner: of.hash_provider, derives })),
        confidentiality_limit: of.confidentiality_limit,
    }
}
