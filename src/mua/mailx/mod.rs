//! mail(1), as the package bsd-mailx has it: sending from the command line, reading the mailbox.

mod read;

use smol_str::SmolStr;

use self::read::Session;
use crate::host::program::Run;
use crate::host::{Env, Program, Progress, Resume};

/// The first line of a session.
const VERSION: &str = "Mail version 8.1.2 01/15/2001.  Type ? for help.";

/// What the arguments say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Options {
    subject: Option<String>,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    headers: Vec<String>,
    sender: Option<String>,
    file: Option<String>,
    user: Option<String>,
    /// `-e`: only tell whether there is mail.
    check: bool,
    /// `-H`: only the list.
    list: bool,
    /// `-N`: no list at the start.
    quiet: bool,
    /// `-E`: do not send an empty message.
    not_empty: bool,
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Mailx {
    options: Options,
    session: Option<Session>,
    input: Vec<u8>,
    sending: bool,
}

impl Program for Mailx {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => match parse(&env.args[1.min(env.args.len())..]) {
                Ok(options) => self.options = options,
                Err(text) => {
                    env.errln(text);
                    return Progress::Exit(1);
                }
            },
            Resume::Ran(status) if self.sending && self.session.is_none() => return Progress::Exit(status),
            _ => {}
        }
        if !self.options.to.is_empty() {
            return self.send(env);
        }
        if self.session.is_none() {
            match self.open(env) {
                Ok(session) => self.session = Some(session),
                Err(status) => return Progress::Exit(status),
            }
        }
        match &mut self.session {
            Some(session) => session.go_on(env),
            None => Progress::Exit(1),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Mailx {
    /// Collects the text until the input ends or, at a terminal, a line with a dot; then hands it
    /// to `sendmail`.
    fn send(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut ended = env.stdin.eof;
        while let Some(line) = env.stdin.take_line() {
            if env.tty && line == b".\n" {
                ended = true;
                break;
            }
            self.input.extend_from_slice(&line);
        }
        if !(ended || env.stdin.eof) {
            return Progress::Wait;
        }
        if self.input.is_empty() {
            if self.options.not_empty {
                return Progress::Exit(0);
            }
            env.errln("Null message body; hope that's ok");
        }
        self.sending = true;
        Progress::Run(Box::new(submission(&self.options, std::mem::take(&mut self.input))))
    }

    fn open(&self, env: &mut Env<'_, '_>) -> Result<Session, u8> {
        let accounts = &env.ctx.host.accounts;
        let own = accounts.by_uid(env.cred.uid).map_or_else(|| "nobody".into(), |user| user.name.clone());
        let home = accounts.by_uid(env.cred.uid).map_or_else(|| "/".into(), |user| user.home.clone());
        let user = self.options.user.as_deref().map_or(own, SmolStr::from);
        let path = match self.options.file.as_deref() {
            Some("") => format!("{home}/mbox"),
            Some(file) => env.path(file),
            None => match env.vars.get("MAIL").filter(|_| self.options.user.is_none()) {
                Some(path) => path.clone(),
                None => format!("/var/mail/{user}"),
            },
        };
        let session = Session::open(&path, &home, self.options.file.is_some(), env);
        if self.options.check {
            return Err(u8::from(session.is_none()));
        }
        let Some(session) = session else {
            env.errln(if self.options.file.is_some() {
                format!("{path}: empty file")
            } else {
                format!("No mail for {user}")
            });
            return Err(1);
        };
        if self.options.list {
            session.list(env);
            return Err(0);
        }
        env.outln(VERSION);
        session.announce(env);
        if !self.options.quiet {
            session.list(env);
        }
        session.prompt(env);
        Ok(session)
    }
}

/// The call of `sendmail` that submits a message.
fn submission(options: &Options, body: Vec<u8>) -> Run {
    let mut text = format!("To: {}\n", options.to.join(", "));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        }
    };
    line("Subject", options.subject.as_deref().unwrap_or_default());
    line("Cc", &options.cc.join(", "));
    let has = |name: &str| options.headers.iter().any(|header| header.to_ascii_lowercase().starts_with(name));
    if !has("mime-version:") && !has("content-type:") {
        line("MIME-Version", "1.0");
        line("Content-Type", "text/plain; charset=\"UTF-8\"");
        line("Content-Transfer-Encoding", "8bit");
    }
    for header in &options.headers {
        text.push_str(header);
        text.push('\n');
    }
    text.push('\n');
    let mut argv: Vec<String> = vec!["sendmail".into(), "-i".into()];
    if let Some(sender) = &options.sender {
        argv.extend(["-f".into(), sender.clone()]);
    }
    argv.push("--".into());
    for list in [&options.to, &options.cc, &options.bcc] {
        argv.extend(list.iter().cloned());
    }
    Run { argv, stdin: Some([text.into_bytes(), body].concat().into()), ..Run::default() }
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = args.iter();
    let names = |value: &str| {
        value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.to.extend(names(word));
            continue;
        };
        if letters == "-" {
            // What follows are options for sendmail.
            break;
        }
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                'e' => options.check = true,
                'H' => options.list = true,
                'N' => options.quiet = true,
                'E' => options.not_empty = true,
                'd' | 'i' | 'I' | 'n' | 'v' => {}
                'f' => {
                    let file = if rest.is_empty() { words.next().map_or("", String::as_str) } else { rest };
                    options.file = Some(file.to_owned());
                    rest = "";
                }
                's' | 'c' | 'b' | 'a' | 'r' | 'u' => {
                    let value = if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
                    rest = "";
                    let value = value.ok_or_else(|| format!("mail: option requires an argument -- '{letter}'"))?;
                    match letter {
                        's' => options.subject = Some(value),
                        'c' => options.cc.extend(names(&value)),
                        'b' => options.bcc.extend(names(&value)),
                        'a' => options.headers.push(value),
                        'r' => options.sender = Some(value),
                        _ => options.user = Some(value),
                    }
                }
                _ => return Err(format!("mail: invalid option -- '{letter}'")),
            }
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_a_message_and_a_call_of_sendmail() {
        let args = ["-s", "a subject", "-c", "alice", "-b", "root", "-a", "X-One: 1", "bob@example.com"];
        let options = parse(&args.map(str::to_owned)).unwrap();
        let run = submission(&options, b"hello\n".to_vec());
        assert_eq!(run.argv, ["sendmail", "-i", "--", "bob@example.com", "alice", "root"]);
        assert_eq!(
            run.stdin.as_deref(),
            Some(
                &b"To: bob@example.com\nSubject: a subject\nCc: alice\nMIME-Version: 1.0\n\
                   Content-Type: text/plain; charset=\"UTF-8\"\nContent-Transfer-Encoding: 8bit\nX-One: 1\n\nhello\n"[..]
            )
        );
        assert!(parse(&["-s".to_owned()]).is_err());
    }
}
