//! mail(1), as the package bsd-mailx has it: sending from the command line, reading the mailbox.

mod compose;
mod help;
mod list;
mod read;

use smol_str::SmolStr;

use self::compose::Compose;
use self::read::{Next, Session};
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
    message: Option<Compose>,
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
            Resume::Ran(status) => {
                self.message = None;
                match &self.session {
                    None => return Progress::Exit(status),
                    Some(session) => session.prompt(env),
                }
            }
            _ => {}
        }
        if self.session.is_none() && self.message.is_none() {
            if !self.options.to.is_empty() {
                self.message = Some(Compose::new(self.options.clone()));
            } else {
                match self.open(env) {
                    Ok(session) => self.session = Some(session),
                    Err(status) => return Progress::Exit(status),
                }
            }
        }
        if let Some(message) = &mut self.message {
            return message.go_on(env);
        }
        match self.session.as_mut().map(|session| session.go_on(env)) {
            Some(Next::Wait) => Progress::Wait,
            Some(Next::Write(options)) => self.message.insert(Compose::new(*options)).go_on(env),
            Some(Next::Leave) | None => Progress::Exit(0),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Mailx {
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

/// The names of a list, separated by commas or blanks.
fn names(list: &str) -> impl Iterator<Item = String> {
    let names = list.split([',', ' ', '\t', '\n']).map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().into_iter()
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = args.iter();
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
