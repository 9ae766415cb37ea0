//! The kinds of store, as a table; which one a system has, and whether our certificate is in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::ca_facts::CaFacts;
use crate::error::{AppError, Result};

/// Where the certificate's path goes in a command.
pub(super) const CERTIFICATE: &str = "{certificate}";
/// Where its SHA-256 goes.
pub(super) const FINGERPRINT: &str = "{fingerprint}";

/// A kind of store, by the system that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreName {
    /// Arch Linux
    Arch,
    /// Debian, Ubuntu, Alpine
    Debian,
    /// Fedora, RHEL, CentOS, Amazon Linux
    Fedora,
    /// The system keychain of macOS
    Macos,
    /// openSUSE, SLES
    Suse,
    /// The machine's root store of Windows
    Windows,
}

/// A kind of store.
#[derive(Debug)]
struct Kind {
    name: StoreName,
    /// As Rust names the operating system.
    os: &'static str,
    keeper: Keeper,
}

/// What keeps the certificates.
#[derive(Debug)]
enum Keeper {
    /// Files below the root; a program makes the store of them.
    Files {
        /// The folder of the administrator's own certificates; a system that has it has this store.
        folder: &'static str,
        /// The name of ours there.
        file: &'static str,
        /// What makes the store anew.
        refresh: &'static [&'static str],
        /// What it needs besides after a removal.
        after_removal: &'static [&'static str],
        /// A program that keeps a copy of the store (for Java), and the line by which it drops ours: it
        /// hears of what is added, but not of a file that is gone.
        copy: Option<(&'static str, &'static str)>,
        /// The store, in one file.
        bundle: &'static str,
    },
    /// A program does all of it.
    Program {
        install: &'static [&'static str],
        remove: &'static [&'static str],
        /// Succeeds and prints something when ours is there.
        find: &'static [&'static str],
        /// What it prints then.
        shows: &'static str,
    },
}

const KEYCHAIN: &str = "/Library/Keychains/System.keychain";

const KINDS: &[Kind] = &[
    Kind {
        name: StoreName::Arch,
        os: "linux",
        keeper: Keeper::Files {
            folder: "etc/ca-certificates/trust-source/anchors",
            file: "langley.crt",
            refresh: &["update-ca-trust", "extract"],
            after_removal: &[],
            copy: None,
            bundle: "etc/ca-certificates/extracted/tls-ca-bundle.pem",
        },
    },
    Kind {
        name: StoreName::Fedora,
        os: "linux",
        keeper: Keeper::Files {
            folder: "etc/pki/ca-trust/source/anchors",
            file: "langley.pem",
            refresh: &["update-ca-trust", "extract"],
            after_removal: &[],
            copy: None,
            bundle: "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        },
    },
    Kind {
        name: StoreName::Suse,
        os: "linux",
        keeper: Keeper::Files {
            folder: "etc/pki/trust/anchors",
            file: "langley.pem",
            refresh: &["update-ca-certificates"],
            after_removal: &[],
            copy: None,
            bundle: "var/lib/ca-certificates/ca-bundle.pem",
        },
    },
    Kind {
        name: StoreName::Debian,
        os: "linux",
        keeper: Keeper::Files {
            folder: "usr/local/share/ca-certificates",
            file: "langley.crt",
            refresh: &["update-ca-certificates"],
            // Links to a file that is gone stay otherwise.
            after_removal: &["--fresh"],
            copy: Some((
                "etc/ca-certificates/update.d/jks-keystore",
                "-/etc/ssl/certs/langley.pem",
            )),
            bundle: "etc/ssl/certs/ca-certificates.crt",
        },
    },
    Kind {
        name: StoreName::Macos,
        os: "macos",
        keeper: Keeper::Program {
            install: &[
                "security",
                "add-trusted-cert",
                "-d",
                "-r",
                "trustRoot",
                "-k",
                KEYCHAIN,
                CERTIFICATE,
            ],
            remove: &["security", "delete-certificate", "-t", "-Z", FINGERPRINT, KEYCHAIN],
            find: &["security", "find-certificate", "-a", "-Z", KEYCHAIN],
            shows: FINGERPRINT,
        },
    },
    Kind {
        name: StoreName::Windows,
        os: "windows",
        keeper: Keeper::Program {
            install: &["certutil", "-addstore", "-f", "Root", CERTIFICATE],
            remove: &["certutil", "-delstore", "Root", "Langley local CA"],
            find: &["certutil", "-store", "Root", "Langley local CA"],
            shows: "Langley local CA",
        },
    },
];

/// Whether the store holds our certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Installed {
    /// It does.
    Yes,
    /// It holds an earlier one of ours; its SHA-256.
    Other(String),
    /// It does not.
    No,
}

/// The store of one system, and our certificate for it.
#[derive(Debug)]
pub(crate) struct Store {
    kind: &'static Kind,
    root: PathBuf,
    certificate: PathBuf,
    facts: CaFacts,
}

