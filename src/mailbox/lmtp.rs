//! An LMTP server that stores mail (RFC 2033), as a second MDA beside local(8). Its replies are
//! those of Dovecot; mail goes to `/var/mail/USER`, or into `~/Maildir` if that exists.

use std::collections::BTreeMap;

use bytes::Bytes;
use smol_str::{SmolStr, StrExt as _};

use super::copy::Copy;
use super::lines::Lines;
use super::{maildir, mbox};
use crate::host::vfs::Cred;
use crate::host::{Ctx, Input, Process};
use crate::mail::date;
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, Socket};
use crate::trace::{Agent, DeliveryStatus, Kind};

/// Longest line, and the longest message, that are taken.
const LINE_LIMIT: usize = 65_536;
const MESSAGE_LIMIT: usize = 50 * 1024 * 1024;

#[derive(Clone, Debug)]
struct Session {
    lines: Lines,
    sender: Option<SmolStr>,
    /// Accepted recipients: address and user.
    recipients: Vec<(SmolStr, SmolStr)>,
    /// The message, while it is being sent.
    message: Option<Vec<u8>>,
}

/// The server, at one place: a UNIX-domain socket or a port.
#[derive(Clone, Debug)]
pub struct LmtpServer {
    listener: Listener,
    sessions: BTreeMap<Socket, Session>,
}

impl LmtpServer {
    /// A server that listens there.
    pub fn new(listener: Listener) -> LmtpServer {
        LmtpServer { listener, sessions: BTreeMap::new() }
    }

    fn data(&mut self, sock: Socket, bytes: &[u8], ctx: &mut Ctx<'_>) {
        let Some(mut session) = self.sessions.remove(&sock) else { return };
        session.lines.push(bytes);
        loop {
            match session.lines.take_line() {
                Ok(Some(line)) => {
                    let (reply, quit) = session.line(&line, ctx);
                    if !reply.is_empty() {
                        ctx.send(sock, reply);
                    }
                    if quit {
                        return ctx.close(sock);
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    ctx.send(sock, "500 5.5.2 Line too long\r\n");
                    return ctx.close(sock);
                }
            }
        }
        self.sessions.insert(sock, session);
    }
}

impl Session {
    fn new() -> Session {
        Session { lines: Lines::new(LINE_LIMIT), sender: None, recipients: Vec::new(), message: None }
    }

    /// Takes a line; returns the reply and whether the session is over.
    fn line(&mut self, line: &[u8], ctx: &mut Ctx<'_>) -> (String, bool) {
        if let Some(message) = &mut self.message {
            if line != b"." {
                if message.len() + line.len() < MESSAGE_LIMIT {
                    message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
                    message.push(b'\n');
                }
                return (String::new(), false);
            }
            let message = Bytes::from(self.message.take().unwrap_or_default());
            let sender = self.sender.take().unwrap_or_default();
            let store = |(address, user): (SmolStr, SmolStr)| store(&message, &sender, &address, &user, ctx);
            return (std::mem::take(&mut self.recipients).into_iter().map(store).collect(), false);
        }
        let text = String::from_utf8_lossy(line).into_owned();
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let reply = match verb.to_ascii_uppercase().as_str() {
            "LHLO" => format!("250-{}\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n", ctx.host.fqdn),
            "MAIL" if self.sender.is_some() => "503 5.5.1 MAIL already given\r\n".into(),
            "MAIL" => match path(rest, "FROM:") {
                Some(sender) => {
                    self.sender = Some(sender);
                    "250 2.1.0 OK\r\n".into()
                }
                None => "501 5.5.4 Invalid FROM parameters\r\n".into(),
            },
            "RCPT" if self.sender.is_none() => "503 5.5.1 MAIL needed first\r\n".into(),
            "RCPT" => self.recipient(rest, ctx),
            "DATA" if self.recipients.is_empty() => "503 5.5.1 No valid recipients\r\n".into(),
            "DATA" => {
                self.message = Some(Vec::new());
                "354 OK\r\n".into()
            }
            "RSET" => {
                self.sender = None;
                self.recipients.clear();
                "250 2.0.0 OK\r\n".into()
            }
            "NOOP" => "250 2.0.0 OK\r\n".into(),
            "VRFY" => "252 2.3.3 Try RCPT instead\r\n".into(),
            "QUIT" => return ("221 2.0.0 Bye\r\n".into(), true),
            _ => "502 5.5.2 Unknown command\r\n".into(),
        };
        (reply, false)
    }

