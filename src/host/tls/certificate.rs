//! X.509 certificates: the facts that a mail program looks at.

use super::name::DistinguishedName;
use crate::sim::Time;
use bytes::Bytes;
use p256::ecdsa::signature::Verifier;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Kinds of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// ECDSA over P-256.
    EcP256,
    /// RSA with this many bits.
    Rsa(u64),
    /// Anything else.
    Other,
}

impl Key {
    /// As the log names it: `ECDSA (prime256v1)`.
    pub fn text(self) -> String {
        match self {
            Key::EcP256 => "ECDSA (prime256v1)".to_owned(),
            Key::Rsa(bits) => format!("RSA-PSS ({bits} bits)"),
            Key::Other => "UNKNOWN".to_owned(),
        }
    }
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// All of it in DER.
    pub der: Bytes,
    /// Subject.
    pub subject_dn: DistinguishedName,
    /// Issuer.
    pub issuer_dn: DistinguishedName,
    /// Subject in OpenSSL's one-line form: `/CN=mail.example.net`.
    pub subject: SmolStr,
    /// Common name of the subject; empty if none.
    pub common_name: SmolStr,
    /// DNS names of subjectAltName.
    pub dns_names: Vec<SmolStr>,
    /// Issuer in one-line form.
    pub issuer: SmolStr,
    /// Common name of the issuer; empty if none.
    pub issuer_name: SmolStr,
    /// Valid from.
    pub not_before: Time,
    /// Valid until.
    pub not_after: Time,
    /// The public key's kind.
    pub key: Key,
    /// How it is signed, as an object identifier.
    pub signature_oid: SmolStr,
}

