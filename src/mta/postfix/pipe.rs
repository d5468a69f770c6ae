//! pipe(8): delivery to external commands as master.cf names them
//! (`argv=/usr/bin/maildrop -d ${recipient}`).

use std::collections::{BTreeMap, VecDeque};

use smol_str::{SmolStr, StrExt as _};

use super::config::{Fatal, MasterEntry, Params};
use super::delivery::{Diagnostic, Done, Outcome, Request, Step, Times};
use super::local::{delivered_to, split_extension};
use super::mail_copy::{self, Envelope, Style};
use super::pipe_command::{self, CommandFailure, UMASK};
use super::services::Services;
use crate::host::vfs::Cred;
use crate::host::{Command, Ctx, Exit, Host, Signal, Spawn};
use crate::mail::address;
use crate::mail::date::DateCache;
use crate::sim::{Duration, ProcId, Time};
use crate::trace::{Agent, DeliveryStatus};

/// What the arguments of the service in master.cf say (pipe(8), COMMAND ATTRIBUTE SYNTAX).
#[derive(Clone, Debug)]
pub struct PipeConf {
    argv: Vec<SmolStr>,
    cred: Cred,
    directory: Option<SmolStr>,
    style: Style,
    /// `flags=h`: fold `$nexthop` and domains to lower case.
    fold_host: bool,
    /// `flags=u`: fold users to lower case.
    fold_user: bool,
    /// `flags=q`: quote local parts.
    quote: bool,
    /// `null_sender=`: what stands for the null sender.
    null_sender: SmolStr,
    /// `size=`: the largest message.
    size_limit: u64,
    time_limit: Duration,
    delimiters: SmolStr,
    queue_directory: SmolStr,
    config_directory: SmolStr,
}

