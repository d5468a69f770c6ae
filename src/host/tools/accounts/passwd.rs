//! passwd(1) and chpasswd(8).

use bytes::Bytes;

use super::database::{self, Table};
use crate::host::Host;
use crate::host::password;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::tools::password_prompt::{Typed, ask, typed};
use crate::host::vfs::Cred;

/// What is typed next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Current,
    New,
    Again(String),
}

/// `passwd`.
#[derive(Clone, Debug, Default)]
pub struct Passwd {
    user: String,
    next: Next,
}

/// Gives a user a password.
pub(super) fn set(host: &mut Host, user: &str, clear: &str) -> bool {
    let days = host.vfs.now.micros() / 86_400_000_000;
    let hash = password::hash(user, clear);
    let changed = database::change(host, Table::Shadow, user, |fields| {
        fields.resize(9, String::new());
        fields[1] = hash;
        fields[2] = days.to_string();
    });
    changed.unwrap_or(false)
}

fn edit_field(host: &mut Host, user: &str, edit: impl Fn(&str) -> String) -> bool {
    let changed = database::change(host, Table::Shadow, user, |fields| {
        if let Some(field) = fields.get_mut(1) {
            *field = edit(field);
        }
    });
    changed.unwrap_or(false)
}

impl Passwd {
    pub fn make() -> Box<dyn Program> {
        Box::new(Passwd::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let own = env.ctx.host.accounts.by_uid(env.cred.uid).map_or(String::new(), |user| user.name.to_string());
        let name = env.args[1..].iter().find(|arg| !arg.starts_with('-')).cloned();
        self.user = name.unwrap_or_else(|| own.clone());
        if env.ctx.host.accounts.user(&self.user).is_none() {
            env.errln(format!("passwd: user '{}' does not exist", self.user));
            return Progress::Exit(1);
        }
        if env.cred.uid != 0 && self.user != own {
            env.errln(format!("passwd: You may not view or modify password information for {}.", self.user));
            return Progress::Exit(1);
        }
        if let Some(option) = env.args[1..].iter().find(|arg| arg.starts_with('-')).cloned() {
            return Progress::Exit(self.option(&option, env));
        }
        if env.cred.uid == 0 {
            self.ask_new(env);
        } else {
            env.errln(format!("Changing password for {}.", self.user));
            ask(env, "Current password: ");
        }
        self.go_on(env)
    }

    fn option(&self, option: &str, env: &mut Env<'_, '_>) -> u8 {
        if option != "-S" && option != "--status" && env.cred.uid != 0 {
            env.errln("passwd: Permission denied.");
            return 1;
        }
        let user = &self.user;
        let done = match option {
            "-S" | "--status" => {
                self.show_status(env);
                return 0;
            }
            "-l" | "--lock" => edit_field(env.ctx.host, user, |old| format!("!{}", old.trim_start_matches('!'))),
            "-u" | "--unlock" => edit_field(env.ctx.host, user, |old| old.trim_start_matches('!').to_owned()),
            "-d" | "--delete" => edit_field(env.ctx.host, user, |_| String::new()),
            option => {
                env.errln(format!("passwd: invalid option -- '{}'", option.trim_start_matches('-')));
                env.errln("Usage: passwd [options] [LOGIN]");
                return 2;
            }
        };
        if done {
            env.outln("passwd: password changed.");
        }
        u8::from(!done)
    }

    fn show_status(&self, env: &mut Env<'_, '_>) {
        let shadow = env.ctx.host.vfs.read_text("/etc/shadow", &Cred::ROOT).unwrap_or_default();
        let line = shadow.lines().find(|line| line.split(':').next() == Some(&self.user)).unwrap_or_default();
        let fields: Vec<&str> = line.split(':').collect();
        let state = match fields.get(1) {
            Some(field) if field.starts_with(['!', '*']) => "L",
            Some(&"") => "NP",
            _ => "P",
        };
        let days: u64 = fields.get(2).and_then(|text| text.parse().ok()).unwrap_or(0);
        let changed = crate::sim::Time::from_micros(days * 86_400_000_000).zoned(&jiff::tz::TimeZone::UTC);
        env.outln(format!("{} {state} {} 0 99999 7 -1", self.user, changed.strftime("%m/%d/%Y")));
    }

    fn ask_new(&mut self, env: &mut Env<'_, '_>) {
        self.next = Next::New;
        ask(env, "New password: ");
    }

    fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        loop {
            let word = match typed(env) {
                Typed::Nothing => return Progress::Wait,
                Typed::Line(word) => word,
                Typed::End => return unchanged(env),
            };
            match std::mem::take(&mut self.next) {
                Next::Current if password::verify(&env.ctx.host.vfs, &self.user, &word) => self.ask_new(env),
                Next::Current => return unchanged(env),
                Next::New if word.is_empty() => {
                    env.errln("No password has been supplied.");
                    return unchanged(env);
                }
                Next::New => {
                    self.next = Next::Again(word);
                    ask(env, "Retype new password: ");
                }
                Next::Again(first) if first == word => {
                    if !set(env.ctx.host, &self.user, &word) {
                        return unchanged(env);
                    }
                    env.errln("passwd: password updated successfully");
                    return Progress::Exit(0);
                }
                Next::Again(_) => {
                    env.errln("Sorry, passwords do not match.");
                    return unchanged(env);
                }
            }
        }
    }
}