    fn recipient(&mut self, rest: &str, ctx: &Ctx<'_>) -> String {
        let Some(address) = path(rest, "TO:") else { return "501 5.5.4 Invalid TO parameters\r\n".into() };
        let local = address.rsplit_once('@').map_or(address.as_str(), |(local, _)| local);
        let user = local.split('+').next().unwrap_or(local).to_lowercase_smolstr();
        if ctx.host.accounts.user(&user).is_none() {
            return format!("550 5.1.1 <{address}> User doesn't exist: {user}\r\n");
        }
        self.recipients.push((address, user));
        "250 2.1.5 OK\r\n".into()
    }
}

/// The address in `FROM:<a@b> PARAMETERS`.
fn path(rest: &str, keyword: &str) -> Option<SmolStr> {
    let (start, rest) = rest.split_at_checked(keyword.len())?;
    let inner = rest.trim_start().strip_prefix('<').filter(|_| start.eq_ignore_ascii_case(keyword))?;
    inner.split_once('>').map(|(address, _)| address.into())
}

/// Stores a message for one recipient; returns the reply.
fn store(message: &Bytes, sender: &str, address: &SmolStr, user: &SmolStr, ctx: &mut Ctx<'_>) -> String {
    let Some(account) = ctx.host.accounts.user(user).cloned() else {
        return format!("550 5.1.1 <{address}> User doesn't exist: {user}\r\n");
    };
    let session = format!("{:x}", ctx.now.micros());
    let received = date::rfc5322(ctx.now, &ctx.host.zone);
    let host = ctx.host.fqdn.clone();
    let head = format!(
        "Return-Path: <{sender}>\nDelivered-To: {address}\nReceived: from {host}\n\tby {host} with LMTP\n\t\
         id {session}\n\t(envelope-from <{sender}>)\n\tfor <{address}>; {received}\n"
    );
    let home = format!("{}/Maildir", account.home);
    let cred = Cred { uid: account.uid, gid: account.gid, groups: Vec::new() };
    let (target, result) = if ctx.host.vfs.exists(&home) {
        let mut copy = Copy::starting(head);
        copy.push(message.clone());
        let result = maildir::deliver(&mut ctx.host.vfs, &home, &host, copy, 0, &cred);
        (SmolStr::from(home), result.map(drop).map_err(|(_, error)| error))
    } else {
        let path = SmolStr::from(format!("/var/mail/{user}"));
        let line = mbox::from_line(sender, &date::mbox(ctx.now, &ctx.host.zone));
        let text = [line.as_bytes(), head.as_bytes(), &mbox::quote_from(message), b"\n"].concat();
        let group = ctx.host.accounts.group("mail").map_or(cred.gid, |group| group.gid);
        let result = ctx.host.vfs.append(&path, text, 0o600, &Cred { gid: group, ..cred });
        (path, result.map(drop))
    };
    let (status, dsn, reply) = match result {
        Ok(()) => (DeliveryStatus::Sent, "2.0.0", format!("250 2.0.0 <{address}> {session} Saved\r\n")),
        Err(error) => {
            (DeliveryStatus::Deferred, "4.2.0", format!("451 4.2.0 <{address}> Temporary internal error: {error}\r\n"))
        }
    };
    ctx.emit(Kind::Deliver {
        queue_id: SmolStr::default(),
        rcpt: address.clone(),
        orig_to: address.clone(),
        agent: Agent::Mailbox,
        target,
        uid: account.uid,
        dsn: dsn.into(),
        status,
        text: reply.trim_end().into(),
    });
    reply
}

impl Process for LmtpServer {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => ctx.listen(self.listener.clone()),
            Input::Net(NetInput::Accepted { sock, .. }) => {
                self.sessions.insert(sock, Session::new());
                let greeting = format!("220 {} Dovecot (Debian) ready.\r\n", ctx.host.fqdn);
                ctx.send(sock, greeting);
            }
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => self.data(sock, &bytes, ctx),
            Input::Net(NetInput::Eof { sock }) => {
                self.sessions.remove(&sock);
                ctx.close(sock);
            }
            Input::Net(NetInput::Reset { sock, .. }) => {
                self.sessions.remove(&sock);
            }
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "dovecot/lmtp".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_with_and_without_parameters() {
        assert_eq!(path("FROM:<a@example.org> BODY=8BITMIME", "FROM:").as_deref(), Some("a@example.org"));
        assert_eq!(path("to:<>", "TO:").as_deref(), Some(""));
        assert_eq!(path("TO:a@example.org", "TO:"), None);
        assert_eq!(path("T", "TO:"), None);
    }
}