impl PipeConf {
    /// Reads the arguments of a service.
    ///
    /// # Errors
    /// An attribute is missing or wrong: pipe(8) does not start.
    pub fn load(params: &Params<'_>, service: &MasterEntry, host: &Host) -> Result<PipeConf, Fatal> {
        let limit = format!("{}_time_limit", service.name);
        let mut conf = PipeConf {
            argv: Vec::new(),
            cred: Cred { uid: 0, gid: 0, groups: Vec::new() },
            directory: None,
            style: Style::default(),
            fold_host: false,
            fold_user: false,
            quote: false,
            null_sender: "MAILER-DAEMON".into(),
            size_limit: 0,
            time_limit: params.time(&limit).or_else(|_| params.time("command_time_limit"))?,
            delimiters: params.get("recipient_delimiter"),
            queue_directory: params.get("queue_directory"),
            config_directory: params.get("config_directory"),
        };
        let mut user = None;
        let mut words = service.args.iter();
        while let Some(word) = words.next() {
            let word = word.trim_start_matches('{').trim_end_matches('}').trim();
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "flags" => conf.flags(value)?,
                "user" => user = Some(value.to_owned()),
                "directory" => conf.directory = Some(value.into()),
                "null_sender" => conf.null_sender = value.into(),
                "size" => conf.size_limit = value.parse().map_err(|_| Fatal(format!("bad size limit: {value}")))?,
                "eol" => conf.style.crlf = value == "\\r\\n",
                "chroot" => {}
                "argv" => {
                    conf.argv.push(value.into());
                    conf.argv.extend(words.by_ref().cloned());
                }
                _ => return Err(Fatal(format!("unknown attribute name: {word}"))),
            }
        }
        let Some(user) = user else { return Err(Fatal("missing user= command-line attribute".into())) };
        if conf.argv.is_empty() {
            return Err(Fatal("missing argv= command-line attribute".into()));
        }
        conf.cred = credentials(&user, host)?;
        Ok(conf)
    }

    fn flags(&mut self, flags: &str) -> Result<(), Fatal> {
        for flag in flags.chars() {
            match flag {
                'B' => self.style.blank = true,
                'D' => self.style.delivered = true,
                'F' => self.style.from = true,
                'O' => self.style.original_to = true,
                'R' => self.style.return_path = true,
                '>' => self.style.quote = true,
                '.' => self.style.dot = true,
                'h' => self.fold_host = true,
                'u' => self.fold_user = true,
                'q' => self.quote = true,
                'X' => {}
                _ => return Err(Fatal(format!("unknown flag: {flag} (ignored)"))),
            }
        }
        Ok(())
    }

    fn fold(&self, address: &str) -> SmolStr {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let local = if self.fold_user { local.to_lowercase_smolstr() } else { local.into() };
        let domain = if self.fold_host { domain.to_lowercase_smolstr() } else { domain.into() };
        if domain.is_empty() { local } else { smol_str::format_smolstr!("{local}@{domain}") }
    }

    /// The arguments with their macros; one that names recipients is repeated for each.
    fn expand(&self, request: &Request, recipients: &[(usize, SmolStr)]) -> Vec<String> {
        let file = &request.file;
        let from = &file.attributes;
        let sender = if file.sender.is_empty() { &self.null_sender } else { &file.sender };
        let quoted = |address: &str| if self.quote { address::quote(address).into_owned() } else { address.to_owned() };
        let common = |name: &str| -> Option<String> {
            Some(match name {
                "sender" => quoted(sender),
                "nexthop" if self.fold_host => request.nexthop.to_lowercase(),
                "nexthop" => request.nexthop.to_string(),
                "queue_id" => file.id.to_string(),
                "size" => file.size.to_string(),
                "client_address" => from.client_address.to_string(),
                "client_hostname" => from.client_name.to_string(),
                "client_helo" => from.helo_name.to_string(),
                "client_port" => from.client_port.to_string(),
                "client_protocol" => from.protocol_name.to_string(),
                "sasl_method" => from.sasl_method.to_string(),
                "sasl_username" => from.sasl_username.to_string(),
                "envid" => from.dsn_envid.to_string(),
                _ => return None,
            })
        };
        let mut argv = Vec::new();
        for word in &self.argv {
            if !RECIPIENT_MACROS.iter().any(|name| mentions(word, name)) {
                argv.push(substitute(word, &common));
                continue;
            }
            for (index, address) in recipients {
                let address = self.fold(address);
                let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
                let (user, extension) = split_extension(local, &self.delimiters);
                let original = file.recipients.get(*index).map_or("", |recipient| recipient.original.as_str());
                argv.push(substitute(word, &|name| match name {
                    "recipient" => Some(quoted(&address)),
                    "original_recipient" => Some(quoted(original)),
                    "user" => Some(user.to_owned()),
                    "extension" => Some(extension.unwrap_or_default().to_owned()),
                    "mailbox" => Some(local.to_owned()),
                    "domain" => Some(domain.to_owned()),
                    other => common(other),
                }));
            }
        }
        argv
    }
}

/// Macros that make an argument one per recipient.
const RECIPIENT_MACROS: [&str; 6] = ["recipient", "original_recipient", "user", "extension", "mailbox", "domain"];

fn mentions(word: &str, name: &str) -> bool {
    word.contains(&format!("${{{name}}}"))
        || word.split('$').skip(1).any(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len() + name.len() == rest.len()
                && rest.starts_with(name)
        })
}

/// Replaces `$name` and `${name}`; unknown names become nothing.
fn substitute(word: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, after) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(split) => split,
            None => rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())),
        };
        text.push_str(&value(name).unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

/// `user` or `user:group`; root and the mail system's own user are refused.
fn credentials(text: &str, host: &Host) -> Result<Cred, Fatal> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let found = host.accounts.user(user).ok_or_else(|| Fatal(format!("unknown username: {user}")))?;
    let gid = match group {
        Some(group) => host.accounts.group(group).ok_or_else(|| Fatal(format!("unknown group: {group}")))?.gid,
        None => found.gid,
    };
    if found.uid == 0 {
        return Err(Fatal("user= command-line attribute specifies root privileges".into()));
    }
    Ok(Cred { uid: found.uid, gid, groups: Vec::new() })
}

