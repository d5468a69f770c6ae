//! `openssl x509`: what a certificate says.

use sha2::{Digest, Sha256, Sha512};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
};

use crate::host::program::Env;
use crate::host::tls::{Certificate, Key, date, pem};
use crate::host::tools::read_file;

/// Names of signature algorithms: in `-text`, and as digest and key in lists.
pub fn signature_algorithm(oid: &str) -> (&str, &str) {
    match oid {
        "1.2.840.10045.4.3.2" => ("ecdsa-with-SHA256", "ecdsa-with-SHA256"),
        "1.2.840.10045.4.3.3" => ("ecdsa-with-SHA384", "ecdsa-with-SHA384"),
        "1.2.840.113549.1.1.5" => ("sha1WithRSAEncryption", "RSA-SHA1"),
        "1.2.840.113549.1.1.11" => ("sha256WithRSAEncryption", "RSA-SHA256"),
        "1.2.840.113549.1.1.12" => ("sha384WithRSAEncryption", "RSA-SHA384"),
        "1.2.840.113549.1.1.13" => ("sha512WithRSAEncryption", "RSA-SHA512"),
        "1.3.101.112" => ("ED25519", "ED25519"),
        other => (other, other),
    }
}

/// `openssl x509 [-in FILE] [-out FILE] [-noout] [-text] [-subject] …`: what is asked for is printed
/// in the order of the options.
pub fn x509(env: &mut Env<'_, '_>, args: &[String], stdin: &[u8]) -> u8 {
    let (mut input, mut output, mut show, mut digest, mut prints) = (None, None, true, "sha1", Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-in" => input = rest.next().cloned(),
            "-out" => output = rest.next().cloned(),
            "-noout" => show = false,
            "-sha256" | "-sha512" | "-md5" => digest = &arg[1..],
            "-inform" | "-outform" | "-nameopt" => drop(rest.next()),
            "-ext" => prints.push(format!("-ext {}", rest.next().map_or("", String::as_str))),
            "-checkend" => prints.push(format!("-checkend {}", rest.next().map_or("0", String::as_str))),
            "-text" | "-subject" | "-issuer" | "-dates" | "-startdate" | "-enddate" | "-fingerprint" | "-serial"
            | "-email" | "-pubkey" => prints.push(arg.clone()),
            option => {
                env.errln(super::unknown("x509", option));
                return 1;
            }
        }
    }
    let name = input.as_deref().unwrap_or("<stdin>");
    let content = match &input {
        None => stdin.to_vec(),
        Some(file) => match read_file(env, &env.path(file)) {
            Ok(content) => content,
            Err(error) => {
                let thread = super::thread(env);
                env.errln(format!("Could not open file or uri for loading certificate from {file}"));
                env.errln(format!(
                    "{thread}:error:16000069:STORE routines:ossl_store_get0_loader_int:unregistered scheme:../crypto/store/store_register.c:237:scheme=file"
                ));
                env.errln(format!(
                    "{thread}:error:80000002:system library:file_open:{error}:../providers/implementations/storemgmt/file_store.c:268:calling stat({file})"
                ));
                env.errln("Unable to load certificate");
                return 1;
            }
        },
    };
    let Some(certificate) = Certificate::parse_pem(&String::from_utf8_lossy(&content)).into_iter().next() else {
        env.errln(format!("Could not read certificate from {name}\nUnable to load certificate"));
        return 1;
    };
    let mut text = String::new();
    let mut status = 0;
    for print in &prints {
        if let Some(seconds) = print.strip_prefix("-checkend ") {
            let seconds = seconds.parse::<u64>().unwrap_or(0);
            let lasts = certificate.not_after.secs() >= env.ctx.now.secs().saturating_add(seconds);
            text.push_str(if lasts { "Certificate will not expire\n" } else { "Certificate will expire\n" });
            status = u8::from(!lasts);
        } else {
            text.push_str(&part(&certificate, print, digest));
        }
    }
    if show {
        text.push_str(&pem("CERTIFICATE", &certificate.der));
    }
    match output.map(|file| env.path(&file)) {
        None => env.stdout.extend(text.into_bytes()),
        Some(path) => {
            if let Err(error) = env.ctx.host.vfs.write(&path, text, 0o644, env.cred) {
                env.errln(format!("Can't open \"{path}\" for writing, {error}"));
                return 1;
            }
        }
    }
    status
}

