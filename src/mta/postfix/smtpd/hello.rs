//! What EHLO offers.

use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::lists;
use super::session::Session;
use super::tls::Level;
use crate::host::Ctx;
use crate::mta::postfix::milter::Fallback;
use crate::mta::postfix::services::Services;
use crate::smtp::reply::Reply;

impl Session {
    /// Finds the EHLO keywords that are left out for this client
    /// (`smtpd_discard_ehlo_keyword_address_maps`, `smtpd_discard_ehlo_keywords`).
    pub(super) fn find_discarded(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let conf = self.conf.clone();
        self.discarded = conf.discard_ehlo.clone();
        match conf.discard_ehlo_maps.find(&self.peer.addr, ctx.host) {
            Ok(Some(found)) => {
                let words: Vec<SmolStr> = found
                    .value
                    .split([',', ' ', '\t'])
                    .filter(|word| !word.is_empty())
                    .map(ToSmolStr::to_smolstr)
                    .collect();
                self.discarded = lists::words(&words).into();
            }
            Ok(None) => {}
            Err(error) => {
                for line in error.warnings {
                    services.log.info(ctx, &conf.tag, format_args!("{line}"));
                }
            }
        }
        if !self.discarded.is_empty() && !self.discards("silent-discard") {
            let mut words: Vec<String> = self.discarded.iter().map(|word| word.to_ascii_uppercase()).collect();
            words.retain(|word| KEYWORDS.contains(&word.as_str()));
            words.sort_by_key(|word| KEYWORDS.iter().position(|known| known == word));
            if words.is_empty() {
                return;
            }
            // The table of names has this one with its prefix.
            for word in words.iter_mut().filter(|word| *word == "SMTPUTF8") {
                *word = "EHLO_MASK_SMTPUTF8".to_owned();
            }
            services.log.info(ctx, &conf.tag, format_args!("discarding EHLO keywords: {}", words.join(" ")));
        }
    }

    /// Whether an EHLO keyword is left out for this client.
    pub(super) fn discards(&self, keyword: &str) -> bool {
        self.discarded.iter().any(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// The reply to EHLO.
    pub(super) fn ehlo(&self) -> Reply {
        let conf = &self.conf;
        let mut lines = Vec::with_capacity(12);
        lines.push(conf.myhostname.clone());
        let refused = self.milter.as_ref().is_some_and(Fallback::is_permanent);
        let mut offer = |keyword: &'static str, line: Option<SmolStr>| {
            if !self.discards(keyword) && (keyword == "ENHANCEDSTATUSCODES" || !refused) {
                lines.push(line.unwrap_or(SmolStr::new_static(keyword)));
            }
        };
        offer("PIPELINING", None);
        offer("SIZE", (conf.message_size_limit > 0).then(|| format_smolstr!("SIZE {}", conf.message_size_limit)));
        if !conf.disable_vrfy {
            offer("VRFY", None);
        }
        offer("ETRN", None);
        if conf.tls.level > Level::None && self.tls.is_none() {
            offer("STARTTLS", None);
        }
        if self.sasl_active() && !self.sasl_excepted {
            let mechanisms = conf.sasl.mechanisms(self.tls.is_some()).join(" ");
            offer("AUTH", Some(format_smolstr!("AUTH {mechanisms}")));
            if conf.sasl.broken_clients {
                offer("AUTH", Some(format_smolstr!("AUTH={mechanisms}")));
            }
        }
        if self.authorized.verp {
            offer("XVERP", None);
        }
        if self.authorized.xclient {
            let names = "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT";
            offer("XCLIENT", Some(SmolStr::new_static(names)));
        }
        if self.authorized.xforward {
            let names = "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT";
            offer("XFORWARD", Some(SmolStr::new_static(names)));
        }
        offer("ENHANCEDSTATUSCODES", None);
        offer("8BITMIME", None);
        offer("DSN", None);
        if conf.smtputf8 {
            offer("SMTPUTF8", None);
        }
        offer("CHUNKING", None);
        Reply::multi(250, lines)
    }
}

/// The keywords in the order in which Postfix lists them.
const KEYWORDS: [&str; 14] = [
    "8BITMIME",
    "AUTH",
    "CHUNKING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "ETRN",
    "PIPELINING",
    "SILENT-DISCARD",
    "SIZE",
    "SMTPUTF8",
    "STARTTLS",
    "VRFY",
    "XCLIENT",
    "XFORWARD",
];
