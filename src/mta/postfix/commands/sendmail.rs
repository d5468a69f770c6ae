//! sendmail(1): the command that programs submit mail with, and its other faces.

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::messages::not_authorized;
use super::postdrop::{self, Submission, complain};
use crate::host::process::Input;
use crate::host::program::Run;
use crate::host::{Env, Program, Progress, Resume};
use crate::mail::address::{self, Token};
use crate::mta::postfix::config::{self, Config};
use crate::mta::postfix::queue_file::{Attributes, Notify, Recipient, Ret};
use crate::mta::postfix::smtpd::stand_alone::StandAlone;
use crate::mta::postfix::verp;

/// Exit status of a failed submission: the caller may try again.
const EX_TEMPFAIL: u8 = 75;

/// What the command is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// Submit mail.
    #[default]
    Enqueue,
    /// Run another command of Postfix instead.
    Other(Vec<String>),
    /// `-bs`: an SMTP session on standard input.
    Session,
    /// `-bh` and `-bH`: about the host status, of which there is none.
    Nothing,
}

/// The options of an invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Options {
    mode: Mode,
    directory: Option<String>,
    sender: Option<String>,
    full_name: Option<String>,
    /// `-t`.
    extract: bool,
    /// `-i`: a line with a dot is not the end.
    ignore_dots: bool,
    /// `-v`.
    report: bool,
    /// `-bv`.
    verify: bool,
    notify: Notify,
    ret: Option<Ret>,
    envid: SmolStr,
    encoding: SmolStr,
    /// `-XV`: delimiters of variable envelope return paths; empty for the usual ones.
    verp: Option<SmolStr>,
    recipients: Vec<String>,
    /// What is said about options that are ignored.
    warnings: Vec<String>,
}

/// Why the options make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    /// What `getopt(3)` says.
    option: Option<String>,
    /// The text after `fatal: `.
    text: String,
}

impl Mistake {
    fn usage(option: String) -> Mistake {
        Mistake { option: Some(option), text: "usage: sendmail [options]".into() }
    }
}

impl From<String> for Mistake {
    fn from(text: String) -> Mistake {
        Mistake { option: None, text }
    }
}

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
            Resume::Ran(status) => return Progress::Exit(status),
            Resume::Input(Input::Signal(_)) => return Progress::Exit(EX_TEMPFAIL),
            _ => {}
        }
        if self.options.mode == Mode::Session {
            return self.converse(woken, env);
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

/// Reads the options. Values may follow their letter or be the next word.
/// The message of `-bv`, which nobody gets to see but in the report.
fn probe(sender: &str, recipients: &[SmolStr]) -> Bytes {
    let recipients: Vec<_> = recipients.iter().map(|address| address::quote(address)).collect();
    let to = recipients.join(",\n\t");
    format!("From: {}\nSubject: probe\nTo:\n\t{to}\n", address::quote(sender)).into()
}

fn parse(args: &[String]) -> Result<Options, Mistake> {
    let mut options = Options::default();
    let mut words = args.iter().peekable();
    while let Some(word) = words.next() {
        let renamed;
        let word = match word.strip_prefix("-V") {
            Some(delimiters)
                if delimiters.len() == 2
                    || delimiters.is_empty() && words.peek().is_some_and(|next| next.starts_with('-')) =>
            {
                renamed = format!("-XV{delimiters}");
                let text = format!("option {word} is deprecated with Postfix 2.3; specify {renamed} instead");
                options.warnings.push(text);
                &renamed
            }
            _ => word,
        };
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.recipients.push(word.clone());
            options.recipients.extend(words.cloned());
            break;
        };
        if word == "--" {
            options.recipients.extend(words.cloned());
            break;
        }
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            if !"ABCFLNORVXbefhopqr".contains(letter) {
                options.flag(letter)?;
                continue;
            }
            let value = match rest {
                // `-q` alone flushes the queue; the others need a value.
                "" if letter == 'q' => String::new(),
                "" => words
                    .next()
                    .cloned()
                    .ok_or_else(|| Mistake::usage(format!("option requires an argument -- '{letter}'")))?,
                given => given.to_owned(),
            };
            options.value(letter, value)?;
            break;
        }
    }
    if options.extract && options.mode != Mode::Enqueue {
        return Err("-t can be used only in delivery mode".to_owned().into());
    }
    Ok(options)
}

