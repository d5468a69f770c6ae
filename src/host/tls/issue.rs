//! New certificates: those that sign themselves, as `openssl req -x509` makes them, and an
//! authority's.
//!
//! Keys come from the host's dice. ECDSA keys and signatures are real. RSA is not computed: modulus
//! and signature are dice of the right size, which every reader of the world takes on trust.

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use x509_cert::der::asn1::ObjectIdentifier;

use super::{DistinguishedName, pem};
use crate::sim::{Dice, Time};

/// The kind of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// RSA with this many bits.
    Rsa(u64),
    /// ECDSA over P-256.
    EcP256,
}

/// What a new certificate is to say.
#[derive(Clone, Debug)]
pub struct NewCertificate {
    /// Subject and issuer.
    pub subject: DistinguishedName,
    /// DNS names of subjectAltName.
    pub dns_names: Vec<SmolStr>,
    /// Valid from.
    pub not_before: Time,
    /// Valid until.
    pub not_after: Time,
    /// The key's kind.
    pub key: NewKey,
}

/// A certificate and its private key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key (PKCS #8).
    pub key: String,
}

/// DER with a tag and this content (X.690 section 8.1).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=127 => out.push(short as u8),
        long => {
            let octets = long.to_be_bytes();
            let octets: &[u8] = octets.iter().position(|octet| *octet != 0).map_or(&[], |at| &octets[at..]);
            out.push(0x80 | octets.len() as u8);
            out.extend_from_slice(octets);
        }
    }
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn integer(octets: &[u8]) -> Vec<u8> {
    let start = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len().saturating_sub(1));
    let mut content = octets[start..].to_vec();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    tlv(0x02, &content)
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new(text).map(|oid| tlv(0x06, oid.as_bytes())).unwrap_or_default()
}

fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], octets].concat())
}

/// UTCTime until 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5).
fn moment(time: Time) -> Vec<u8> {
    let text = time.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string();
    match text.as_str() < "2050" {
        true => tlv(0x17, text.get(2..).unwrap_or_default().as_bytes()),
        false => tlv(0x18, text.as_bytes()),
    }
}

fn name(dn: &DistinguishedName) -> Vec<u8> {
    let attributes = dn.0.iter().map(|(kind, value)| {
        let tag = match kind.as_str() {
            "C" => 0x13,
            "emailAddress" | "DC" => 0x16,
            _ => 0x0c,
        };
        let kind = oid(DistinguishedName::oid(kind).unwrap_or(kind));
        tlv(0x31, &sequence(&[kind, tlv(tag, value.as_bytes())]))
    });
    tlv(0x30, &attributes.collect::<Vec<_>>().concat())
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(0x01, &[0xff]) } else { Vec::new() };
    sequence(&[oid(id), critical, tlv(0x04, value)])
}

fn random(octets: usize, dice: &mut Dice) -> Vec<u8> {
    (0..octets).map(|_| dice.next_u64().to_le_bytes()[0]).collect()
}

/// A key with what the certificate and the key file say about it.
struct KeyPair {
    signing: Option<SigningKey>,
    /// Octets of a signature that is not computed.
    octets: usize,
    public: Vec<u8>,
    /// The content of subjectPublicKey's BIT STRING.
    point: Vec<u8>,
    private: Vec<u8>,
    signature_algorithm: Vec<u8>,
}

fn rsa(bits: u64, dice: &mut Dice) -> KeyPair {
    let octets = usize::try_from(bits.clamp(512, 8192) / 8).unwrap_or(256);
    let null = tlv(0x05, &[]);
    let mut modulus = random(octets, dice);
    modulus[0] |= 0x80;
    modulus[octets - 1] |= 1;
    let exponent = [1, 0, 1];
    let point = sequence(&[integer(&modulus), integer(&exponent)]);
    let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), null.clone()]);
    let mut parts = vec![integer(&[0]), integer(&modulus), integer(&exponent), integer(&random(octets, dice))];
    parts.extend((0..5).map(|_| integer(&random(octets / 2, dice))));
    let private = sequence(&[integer(&[0]), algorithm.clone(), tlv(0x04, &sequence(&parts))]);
    let public = sequence(&[algorithm, bit_string(&point)]);
    let signature_algorithm = sequence(&[oid("1.2.840.113549.1.1.11"), null]);
    KeyPair { signing: None, octets, public, point, private, signature_algorithm }
}

fn elliptic(dice: &mut Dice) -> KeyPair {
    let signing = loop {
        if let Ok(key) = SigningKey::from_slice(&random(32, dice)) {
            break key;
        }
    };
    let point = signing.verifying_key().to_encoded_point(false).as_bytes().to_vec();
    let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]);
    let secret = sequence(&[integer(&[1]), tlv(0x04, &signing.to_bytes()), tlv(0xa1, &bit_string(&point))]);
    let private = sequence(&[integer(&[0]), algorithm.clone(), tlv(0x04, &secret)]);
    let public = sequence(&[algorithm, bit_string(&point)]);
    let signature_algorithm = sequence(&[oid("1.2.840.10045.4.3.2")]);
    KeyPair { signing: Some(signing), octets: 0, public, point, private, signature_algorithm }
}

