//! sendmail(1): the command that programs submit mail with, and its other faces.

mod options;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use self::options::{Mistake, Mode, Options, parse};
use super::messages::not_authorized;
use super::postdrop::{self, Submission, complain};
use crate::host::process::Input;
use crate::host::program::Run;
use crate::host::vfs::Cred;
use crate::host::{Env, Program, Progress, Resume};
use crate::mail::address::{self, Token};
use crate::mta::postfix::config::{self, Config};
use crate::mta::postfix::queue_file::{Attributes, Recipient};
use crate::mta::postfix::smtpd::stand_alone::StandAlone;
use crate::mta::postfix::verp;

/// Exit status of a failed submission: the caller may try again.
const EX_TEMPFAIL: u8 = 75;

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Sendmail {
    options: Options,
    input: Vec<u8>,
    /// The session of `-bs`.
    session: Option<StandAlone>,
}

impl Program for Sendmail {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let woken = match &resume {
            Resume::Input(Input::Wake(token)) => Some(*token),
            _ => None,
        };
        match resume {
            Resume::Start => match parse(&env.args[1.min(env.args.len())..]) {
                Ok(options) => {
                    for warning in &options.warnings {
                        complain("sendmail", &format!("warning: {warning}"), env.stderr, env.ctx);
                    }
                    self.options = options;
                }
                Err(Mistake { option, text }) => {
                    // The options are read twice.
                    for _ in 0..2 {
                        option.iter().for_each(|option| env.errln(format!("sendmail: {option}")));
                    }
                    return fatal(env, &text);
                }
            },
            Resume::Ran(_) if self.options.mode == Mode::Start => return Progress::Exit(0),
            Resume::Ran(status) => return Progress::Exit(status),
            Resume::Input(Input::Signal(_)) => return Progress::Exit(EX_TEMPFAIL),
            _ => {}
        }
        if self.options.mode == Mode::Session {
            return self.converse(woken, env);
        }
        if self.options.mode == Mode::Start {
            let argv = ["postfix", "start"].map(str::to_owned).to_vec();
            return Progress::Run(Box::new(Run { argv, ..Run::default() }));
        }
        if self.options.mode == Mode::Nothing {
            return Progress::Exit(0);
        }
        if let Mode::Other(argv) = &self.options.mode {
            return Progress::Run(Box::new(Run { argv: argv.clone(), replace: true, ..Run::default() }));
        }
        if !self.options.extract && self.options.recipients.is_empty() {
            let who = self.who(env);
            return fatal(
                env,
                &format!("{who}: Recipient addresses must be specified on the command line or via the -t option"),
            );
        }
        if !self.options.verify && !self.read(env) {
            return Progress::Wait;
        }
        self.submit(env)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn fatal(env: &mut Env<'_, '_>, text: &str) -> Progress {
    complain("sendmail", &format!("fatal: {text}"), env.stderr, env.ctx);
    Progress::Exit(EX_TEMPFAIL)
}

impl Sendmail {
    /// Goes on with the session of `-bs`.
    fn converse(&mut self, woken: Option<u64>, env: &mut Env<'_, '_>) -> Progress {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => {
                let directory = self.options.directory.as_deref().unwrap_or(config::DIRECTORY);
                match StandAlone::start(directory, env.cred, env.ctx, env.stdout) {
                    Ok(session) => session,
                    Err(error) => return fatal(env, &error.0),
                }
            }
        };
        if let Some(token) = woken {
            session.wake(token, env.ctx, env.stdout);
        }
        while let Some(line) = env.stdin.take_line() {
            session.input(line, env.ctx, env.stdout);
        }
        if env.stdin.eof {
            session.end(env.ctx, env.stdout);
        }
        if session.is_over() {
            return Progress::Exit(0);
        }
        self.session = Some(session);
        Progress::Wait
    }

