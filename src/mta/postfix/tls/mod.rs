//! TLS as Postfix's client sees it: security levels, policies, certificates, log texts.

mod policy;
mod protocols;
mod verify;

use std::fmt;

pub use crate::host::tls::{Certificate, Key, TrustStore, certificate};
pub use policy::{Policy, PolicyError};
pub use verify::{Verdict, verify};

/// `smtp_tls_security_level`, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in TLS_README")]
pub enum Level {
    #[default]
    None,
    May,
    Dane,
    Encrypt,
    DaneOnly,
    Fingerprint,
    Verify,
    Secure,
}

impl Level {
    /// Reads a level's name.
    pub fn parse(name: &str) -> Option<Level> {
        Some(match name.to_ascii_lowercase().as_str() {
            "none" => Level::None,
            "may" => Level::May,
            "dane" => Level::Dane,
            "encrypt" => Level::Encrypt,
            "dane-only" => Level::DaneOnly,
            "fingerprint" => Level::Fingerprint,
            "verify" => Level::Verify,
            "secure" => Level::Secure,
            _ => return None,
        })
    }

    /// The name in main.cf.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::May => "may",
            Level::Dane => "dane",
            Level::Encrypt => "encrypt",
            Level::DaneOnly => "dane-only",
            Level::Fingerprint => "fingerprint",
            Level::Verify => "verify",
            Level::Secure => "secure",
        }
    }

    /// Whether mail is not sent without TLS.
    pub fn is_required(self) -> bool {
        self >= Level::Encrypt
    }

    /// Whether the certificate must be the right one.
    pub fn must_match(self) -> bool {
        self >= Level::Fingerprint
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519
/// server-signature ECDSA (prime256v1) server-digest SHA256`.
pub fn summary(version: &str, cipher: &str, bits: u16, key: Option<&str>) -> String {
    let mut text = format!("{version} with cipher {cipher} ({bits}/{bits} bits)");
    if version == "TLSv1.3" {
        text.push_str(" key-exchange X25519");
        if let Some(key) = key {
            text.push_str(&format!(" server-signature {key} server-digest SHA256"));
        }
    }
    text
}
