//! The `Received:` line that smtpd(8) puts before a message (RFC 5321, section 4.4).

use smol_str::{SmolStr, format_smolstr};

use super::peer::Peer;
use super::tls::TlsFacts;
use crate::mail::address::quote;

/// What the line is made of.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The client.
    pub peer: &'a Peer,
    /// HELO or EHLO argument.
    pub helo: Option<&'a str>,
    /// The TLS session, if `smtpd_tls_received_header` wants it shown.
    pub tls_shown: Option<&'a TlsFacts>,
    /// Whether the client was asked for a certificate.
    pub asked_certificate: bool,
    /// Whether the session is encrypted.
    pub encrypted: bool,
    /// SASL login.
    pub login: Option<&'a str>,
    /// Whether the login is shown (`smtpd_sasl_authenticated_header`).
    pub login_shown: bool,
    /// `myhostname`.
    pub myhostname: &'a str,
    /// `mail_name`.
    pub mail_name: &'a str,
    /// Whether the client said EHLO.
    pub esmtp: bool,
    /// Whether the client asked for SMTPUTF8.
    pub smtputf8: bool,
    /// Queue id.
    pub id: &'a str,
    /// The recipient, if it is the only one.
    pub only_recipient: Option<&'a str>,
    /// The date.
    pub date: &'a SmolStr,
}

impl Received<'_> {
    /// Protocol name with the letters of RFC 3848 and RFC 6531: `ESMTPSA`, `UTF8SMTP`.
    pub fn protocol(&self) -> SmolStr {
        let base = match (self.smtputf8, self.esmtp) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        };
        let secure = if self.encrypted { "S" } else { "" };
        let authenticated = if self.login.is_some() { "A" } else { "" };
        if secure.is_empty() && authenticated.is_empty() {
            return SmolStr::new_static(base);
        }
        format_smolstr!("{base}{secure}{authenticated}")
    }

    /// Appends the header field.
    pub fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        let peer = self.peer;
        let helo = self.helo.unwrap_or(&peer.name);
        put(out, &["Received: from ", helo, " (", &peer.name, " [", &peer.rfc_addr, "])\n"]);
        if let Some(tls) = self.tls_shown {
            // Writing to memory does not fail.
            let _ =
                writeln!(out, "\t(using {} with cipher {} ({}/{} bits)", tls.version, tls.cipher, tls.bits, tls.bits);
            let _ = writeln!(out, "\t {})", tls.key_facts);
            let certificate = if self.asked_certificate {
                "Client did not present a certificate"
            } else {
                "No client certificate requested"
            };
            let _ = writeln!(out, "\t({certificate})");
        }
        if let (Some(login), true) = (self.login, self.login_shown) {
            let clean: String =
                login.chars().map(|c| if "()\\".contains(c) || c.is_control() { '?' } else { c }).collect();
            let _ = writeln!(out, "\t(Authenticated sender: {clean})");
        }
        put(out, &["\tby ", self.myhostname, " (", self.mail_name, ") with ", &self.protocol(), " id ", self.id]);
        match self.only_recipient {
            Some(recipient) => put(out, &["\n\tfor <", &quote(recipient), ">; ", self.date, "\n"]),
            None => put(out, &[";\n\t", self.date, "\n"]),
        }
    }
}

/// Appends texts one after the other.
fn put(out: &mut Vec<u8>, texts: &[&str]) {
    texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
}