    /// Takes what is there; `true` when the message is complete.
    fn read(&mut self, env: &mut Env<'_, '_>) -> bool {
        while let Some(line) = env.stdin.take_line() {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text == b"." && !self.options.ignore_dots {
                return true;
            }
            self.input.extend_from_slice(text);
            self.input.push(b'\n');
        }
        env.stdin.eof
    }

    fn sender(&self, env: &Env<'_, '_>) -> Option<SmolStr> {
        match &self.options.sender {
            Some(sender) if matches!(sender.as_str(), "<>" | "") => Some(SmolStr::default()),
            Some(sender) => Some(internal_addresses(sender).into_iter().next().unwrap_or_default()),
            None => env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.clone()),
        }
    }

    fn who(&self, env: &Env<'_, '_>) -> SmolStr {
        format_smolstr!("{}({})", self.sender(env).unwrap_or_default(), env.cred.uid)
    }

    fn submit(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let directory = self.options.directory.clone();
        let directory = directory.as_deref().unwrap_or(config::DIRECTORY);
        let mut notes = Vec::new();
        let config = Config::load_main(env.ctx.host, directory, &mut notes);
        for note in &notes {
            complain("sendmail", note, env.stderr, env.ctx);
        }
        let config = match config {
            Ok(config) => config,
            Err(error) => return fatal(env, &error.0),
        };
        let params = config.global();
        let queue = params.get("queue_directory");
        if let Err(error) = env.ctx.host.vfs.resolve(&queue, &Cred::ROOT) {
            return fatal(env, &format!("chdir {queue}: {error}"));
        }
        if let Some(text) = not_authorized("authorized_submit_users", "submit mail", &params, env) {
            return fatal(env, &text);
        }
        let Some(sender) = self.sender(env) else {
            let text = format!("no login name found for user ID {}", env.cred.uid);
            return fatal(env, &text);
        };
        let verp = match &self.options.verp {
            Some(given) => {
                let usual = params.get("default_verp_delimiters");
                let delimiters = if given.is_empty() { usual } else { given.clone() };
                let filter = params.get("verp_delimiter_filter");
                if !verp::are_delimiters(&delimiters, &filter) {
                    return fatal(env, &format!("-V requires two characters from {filter}"));
                }
                if sender.is_empty() {
                    return fatal(env, "-V option requires non-null sender address");
                }
                delimiters
            }
            None => SmolStr::default(),
        };
        let who = self.who(env);
        let content = strip_from_line(std::mem::take(&mut self.input));
        let limit = params.int("message_size_limit").unwrap_or(0);
        if limit > 0 && content.len() as u64 > limit {
            let uid = env.cred.uid;
            complain("postdrop", &format!("warning: uid={uid}: File too large"), env.stderr, env.ctx);
            complain("sendmail", "warning: mail_stream_cleanup: close error", env.stderr, env.ctx);
            return fatal(env, &format!("{who}: message file too big"));
        }
        let options = &self.options;
        let mut addresses: Vec<SmolStr> = options.recipients.iter().flat_map(|text| internal_addresses(text)).collect();
        if options.extract {
            addresses.extend(header_recipients(&content));
            if addresses.is_empty() {
                return fatal(env, &format!("{who}: No recipient addresses found in message header"));
            }
        }
        let content = if options.verify { probe(&sender, &addresses) } else { content };
        let notify = options.notify;
        let recipient = |address: SmolStr| Recipient {
            original: address.clone(),
            address,
            orcpt: SmolStr::default(),
            notify,
            done: false,
        };
        let attributes = Attributes {
            rewrite_context: "local".into(),
            encoding: options.encoding.clone(),
            dsn_envid: options.envid.clone(),
            dsn_ret: options.ret,
            trace_report: options.report || options.verify,
            trace_only: options.verify,
            uid: Some(env.cred.uid),
            full_name: self.full_name(env),
            verp,
            ..Attributes::default()
        };
        let report = attributes.trace_report;
        let recipients = addresses.into_iter().map(recipient).collect();
        let submission = Submission { sender: sender.clone(), recipients, attributes, content };
        for note in &notes {
            complain("postdrop", note, env.stderr, env.ctx);
        }
        match postdrop::submit(submission, env.cred, &params, env.ctx) {
            Ok((_, warning)) => {
                if let Some(warning) = warning {
                    complain("postdrop", &warning, env.stderr, env.ctx);
                }
                if report {
                    env.outln(format!("Mail Delivery Status Report will be mailed to <{sender}>."));
                }
                Progress::Exit(0)
            }
            Err(error) => {
                complain(
                    "postdrop",
                    &format!("warning: mail_queue_enter: create file maildrop: {error}"),
                    env.stderr,
                    env.ctx,
                );
                fatal(env, &format!("{who}: unable to execute /usr/sbin/postdrop -r: {error}"))
            }
        }
    }

    /// The name given with `-F`, in the environment, or in the comment field of the user database,
    /// where `&` stands for the capitalised login name.
    fn full_name(&self, env: &Env<'_, '_>) -> SmolStr {
        if let Some(name) = self.options.full_name.as_ref().or_else(|| env.vars.get("NAME")) {
            return name.into();
        }
        let Some(user) = env.ctx.host.accounts.by_uid(env.cred.uid) else { return SmolStr::default() };
        let name = user.gecos.split([',', ';', '%']).next().unwrap_or_default();
        let mut login = user.name.to_string();
        if let Some(first) = login.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        name.replace('&', &login).into()
    }
}