/// Why octets are no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate: {0}")]
pub struct BadCertificate(String);

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// It is not a certificate.
    pub fn parse(der: &Bytes) -> Result<Certificate, BadCertificate> {
        let bad = |error: x509_cert::der::Error| BadCertificate(error.to_string());
        let parsed = x509_cert::Certificate::from_der(der).map_err(bad)?;
        let body = &parsed.tbs_certificate;
        let mut dns_names = Vec::new();
        for extension in body.extensions.iter().flatten().filter(|extension| extension.extn_id == SUBJECT_ALT_NAME) {
            let names = SubjectAltName::from_der(extension.extn_value.as_bytes()).map_err(bad)?;
            dns_names.extend(names.0.iter().filter_map(|name| match name {
                GeneralName::DnsName(name) => Some(SmolStr::from(name.as_str())),
                _ => None,
            }));
        }
        let spki = &body.subject_public_key_info;
        let key = if spki.algorithm.oid == EC_PUBLIC_KEY {
            Key::EcP256
        } else if spki.algorithm.oid == RSA {
            Key::Rsa((spki.subject_public_key.raw_bytes().len() as u64).saturating_sub(14) / 64 * 512)
        } else {
            Key::Other
        };
        let moment = |time: x509_cert::time::Time| Time::from_secs(time.to_unix_duration().as_secs());
        let (subject, issuer) = (DistinguishedName::new(&body.subject), DistinguishedName::new(&body.issuer));
        Ok(Certificate {
            der: der.clone(),
            subject: subject.one_line(),
            common_name: subject.common_name(),
            dns_names,
            issuer: issuer.one_line(),
            issuer_name: issuer.common_name(),
            subject_dn: subject,
            issuer_dn: issuer,
            not_before: moment(body.validity.not_before),
            not_after: moment(body.validity.not_after),
            key,
            signature_oid: parsed.signature_algorithm.oid.to_string().into(),
        })
    }

    /// Reads all certificates of a PEM file; what is none is skipped.
    pub fn parse_pem(text: &str) -> Vec<Certificate> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
            let Some((body, after)) = after.split_once("-----END CERTIFICATE-----") else { break };
            use base64::Engine as _;
            let packed: String = body.split_whitespace().collect();
            if let Ok(der) = base64::engine::general_purpose::STANDARD.decode(packed)
                && let Ok(certificate) = Certificate::parse(&der.into())
            {
                found.push(certificate);
            }
            rest = after;
        }
        found
    }

    /// Whether it was issued by itself.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it carries this name: `*.example.net` stands for one label, and `.example.net` as
    /// the wanted name for any subdomain. The common name counts only without DNS names.
    pub fn has_name(&self, wanted: &str) -> bool {
        let own = std::slice::from_ref(&self.common_name);
        let names = if self.dns_names.is_empty() { own } else { &self.dns_names };
        names.iter().any(|name| Certificate::name_matches(name, wanted))
    }

    /// Whether a name of a certificate stands for a wanted name.
    pub fn name_matches(name: &str, wanted: &str) -> bool {
        let (name, wanted) = (name.to_ascii_lowercase(), wanted.to_ascii_lowercase());
        if let Some(parent) = wanted.strip_prefix('.') {
            return name.strip_suffix(parent).is_some_and(|left| left.ends_with('.'));
        }
        match name.strip_prefix("*.") {
            Some(parent) => wanted.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => name == wanted,
        }
    }

    /// The name for log lines and Received: the first that matches, else the first at all.
    pub fn peer_name(&self) -> &SmolStr {
        if self.common_name.is_empty() {
            self.dns_names.first().unwrap_or(&self.common_name)
        } else {
            &self.common_name
        }
    }

    /// SHA-256 digest, `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.der);
        digest.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
    }

    /// The public key: SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> Vec<u8> {
        x509_cert::Certificate::from_der(&self.der)
            .and_then(|parsed| parsed.tbs_certificate.subject_public_key_info.to_der())
            .unwrap_or_default()
    }

    /// Digests of the certificate and of its public key in hexadecimal digits, by `md5`, `sha1`,
    /// `sha256` or `sha512`.
    pub fn digests(&self, algorithm: &str) -> [String; 2] {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X}")).collect::<String>();
        [self.der.to_vec(), self.public_key()].map(|octets| match algorithm.to_ascii_lowercase().as_str() {
            "md5" => hex(&md5::Md5::digest(&octets)),
            "sha1" => hex(&sha1::Sha1::digest(&octets)),
            "sha512" => hex(&sha2::Sha512::digest(&octets)),
            _ => hex(&Sha256::digest(&octets)),
        })
    }

    /// SHA-256 digest of the public key, `AB:CD:…`.
    pub fn key_fingerprint(&self) -> String {
        let digest = Sha256::digest(self.public_key());
        digest.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Whether `issuer` signed it. Signatures of other kinds than ECDSA with SHA-256 over P-256
    /// are taken on trust: their names must fit.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        if self.issuer != issuer.subject {
            return false;
        }
        let (Ok(own), Ok(theirs)) =
            (x509_cert::Certificate::from_der(&self.der), x509_cert::Certificate::from_der(&issuer.der))
        else {
            return false;
        };
        if own.signature_algorithm.oid != ECDSA_SHA256 {
            return true;
        }
        let key = theirs.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
        let (Ok(key), Ok(signature), Ok(signed)) = (
            p256::ecdsa::VerifyingKey::from_sec1_bytes(key),
            p256::ecdsa::DerSignature::from_bytes(own.signature.raw_bytes()),
            own.tbs_certificate.to_der(),
        ) else {
            return false;
        };
        key.verify(&signed, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_rfc_6125_and_postfix_say() {
        for (name, wanted, matches) in [
            ("mail.example.net", "MAIL.example.net", true),
            ("*.example.net", "mail.example.net", true),
            ("*.example.net", "a.mail.example.net", false),
            ("*.example.net", "example.net", false),
            ("mail.example.net", ".example.net", true),
            ("example.net", ".example.net", false),
            ("other.example.org", "mail.example.net", false),
        ] {
            assert_eq!(Certificate::name_matches(name, wanted), matches, "{name} for {wanted}");
        }
    }

    #[test]
    fn octets_that_are_no_certificate_are_refused() {
        assert!(Certificate::parse(&Bytes::from_static(b"hello")).is_err());
        assert!(Certificate::parse_pem("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----").is_empty());
    }
}
