//! TLS as programs of a host see it: certificates, the authorities that they trust, and whether a
//! chain leads there.

pub mod certificate;
pub mod chain;
pub mod issue;
pub mod name;

pub use certificate::{Certificate, Key};
pub use chain::{Problem, ProblemKind, TrustStore};
pub use name::DistinguishedName;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smol_str::SmolStr;

use super::Ctx;
use crate::sim::{Socket, Time, TlsMessage};

/// Where Debian's programs look for trusted authorities: a file and a directory.
pub const SYSTEM_AUTHORITIES: (&str, &str) = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs");

/// Sends the first message of a handshake; it names the server unless that is an address (RFC 6066).
pub fn client_hello(sock: Socket, server: &str, ctx: &mut Ctx<'_>) {
    let server_name = server.parse::<std::net::IpAddr>().is_err().then(|| SmolStr::new(server));
    let versions = vec!["TLSv1.3".into(), "TLSv1.2".into()];
    ctx.send_tls(sock, TlsMessage::ClientHello { server_name, versions });
}

/// The PEM form of DER (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    text.push_str(&base64_lines(der));
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Base64 in lines of 64 characters.
pub fn base64_lines(octets: &[u8]) -> String {
    octets.chunks(48).map(|chunk| STANDARD.encode(chunk) + "\n").collect()
}

/// Dates as OpenSSL prints them: `Nov 21 06:27:38 2026 GMT`.
pub fn date(time: Time) -> String {
    time.zoned(&jiff::tz::TimeZone::UTC).strftime("%b %e %H:%M:%S %Y GMT").to_string()
}