fn unchanged(env: &mut Env<'_, '_>) -> Progress {
    env.errln("passwd: Authentication token manipulation error");
    env.errln("passwd: password unchanged");
    Progress::Exit(10)
}

impl Program for Passwd {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Stdin => self.go_on(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `chpasswd`: `user:password` lines on standard input.
pub fn chpasswd(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    if env.cred.uid != 0 {
        env.errln("chpasswd: Permission denied.");
        return 1;
    }
    let text = String::from_utf8_lossy(&stdin).into_owned();
    let mut status = 0;
    for (number, line) in (1..).zip(text.lines()) {
        match line.split_once(':') {
            None => {
                env.errln(format!("chpasswd: line {number}: missing new password"));
                status = 1;
            }
            Some((user, clear)) => {
                if env.ctx.host.accounts.user(user).is_none() || !set(env.ctx.host, user, clear) {
                    env.errln(format!("chpasswd: (user {user}) pam_chauthtok() failed, error:"));
                    env.errln("Authentication token manipulation error");
                    env.errln(format!("chpasswd: (line {number}, user {user}) password not changed"));
                    status = 1;
                }
            }
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use crate::host::Input;
    use crate::host::password::verify;
    use crate::host::shell::Terminal;
    use crate::host::shell::harness::{drive_keeping, host, run, run_as, text};

    fn screen(host: &mut crate::host::Host, user: &str, lines: &[&str]) -> String {
        let inputs: Vec<Input> = lines.iter().map(|line| Input::Typed(format!("{line}\n").into())).collect();
        let (_, process) = drive_keeping(host, Box::new(Terminal::new(user)), &inputs);
        process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text()
    }

    #[test]
    fn a_user_changes_the_own_password_and_nothing_of_it_is_seen() {
        let mut host = host();
        let shown = screen(&mut host, "alice", &["passwd", "secret", "new one", "new one"]);
        assert_eq!(
            shown,
            "alice@mx1:~$ passwd\nChanging password for alice.\nCurrent password: \nNew password: \nRetype new password: \n\
             passwd: password updated successfully\nalice@mx1:~$ "
        );
        assert!(verify(&host.vfs, "alice", "new one"));
        let shown = screen(&mut host, "alice", &["passwd", "wrong"]);
        assert!(shown.contains(
            "Current password: \npasswd: Authentication token manipulation error\npasswd: password unchanged\n"
        ));
        let (_, stderr, status) = text(&run_as(&mut host, "alice", "passwd bob", "", false));
        assert_eq!(
            (stderr.as_str(), status),
            ("passwd: You may not view or modify password information for bob.\n", 1)
        );
    }

    #[test]
    fn root_sets_locks_and_looks() {
        let mut host = host();
        let exit = run_as(&mut host, "root", "passwd bob", "geheim\ngeheim\n", false);
        assert_eq!(exit.status, 0);
        assert!(verify(&host.vfs, "bob", "geheim"));
        let exit = run_as(&mut host, "root", "passwd bob", "one\ntwo\n", false);
        assert!(text(&exit).1.contains("Sorry, passwords do not match."));
        assert_eq!(text(&run(&mut host, "passwd -S bob")).0, "bob P 11/21/2026 0 99999 7 -1\n");
        run(&mut host, "passwd -l bob");
        assert!(!verify(&host.vfs, "bob", "geheim"));
        assert_eq!(run(&mut host, "passwd -u bob; echo alice:neu | chpasswd").status, 0);
        assert!(verify(&host.vfs, "bob", "geheim") && verify(&host.vfs, "alice", "neu"));
        assert!(text(&run(&mut host, "echo nobodyhere:x | chpasswd")).1.contains("(line 1, user nobodyhere)"));
    }
}
