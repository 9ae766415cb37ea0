//! Langley's own certificate authority: a P-256 key in a 0600 file, constrained by name.
//!
//! The constraints (RFC 5280 §4.2.1.10) permit only the DNS suffixes and addresses that the
//! intercept list needs, so that a stolen key can impersonate nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use crate::host_list::HostList;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CA_LIFE: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);
/// Leaves live shorter than the 90 days that the strictest clients will accept.
const LEAF_LIFE: Duration = Duration::from_secs(89 * 24 * 60 * 60);

/// The authority, ready to sign.
#[derive(Debug)]
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    not_after: SystemTime,
    names: Permitted,
    reissued: bool,
    path: PathBuf,
}

/// What the authority may sign for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Permitted {
    dns: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

/// Why there is no usable authority.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file of the authority cannot be read or written.
    #[error("cannot {what} {path}: {source}; check the folder's owner and free space")]
    Io {
        /// Verb.
        what: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The key file is not a key.
    #[error(
        "{path} is not a P-256 private key in PEM form ({why}); restore it, or run \
         `langley ca rotate` to make a new authority (agents then need a restart)"
    )]
    BadKey {
        /// The key file.
        path: PathBuf,
        /// Cause.
        why: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The system gave no random numbers.
    #[error("the system's random number generator failed")]
    Random,
}

impl CertificateAuthority {
    /// Opens the authority in `dir` (`ca.pem`, `ca.key`), made when absent. When the certificate is
    /// missing, near its end, or constrained to other names than `list` needs, it is issued anew
    /// with the same key, and [`Self::reissued`] says so.
    ///
    /// # Errors
    /// Unreadable or unwritable files, or a key file that is no key.
    pub fn open_or_create(dir: &Path, list: &HostList) -> Result<Self, CaError> {
        create_folder(dir)?;
        let key_path = dir.join("ca.key");
        let key = match fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .map_err(|error| CaError::BadKey { path: key_path, why: error.to_string() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
                write_private(&key_path, key.serialize_pem().as_bytes())?;
                key
            }
            Err(source) => return Err(CaError::Io { what: "read", path: key_path, source }),
        };
        let wanted = Permitted::of(list);
        let path = dir.join("ca.pem");
        match fs::read_to_string(&path) {
            Ok(pem) => match Existing::parse(&pem) {
                Some(existing) if existing.serves(&wanted, &key) => {
                    let issuer = Issuer::from_ca_cert_der(&existing.der, key)?;
                    Ok(Self {
                        issuer,
                        certificate: existing.der,
                        certificate_pem: pem,
                        not_after: existing.not_after,
                        names: wanted,
                        reissued: false,
                        path,
                    })
                }
                _ => Self::issue(path, key, wanted, true),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::issue(path, key, wanted, false)
            }
            Err(source) => Err(CaError::Io { what: "read", path, source }),
        }
    }

    /// Makes a new key and certificate in `dir`. Running agents that trusted the old one must be
    /// restarted.
    ///
    /// # Errors
    /// As [`Self::open_or_create`].
    pub fn rotate(dir: &Path, list: &HostList) -> Result<Self, CaError> {
        create_folder(dir)?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        write_private(&dir.join("ca.key"), key.serialize_pem().as_bytes())?;
        Self::issue(dir.join("ca.pem"), key, Permitted::of(list), true)
    }

    fn issue(
        path: PathBuf,
        key: KeyPair,
        names: Permitted,
        reissued: bool,
    ) -> Result<Self, CaError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::OrganizationName, "Langley");
        params.distinguished_name.push(DnType::CommonName, "Langley local CA");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(random_serial()?);
        let now = SystemTime::now();
        let not_after = now + CA_LIFE;
        params.not_before = (now - DAY).into();
        params.not_after = not_after.into();
        params.name_constraints = Some(names.constraints());
        let certificate = params.self_signed(&key)?;
        let certificate_pem = certificate.pem();
        write_private(&path, certificate_pem.as_bytes())?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate: certificate.der().clone(),
            certificate_pem,
            not_after,
            names,
            reissued,
            path,
        })
    }

    /// The certificate that agents must trust, in PEM form.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Where the certificate lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the certificate as upper-case hexadecimal pairs with colons.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        let digest = Sha256::digest(&self.certificate);
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// When the certificate ends.
    #[must_use]
    pub const fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The DNS suffixes and addresses it may sign for.
    #[must_use]
    pub fn permitted_names(&self) -> Vec<String> {
        let addresses = self.names.addresses.iter().map(ToString::to_string);
        self.names.dns.iter().cloned().chain(addresses).collect()
    }

    /// Whether opening it replaced an earlier certificate.
    #[must_use]
    pub const fn reissued(&self) -> bool {
        self.reissued
    }

    /// Signs a leaf for `host` with the public key of `leaf_key`.
    pub(crate) fn leaf(
        &self,
        host: &str,
        leaf_key: &KeyPair,
    ) -> Result<CertificateDer<'static>, CaError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.try_into()?),
        }];
        params.distinguished_name = rcgen::DistinguishedName::new();
        // X.520 bounds a common name to 64 characters; clients read the SAN.
        let common: String = host.chars().take(64).collect();
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.serial_number = Some(random_serial()?);
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + LEAF_LIFE).into();
        Ok(params.signed_by(leaf_key, &self.issuer)?.der().clone())
    }
}

