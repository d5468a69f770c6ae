//! Whether a chain of certificates leads to a trusted authority (RFC 5280 section 6; the words and
//! numbers are those of OpenSSL, `X509_verify_cert(3)`).

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::Certificate;
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::sim::Time;

/// Certificates of authorities that are trusted, read once per file version.
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    loaded: Vec<(SmolStr, u64)>,
    roots: Vec<Certificate>,
}

impl TrustStore {
    /// A store of these authorities.
    pub fn of(roots: Vec<Certificate>) -> TrustStore {
        TrustStore { loaded: Vec::new(), roots }
    }

    /// Reads a file and a directory of PEM certificates, unless nothing changed. A missing file
    /// trusts nobody.
    pub fn load(&mut self, file: &str, directory: &str, host: &Host) {
        let mut paths: Vec<SmolStr> = Vec::new();
        if !file.is_empty() {
            paths.push(file.into());
        }
        if !directory.is_empty() {
            let names = host.vfs.list(directory, &Cred::ROOT).unwrap_or_default();
            paths.extend(names.iter().map(|(name, _)| format_smolstr!("{directory}/{name}")));
        }
        let version = |path: &SmolStr| host.vfs.stat(path, &Cred::ROOT).map_or(0, |inode| inode.version);
        let now: Vec<(SmolStr, u64)> = paths.iter().map(|path| (path.clone(), version(path))).collect();
        if now == self.loaded {
            return;
        }
        let text = |path: &SmolStr| host.vfs.read_text(path, &Cred::ROOT).unwrap_or_default();
        self.roots = paths.iter().flat_map(|path| Certificate::parse_pem(&text(path))).collect();
        self.loaded = now;
    }

    /// What a program trusts: this file if one is named, and Debian's authorities.
    pub fn with_system(file: Option<&str>, host: &Host) -> TrustStore {
        let (mut all, mut own) = (TrustStore::default(), TrustStore::default());
        all.load(super::SYSTEM_AUTHORITIES.0, super::SYSTEM_AUTHORITIES.1, host);
        own.load(file.unwrap_or_default(), "", host);
        all.roots.append(&mut own.roots);
        TrustStore::of(all.roots)
    }

    fn issuer_of(&self, certificate: &Certificate) -> Option<&Certificate> {
        self.roots.iter().find(|root| certificate.is_signed_by(root))
    }

    fn holds(&self, certificate: &Certificate) -> bool {
        self.roots.iter().any(|root| root.der == certificate.der)
    }

    /// Follows a chain, leaf first, to a trusted authority. The path found is returned, leaf first,
    /// with everything that is wrong with it in the order in which OpenSSL reports it.
    pub fn verify(&self, chain: &[Certificate], name: Option<&str>, now: Time) -> (Vec<Certificate>, Vec<Problem>) {
        let mut path: Vec<Certificate> = chain.first().cloned().into_iter().collect();
        let mut problems = Vec::new();
        // A path is no longer than what was sent plus what is trusted.
        for _ in 0..chain.len() + self.roots.len() {
            let Some(at) = path.last() else { break };
            if at.is_self_signed() {
                break;
            }
            let sent = || chain.iter().find(|next| next.der != at.der && at.is_signed_by(next));
            let Some(next) = self.issuer_of(at).or_else(sent).cloned() else { break };
            path.push(next);
        }
        let top = path.len().saturating_sub(1);
        let mut add = |depth, kind| problems.push(Problem { depth, kind });
        match path.last() {
            None => {}
            Some(last) if self.holds(last) => {}
            Some(last) if last.is_self_signed() && top == 0 => add(0, ProblemKind::SelfSigned),
            Some(last) if last.is_self_signed() => add(top, ProblemKind::SelfSignedInChain),
            Some(_) => {
                add(top, ProblemKind::NoIssuer);
                if top == 0 {
                    add(0, ProblemKind::FirstUnverified);
                }
            }
        }
        if let (Some(name), Some(leaf)) = (name, path.first())
            && !leaf.has_name(name)
        {
            add(0, ProblemKind::Name);
        }
        for (depth, certificate) in path.iter().enumerate().rev() {
            if now < certificate.not_before {
                add(depth, ProblemKind::NotYetValid);
            } else if now > certificate.not_after {
                add(depth, ProblemKind::Expired);
            }
        }
        (path, problems)
    }

    /// As [`TrustStore::verify`] for certificates in DER; the first problem, if there is one.
    pub fn first_problem(&self, chain: &[Bytes], name: Option<&str>, now: Time) -> Option<Problem> {
        let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        self.verify(&chain, name, now).1.into_iter().next()
    }
}

/// Something wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which certificate: 0 is the leaf.
    pub depth: usize,
    /// What.
    pub kind: ProblemKind,
}

/// What can be wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A date before notBefore.
    NotYetValid,
    /// A date after notAfter.
    Expired,
    /// The leaf is signed by itself and not trusted.
    SelfSigned,
    /// The chain ends with an authority that is not trusted.
    SelfSignedInChain,
    /// Nobody is known who signed the last certificate.
    NoIssuer,
    /// Nobody is known who signed the only certificate.
    FirstUnverified,
    /// The name is another one.
    Name,
}

impl ProblemKind {
    /// OpenSSL's number (`X509_V_ERR_…`).
    pub fn number(self) -> u8 {
        match self {
            ProblemKind::NotYetValid => 9,
            ProblemKind::Expired => 10,
            ProblemKind::SelfSigned => 18,
            ProblemKind::SelfSignedInChain => 19,
            ProblemKind::NoIssuer => 20,
            ProblemKind::FirstUnverified => 21,
            ProblemKind::Name => 62,
        }
    }

    /// OpenSSL's words (`X509_verify_cert_error_string(3)`).
    pub fn text(self) -> &'static str {
        match self {
            ProblemKind::NotYetValid => "certificate is not yet valid",
            ProblemKind::Expired => "certificate has expired",
            ProblemKind::SelfSigned => "self-signed certificate",
            ProblemKind::SelfSignedInChain => "self-signed certificate in certificate chain",
            ProblemKind::NoIssuer => "unable to get local issuer certificate",
            ProblemKind::FirstUnverified => "unable to verify the first certificate",
            ProblemKind::Name => "hostname mismatch",
        }
    }
}
