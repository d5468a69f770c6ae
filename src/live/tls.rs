//! TLS of real clients: it ends here, and the world learns the facts.
//!
//! The gateway has an authority of its own. For each certificate of a simulated host it makes a
//! real one that says the same: the same names, the same validity (moved from virtual time to the
//! wall's), self-signed if that one is. So what is wrong with a host's certificate is wrong for
//! real clients, too, and whoever trusts the authority trusts what the lab trusts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use smol_str::SmolStr;

use crate::mta::postfix::tls::Certificate;
use crate::sim::Time;

/// File name of the authority's certificate.
pub const CA_FILE: &str = "mxlab-ca.pem";
const KEY_FILE: &str = "mxlab-ca-key.pem";
/// Certificates that are kept; a lab has a handful.
const MAX_KEPT: usize = 256;

/// The lab's own certification authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Option<CertificateDer<'static>>,
    /// Where its certificate lies for people to trust.
    pub file: Option<PathBuf>,
    /// What is wrong with all certificates.
    flaw: Option<Flaw>,
    /// Finished configurations by the certificate inside the world, the version, and the day.
    kept: Mutex<BTreeMap<(Bytes, SmolStr), Arc<ServerConfig>>>,
}

/// What is wrong with the certificates that real clients see, on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// They ended a day ago.
    Expired,
    /// They are for another name.
    WrongName,
    /// They are signed by nobody else.
    SelfSigned,
}

/// The name in certificates with [`Flaw::WrongName`].
const OTHER_NAME: &str = "other.example.net";
const DAY: Duration = Duration::from_secs(86_400);

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the authority cannot be read or written.
    #[error("{0}: {1}; XDG_STATE_HOME chooses another place")]
    File(PathBuf, io::Error),
    /// A certificate cannot be made.
    #[error("{0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses it.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    /// What the simulated host sent is no certificate.
    #[error("the host's certificate cannot be read")]
    NoCertificate,
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "mxlab practice authority");
    params.distinguished_name.push(DnType::OrganizationName, "mxlab (for practice only)");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 1, 1);
    params
}

impl Authority {
    /// An authority that lives as long as the program.
    ///
    /// # Errors
    /// The key cannot be made.
    pub fn ephemeral() -> Result<Authority, TlsError> {
        Authority::with_key(KeyPair::generate()?, None)
    }

    /// The authority of a folder, so that people need to trust it only once; made if missing.
    ///
    /// # Errors
    /// A file cannot be read or written, or holds no key.
    pub fn of_folder(folder: &Path) -> Result<Authority, TlsError> {
        let (key_file, ca_file) = (folder.join(KEY_FILE), folder.join(CA_FILE));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::File(path, error)
        };
        if key_file.exists() && ca_file.exists() {
            let pem = std::fs::read_to_string(&key_file).map_err(failed(&key_file))?;
            let mut authority = Authority::with_key(KeyPair::from_pem(&pem)?, Some(ca_file.clone()))?;
            let ca = std::fs::read(&ca_file).map_err(failed(&ca_file))?;
            authority.certificate = x509_cert::Certificate::load_pem_chain(&ca)
                .ok()
                .and_then(|chain| x509_cert::der::Encode::to_der(chain.first()?).ok())
                .map(CertificateDer::from);
            return Ok(authority);
        }
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let key = KeyPair::generate()?;
        write_private(&key_file, key.serialize_pem().as_bytes()).map_err(failed(&key_file))?;
        let certificate = ca_params().self_signed(&key)?;
        std::fs::write(&ca_file, certificate.pem()).map_err(failed(&ca_file))?;
        let mut authority = Authority::with_key(key, Some(ca_file))?;
        authority.certificate = Some(certificate.der().clone());
        Ok(authority)
    }

    fn with_key(key: KeyPair, file: Option<PathBuf>) -> Result<Authority, TlsError> {
        let certificate = Some(ca_params().self_signed(&key)?.der().clone());
        Ok(Authority { issuer: Issuer::new(ca_params(), key), certificate, file, flaw: None, kept: Mutex::default() })
    }

    /// The same, with something wrong in all certificates of hosts.
    #[must_use]
    pub fn with_flaw(self, flaw: Option<Flaw>) -> Authority {
        Authority { flaw, ..self }
    }

    /// Its certificate in DER.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    /// What a server needs to show real clients the facts of a simulated host's certificate.
    ///
    /// `now` is the virtual time that its validity is counted in, `version` what the simulated
    /// server chose, as in `TLSv1.3`.
    ///
    /// # Errors
    /// The chain has no certificate that can be read.
    pub fn server_config(&self, chain: &[Bytes], version: &str, now: Time) -> Result<Arc<ServerConfig>, TlsError> {
        let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
        let key = (leaf.clone(), SmolStr::new(version));
        if let Some(config) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(config.clone());
        }
        let facts = Certificate::parse(leaf).map_err(|_| TlsError::NoCertificate)?;
        let config = Arc::new(self.configure(&facts, version, now)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, config.clone());
        Ok(config)
    }

    fn configure(&self, facts: &Certificate, version: &str, now: Time) -> Result<ServerConfig, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, facts.common_name.as_str());
        params.subject_alt_names = facts
            .dns_names
            .iter()
            .filter_map(|name| Some(SanType::DnsName(name.to_string().try_into().ok()?)))
            .collect();
        let (mut not_before, mut not_after) = (on_the_wall(facts.not_before, now), on_the_wall(facts.not_after, now));
        match self.flaw {
            Some(Flaw::Expired) => (not_before, not_after) = (not_before.min(wall() - DAY * 31), wall() - DAY),
            Some(Flaw::WrongName) => {
                params.distinguished_name.push(DnType::CommonName, OTHER_NAME);
                params.subject_alt_names = vec![SanType::DnsName(OTHER_NAME.try_into()?)];
            }
            Some(Flaw::SelfSigned) | None => {}
        }
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + not_before;
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + not_after;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let self_signed = facts.issuer == facts.subject || self.flaw == Some(Flaw::SelfSigned);
        let mut chain = Vec::new();
        if self_signed {
            chain.push(params.self_signed(&key)?.der().clone());
        } else {
            params.use_authority_key_identifier_extension = true;
            chain.push(params.signed_by(&key, &self.issuer)?.der().clone());
        }
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] = if version == "TLSv1.2" { &[&TLS12] } else { &[&TLS13] };
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_single_cert(chain, private)?;
        Ok(config)
    }
}

/// The present moment of the wall's clock, since 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A virtual moment as one of the wall's, since 1970: as far from now as it is from the virtual now.
fn on_the_wall(moment: Time, now: Time) -> Duration {
    let moved = if moment >= now { wall() + moment.since(now) } else { wall().saturating_sub(now.since(moment)) };
    // X.509 knows no years after 9999.
    Duration::from_secs(moved.as_secs().min(Time::MAX.secs()))
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}