/// What one option prints.
fn part(certificate: &Certificate, option: &str, digest: &str) -> String {
    let Ok(parsed) = x509_cert::Certificate::from_der(&certificate.der) else { return String::new() };
    let body = &parsed.tbs_certificate;
    let start = || format!("notBefore={}\n", date(certificate.not_before));
    let end = || format!("notAfter={}\n", date(certificate.not_after));
    match option {
        "-subject" => format!("subject={}\n", certificate.subject_dn.spaced()),
        "-issuer" => format!("issuer={}\n", certificate.issuer_dn.spaced()),
        "-dates" => start() + &end(),
        "-startdate" => start(),
        "-enddate" => end(),
        "-serial" => format!("serial={}\n", upper(body.serial_number.as_bytes(), "")),
        "-fingerprint" => match digest {
            "sha1" => format!("SHA1 Fingerprint={}\n", upper(&sha1::Sha1::digest(&certificate.der), ":")),
            "md5" => format!("md5 Fingerprint={}\n", upper(&md5::Md5::digest(&certificate.der), ":")),
            "sha512" => format!("sha512 Fingerprint={}\n", upper(&Sha512::digest(&certificate.der), ":")),
            _ => format!("sha256 Fingerprint={}\n", upper(&Sha256::digest(&certificate.der), ":")),
        },
        "-pubkey" => pem("PUBLIC KEY", &body.subject_public_key_info.to_der().unwrap_or_default()),
        "-text" => text(certificate, &parsed),
        option => match option.strip_prefix("-ext ") {
            Some(names) => {
                let wanted: Vec<&str> = names.split(',').collect();
                let all = body.extensions.iter().flatten();
                all.filter(|own| wanted.contains(&short_name(own))).map(|own| extension(own, "")).collect()
            }
            None => String::new(),
        },
    }
}

/// Octets in capital hexadecimal digits.
fn upper(octets: &[u8], between: &str) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(between)
}

/// Octets in hexadecimal digits with colons, so many in a line.
fn block(octets: &[u8], indent: &str, width: usize) -> String {
    let lines: Vec<String> = octets
        .chunks(width)
        .map(|chunk| {
            indent.to_owned() + &chunk.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")
        })
        .collect();
    lines.join(":\n") + "\n"
}

/// `X509_print(3)`.
fn text(certificate: &Certificate, parsed: &x509_cert::Certificate) -> String {
    let body = &parsed.tbs_certificate;
    let algorithm = parsed.signature_algorithm.oid.to_string();
    let algorithm = signature_algorithm(&algorithm).0;
    let version = body.version as u8;
    let mut out = format!("Certificate:\n    Data:\n        Version: {} (0x{version:x})\n", version + 1);
    let serial = body.serial_number.as_bytes();
    match <[u8; 8]>::try_from([&vec![0; 8usize.saturating_sub(serial.len())], serial].concat()) {
        Ok(small) => {
            let number = u64::from_be_bytes(small);
            out.push_str(&format!("        Serial Number: {number} (0x{number:x})\n"));
        }
        Err(_) => {
            out.push_str("        Serial Number:\n");
            out.push_str(&block(serial, "            ", 64));
        }
    }
    out.push_str(&format!(
        "        Signature Algorithm: {algorithm}\n        Issuer: {}\n        Validity\n            Not Before: {}\n            \
         Not After : {}\n        Subject: {}\n        Subject Public Key Info:\n",
        certificate.issuer_dn.spaced(),
        date(certificate.not_before),
        date(certificate.not_after),
        certificate.subject_dn.spaced(),
    ));
    let point = body.subject_public_key_info.subject_public_key.raw_bytes();
    let indent = "                    ";
    match certificate.key {
        Key::EcP256 => {
            out.push_str("            Public Key Algorithm: id-ecPublicKey\n                Public-Key: (256 bit)\n");
            out.push_str(&format!("                pub:\n{}", block(point, indent, 15)));
            out.push_str("                ASN1 OID: prime256v1\n                NIST CURVE: P-256\n");
        }
        Key::Rsa(bits) => {
            let (modulus, exponent) = rsa_numbers(point);
            out.push_str(&format!(
                "            Public Key Algorithm: rsaEncryption\n                Public-Key: ({bits} bit)\n                \
                 Modulus:\n{}                Exponent: {exponent} (0x{exponent:x})\n",
                block(modulus, indent, 15)
            ));
        }
        Key::Other => {
            let oid = body.subject_public_key_info.algorithm.oid;
            out.push_str(&format!("            Public Key Algorithm: {oid}\n"));
        }
    }
    let extensions: Vec<String> = body.extensions.iter().flatten().map(|own| extension(own, "            ")).collect();
    if !extensions.is_empty() {
        out.push_str("        X509v3 extensions:\n");
        out.push_str(&extensions.concat());
    }
    out.push_str(&format!("    Signature Algorithm: {algorithm}\n    Signature Value:\n"));
    out.push_str(&block(parsed.signature.raw_bytes(), "        ", 18));
    out
}

/// Modulus and public exponent of an RSAPublicKey (RFC 8017 appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> (&[u8], u64) {
    let rest = content(der).map_or(&[][..], |(inside, _)| inside);
    let Some((modulus, rest)) = content(rest) else { return (&[], 0) };
    let exponent = content(rest).map_or(&[][..], |(exponent, _)| exponent);
    (modulus, exponent.iter().fold(0, |value: u64, octet| value << 8 | u64::from(*octet)))
}

