//! spawn(8): runs a command for a connection, with the connection as its input and output.
//!
//! A command here gets its whole input when it starts, so each request up to an empty line is one
//! run of the command: enough for policy servers, which keep their memory in files.

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};

use crate::host::vfs::Cred;
use crate::host::{Command, Ctx, Exit, Spawn};
use crate::mta::postfix::config::{MasterEntry, Params};
use crate::mta::postfix::services::Services;
use crate::sim::net::NetInput;
use crate::sim::{Payload, ProcId, Socket};

/// Octets of a request that are kept at most.
const MAX_REQUEST: usize = 1 << 20;

/// One connection.
#[derive(Clone, Debug)]
struct Connection {
    tag: SmolStr,
    argv: Vec<String>,
    cred: Cred,
    request: Vec<u8>,
    child: Option<ProcId>,
}

/// The connections of all services of this kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Spawner {
    connections: BTreeMap<Socket, Connection>,
}

impl Spawner {
    pub(super) fn owns(&self, sock: Socket) -> bool {
        self.connections.contains_key(&sock)
    }

    /// A client has connected.
    pub(super) fn accepted(&mut self, entry: &MasterEntry, params: &Params<'_>, sock: Socket, ctx: &mut Ctx<'_>) {
        let user = entry.args.iter().find_map(|arg| arg.strip_prefix("user=")).unwrap_or_default();
        let user = user.split(':').next().unwrap_or_default();
        let accounts = &ctx.host.accounts;
        let cred = accounts.user(user).map_or(Cred::ROOT, |user| accounts.cred(user));
        let mut words = entry.args.iter().skip_while(|arg| !arg.starts_with("argv="));
        let argv = words.next().and_then(|first| first.strip_prefix("argv=")).map(str::to_owned);
        let argv: Vec<String> = argv.into_iter().chain(words.map(ToString::to_string)).collect();
        if argv.is_empty() {
            return ctx.close(sock);
        }
        let tag = format_smolstr!("{}/spawn", params.get("syslog_name"));
        self.connections.insert(sock, Connection { tag, argv, cred, request: Vec::new(), child: None });
    }

    /// Something on a connection.
    pub(super) fn net(&mut self, input: &NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Data { sock, payload: Payload::Bytes(bytes) } => {
                let Some(connection) = self.connections.get_mut(sock) else { return };
                connection.request.extend_from_slice(bytes);
                if connection.request.len() > MAX_REQUEST {
                    self.connections.remove(sock);
                    return ctx.close(*sock);
                }
                connection.run(ctx);
            }
            NetInput::Eof { sock } | NetInput::Reset { sock, .. } => {
                self.connections.remove(sock);
                ctx.close(*sock);
            }
            _ => {}
        }
    }

    /// A command has ended; false if it is nobody's here.
    pub(super) fn child_exited(
        &mut self,
        child: ProcId,
        exit: &Exit,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let found = self.connections.iter_mut().find(|(_, connection)| connection.child == Some(child));
        let Some((sock, connection)) = found else { return false };
        let sock = *sock;
        connection.child = None;
        if !exit.stdout.is_empty() {
            ctx.send(sock, exit.stdout.clone());
        }
        if exit.status == 0 {
            connection.run(ctx);
            return true;
        }
        let program = connection.argv.first().cloned().unwrap_or_default();
        let mut status = exit.status;
        if ctx.host.vfs.stat(&program, &connection.cred).is_err() {
            let pid = ctx.host.next_proc().0;
            let text = format!("fatal: spawn_comand: execvp {program}: No such file or directory");
            ctx.syslog(crate::host::Priority::Error, "spawn", pid, format_args!("{text}"));
            status = 1;
        }
        let tag = connection.tag.clone();
        services.log.warn(ctx, &tag, format_args!("command {program} exit status {status}"));
        self.connections.remove(&sock);
        ctx.close(sock);
        true
    }
}

impl Connection {
    /// Runs the command with the next complete request.
    fn run(&mut self, ctx: &mut Ctx<'_>) {
        if self.child.is_some() {
            return;
        }
        let Some(end) = self.request.windows(2).position(|pair| pair == b"\n\n") else { return };
        let stdin: Vec<u8> = self.request.drain(..end + 2).collect();
        self.child = Some(ctx.spawn(Spawn {
            command: Command::Exec(self.argv.clone()),
            cred: self.cred.clone(),
            cwd: SmolStr::new_static("/var/spool/postfix"),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            umask: 0o022,
            stdin: stdin.into(),
            tty: false,
        }));
    }
}
