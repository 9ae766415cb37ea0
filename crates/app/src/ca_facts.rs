//! What a certificate file says, read without touching it: listing must never re-issue anything.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::parse_x509_pem;

use crate::error::{AppError, Result};

/// Facts on the authority's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaFacts {
    /// SHA-256 of the certificate, upper-case hexadecimal pairs with colons.
    pub(crate) fingerprint: String,
    /// When it begins.
    pub(crate) not_before: Timestamp,
    /// When it ends.
    pub(crate) not_after: Timestamp,
    /// The public key, as `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1).
    pub(crate) public_key: Vec<u8>,
    /// DNS suffixes and addresses it may sign for.
    pub(crate) permitted: Vec<String>,
}

impl CaFacts {
    /// Reads the certificate at `path`.
    ///
    /// # Errors
    /// No file, or no certificate in it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let damaged = |why: String| {
            AppError::failed(format!("{} holds no certificate", path.display()))
                .why(why)
                .next("make a new one with `langley ca rotate`; agents then need a restart")
        };
        let pem = fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                AppError::failed("there is no certificate authority yet")
                    .why(format!("{} does not exist", path.display()))
                    .next("it is made at the first start: `langley`")
            }
            _ => AppError::failed(format!("{} cannot be read", path.display())).because(&error),
        })?;
        let (_, pem) = parse_x509_pem(&pem).map_err(|error| damaged(error.to_string()))?;
        let certificate = pem.parse_x509().map_err(|error| damaged(error.to_string()))?;
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).map_err(|error| damaged(error.to_string()))
        };
        let digest = Sha256::digest(&pem.contents);
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Self {
            fingerprint: pairs.join(":"),
            not_before: time(certificate.validity().not_before)?,
            not_after: time(certificate.validity().not_after)?,
            public_key: certificate.public_key().raw.to_vec(),
            permitted: permitted(&certificate),
        })
    }

    /// Whether a name may be signed for, by RFC 5280 §4.2.1.10: equal, or below a permitted suffix.
    pub(crate) fn permits(&self, suffix: &str) -> bool {
        self.permitted.iter().any(|allowed| {
            suffix == allowed
                || suffix.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

fn permitted(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Vec<String> {
    let constraints =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => Some(constraints),
            _ => None,
        });
    let subtrees = constraints.and_then(|constraints| constraints.permitted_subtrees.as_ref());
    subtrees
        .into_iter()
        .flatten()
        .filter_map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => Some(address(bytes)),
            _ => None,
        })
        .collect()
}

/// Address and mask, as RFC 5280 puts them one after the other; the mask is always full here.
fn address(bytes: &[u8]) -> String {
    if let Some(four) = bytes.first_chunk::<4>().filter(|_| bytes.len() == 8) {
        std::net::Ipv4Addr::from(*four).to_string()
    } else if let Some(sixteen) = bytes.first_chunk::<16>().filter(|_| bytes.len() == 32) {
        std::net::Ipv6Addr::from(*sixteen).to_string()
    } else {
        "?".to_owned()
    }
}
