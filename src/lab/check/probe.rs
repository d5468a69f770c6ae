//! Probes: what becomes of a mail when it is tried, in a copy of the world.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::fork::{Family, Fate, Fork};
use super::pattern::matches_text;
use super::{Bench, Finding, same, text};
use crate::lab::written::Text;
use crate::scenario::dialogue::{Item, StartTlsItem};
use crate::trace::{EventId, Kind};

/// A mail sent by SMTP, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The client's host.
    pub from: String,
    /// The server: a host, `host:port` or `address:port`; `mx` for those that the DNS names for
    /// the recipient's domain, the preferred first.
    pub to: String,
    /// With `mx`, only addresses of this family.
    #[serde(default)]
    pub family: Option<Family>,
    /// HELO name; the client's full name if missing.
    #[serde(default)]
    pub helo: Option<String>,
    /// How it is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// Name and password to log in with.
    #[serde(default)]
    pub login: Option<(String, String)>,
    /// Envelope sender; `*` in it is replaced by a word that nobody foresees.
    pub sender: String,
    /// Envelope recipient; likewise.
    pub recipient: String,
    /// What must become of it: each of these must match one [`Fate`] in words, and there must be
    /// no other: `delivered mx1/alice`, `refused RCPT 55*`, `relayed *`, `deferred *`.
    pub becomes: Vec<String>,
}

/// How a probe is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Tls {
    /// Not at all.
    #[default]
    None,
    /// By STARTTLS.
    StartTls,
    /// From the beginning.
    Implicit,
}

/// A mail sent with `sendmail` by a user of a host, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalMail {
    /// The host.
    pub host: String,
    /// The user.
    pub user: String,
    /// The recipient; `*` in it is replaced by a word that nobody foresees.
    pub recipient: String,
    /// As in [`Mail`].
    pub becomes: Vec<String>,
    /// The envelope sender under which it goes on; any if missing.
    #[serde(default)]
    pub sender: Option<String>,
}

/// A word that nobody foresees, different for each place that asks.
pub(super) fn nonce(bench: &Bench<'_>, place: &str) -> String {
    let mut dice = crate::sim::dice::Dice::new(bench.key, place);
    format!("p{:012x}", dice.next_u64() & 0xffff_ffff_ffff)
}

impl Mail {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = wanted_in_words(&self.becomes);
        let nonce = nonce(bench, &format!("{}{}{}{}", self.from, self.to, self.sender, self.recipient));
        let (fates, fork) = self.send(bench, &nonce);
        judge(&fates, &self.becomes, expected, &fork)
    }

    /// Sends it in a copy of the world.
    pub(super) fn send(&self, bench: &Bench<'_>, nonce: &str) -> (Vec<(Fate, Option<EventId>)>, Fork) {
        let mut fork = Fork::of(bench);
        let (sender, rcpt) = (self.sender.replace('*', nonce), self.recipient.replace('*', nonce));
        let servers = match self.to.as_str() {
            "mx" => fork.route(&self.from, rcpt.rsplit('@').next().unwrap_or_default(), self.family),
            to => fork.server(to, 25).into_iter().collect(),
        };
        let steps = self.steps(&fork, &sender, &rcpt, nonce);
        let mut missed = Fate::NoConnection(format!("{}: no such server", self.to));
        for server in servers {
            let items = steps.iter().map(|(_, item)| item.clone()).collect();
            let result = fork.talk(&self.from, server, self.tls == Tls::Implicit, items);
            let Some(result) = result else {
                missed = Fate::NoConnection("no answer".into());
                continue;
            };
            if let Some(error) = result.error {
                missed = Fate::NoConnection(error);
                continue;
            }
            if let Some((stage, reply)) = refusal(&steps, &result.lines) {
                let event = last_reply(&fork, &reply);
                return (vec![(Fate::Refused { stage, reply }, event)], fork);
            }
            let fates: Vec<_> = fork.outcome(nonce).into_iter().map(|(fate, id)| (fate, Some(id))).collect();
            return (if fates.is_empty() { vec![(Fate::Lost, None)] } else { fates }, fork);
        }
        (vec![(missed, None)], fork)
    }

    /// What is sent, with the stage that each reply belongs to.
    fn steps(&self, fork: &Fork, sender: &str, rcpt: &str, nonce: &str) -> Vec<(&'static str, Item)> {
        let helo = self.helo.clone().unwrap_or_else(|| {
            fork.world.find(&self.from).map_or(self.from.clone(), |id| fork.world.host(id).fqdn.to_string())
        });
        let line = |stage, line: String| (stage, Item::Line(line));
        let mut steps = vec![line("EHLO", format!("EHLO {helo}"))];
        if self.tls == Tls::StartTls {
            steps.push(("STARTTLS", Item::StartTls(StartTlsItem { starttls: true })));
            steps.push(line("EHLO", format!("EHLO {helo}")));
        }
        if let Some((user, password)) = &self.login {
            let secret = STANDARD.encode(format!("\0{user}\0{password}"));
            steps.push(line("AUTH", format!("AUTH PLAIN {secret}")));
        }
        steps.extend([
            line("MAIL", format!("MAIL FROM:<{sender}>")),
            line("RCPT", format!("RCPT TO:<{rcpt}>")),
            line("DATA", "DATA".to_owned()),
            line("MESSAGE", format!("From: <{sender}>\r\nTo: <{rcpt}>\r\nSubject: {nonce}\r\n\r\n{nonce}\r\n.")),
            line("QUIT", "QUIT".to_owned()),
        ]);
        steps
    }
}