/// The message of `-bv`, which nobody gets to see but in the report.
fn probe(sender: &str, recipients: &[SmolStr]) -> Bytes {
    let recipients: Vec<_> = recipients.iter().map(|address| address::quote(address)).collect();
    let to = recipients.join(",\n\t");
    format!("From: {}\nSubject: probe\nTo:\n\t{to}\n", address::quote(sender)).into()
}

/// The addresses in a text, in internal form.
fn internal_addresses(text: &str) -> Vec<SmolStr> {
    address::parse_list(text)
        .iter()
        .filter_map(|token| match token {
            Token::Address(tokens) => Some(address::internalize(tokens).into()),
            _ => None,
        })
        .collect()
}

/// Mail that was stored in an mbox begins with a `From ` line that is no header.
fn strip_from_line(content: Vec<u8>) -> Bytes {
    let content = Bytes::from(content);
    if !content.starts_with(b"From ") && !content.starts_with(b">From ") {
        return content;
    }
    let end = memchr::memchr(b'\n', &content).map_or(content.len(), |at| at + 1);
    content.slice(end..)
}

/// The addresses in `To:`, `Cc:` and `Bcc:`; those of the `Resent-` ones, if there are any.
fn header_recipients(content: &[u8]) -> Vec<SmolStr> {
    let (mut plain, mut resent) = (Vec::new(), Vec::new());
    let mut field: Option<(bool, String)> = None;
    let text = String::from_utf8_lossy(content);
    let mut close = |field: Option<(bool, String)>| {
        if let Some((is_resent, value)) = field {
            let found = internal_addresses(&value);
            if is_resent { resent.extend(found) } else { plain.extend(found) }
        }
    };
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = &mut field {
                value.push_str(line);
            }
            continue;
        }
        close(field.take());
        let Some((name, value)) = line.split_once(':') else { break };
        let name = name.trim_end().to_ascii_lowercase();
        if name.contains([' ', '\t']) {
            break;
        }
        field = match name.as_str() {
            "to" | "cc" | "bcc" => Some((false, value.to_owned())),
            "resent-to" | "resent-cc" | "resent-bcc" => Some((true, value.to_owned())),
            _ => None,
        };
    }
    close(field);
    if resent.is_empty() { plain } else { resent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_taken_from_the_header_and_resent_ones_win() {
        let text = b"From: a\nTo: bob,\n \"carol c\"@example.net\nBcc: Root <root>\n\nTo: nobody\n";
        assert_eq!(header_recipients(text), ["bob", "carol c@example.net", "root"]);
        assert_eq!(header_recipients(b"To: a\nResent-To: b\n\n"), ["b"]);
    }
}