impl Permitted {
    fn of(list: &HostList) -> Self {
        Self { dns: list.dns_suffixes(), addresses: list.addresses() }
    }

    fn constraints(&self) -> NameConstraints {
        let exact = |address: &IpAddr| {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits))
        };
        let dns = self.dns.iter().cloned().map(GeneralSubtree::DnsName);
        let mut permitted: Vec<_> = dns.chain(self.addresses.iter().map(exact)).collect();
        if self.dns.is_empty() {
            // A type without a permitted subtree is unconstrained; this name is reserved.
            permitted.push(GeneralSubtree::DnsName("none.invalid".into()));
        }
        let mut excluded = Vec::new();
        if !self.addresses.iter().any(IpAddr::is_ipv4) {
            excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
        }
        if !self.addresses.iter().any(IpAddr::is_ipv6) {
            excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
        }
        NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded }
    }
}

/// The certificate that lies in the folder.
struct Existing {
    der: CertificateDer<'static>,
    not_after: SystemTime,
    names: Permitted,
    public_key: Vec<u8>,
}

impl Existing {
    fn parse(pem: &str) -> Option<Self> {
        use rustls_pki_types::pem::PemObject as _;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&der).ok()?;
        let not_after = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
        let mut names = Permitted { dns: BTreeSet::new(), addresses: BTreeSet::new() };
        for extension in certificate.extensions() {
            let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() else {
                continue;
            };
            for subtree in constraints.permitted_subtrees.iter().flatten() {
                match subtree.base {
                    GeneralName::DNSName("none.invalid") => {}
                    GeneralName::DNSName(name) => {
                        names.dns.insert(name.to_owned());
                    }
                    GeneralName::IPAddress(bytes) => {
                        names.addresses.extend(subtree_address(bytes));
                    }
                    _ => {}
                }
            }
        }
        let public_key = certificate.public_key().subject_public_key.data.to_vec();
        Some(Self {
            not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(not_after),
            names,
            public_key,
            der: der.clone().into_owned(),
        })
    }

    fn serves(&self, wanted: &Permitted, key: &KeyPair) -> bool {
        let lasts = self.not_after > SystemTime::now() + LEAF_LIFE;
        lasts && self.names == *wanted && self.public_key == key.public_key_raw()
    }
}

/// Address of an iPAddress subtree: address and mask, 4 + 4 or 16 + 16 bytes.
fn subtree_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        8 => <[u8; 4]>::try_from(&bytes[..4]).ok().map(IpAddr::from),
        32 => <[u8; 16]>::try_from(&bytes[..16]).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A leaf key for the whole process: minting a leaf is then one signature.
pub(crate) fn leaf_key() -> Result<(KeyPair, PrivateKeyDer<'static>), CaError> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((key, der))
}

/// A certificate for `host` that its own key signs: trusted by who was given it, and for nothing else.
pub(crate) fn self_signed(host: &str, key: &KeyPair) -> Result<Certificate, CaError> {
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(random_serial()?);
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + LEAF_LIFE).into();
    Ok(params.self_signed(key)?)
}

fn random_serial() -> Result<SerialNumber, CaError> {
    let mut bytes = [0; 16];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_| CaError::Random)?;
    // Positive and without leading zeros, as RFC 5280 §4.1.2.2 asks.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn create_folder(dir: &Path) -> Result<(), CaError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|source| CaError::Io {
        what: "create",
        path: dir.to_owned(),
        source,
    })
}

/// Writes a 0600 file in one step: beside it first, then renamed.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CaError> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|source| CaError::Io { what: "write", path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> HostList {
        HostList::parse(patterns).unwrap()
    }

    #[test]
    fn reopening_keeps_the_certificate_and_a_changed_list_reissues_it_with_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = list(&["api.example.com", "127.0.0.1"]);
        let first = CertificateAuthority::open_or_create(dir.path(), &hosts).unwrap();
        assert!(!first.reissued());
        let again = CertificateAuthority::open_or_create(dir.path(), &hosts).unwrap();
        assert_eq!(first.certificate_pem(), again.certificate_pem());
        assert_eq!(again.permitted_names(), ["api.example.com", "127.0.0.1"]);

        let wider = list(&["api.example.com", "*.example.org"]);
        let changed = CertificateAuthority::open_or_create(dir.path(), &wider).unwrap();
        assert!(changed.reissued());
        assert_ne!(first.fingerprint_sha256(), changed.fingerprint_sha256());
        assert_eq!(
            first.issuer.key().public_key_raw(),
            changed.issuer.key().public_key_raw(),
            "the key stays"
        );
        let rotated = CertificateAuthority::rotate(dir.path(), &wider).unwrap();
        assert_ne!(
            rotated.issuer.key().public_key_raw(),
            changed.issuer.key().public_key_raw(),
            "rotation makes a new key"
        );
    }

    #[cfg(unix)]
    #[test]
    fn key_and_folder_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("ca");
        CertificateAuthority::open_or_create(&dir, &list(&["a.example"])).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("ca.key")), 0o600);
        assert_eq!(mode(&dir.join("ca.pem")), 0o600);
    }

    #[test]
    fn a_damaged_key_is_named_and_left_in_place() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ca.key"), "nonsense").unwrap();
        let error = CertificateAuthority::open_or_create(dir.path(), &list(&["a.b"])).unwrap_err();
        assert!(error.to_string().contains("langley ca rotate"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("ca.key")).unwrap(), "nonsense");
    }
}
