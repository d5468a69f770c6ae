//! saslauthd(8): checks passwords for servers that cannot read `/etc/shadow`.
//!
//! Clients connect to the socket `mux` and send login, password, service and realm, each after
//! its length in two octets; the answer is `OK` or `NO`, after its length.

use std::collections::BTreeMap;

use bytes::{Buf as _, BytesMut};
use smol_str::{SmolStr, format_smolstr};

use super::process::{Ctx, Exit, Input, Priority, Process, Signal};
use super::vfs::Cred;
use super::{Host, password};
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, Socket};

/// The settings of Debian's start script.
const DEFAULTS: &str = "/etc/default/saslauthd";
/// Where the socket lies unless the settings say otherwise.
const DIRECTORY: &str = "/var/run/saslauthd";
/// Octets of a question at most.
const MAX_QUESTION: usize = 4096;

/// The running daemon.
#[derive(Clone, Debug, Default)]
pub struct Saslauthd {
    questions: BTreeMap<Socket, BytesMut>,
}

/// The socket that the settings name, if the daemon is to be started at all.
fn socket(host: &Host) -> Option<SmolStr> {
    let text = host.vfs.read_text(DEFAULTS, &Cred::ROOT).unwrap_or_default();
    let setting = |name: &str| {
        let value = text.lines().rev().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches(['"', '\'']))
    };
    if setting("START") != Some("yes") {
        return None;
    }
    let mut words = setting("OPTIONS").unwrap_or_default().split_whitespace();
    let directory = words.find(|word| *word == "-m").and_then(|_| words.next()).unwrap_or(DIRECTORY);
    Some(format_smolstr!("{}/mux", directory.trim_end_matches('/')))
}

/// Whether a daemon of this host waits on a socket, so that passwords can be checked through it.
pub fn is_there(host: &Host, path: &str) -> bool {
    let same = |own: &str, other: &str| own.replace("/var/run/", "/run/") == other.replace("/var/run/", "/run/");
    host.listeners.keys().any(|listener| matches!(listener, Listener::Unix(own) if same(own, path)))
}

impl Saslauthd {
    fn start(&mut self, ctx: &mut Ctx<'_>) {
        let pid = ctx.proc.0;
        let Some(path) = socket(ctx.host) else {
            let text = format_args!("to enable saslauthd, edit {DEFAULTS} and set START=yes");
            ctx.syslog(Priority::Warning, "saslauthd", pid, text);
            return ctx.exit(Exit { status: 1, ..Exit::default() });
        };
        if let Some((directory, _)) = path.rsplit_once('/') {
            // Without the directory nobody finds the socket.
            let _ = ctx.host.vfs.mkdir_all(directory);
        }
        ctx.syslog(Priority::Info, "saslauthd", pid, format_args!("master pid is: {pid}"));
        ctx.syslog(Priority::Info, "saslauthd", pid, format_args!("listening on socket: {path}"));
        ctx.listen(Listener::Unix(path));
    }

    /// Answers when all four strings are there.
    fn ask(&mut self, sock: Socket, octets: &[u8], ctx: &mut Ctx<'_>) {
        let Some(buffer) = self.questions.get_mut(&sock) else { return };
        buffer.extend_from_slice(octets);
        if buffer.len() > MAX_QUESTION {
            self.questions.remove(&sock);
            return ctx.close(sock);
        }
        let Some(words) = counted(buffer) else { return };
        self.questions.remove(&sock);
        let [login, secret, service, realm] = &words;
        let good = password::verify(&ctx.host.vfs, login, secret);
        if !good {
            let pid = ctx.proc.0;
            let text = format_args!(
                "do_auth         : auth failure: [user={login}] [service={service}] [realm={realm}] [mech=pam] [reason=PAM auth error]"
            );
            ctx.syslog(Priority::Info, "saslauthd", pid, text);
        }
        ctx.send(sock, if good { &b"\0\x02OK"[..] } else { &b"\0\x02NO"[..] });
        ctx.close(sock);
    }
}

/// Four strings, each after its length in two octets.
fn counted(mut octets: &[u8]) -> Option<[String; 4]> {
    let mut words = [const { String::new() }; 4];
    for word in &mut words {
        let length = usize::from(octets.try_get_u16().ok()?);
        let (text, rest) = octets.split_at_checked(length)?;
        *word = String::from_utf8_lossy(text).into_owned();
        octets = rest;
    }
    Some(words)
}

impl Process for Saslauthd {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => self.start(ctx),
            Input::Signal(Signal::Term | Signal::Int) => ctx.exit(Exit::default()),
            Input::Net(NetInput::Accepted { sock, .. }) => {
                self.questions.insert(sock, BytesMut::new());
            }
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => self.ask(sock, &bytes, ctx),
            Input::Net(NetInput::Eof { sock } | NetInput::Reset { sock, .. })
                if self.questions.remove(&sock).is_some() =>
            {
                ctx.close(sock);
            }
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/saslauthd -a pam -c -m /var/run/saslauthd".to_owned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    #[test]
    fn it_starts_only_if_the_settings_say_so() {
        let mut host = harness::host();
        assert_eq!(socket(&host), None);
        for (options, path) in [
            ("", "/var/run/saslauthd/mux"),
            ("OPTIONS=\"-c -m /var/spool/postfix/var/run/saslauthd\"\n", "/var/spool/postfix/var/run/saslauthd/mux"),
        ] {
            harness::write(&mut host, DEFAULTS, &format!("START=yes\n{options}"));
            assert_eq!(socket(&host).as_deref(), Some(path));
        }
    }

    #[test]
    fn questions_are_complete_or_waited_for() {
        let question = b"\0\x05alice\0\x06secret\0\x04smtp\0\x00";
        assert_eq!(counted(question), Some(["alice", "secret", "smtp", ""].map(str::to_owned)));
        for length in 0..question.len() {
            assert_eq!(counted(&question[..length]), None, "{length}");
        }
    }
}
