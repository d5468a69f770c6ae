//! The server's side of TLS: certificate files and what a session's handshake agreed on
//! (`smtpd_tls_*`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use smol_str::SmolStr;

use crate::host::Host;
use crate::host::vfs::{Cred, Errno};
use crate::mta::postfix::config::{Fatal, Params};
use crate::sim::TlsMessage;

/// `smtpd_tls_security_level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No TLS.
    None,
    /// Offered.
    May,
    /// Demanded.
    Encrypt,
}

/// TLS settings of a service.
#[derive(Clone, Debug)]
pub struct TlsConf {
    /// The level.
    pub level: Level,
    /// TLS from the first octet (`smtpd_tls_wrappermode`).
    pub wrapper_mode: bool,
    /// AUTH only under TLS (`smtpd_tls_auth_only`).
    pub auth_only: bool,
    /// `smtpd_tls_ask_ccert` or `smtpd_tls_req_ccert`.
    pub asks_certificate: bool,
    /// `smtpd_tls_received_header`.
    pub received_header: bool,
    /// `smtpd_tls_loglevel`.
    pub log_level: u64,
    /// Certificates in DER, leaf first; empty if there is none that can be used.
    pub chain: Vec<Bytes>,
    /// What is logged about files that cannot be used.
    pub problems: Vec<String>,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`.
    pub version: SmolStr,
    /// OpenSSL's name of the cipher suite.
    pub cipher: SmolStr,
    /// Secret bits.
    pub bits: u16,
    /// Key exchange and signature in the log's words.
    pub key_facts: SmolStr,
}

impl TlsConf {
    /// Reads the parameters and the certificate files.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>, host: &Host) -> Result<TlsConf, Fatal> {
        let wrapper_mode = params.bool("smtpd_tls_wrappermode")?;
        let named = params.get("smtpd_tls_security_level");
        let mut problems = Vec::new();
        let mut level = match named.as_str() {
            "may" => Level::May,
            "encrypt" => Level::Encrypt,
            "none" => Level::None,
            "" if params.bool("smtpd_enforce_tls")? => Level::Encrypt,
            "" if params.bool("smtpd_use_tls")? => Level::May,
            "" => Level::None,
            "verify" | "secure" | "dane" | "dane-only" | "fingerprint" => {
                problems.push(format!(
                    "warning: smtpd_tls_security_level: unsupported TLS level \"{named}\", using \"encrypt\""
                ));
                Level::Encrypt
            }
            _ => return Err(Fatal(format!("Invalid TLS level \"{named}\""))),
        };
        if wrapper_mode && level == Level::None {
            level = Level::Encrypt;
        }
        if params.bool("smtpd_tls_req_ccert")? && level == Level::May {
            problems.push("warning: Can't require client certs unless TLS is required".to_owned());
        }
        let mut conf = TlsConf {
            level,
            wrapper_mode,
            auth_only: params.bool("smtpd_tls_auth_only")? || level == Level::Encrypt,
            asks_certificate: params.bool("smtpd_tls_ask_ccert")? || params.bool("smtpd_tls_req_ccert")?,
            received_header: params.bool("smtpd_tls_received_header")?,
            log_level: params.int("smtpd_tls_loglevel")?,
            chain: Vec::new(),
            problems,
        };
        if level != Level::None {
            conf.read_files(params, host);
        }
        Ok(conf)
    }

    fn read_files(&mut self, params: &Params<'_>, host: &Host) {
        for (cert, key) in [
            ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
            ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
            ("smtpd_tls_chain_files", "smtpd_tls_chain_files"),
        ] {
            let (cert, key) = (params.get(cert), params.get(key));
            if cert.is_empty() || cert == "none" || !self.chain.is_empty() {
                continue;
            }
            let chain = host.vfs.read_text(&cert, &Cred::ROOT).map(|text| pem_certificates(&text)).unwrap_or_default();
            if chain.is_empty() {
                let missing = host.vfs.stat(&cert, &Cred::ROOT).is_err();
                self.problems
                    .push(format!("warning: cannot get RSA certificate from file \"{cert}\": disabling TLS support"));
                if missing {
                    self.problems.push(format!(
                        "warning: TLS library problem: error:80000002:system library::No such file or directory:../crypto/bio/bss_file.c:297:calling fopen({cert}, r):"
                    ));
                }
                continue;
            }
            let complaints: &[&str] = match host.vfs.read_text(&key, &Cred::ROOT) {
                Ok(text) if text.contains("PRIVATE KEY") && fits(&text, &chain[0]) => &[],
                Ok(text) if text.contains("PRIVATE KEY") => {
                    &["error:05800074:x509 certificate routines::key values mismatch:../crypto/x509/x509_cmp.c:403:"]
                }
                Err(Errno::NoEnt) => &[
                    "error:80000002:system library::No such file or directory:../crypto/bio/bss_file.c:308:calling fopen(KEY, r):",
                    "error:10080002:BIO routines::system lib:../crypto/bio/bss_file.c:311:",
                    "error:0A080002:SSL routines::system lib:../ssl/ssl_rsa.c:368:",
                ],
                Ok(_) | Err(_) => &[""],
            };
            if !complaints.is_empty() {
                self.problems
                    .push(format!("warning: cannot get RSA private key from file \"{key}\": disabling TLS support"));
                let library = complaints.iter().filter(|text| !text.is_empty()).map(|text| text.replace("KEY", &key));
                self.problems.extend(library.map(|text| format!("warning: TLS library problem: {text}")));
                continue;
            }
            self.chain = chain;
        }
        if self.chain.is_empty() && self.problems.is_empty() {
            self.problems.push("warning: No server certs available. TLS won't be enabled".into());
        }
    }

    /// Whether a handshake can be done.
    pub fn works(&self) -> bool {
        !self.chain.is_empty()
    }

    /// The answer to a client's hello: TLS 1.3 unless the client offers older versions only.
    pub fn server_hello(&self, versions: &[SmolStr]) -> (TlsMessage, TlsFacts) {
        let new = versions.is_empty() || versions.iter().any(|version| version == "TLSv1.3");
        let signature = match self.chain.first() {
            Some(der) if is_elliptic(der) => "ECDSA (prime256v1)",
            _ => "RSA-PSS (2048 bits)",
        };
        let (version, cipher) = match new {
            true => ("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
            false if signature.starts_with("ECDSA") => ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
            false => ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        };
        let key_facts = format!("key-exchange X25519 server-signature {signature} server-digest SHA256").into();
        let facts = TlsFacts { version: version.into(), cipher: cipher.into(), bits: 256, key_facts };
        let message = TlsMessage::ServerHello {
            version: facts.version.clone(),
            cipher: facts.cipher.clone(),
            bits: facts.bits,
            chain: self.chain.clone(),
        };
        (message, facts)
    }
}

/// Whether a certificate holds a key of the kind id-ecPublicKey (1.2.840.10045.2.1).
fn is_elliptic(der: &[u8]) -> bool {
    const ID_EC_PUBLIC_KEY: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    der.windows(ID_EC_PUBLIC_KEY.len()).any(|window| window == ID_EC_PUBLIC_KEY)
}

/// Whether a key can be that of a certificate: an elliptic one holds the point that is the
/// certificate's public key. Of other kinds it is believed.
fn fits(key: &str, certificate: &[u8]) -> bool {
    const POINT: [u8; 4] = [0x03, 0x42, 0x00, 0x04];
    let body = key.split("PRIVATE KEY-----").nth(1).and_then(|body| body.split("-----END").next()).unwrap_or_default();
    let Ok(der) = STANDARD.decode(body.split_whitespace().collect::<String>()) else { return true };
    let Some(at) = der.windows(POINT.len()).position(|window| window == POINT) else { return true };
    let point = der.get(at + 3..at + 68).unwrap_or_default();
    !is_elliptic(certificate) || certificate.windows(point.len().max(1)).any(|window| window == point)
}

/// The certificates of a PEM file, in DER.
fn pem_certificates(text: &str) -> Vec<Bytes> {
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .filter_map(|part| part.split_once("-----END CERTIFICATE-----"))
        .filter_map(|(body, _)| STANDARD.decode(body.split_whitespace().collect::<String>()).ok())
        .map(Bytes::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_certificates_are_read_from_pem() {
        let text = "x\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAQ";
        assert_eq!(pem_certificates(text), [Bytes::from_static(&[1, 2, 3])]);
    }
}