/// The first reply that is no success, with the stage that it belongs to.
fn refusal(steps: &[(&'static str, Item)], lines: &[String]) -> Option<(String, String)> {
    let replies = lines.iter().filter(|line| line.as_bytes().get(3) != Some(&b'-'));
    let stages = std::iter::once("CONNECT").chain(steps.iter().map(|(stage, _)| *stage));
    let mut given = 0;
    for (stage, reply) in stages.zip(replies) {
        given += 1;
        if !reply.starts_with(['2', '3']) {
            return Some((stage.to_owned(), reply.clone()));
        }
    }
    // Without the reply to the message nobody took responsibility for it.
    (given < steps.len()).then(|| ("CONNECT".to_owned(), "the server closed the connection".to_owned()))
}

fn last_reply(fork: &Fork, reply: &str) -> Option<EventId> {
    let code: u16 = reply.get(..3)?.parse().ok()?;
    let is = |kind: &Kind| matches!(kind, Kind::SmtpReply { code: found, .. } if *found == code);
    fork.world.trace().since(fork.since).filter(|event| is(&event.kind)).map(|event| event.id).next()
}

/// What is wanted, each outcome once.
fn wanted_in_words(wanted: &[String]) -> Text {
    let mut each: Vec<&str> = Vec::new();
    for outcome in wanted {
        if !each.contains(&outcome.as_str()) {
            each.push(outcome);
        }
    }
    same(each.join(" + "))
}

/// Whether the fates are exactly those that are wanted.
fn judge(fates: &[(Fate, Option<EventId>)], wanted: &[String], expected: Text, fork: &Fork) -> Finding {
    let mut words: Vec<String> = fates.iter().map(|(fate, _)| fate.to_string()).collect();
    words.sort();
    words.dedup();
    let met = wanted.iter().all(|wanted| words.iter().any(|word| matches_text(word, wanted)))
        && words.iter().all(|word| wanted.iter().any(|wanted| matches_text(word, wanted)));
    // The same outcome twice is one too many.
    let once = fates.len() <= wanted.len().max(words.len());
    let actual = if once {
        same(words.join(" + "))
    } else {
        text(format!("{} (more than once)", words.join(" + ")), format!("{} (mehrfach)", words.join(" + ")))
    };
    let why = fates.iter().filter_map(|(_, id)| *id).map(|id| fork.why(id)).find(|why| !why.is_empty());
    Finding { why: why.unwrap_or_default(), ..Finding::new(met && once, expected, actual) }
}

impl LocalMail {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = wanted_in_words(&self.becomes);
        let nonce = nonce(bench, &format!("{}{}{}", self.host, self.user, self.recipient));
        let mut fork = Fork::of(bench);
        let rcpt = self.recipient.replace('*', &nonce);
        let letter = format!("Subject: {nonce}\nTo: {rcpt}\n\n{nonce}\n");
        let command = format!("/usr/sbin/sendmail -oi -- '{}'", rcpt.replace('\'', ""));
        let Some(exit) = fork.run(&self.host, &self.user, &command, &letter) else {
            return Finding::new(false, expected, text("sendmail did not end", "sendmail kam nicht zum Ende"));
        };
        if exit.status != 0 {
            let said = String::from_utf8_lossy(&exit.stderr).trim().to_owned();
            return Finding::new(false, expected, same(said));
        }
        let fates: Vec<(Fate, Option<EventId>)> =
            fork.outcome(&nonce).into_iter().map(|(fate, id)| (fate, Some(id))).collect();
        let fates = if fates.is_empty() { vec![(Fate::Lost, None)] } else { fates };
        let finding = judge(&fates, &self.becomes, expected, &fork);
        let Some(wanted) = self.sender.as_ref().filter(|_| finding.ok) else { return finding };
        let senders: Vec<String> = fork
            .world
            .trace()
            .since(fork.since)
            .filter_map(|event| match &event.kind {
                Kind::QueueEnter { sender, .. } if fork.is_caused(event.id) => Some(sender.to_string()),
                _ => None,
            })
            .collect();
        let ok = senders.last().is_some_and(|sender| matches_text(sender, wanted));
        Finding::new(ok, same(format!("MAIL FROM:<{wanted}>")), same(senders.join(", ")))
    }
}