impl Options {
    fn flag(&mut self, letter: char) -> Result<(), Mistake> {
        match letter {
            't' => self.extract = true,
            'i' => self.ignore_dots = true,
            'I' => self.mode = Mode::Other(vec!["newaliases".into()]),
            'v' => self.report = true,
            'G' | 'U' | 'c' | 'm' | 'x' => {}
            'n' => return Err("-n option not supported".to_owned().into()),
            _ => return Err(Mistake::usage(format!("invalid option -- '{letter}'"))),
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: String) -> Result<(), Mistake> {
        let other = |argv: &[&str]| Mode::Other(argv.iter().map(|word| (*word).to_owned()).collect());
        match letter {
            'f' | 'r' => self.sender = Some(value),
            'F' => self.full_name = Some(value),
            'C' => self.directory = Some(value.trim_end_matches("/main.cf").to_owned()),
            'V' => self.envid = value.into(),
            'B' => {
                self.encoding = match value.to_ascii_uppercase().as_str() {
                    "8BITMIME" => "8bit".into(),
                    "7BIT" => "7bit".into(),
                    _ => return Err("-B option needs 8BITMIME or 7BIT".to_owned().into()),
                };
            }
            'N' => match notify(&value) {
                Ok(notify) => self.notify = notify,
                Err(word) => {
                    self.warnings.push(format!("unknown DSN NOTIFY command value \"{word}\" in \"{value}\""));
                    self.warnings.push("bad -N option value -- ignored".into());
                }
            },
            'R' => {
                self.ret = match value.to_ascii_lowercase().as_str() {
                    "full" => Some(Ret::Full),
                    "hdrs" => Some(Ret::Headers),
                    _ => {
                        self.warnings.push("bad -R option value -- ignored".into());
                        self.ret
                    }
                };
            }
            'X' => match value.strip_prefix('V') {
                Some(delimiters) => self.verp = Some(delimiters.into()),
                None => return Err(format!("unsupported: -{letter}{}", value.get(..1).unwrap_or_default()).into()),
            },
            'o' => self.ignore_dots |= value.starts_with('i'),
            'b' => match value.as_str() {
                "m" => self.mode = Mode::Enqueue,
                "p" => self.mode = other(&["postqueue", "-p"]),
                "i" => self.mode = other(&["newaliases"]),
                "d" | "l" => self.mode = other(&["postfix", "start"]),
                "v" => self.verify = true,
                "h" | "H" => self.mode = Mode::Nothing,
                "s" => {
                    // A session on standard input: its other options do not matter.
                    self.mode = Mode::Session;
                }
                _ => return Err(format!("unsupported: -{letter}{value}").into()),
            },
            'q' => {
                self.mode = match value.split_at_checked(1) {
                    Some(("R", site)) if !site.is_empty() => other(&["postqueue", "-s", site]),
                    Some(("I", id)) if !id.is_empty() => other(&["postqueue", "-i", id]),
                    Some(("S", _)) => return Err("-qS is not implemented".to_owned().into()),
                    Some((digit, _)) if digit.chars().all(|c| c.is_ascii_digit()) => Mode::Enqueue,
                    _ => other(&["postqueue", "-f"]),
                };
            }
            _ => {}
        }
        Ok(())
    }
}

/// The conditions of a report; the error is the word that is none.
fn notify(value: &str) -> Result<Notify, String> {
    let mut notify = Notify::default();
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "never" => notify.never = true,
            "success" => notify.success = true,
            "failure" => notify.failure = true,
            "delay" => notify.delay = true,
            _ => return Err(word.to_owned()),
        }
    }
    Ok(notify)
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

    fn options(line: &str) -> Result<Options, Mistake> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_together_or_apart() {
        let parsed = options("-ti -f alice@example.com -FAlice -oi -N never bob carol").unwrap();
        assert!(parsed.extract && parsed.ignore_dots && parsed.notify.never);
        assert_eq!((parsed.sender.as_deref(), parsed.full_name.as_deref()), (Some("alice@example.com"), Some("Alice")));
        assert_eq!(parsed.recipients, ["bob", "carol"]);
    }

    #[test]
    fn options_without_sense_are_refused_or_ignored() {
        assert_eq!(options("-N sometimes bob").unwrap().warnings.len(), 2);
        assert_eq!(options("-Z bob").unwrap_err().option.as_deref(), Some("invalid option -- 'Z'"));
        for (line, text) in [
            ("-n bob", "-n option not supported"),
            ("-B odd bob", "-B option needs 8BITMIME or 7BIT"),
            ("-t -bp", "-t can be used only in delivery mode"),
            ("-bX", "unsupported: -bX"),
        ] {
            assert_eq!(options(line).unwrap_err().text, text, "{line}");
        }
    }

    #[test]
    fn other_faces_run_other_commands() {
        let cases = [
            ("-bp", vec!["postqueue", "-p"]),
            ("-q", vec!["postqueue", "-f"]),
            ("-qRexample.net", vec!["postqueue", "-s", "example.net"]),
            ("-qIABC", vec!["postqueue", "-i", "ABC"]),
            ("-bi", vec!["newaliases"]),
        ];
        for (line, argv) in cases {
            let argv = argv.into_iter().map(str::to_owned).collect();
            assert_eq!(options(line).map(|options| options.mode), Ok(Mode::Other(argv)), "{line}");
        }
    }

    #[test]
    fn recipients_are_taken_from_the_header_and_resent_ones_win() {
        let text = b"From: a\nTo: bob,\n \"carol c\"@example.net\nBcc: Root <root>\n\nTo: nobody\n";
        assert_eq!(header_recipients(text), ["bob", "carol c@example.net", "root"]);
        assert_eq!(header_recipients(b"To: a\nResent-To: b\n\n"), ["b"]);
    }
}
