//! What is done to every refusal: `soft_bounce` and `smtpd_reject_footer`.

use smol_str::{SmolStr, ToSmolStr};

use super::peer::Peer;
use super::session::Session;
use crate::host::Ctx;
use crate::mail::date;
use crate::mta::postfix::config::expand;
use crate::smtp::reply::{Reply, enhanced_prefix};

impl Session {
    /// Makes a permanent refusal temporary if `soft_bounce` asks for it, and appends the footer.
    pub(super) fn dress(&self, reply: &mut Reply, ctx: &Ctx<'_>) {
        let conf = &self.conf;
        if conf.checks.soft_bounce && reply.code >= 500 {
            let lines = reply.lines.iter().map(|line| match line.strip_prefix("5.") {
                Some(rest) if enhanced_prefix(line).is_some() => format!("4.{rest}").into(),
                _ => line.clone(),
            });
            *reply = Reply::multi(reply.code - 100, lines.collect());
        }
        let whole = format!("{} {}", reply.code, reply.lines.join(" "));
        let found = conf.reject_footer_maps.find(&whole, ctx.host).ok().flatten();
        let template = found.map_or_else(|| conf.reject_footer.clone(), |found| found.value);
        if !template.is_empty() {
            self.append_footer(reply, &template, ctx);
        }
    }

    fn append_footer(&self, reply: &mut Reply, template: &str, ctx: &Ctx<'_>) {
        let (joined, template) = match template.strip_prefix("\\c") {
            Some(rest) => (true, rest),
            None => (false, template),
        };
        // A malformed template is left out.
        let Ok(text) = expand::expand(template, &mut |name: &str| self.attribute(name, ctx)) else { return };
        let code = reply.lines.last().and_then(|line| enhanced_prefix(line)).map(ToSmolStr::to_smolstr);
        let mut lines = reply.lines.clone();
        for (index, part) in text.split("\\n").enumerate() {
            match lines.last_mut() {
                Some(last) if joined && index == 0 => *last = format!("{last}{part}").into(),
                _ => lines.push(match &code {
                    Some(code) => format!("{code} {part}").into(),
                    None => part.into(),
                }),
            }
        }
        *reply = Reply::multi(reply.code, lines);
    }

    /// A name of the session's attributes (postconf(5), `smtpd_reject_footer`).
    pub(super) fn attribute(&self, name: &str, ctx: &Ctx<'_>) -> Option<SmolStr> {
        let transaction = self.transaction.as_ref();
        let known = Named {
            peer: &self.peer,
            helo: self.helo.as_deref(),
            sender: transaction.map(|transaction| transaction.sender.as_str()),
            recipient: transaction.and_then(|t| t.recipients.last()).map(|recipient| recipient.address.as_str()),
        };
        match name {
            "localtime" => date::mbox(ctx.now, &ctx.host.zone).get(4..19).map(SmolStr::from),
            "server_name" => Some(self.conf.myhostname.clone()),
            _ => known.attribute(name),
        }
    }
}

/// What templates of replies may refer to (`smtpd_reject_footer`, `default_rbl_reply`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub peer: &'a Peer,
    pub helo: Option<&'a str>,
    pub sender: Option<&'a str>,
    pub recipient: Option<&'a str>,
}

impl Named<'_> {
    /// The value of a name; `None` if there is none.
    pub fn attribute(&self, name: &str) -> Option<SmolStr> {
        let local = |address: &str| address.rsplit_once('@').map_or(address, |(local, _)| local).to_smolstr();
        let domain = |address: &str| address.rsplit_once('@').map_or("", |(_, domain)| domain).to_smolstr();
        let (sender, recipient) = (self.sender, self.recipient);
        match name {
            "client" => Some(self.peer.namaddr.clone()),
            "client_address" => Some(self.peer.addr.clone()),
            "client_name" => Some(self.peer.name.clone()),
            "client_port" => Some(self.peer.port.to_smolstr()),
            "reverse_client_name" => Some(self.peer.reverse_name.clone()),
            "helo_name" => self.helo.map(SmolStr::from),
            "sender" => sender.map(|sender| if sender.is_empty() { "<>".into() } else { sender.into() }),
            "sender_name" => sender.map(local),
            "sender_domain" => sender.map(domain),
            "recipient" => recipient.map(SmolStr::from),
            "recipient_name" => recipient.map(local),
            "recipient_domain" => recipient.map(domain),
            _ => None,
        }
    }
}
