//! fetchmail's view of a server's certificate (`ssl`, `sslproto`, `sslcertck`, `sslfingerprint`,
//! `sslcertfile`, `sslcommonname`), in its words.

use bytes::Bytes;
use md5::{Digest, Md5};
use smol_str::SmolStr;

use crate::host::tls::{Certificate, DistinguishedName, ProblemKind, TrustStore};
use crate::mua::Security;
use crate::sim::Time;

/// What the run control file says about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `ssl`: TLS from the first octet.
    pub ssl: bool,
    /// `sslproto`: without it TLS is taken if it is offered, an empty one forbids it, any other
    /// demands it.
    pub protocol: Option<SmolStr>,
    /// `sslcertck`: whether a bad certificate ends the poll. fetchmail 6.4 does so by default.
    pub certck: bool,
    /// `sslfingerprint`: the MD5 digest that the certificate must have.
    pub fingerprint: Option<SmolStr>,
    /// `sslcertfile`: more authorities that are trusted.
    pub authorities: Option<SmolStr>,
    /// `sslcommonname`: the name that the certificate has instead of the server's.
    pub common_name: Option<SmolStr>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { ssl: false, protocol: None, certck: true, fingerprint: None, authorities: None, common_name: None }
    }
}

impl Policy {
    /// How the connection gets its TLS.
    pub fn security(&self) -> Security {
        match (self.ssl, self.protocol.as_deref()) {
            (true, _) => Security::Implicit,
            (false, None) => Security::Opportunistic,
            (false, Some("")) => Security::Plain,
            (false, Some(_)) => Security::StartTls,
        }
    }
}

/// What came of looking at a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is printed, without `fetchmail: `.
    pub lines: Vec<String>,
    /// Whether the handshake goes on.
    pub accepted: bool,
}

/// Looks at a server's chain (DER, leaf first). With `verbose` the certificate's names are told even
/// if nothing is wrong.
pub fn judge(policy: &Policy, server: &str, chain: &[Bytes], store: &TrustStore, now: Time, verbose: bool) -> Verdict {
    let mut verdict = Verdict { lines: Vec::new(), accepted: true };
    let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    let Some(leaf) = chain.first() else {
        verdict.accepted = !policy.certck;
        return verdict;
    };
    let mut say = |line: String| verdict.lines.push(line);
    let wanted = policy.common_name.as_deref().unwrap_or(server);
    let (path, problems) = store.verify(&chain, None, now);
    let mut is_good = true;
    if let Some(problem) = problems.first().filter(|_| policy.fingerprint.is_none()) {
        is_good = false;
        say(format!("Server certificate verification error: {}", problem.kind.text()));
        let at = path.get(problem.depth).unwrap_or(leaf);
        if !matches!(problem.kind, ProblemKind::Expired | ProblemKind::NotYetValid) {
            say(format!("Missing trust anchor certificate: {}", at.issuer));
            say("This could mean that the root CA's signing certificate is not in the trusted CA certificate location, or \
                 that c_rehash needs to be run on the certificate directory. For details, please see the documentation of \
                 --sslcertpath and --sslcertfile in the manual page. See README.SSL for details."
                .into());
        }
    }
    let stops = !is_good && policy.certck;
    if verbose && !stops {
        say("Server certificate:".into());
        let part = |dn: &DistinguishedName, kind: &str| {
            dn.0.iter().find(|(own, _)| own == kind).map(|(_, value)| value.clone())
        };
        for (whose, dn) in [("Issuer", &leaf.issuer_dn), ("Subject", &leaf.subject_dn)] {
            if let Some(name) = part(dn, "O").filter(|_| whose == "Issuer") {
                say(format!("{whose} Organization: {name}"));
            }
            if let Some(name) = part(dn, "CN") {
                say(format!("{whose} CommonName: {name}"));
            }
        }
        for name in &leaf.dns_names {
            say(format!("Subject Alternative Name: {name}"));
        }
    }
    if !stops && !leaf.has_name(wanted) {
        say(format!("Server CommonName mismatch: {} != {wanted}", leaf.common_name));
        if policy.fingerprint.is_none() {
            say("Server certificate verification error: hostname mismatch".into());
            is_good = false;
        }
    }
    let stops = !is_good && policy.certck;
    let digest = Md5::digest(&leaf.der);
    let digest = digest.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":");
    if verbose && !stops {
        say(format!("{server} key fingerprint: {digest}"));
    }
    if let Some(fingerprint) = &policy.fingerprint {
        let matches = fingerprint.eq_ignore_ascii_case(&digest);
        if !matches {
            say(format!("{server} fingerprints do not match!"));
        } else if verbose {
            say(format!("{server} fingerprints match."));
        }
        verdict.accepted = matches;
        return verdict;
    }
    if !is_good && !policy.certck {
        say("Warning: the connection is insecure, continuing anyways. (Better use --sslcertck!)".into());
    }
    verdict.accepted = !stops;
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tls::issue::{NewCertificate, NewKey, self_signed};
    use crate::sim::Dice;

    fn certificate() -> Certificate {
        let wanted = NewCertificate {
            subject: DistinguishedName(vec![("CN".into(), "mail.example.org".into())]),
            dns_names: Vec::new(),
            not_before: Time::from_secs(1_800_000_000),
            not_after: Time::from_secs(1_900_000_000),
            key: NewKey::EcP256,
        };
        Certificate::parse_pem(&self_signed(&wanted, &mut Dice::new(1, "mail")).certificate).remove(0)
    }

    #[test]
    fn a_certificate_is_judged_as_the_options_say() {
        let own = certificate();
        let digest = Md5::digest(&own.der).iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":");
        let lax = Policy { certck: false, ..Policy::default() };
        let pinned = Policy { fingerprint: Some(digest.into()), ..Policy::default() };
        let other = Policy { fingerprint: Some("00:11".into()), ..Policy::default() };
        let (nobody, friend) = (TrustStore::default(), TrustStore::of(vec![own.clone()]));
        for (policy, store, server, accepted, last) in [
            (Policy::default(), &friend, "mail.example.org", true, None),
            (Policy::default(), &nobody, "mail.example.org", false, Some("See README.SSL for details.")),
            (Policy::default(), &friend, "192.0.2.1", false, Some("verification error: hostname mismatch")),
            (lax, &nobody, "mail.example.org", true, Some("continuing anyways. (Better use --sslcertck!)")),
            (pinned, &nobody, "mail.example.org", true, None),
            (other, &friend, "mail.example.org", false, Some("mail.example.org fingerprints do not match!")),
        ] {
            let verdict =
                judge(&policy, server, std::slice::from_ref(&own.der), store, Time::from_secs(1_850_000_000), false);
            assert_eq!(verdict.accepted, accepted, "{policy:?}: {verdict:?}");
            match last {
                Some(last) => assert!(verdict.lines.last().is_some_and(|line| line.ends_with(last)), "{verdict:?}"),
                None => assert_eq!(verdict.lines, Vec::<String>::new()),
            }
        }
    }
}
