//! Verification of a server's certificate chain against the trusted authorities.

use bytes::Bytes;
use smol_str::SmolStr;

use super::{Certificate, Level, Policy, TrustStore};
use crate::host::tls::ProblemKind;
use crate::sim::Time;
use crate::trace::{CertificateFacts, Decision};

/// What came of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether there is a certificate at all.
    pub present: bool,
    /// Whether the chain leads to a trusted authority and all dates fit.
    pub trusted: bool,
    /// Whether the policy's names fit as well.
    pub matched: bool,
    /// Name of the certificate.
    pub peer_name: SmolStr,
    /// Kind of its key, as the log names it.
    pub key: Option<String>,
    /// What the certificate says, for the trace.
    pub facts: Option<Box<CertificateFacts>>,
    /// The log line about what is wrong; `%s` stands for the server.
    pub complaint: Option<String>,
    /// What was looked at: rule, input, whether it held, outcome.
    steps: Vec<(SmolStr, SmolStr, bool, SmolStr)>,
}

impl Verdict {
    /// The first word of the log line.
    pub fn word(&self) -> &'static str {
        match (self.present, self.trusted, self.matched) {
            (false, _, _) => "Anonymous",
            (_, _, true) => "Verified",
            (_, true, _) => "Trusted",
            _ => "Untrusted",
        }
    }

    /// The steps as a decision.
    pub fn decision(self) -> Decision {
        let word = self.word();
        let mut decision = Decision::about("is this the right server?");
        for (rule, input, matched, outcome) in self.steps {
            decision.step(rule, input, matched, outcome);
        }
        decision.verdict(word)
    }

    fn step(&mut self, rule: &str, input: impl Into<SmolStr>, held: bool, outcome: impl Into<SmolStr>) {
        self.steps.push((rule.into(), input.into(), held, outcome.into()));
    }
}

/// Verifies a chain (DER, leaf first) at a moment.
pub fn verify(chain: &[Bytes], policy: &Policy, store: &TrustStore, now: Time) -> Verdict {
    let mut verdict = Verdict::default();
    let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    let Some(leaf) = chain.first() else {
        verdict.step("certificate", "", false, "none was sent");
        return verdict;
    };
    verdict.present = true;
    verdict.peer_name = leaf.peer_name().clone();
    verdict.key = Some(leaf.key.text());
    verdict.facts = Some(Box::new(CertificateFacts {
        names: std::iter::once(&leaf.common_name).chain(&leaf.dns_names).cloned().collect(),
        issuer: leaf.issuer.clone(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        key: leaf.key.text().into(),
    }));
    if policy.level == Level::Fingerprint {
        let digests = leaf.digests(&policy.digest);
        let is_wanted =
            |digest: &String| policy.names.iter().any(|wanted| wanted.replace(':', "").eq_ignore_ascii_case(digest));
        verdict.matched = digests.iter().any(is_wanted);
        let (matched, [digest, _]) = (verdict.matched, digests);
        verdict.step("fingerprint", digest, matched, if matched { "listed" } else { "not listed" });
        if !matched {
            let text = "server certificate verification failed for %s: num=65:no matching DANE TLSA records";
            verdict.complaint = Some(text.to_owned());
        }
        return verdict;
    }
    let complaint = check_chain(&chain, store, now, "server");
    verdict.trusted = complaint.is_none();
    let trusted = verdict.trusted;
    let outcome = complaint.as_ref().map_or("leads to a trusted authority", |(_, text)| text.as_str());
    verdict.step("issuer and dates", leaf.issuer.clone(), trusted, outcome);
    verdict.complaint = complaint.map(|(whose, text)| format!("{whose}certificate verification failed for %s: {text}"));
    if policy.level.must_match() {
        let fits = policy.names.iter().any(|name| leaf.has_name(name));
        let names = policy.names.join(", ");
        verdict.step("name", names, fits, if fits { "the certificate has it" } else { "hostname mismatch" });
        if !fits && trusted {
            verdict.trusted = false;
            verdict.complaint =
                Some("server certificate verification failed for %s: num=62:hostname mismatch".to_owned());
        }
        verdict.matched = fits && trusted;
    }
    verdict
}

/// The first thing that is wrong with the chain of a `side`, in Postfix's words, and whose
/// certificate it is where that is said (`tls_log_verify_error`).
fn check_chain(chain: &[Certificate], store: &TrustStore, now: Time, side: &str) -> Option<(String, String)> {
    let (path, problems) = store.verify(chain, None, now);
    let problem = problems.first()?;
    let whose = format!("{} ", if problem.depth > 0 { "CA" } else { side });
    Some(match problem.kind {
        ProblemKind::SelfSigned | ProblemKind::SelfSignedInChain => {
            (String::new(), "self-signed certificate".to_owned())
        }
        ProblemKind::NotYetValid => (whose, "certificate not yet valid".to_owned()),
        ProblemKind::Expired => (whose, "certificate has expired".to_owned()),
        ProblemKind::NoIssuer | ProblemKind::FirstUnverified => {
            (String::new(), format!("untrusted issuer {}", path.get(problem.depth)?.issuer))
        }
        ProblemKind::Name => (whose, problem.kind.text().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The certificate of a recorded case's server, and the authority that its client trusts.
    fn case(text: &str) -> (Vec<Bytes>, TrustStore) {
        let case: serde_json::Value = serde_json::from_str(text).unwrap();
        let pem = |value: &serde_json::Value| Certificate::parse_pem(value.as_str().unwrap());
        let chain = pem(&case["hosts"]["mail"]["sink"]["tls"]["cert"]);
        let roots = pem(&case["hosts"]["mx1"]["files"]["/etc/postfix/tls/ca.pem"]);
        (chain.into_iter().map(|certificate| certificate.der).collect(), TrustStore::of(roots))
    }

    #[test]
    fn recorded_certificates_get_the_recorded_verdicts() {
        let policy = Policy { level: Level::Verify, names: vec!["mail.example.net".into()], ..Policy::default() };
        let good = include_str!("../../../../tests/golden/cases/tls-client-verify-good.json");
        let other = include_str!("../../../../tests/golden/cases/tls-client-verify-othername.json");
        let own = include_str!("../../../../tests/golden/cases/tls-client-verify-selfsigned.json");
        for (text, word, complaint) in [
            (good, "Verified", None),
            (other, "Untrusted", Some("server certificate verification failed for %s: num=62:hostname mismatch")),
            (own, "Untrusted", Some("certificate verification failed for %s: self-signed certificate")),
        ] {
            let (chain, store) = case(text);
            let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
            let verdict = verify(&chain, &policy, &store, now);
            assert_eq!((verdict.word(), verdict.complaint.as_deref()), (word, complaint));
            assert_eq!(verdict.key.as_deref(), Some("ECDSA (prime256v1)"));
        }
    }

    #[test]
    fn dates_are_those_of_the_simulated_world() {
        let (chain, store) = case(include_str!("../../../../tests/golden/cases/tls-client-verify-good.json"));
        let policy = Policy { level: Level::May, ..Policy::default() };
        for (now, text) in [("2020-01-01T00:00:00Z", "not yet valid"), ("2200-01-01T00:00:00Z", "has expired")] {
            let verdict = verify(&chain, &policy, &store, Time::parse(now).unwrap());
            assert!(!verdict.trusted && verdict.complaint.is_some_and(|complaint| complaint.ends_with(text)));
        }
    }
}