#[derive(Clone, Debug)]
struct Job {
    request: Request,
    started: Time,
    /// Recipients of the running command.
    recipients: Vec<(usize, SmolStr)>,
    /// Those of commands still to be run (`D` in the flags: one at a time).
    waiting: VecDeque<(usize, SmolStr)>,
    child: ProcId,
    deadline: Time,
    done: Done,
}

/// The delivery agent of one service line in master.cf.
#[derive(Clone, Debug)]
pub struct Pipe {
    conf: PipeConf,
    owner: u64,
    jobs: BTreeMap<u64, Job>,
    dates: DateCache,
}

impl Pipe {
    /// An agent whose timers have tokens `owner | job`.
    pub fn new(conf: PipeConf, owner: u64) -> Pipe {
        Pipe { conf, owner, jobs: BTreeMap::new(), dates: DateCache::default() }
    }

    /// Takes over the configuration of another one after a reload; jobs go on with it.
    pub fn take_over(&mut self, fresh: Pipe) {
        self.conf = fresh.conf;
    }

    /// Begins with a request: runs the command for all its recipients.
    pub fn start(&mut self, request: Request, _services: &mut Services, ctx: &mut Ctx<'_>) -> Step {
        let mut job = Job {
            started: ctx.now,
            recipients: Vec::new(),
            waiting: request.recipients.iter().cloned().collect(),
            child: ProcId(0),
            deadline: ctx.now,
            done: Done::default(),
            request,
        };
        if self.conf.size_limit > 0 && job.request.file.size > self.conf.size_limit {
            let size = job.request.file.size;
            job.recipients = job.waiting.drain(..).collect();
            let failure = CommandFailure {
                dsn: "5.2.3".into(),
                reason: format!("message size {size} exceeds size limit {}", self.conf.size_limit),
                diagnostic: String::new(),
            };
            self.finish(&mut job, Err(failure), ctx.now);
        }
        if job.request.file.attributes.is_probe() {
            job.recipients = job.waiting.drain(..).collect();
            self.finish(&mut job, Ok(()), ctx.now);
        }
        if self.next(&mut job, ctx) {
            return Step::Done(job.done);
        }
        self.jobs.insert(job.request.job, job);
        Step::Waiting
    }

    /// Runs the next command; `true` if there is none.
    fn next(&mut self, job: &mut Job, ctx: &mut Ctx<'_>) -> bool {
        if job.waiting.is_empty() {
            return true;
        }
        // A Delivered-To: line names one recipient.
        let count = if self.conf.style.delivered || self.conf.style.original_to { 1 } else { job.waiting.len() };
        job.recipients = job.waiting.drain(..count).collect();
        let file = &job.request.file;
        let (index, address) = job.recipients.first().cloned().unwrap_or_default();
        if self.conf.style.delivered && delivered_to(&file.message.header).contains(&address.to_lowercase_smolstr()) {
            let failure = CommandFailure {
                dsn: "5.4.6".into(),
                reason: format!("mail forwarding loop for {address}"),
                diagnostic: String::new(),
            };
            self.finish(job, Err(failure), ctx.now);
            return self.next(job, ctx);
        }
        let original = file.recipients.get(index).map_or("", |recipient| recipient.original.as_str());
        let folded = self.conf.fold(&address);
        let envelope = Envelope { sender: &file.sender, original, delivered: &folded };
        let date = self.dates.mbox(ctx.now, &ctx.host.zone);
        let stdin = mail_copy::copy(&file.message, envelope, self.conf.style, &date).into_bytes();
        let spawn = Spawn {
            command: Command::Exec(self.conf.expand(&job.request, &job.recipients)),
            cred: self.conf.cred.clone(),
            cwd: self.conf.directory.clone().unwrap_or_else(|| self.conf.queue_directory.clone()),
            env: vec![
                ("PATH".into(), "/usr/bin:/bin".into()),
                ("MAIL_CONFIG".into(), self.conf.config_directory.to_string()),
            ],
            umask: UMASK,
            stdin,
            tty: false,
        };
        job.child = ctx.spawn(spawn);
        job.deadline = ctx.now + self.conf.time_limit;
        ctx.wake_at(job.deadline, self.owner | job.request.job, "time limit of a command");
        false
    }