/// The content of the first element of DER, and what follows it.
fn content(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = usize::from(*der.get(1)?);
    let (length, start) = match first.checked_sub(0x80) {
        None => (first, 2),
        Some(count @ 1..=4) => {
            let octets = der.get(2..2 + count)?;
            (octets.iter().fold(0, |value: usize, octet| value << 8 | usize::from(*octet)), 2 + count)
        }
        Some(_) => return None,
    };
    Some((der.get(start..start.checked_add(length)?)?, der.get(start + length..)?))
}

fn short_name(extension: &Extension) -> &'static str {
    match extension.extn_id.to_string().as_str() {
        "2.5.29.14" => "subjectKeyIdentifier",
        "2.5.29.15" => "keyUsage",
        "2.5.29.17" => "subjectAltName",
        "2.5.29.19" => "basicConstraints",
        "2.5.29.35" => "authorityKeyIdentifier",
        "2.5.29.37" => "extendedKeyUsage",
        _ => "",
    }
}

/// `X509V3_EXT_print(3)` of one extension with its title.
fn extension(extension: &Extension, indent: &str) -> String {
    let octets = extension.extn_value.as_bytes();
    let (title, value) = match short_name(extension) {
        "subjectKeyIdentifier" => {
            let id = SubjectKeyIdentifier::from_der(octets).map(|id| upper(id.0.as_bytes(), ":"));
            ("Subject Key Identifier", id.unwrap_or_default())
        }
        "authorityKeyIdentifier" => {
            let id = AuthorityKeyIdentifier::from_der(octets).ok().and_then(|id| id.key_identifier);
            ("Authority Key Identifier", id.map(|id| upper(id.as_bytes(), ":")).unwrap_or_default())
        }
        "basicConstraints" => {
            let constraints = BasicConstraints::from_der(octets);
            let value = constraints.map(|own| match (own.ca, own.path_len_constraint) {
                (ca, Some(length)) => format!("CA:{}, pathlen:{length}", if ca { "TRUE" } else { "FALSE" }),
                (ca, None) => format!("CA:{}", if ca { "TRUE" } else { "FALSE" }),
            });
            ("Basic Constraints", value.unwrap_or_default())
        }
        "subjectAltName" => {
            let names = SubjectAltName::from_der(octets).map(|names| names.0).unwrap_or_default();
            let names = names.iter().map(|name| match name {
                GeneralName::DnsName(name) => format!("DNS:{}", name.as_str()),
                GeneralName::Rfc822Name(name) => format!("email:{}", name.as_str()),
                GeneralName::IpAddress(octets) => match <[u8; 4]>::try_from(octets.as_bytes()) {
                    Ok(octets) => format!("IP Address:{}", std::net::Ipv4Addr::from(octets)),
                    Err(_) => "IP Address:<invalid>".to_owned(),
                },
                _ => "othername:<unsupported>".to_owned(),
            });
            ("Subject Alternative Name", names.collect::<Vec<_>>().join(", "))
        }
        "keyUsage" => {
            let usage = KeyUsage::from_der(octets);
            let names = [
                "Digital Signature",
                "Non Repudiation",
                "Key Encipherment",
                "Data Encipherment",
                "Key Agreement",
                "Certificate Sign",
                "CRL Sign",
                "Encipher Only",
                "Decipher Only",
            ];
            let set = usage.map(|usage| usage.0.into_iter().collect::<Vec<_>>()).unwrap_or_default();
            let set = set.into_iter().filter_map(|flag| names.get((flag as u32).trailing_zeros() as usize).copied());
            ("Key Usage", set.collect::<Vec<_>>().join(", "))
        }
        "extendedKeyUsage" => {
            let usages = ExtendedKeyUsage::from_der(octets).map(|usages| usages.0).unwrap_or_default();
            let usages = usages.iter().map(|oid| match oid.to_string().as_str() {
                "1.3.6.1.5.5.7.3.1" => "TLS Web Server Authentication".to_owned(),
                "1.3.6.1.5.5.7.3.2" => "TLS Web Client Authentication".to_owned(),
                "1.3.6.1.5.5.7.3.4" => "E-mail Protection".to_owned(),
                other => other.to_owned(),
            });
            ("Extended Key Usage", usages.collect::<Vec<_>>().join(", "))
        }
        _ => {
            let critical = if extension.critical { " critical" } else { " " };
            return format!(
                "{indent}{}:{critical}\n{}",
                extension.extn_id,
                block(octets, &format!("{indent}    "), 16)
            );
        }
    };
    let critical = if extension.critical { "critical" } else { "" };
    format!("{indent}X509v3 {title}: {critical}\n{indent}    {value}\n")
}