/// Makes a key and a certificate that it signs itself.
pub fn self_signed(wanted: &NewCertificate, dice: &mut Dice) -> Issued {
    let pair = match wanted.key {
        NewKey::Rsa(bits) => rsa(bits, dice),
        NewKey::EcP256 => elliptic(dice),
    };
    let key_id = pair.id();
    let mut extensions = vec![
        extension("2.5.29.14", false, &tlv(0x04, &key_id)),
        extension("2.5.29.35", false, &sequence(&[tlv(0x80, &key_id)])),
        extension("2.5.29.19", true, &sequence(&[tlv(0x01, &[0xff])])),
    ];
    extensions.extend(alternative_names(&wanted.dns_names));
    let certificate = sign(wanted, &wanted.subject, &pair.public, &extensions, &pair, dice);
    Issued { certificate: pem("CERTIFICATE", &certificate), key: pem("PRIVATE KEY", &pair.private) }
}

/// A certification authority.
pub struct Authority {
    subject: DistinguishedName,
    pair: KeyPair,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

impl Authority {
    /// A new one with an ECDSA key.
    pub fn new(wanted: &NewCertificate, dice: &mut Dice) -> Authority {
        let pair = elliptic(dice);
        let extensions = [
            extension("2.5.29.14", false, &tlv(0x04, &pair.id())),
            extension("2.5.29.19", true, &sequence(&[tlv(0x01, &[0xff])])),
        ];
        let certificate = sign(wanted, &wanted.subject, &pair.public, &extensions, &pair, dice);
        Authority { subject: wanted.subject.clone(), pair, certificate: pem("CERTIFICATE", &certificate) }
    }

    /// A certificate in PEM for a key that somebody has already, given as SubjectPublicKeyInfo in
    /// DER; `wanted.key` says nothing here.
    pub fn certify(&self, wanted: &NewCertificate, public: &[u8], dice: &mut Dice) -> String {
        let mut extensions = vec![extension("2.5.29.35", false, &sequence(&[tlv(0x80, &self.pair.id())]))];
        extensions.extend(alternative_names(&wanted.dns_names));
        pem("CERTIFICATE", &sign(wanted, &self.subject, public, &extensions, &self.pair, dice))
    }
}

impl KeyPair {
    /// The key identifier (RFC 5280 section 4.2.1.2).
    fn id(&self) -> Vec<u8> {
        Sha256::digest(&self.point)[..20].to_vec()
    }
}

fn alternative_names(names: &[SmolStr]) -> Option<Vec<u8>> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| tlv(0x82, name.as_bytes())).collect();
    (!names.is_empty()).then(|| extension("2.5.29.17", false, &sequence(&names)))
}

/// A certificate in DER for a public key, signed by another or the same one.
fn sign(
    wanted: &NewCertificate,
    issuer: &DistinguishedName,
    public: &[u8],
    extensions: &[Vec<u8>],
    signer: &KeyPair,
    dice: &mut Dice,
) -> Vec<u8> {
    let mut serial = random(20, dice);
    serial[0] = serial[0] & 0x7f | 0x01;
    let body = sequence(&[
        tlv(0xa0, &integer(&[2])),
        integer(&serial),
        signer.signature_algorithm.clone(),
        name(issuer),
        sequence(&[moment(wanted.not_before), moment(wanted.not_after)]),
        name(&wanted.subject),
        public.to_vec(),
        tlv(0xa3, &sequence(extensions)),
    ]);
    let signature = match &signer.signing {
        Some(key) => {
            let signature: DerSignature = key.sign(&body);
            signature.as_bytes().to_vec()
        }
        None => random(signer.octets, dice),
    };
    sequence(&[body, signer.signature_algorithm.clone(), bit_string(&signature)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tls::{Certificate, Key, ProblemKind, TrustStore};

    fn issue(key: NewKey) -> Certificate {
        let subject = DistinguishedName(vec![("C".into(), "DE".into()), ("CN".into(), "mail.example.org".into())]);
        let (not_before, not_after) = (Time::from_secs(1_800_000_000), Time::from_secs(1_800_864_000));
        let wanted = NewCertificate { subject, dns_names: vec!["mx.example.org".into()], not_before, not_after, key };
        let issued = self_signed(&wanted, &mut Dice::new(1, "mx"));
        assert!(issued.key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        Certificate::parse_pem(&issued.certificate).remove(0)
    }

    #[test]
    fn what_is_issued_is_read_again() {
        for (key, kind) in [(NewKey::EcP256, Key::EcP256), (NewKey::Rsa(2048), Key::Rsa(2048))] {
            let certificate = issue(key);
            assert_eq!(certificate.subject, "/C=DE/CN=mail.example.org");
            assert_eq!(certificate.dns_names, ["mx.example.org"]);
            assert_eq!(certificate.key, kind);
            assert_eq!(certificate.not_after, Time::from_secs(1_800_864_000));
            assert!(certificate.is_self_signed() && certificate.is_signed_by(&certificate));
        }
    }

    #[test]
    fn it_is_trusted_by_who_has_it_and_within_its_dates_only() {
        let own = issue(NewKey::EcP256);
        let within = Time::from_secs(1_800_000_001);
        let problem = |store: &TrustStore, name, now| {
            store.verify(std::slice::from_ref(&own), name, now).1.first().map(|problem| problem.kind)
        };
        let (nobody, friend) = (TrustStore::default(), TrustStore::of(vec![own.clone()]));
        assert_eq!(problem(&nobody, None, within), Some(ProblemKind::SelfSigned));
        assert_eq!(problem(&friend, Some("mx.example.org"), within), None);
        assert_eq!(problem(&friend, Some("other.example.org"), within), Some(ProblemKind::Name));
        assert_eq!(problem(&friend, None, Time::from_secs(1)), Some(ProblemKind::NotYetValid));
        assert_eq!(problem(&friend, None, Time::from_secs(2_000_000_000)), Some(ProblemKind::Expired));
    }
}