    /// A command has ended. Returns the request if that was the last it waited for.
    pub fn child_exited(&mut self, child: ProcId, exit: &Exit, ctx: &mut Ctx<'_>) -> Option<(Request, Done)> {
        let number = *self.jobs.iter().find(|(_, job)| job.child == child)?.0;
        let job = self.jobs.remove(&number)?;
        let result = pipe_command::judge(&self.command_name(), exit);
        self.proceed(job, result, ctx)
    }

    /// A command's time may be over. `token` is the number of the job.
    pub fn wake(&mut self, token: u64, ctx: &mut Ctx<'_>) -> Option<(Request, Done)> {
        if ctx.now < self.jobs.get(&token)?.deadline {
            return None;
        }
        let job = self.jobs.remove(&token)?;
        ctx.signal(job.child, Signal::Kill);
        let failure = pipe_command::time_limit_exceeded(&self.command_name());
        self.proceed(job, Err(failure), ctx)
    }

    fn command_name(&self) -> SmolStr {
        self.conf.argv.first().cloned().unwrap_or_default()
    }

    fn proceed(
        &mut self,
        mut job: Job,
        result: Result<(), CommandFailure>,
        ctx: &mut Ctx<'_>,
    ) -> Option<(Request, Done)> {
        self.finish(&mut job, result, ctx.now);
        if self.next(&mut job, ctx) {
            return Some((job.request, job.done));
        }
        self.jobs.insert(job.request.job, job);
        None
    }

    fn finish(&self, job: &mut Job, result: Result<(), CommandFailure>, now: Time) {
        let service = &job.request.transport;
        let (status, dsn, reason, diagnostic) = match result {
            Ok(()) if job.request.file.attributes.is_probe() => {
                let reason = format!("delivers to command: {}", self.command_name());
                (DeliveryStatus::Sent, "2.0.0".to_owned(), reason, String::new())
            }
            Ok(()) => {
                (DeliveryStatus::Sent, "2.0.0".to_owned(), format!("delivered via {service} service"), String::new())
            }
            Err(failure) => {
                let soft = failure.dsn.starts_with('4');
                let status = if soft { DeliveryStatus::Deferred } else { DeliveryStatus::Bounced };
                (status, failure.dsn, failure.reason, failure.diagnostic)
            }
        };
        let times = Times { started: job.started, connected: job.started, done: now };
        for (index, _) in std::mem::take(&mut job.recipients) {
            job.done.outcomes.push(Outcome {
                relay: service.clone(),
                target: self.command_name(),
                uid: self.conf.cred.uid,
                dsn: dsn.as_str().into(),
                diagnostic: if diagnostic.is_empty() { Diagnostic::Smtp } else { Diagnostic::Unix },
                remote_reply: diagnostic.clone(),
                ..Outcome::new(index, Agent::Pipe, status, "", reason.clone(), times)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_replaced_and_recipients_recognised() {
        let value = |name: &str| (name == "user").then(|| "alice".to_owned());
        assert_eq!(substitute("-d $user:${user}${none}!", &value), "-d alice:alice!");
        assert!(mentions("--to=${recipient}", "recipient") && mentions("$user@x", "user"));
        assert!(!mentions("$user_x", "user") && !mentions("$sender", "recipient"));
    }
}
