//! Whether a server relays for strangers: every form in which they may ask.

use std::net::SocketAddr;

use serde::Deserialize;

use super::fork::{Fate, Fork};
use super::probe::{Mail, Tls};
use super::{Bench, Finding, same, text};

/// Ports of the submission service, with how a stranger's session on them is encrypted.
const SUBMISSION: [(u16, Tls); 3] = [(587, Tls::None), (587, Tls::StartTls), (465, Tls::Implicit)];

/// A server tried with every form in which a stranger may ask it to relay: seven senders, ten
/// recipients, the server's own name as HELO, and the submission ports without login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRelay {
    /// The stranger's host.
    pub from: String,
    /// The server: a host, or `host:port`.
    pub to: String,
    /// A domain of the server.
    pub domain: String,
    /// A user in that domain.
    pub user: String,
    /// The address of a third party.
    #[serde(default = "victim")]
    pub victim: String,
    /// Further ports that nobody may relay through.
    #[serde(default)]
    pub ports: Vec<u16>,
}

fn victim() -> String {
    "u@victim.test".into()
}

/// One form.
struct Form {
    sender: String,
    recipient: String,
    helo: Option<String>,
    /// Another port than the server's.
    port: Option<(u16, Tls)>,
}

impl OpenRelay {
    fn forms(&self, server: SocketAddr, name: &str) -> Vec<Form> {
        let (domain, victim) = (&self.domain, &self.victim);
        let addr = if server.is_ipv6() { format!("IPv6:{}", server.ip()) } else { server.ip().to_string() };
        let (local, other) = victim.split_once('@').unwrap_or((victim, "victim.test"));
        let outside = "someone@outside.test".to_owned();
        let senders = [
            outside.clone(),
            String::new(),
            format!("{}@{domain}", self.user),
            format!("nosuchuser@{domain}"),
            "postmaster".to_owned(),
            format!("{}@[{addr}]", self.user),
            format!("{}@{name}", self.user),
        ];
        let recipients = [
            format!("{local}%{other}@{domain}"),
            format!("{local}%{other}@[{addr}]"),
            format!("\"{victim}\""),
            format!("\"{local}%{other}\""),
            format!("\"{victim}\"@{domain}"),
            format!("@{domain}:{victim}"),
            format!("@[{addr}]:{victim}"),
            format!("{other}!{local}"),
            format!("{other}!{local}@{domain}"),
            format!("{other}!{local}@[{addr}]"),
        ];
        let plain = |sender: &str, recipient: &str| Form {
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            helo: None,
            port: None,
        };
        let mut forms: Vec<Form> = senders.iter().map(|sender| plain(sender, victim)).collect();
        forms.extend(recipients.iter().map(|recipient| plain(&outside, recipient)));
        forms.push(Form { helo: Some(name.to_owned()), ..plain(&outside, victim) });
        let further = self.ports.iter().map(|port| (*port, Tls::None));
        let ports = SUBMISSION.into_iter().chain(further).filter(|(port, _)| *port != server.port());
        forms.extend(ports.map(|port| Form { port: Some(port), ..plain(&outside, victim) }));
        forms
    }

    /// The mail of a form.
    fn mail(&self, form: &Form, server: SocketAddr) -> Mail {
        let (port, tls) = form.port.unwrap_or((server.port(), Tls::None));
        Mail {
            from: self.from.clone(),
            to: SocketAddr::new(server.ip(), port).to_string(),
            family: None,
            helo: form.helo.clone(),
            tls,
            login: None,
            sender: form.sender.clone(),
            recipient: form.recipient.clone(),
            becomes: Vec::new(),
        }
    }

    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = text("no form is relayed", "keine Form wird weitergeleitet");
        let fork = Fork::of(bench);
        let Some(server) = fork.server(&self.to, 25) else {
            return Finding::new(false, expected, same(format!("{} ?", self.to)));
        };
        let own = fork.world.host_of(server.ip());
        let name = own.map_or(String::new(), |id| fork.world.host(id).fqdn.to_string());
        let domain = self.victim.rsplit('@').next().unwrap_or_default();
        let (mut open, mut why, mut greeted) = (Vec::new(), Vec::new(), false);
        for form in self.forms(server, &name) {
            let (fates, fork) = self.mail(&form, server).send(bench, "relaytest");
            greeted |= form.port.is_none() && !fates.iter().any(|(fate, _)| matches!(fate, Fate::NoConnection(_)));
            // Accepting and dropping is closed; handing on, or waiting to, is open.
            let leaves = |fate: &Fate| match fate {
                Fate::Relayed { .. } => true,
                Fate::Deferred { rcpt, .. } => rcpt.ends_with(domain),
                Fate::Delivered { host, .. } => fork.world.find(host) != own,
                _ => false,
            };
            if let Some((_, event)) = fates.iter().find(|(fate, _)| leaves(fate)) {
                let port = form.port.map_or(String::new(), |(port, _)| format!("port {port} "));
                open.push(format!("{port}MAIL FROM:<{}> RCPT TO:<{}>", form.sender, form.recipient));
                if why.is_empty() {
                    why = event.map(|event| fork.why(event)).unwrap_or_default();
                }
            }
        }
        let actual = if !greeted {
            text("the server does not answer", "der Server antwortet nicht")
        } else if open.is_empty() {
            text("all forms are refused", "alle Formen werden abgewiesen")
        } else {
            let list = open.join("; ");
            text(format!("relayed: {list}"), format!("weitergeleitet: {list}"))
        };
        Finding { why, ..Finding::new(greeted && open.is_empty(), expected, actual) }
    }
}