impl Store {
    /// The store of the system below `root`, of the kind `name` when given, for `certificate`.
    ///
    /// # Errors
    /// No known store is there, or the certificate cannot be read.
    pub(crate) fn of(root: &Path, name: Option<StoreName>, certificate: &Path) -> Result<Self> {
        let facts = CaFacts::read(certificate)?;
        if !root.is_dir() {
            return Err(AppError::wrong_use(format!("there is no folder {}", root.display()))
                .why("--root names the root folder of the system whose store is meant")
                .next("correct --root, or leave it out"));
        }
        let found = KINDS.iter().find(|kind| match name {
            Some(name) => kind.name == name,
            None => kind.os == std::env::consts::OS && kind.keeper.is_at(root),
        });
        let kind = found.ok_or_else(|| {
            AppError::failed(format!(
                "there is no known store of certificates in {}",
                root.display()
            ))
            .why("none of the folders that the known systems use is there")
            .next("install the package `ca-certificates`, or name the system: --store NAME")
            .next("or trust it for one command only, which needs no store: `langley run -- CMD`")
        })?;
        let certificate = certificate.to_owned();
        Ok(Self { kind, root: root.to_owned(), certificate, facts })
    }

    /// Whether it is the store of another operating system than this one: its commands can be shown, but
    /// not run.
    pub(crate) fn is_foreign(&self) -> bool {
        self.kind.os != std::env::consts::OS
    }

    /// Our certificate's file.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// SHA-256 of our certificate.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.facts.fingerprint
    }

    /// Where it is kept, for people.
    pub(crate) fn place(&self) -> String {
        match self.anchor() {
            Some(path) => path.display().to_string(),
            None => match self.kind.name {
                StoreName::Macos => KEYCHAIN.to_owned(),
                _ => "the machine's root store".to_owned(),
            },
        }
    }

    /// The file of ours in the administrator's folder.
    pub(super) fn anchor(&self) -> Option<PathBuf> {
        match self.kind.keeper {
            Keeper::Files { folder, file, .. } => Some(self.root.join(folder).join(file)),
            Keeper::Program { .. } => None,
        }
    }

    /// The command that makes the store of the files.
    pub(super) fn refresh(&self, installs: bool) -> Option<Vec<String>> {
        let Keeper::Files { refresh, after_removal, .. } = self.kind.keeper else { return None };
        let besides = if installs { &[] } else { after_removal };
        Some(self.inside(refresh.iter().chain(besides).copied()))
    }

    /// The program that keeps a copy, where it is installed, and what it has to be told.
    pub(super) fn copy(&self) -> Option<(Vec<String>, &'static str)> {
        let Keeper::Files { copy, .. } = self.kind.keeper else { return None };
        let (hook, line) = copy.filter(|(hook, _)| self.root.join(hook).exists())?;
        let path = format!("/{hook}");
        Some((self.inside([path.as_str()].into_iter()), line))
    }

    /// A command inside `root`, where that is another system than the running one.
    fn inside<'w>(&self, words: impl Iterator<Item = &'w str>) -> Vec<String> {
        let other = (self.root != Path::new("/")).then(|| self.root.display().to_string());
        let enter = other.into_iter().flat_map(|root| ["chroot".to_owned(), root]);
        enter.chain(words.map(str::to_owned)).collect()
    }

    /// The command that installs or removes, where a program does it all.
    pub(super) fn command(&self, installs: bool) -> Option<Vec<String>> {
        match self.kind.keeper {
            Keeper::Files { .. } => None,
            Keeper::Program { install, remove, .. } => {
                Some(self.filled(if installs { install } else { remove }))
            }
        }
    }

    /// Whether the store holds our certificate.
    pub(crate) fn installed(&self) -> Installed {
        match self.kind.keeper {
            Keeper::Files { bundle, .. } => {
                if self.bundle_holds(&self.root.join(bundle)) {
                    return Installed::Yes;
                }
                let anchor = self.anchor().filter(|path| path.exists());
                match anchor.and_then(|path| CaFacts::read(&path).ok()) {
                    // A file that was never made part of the store counts as not installed.
                    Some(other) if other.fingerprint != self.facts.fingerprint => {
                        Installed::Other(other.fingerprint)
                    }
                    _ => Installed::No,
                }
            }
            Keeper::Program { find, shows, .. } => {
                let shows = &self.filled(&[shows])[0];
                let words = self.filled(find);
                let output = Command::new(&words[0])
                    .args(&words[1..])
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .output();
                let there = output.is_ok_and(|output| {
                    output.status.success()
                        && String::from_utf8_lossy(&output.stdout).contains(shows)
                });
                if there { Installed::Yes } else { Installed::No }
            }
        }
    }

    fn bundle_holds(&self, bundle: &Path) -> bool {
        let Ok(ours) = CertificateDer::from_pem_file(&self.certificate) else { return false };
        let Ok(text) = fs::read(bundle) else { return false };
        CertificateDer::pem_slice_iter(&text).flatten().any(|held| held == ours)
    }

    fn filled(&self, words: &[&str]) -> Vec<String> {
        let certificate = self.certificate.display().to_string();
        let fingerprint = self.facts.fingerprint.replace(':', "");
        let fill = |word: &&str| {
            word.replace(CERTIFICATE, &certificate).replace(FINGERPRINT, &fingerprint)
        };
        words.iter().map(fill).collect()
    }
}

impl Keeper {
    /// Whether the system below `root` has this one.
    fn is_at(&self, root: &Path) -> bool {
        match self {
            Self::Files { folder, .. } => root.join(folder).is_dir(),
            Self::Program { .. } => true,
        }
    }
}
