//! `ssh`: a terminal on another host, opened by whoever sits at this one. Keys are taken to be set
//! up, so no password is asked for.

use crate::host::console::{Answer, Request};
use crate::host::program::{Env, Program, Progress, Resume};

/// Status of an ssh that could not connect.
const FAILED: u8 = 255;

/// A running ssh.
#[derive(Clone, Debug, Default)]
pub struct Ssh {
    host: String,
    is_command: bool,
}

impl Ssh {
    pub fn make() -> Box<dyn Program> {
        Box::new(Ssh::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut user = env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.clone());
        let mut args = env.args.iter().skip(1);
        let mut host = None;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-l" => user = args.next().map(|name| name.as_str().into()),
                "-p" | "-i" | "-o" | "-F" | "-L" | "-R" | "-J" => drop(args.next()),
                arg if arg.starts_with('-') => {}
                arg => {
                    host = Some(arg);
                    break;
                }
            }
        }
        let Some(host) = host else {
            env.errln("usage: ssh [-l login_name] [user@]hostname [command [argument ...]]");
            return Progress::Exit(FAILED);
        };
        let host = match host.rsplit_once('@') {
            Some((name, host)) => {
                user = Some(name.into());
                host
            }
            None => host,
        };
        let words: Vec<&str> = args.map(String::as_str).collect();
        self.host = host.to_owned();
        self.is_command = !words.is_empty();
        let command = self.is_command.then(|| words.join(" "));
        Progress::Ask(Box::new(Request::LogIn { user: user.unwrap_or_default(), host: host.into(), command }))
    }
}

impl Program for Ssh {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Answered(Some(Answer::LoggedOut { status, stdout, stderr })) => {
                if self.is_command {
                    env.stdout.extend_from_slice(&stdout);
                    env.stderr.extend_from_slice(&stderr);
                } else {
                    env.errln(format!("Connection to {} closed.", self.host));
                }
                Progress::Exit(status)
            }
            Resume::Answered(Some(Answer::Refused(why))) => {
                let own = if why.contains("Permission denied") { "" } else { "ssh: " };
                env.errln(format!("{own}{why}"));
                Progress::Exit(FAILED)
            }
            Resume::Answered(_) => {
                env.errln(format!("ssh: {}: nobody sits at a terminal to log in from", self.host));
                Progress::Exit(FAILED)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
