//! `su` and `sudo`: commands with another user's rights, for those who know the password.

use std::time::Duration;

use super::password_prompt::{Typed, ask, typed};
use crate::host::password;
use crate::host::program::{Env, Program, Progress, Resume, Run};
use crate::host::vfs::Cred;

/// How long a wrong password takes (`pam_unix`'s delay).
const WRONG_PASSWORD: Duration = Duration::from_secs(2);
/// How long sudo remembers a password on a terminal (`timestamp_timeout`).
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// Passwords that sudo asks for.
const ATTEMPTS: u32 = 3;

/// The command as another user, with a shell if none is named.
fn as_user(name: &str, login: bool, argv: Vec<String>, env: &Env<'_, '_>) -> Option<Run> {
    let accounts = &env.ctx.host.accounts;
    let user = accounts.user(name)?.clone();
    let cred = accounts.cred(&user);
    let mut vars = env.vars.clone();
    for (key, value) in [("HOME", &user.home), ("USER", &user.name), ("LOGNAME", &user.name), ("SHELL", &user.shell)] {
        vars.insert(key.into(), value.to_string());
    }
    let argv = if argv.is_empty() { vec!["bash".to_owned()] } else { argv };
    Some(Run {
        argv,
        cred: Some(cred),
        vars: Some(vars),
        cwd: login.then_some(user.home),
        replace: true,
        ..Run::default()
    })
}

/// `su`.
#[derive(Clone, Debug, Default)]
pub struct Su {
    name: String,
    login: bool,
    command: Option<String>,
    refused: bool,
}

impl Su {
    pub fn make() -> Box<dyn Program> {
        Box::new(Su::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut name = None;
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-" | "-l" | "--login" => self.login = true,
                "-c" | "--command" => self.command = args.next().cloned(),
                "-s" | "--shell" => drop(args.next()),
                arg if arg.starts_with('-') => {}
                arg => name = name.or(Some(arg.to_owned())),
            }
        }
        self.name = name.unwrap_or_else(|| "root".into());
        if env.ctx.host.accounts.user(&self.name).is_none() {
            let name = &self.name;
            env.errln(format!(
                "su: user {name} does not exist or the user entry does not contain all the required fields"
            ));
            return Progress::Exit(1);
        }
        if env.cred.uid == 0 {
            return self.switch(env);
        }
        ask(env, "Password: ");
        self.check(env)
    }

    fn check(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match typed(env) {
            Typed::Nothing => Progress::Wait,
            Typed::Line(word) if password::verify(&env.ctx.host.vfs, &self.name, &word) => self.switch(env),
            _ => {
                self.refused = true;
                env.ctx.wake_at(env.ctx.now + WRONG_PASSWORD, 0, "wrong password");
                Progress::Wait
            }
        }
    }

    fn switch(&self, env: &mut Env<'_, '_>) -> Progress {
        let argv = self.command.as_ref().map_or(Vec::new(), |line| vec!["sh".into(), "-c".into(), line.clone()]);
        match as_user(&self.name, self.login, argv, env) {
            Some(run) => Progress::Run(Box::new(run)),
            None => Progress::Exit(1),
        }
    }
}

impl Program for Su {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Stdin if !self.refused => self.check(env),
            Resume::Input(_) if self.refused => {
                env.errln("su: Authentication failure");
                Progress::Exit(1)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `sudo` and `sudoedit`.
#[derive(Clone, Debug, Default)]
pub struct Sudo {
    caller: String,
    name: String,
    login: bool,
    argv: Vec<String>,
    only_check: bool,
    attempts: u32,
    waiting: bool,
}

impl Sudo {
    pub fn make() -> Box<dyn Program> {
        Box::new(Sudo::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.name = "root".into();
        let called = env.args.first().map_or("", |name| name.rsplit('/').next().unwrap_or_default());
        let mut edit = called == "sudoedit";
        let (mut never_ask, mut list) = (false, false);
        let mut rest = env.args[1..].to_vec();
        while let Some(arg) = rest.first().filter(|arg| arg.starts_with('-')).cloned() {
            rest.remove(0);
            match arg.as_str() {
                "-u" | "--user" if !rest.is_empty() => self.name = rest.remove(0),
                "-g" | "-p" | "-h" if !rest.is_empty() => drop(rest.remove(0)),
                "-i" | "--login" => self.login = true,
                "-s" | "-S" | "-E" | "-H" | "-b" => {}
                "-n" => never_ask = true,
                "-e" => edit = true,
                "-v" => self.only_check = true,
                "-l" => list = true,
                "-k" | "-K" => {
                    let _ = env.ctx.host.vfs.unlink(&self.timestamp(env), &Cred::ROOT);
                    if rest.is_empty() {
                        return Progress::Exit(0);
                    }
                }
                "--" => break,
                _ => {}
            }
        }
        let shell = self.login || env.args.iter().any(|arg| arg == "-s");
        if rest.is_empty() && !shell && !self.only_check && !list {
            env.errln("usage: sudo -h | -K | -k | -V");
            env.errln("usage: sudo [-iknSsv] [-u user] [command [arg ...]]");
            env.errln("usage: sudo -e [-knS] [-u user] file ...");
            return Progress::Exit(1);
        }
        if edit {
            let editor = env.vars.get("EDITOR").cloned().unwrap_or_else(|| "nano".into());
            rest.insert(0, editor);
        }
        self.argv = rest;
        let accounts = &env.ctx.host.accounts;
        self.caller = accounts.by_uid(env.cred.uid).map_or(String::new(), |user| user.name.to_string());
        if accounts.user(&self.name).is_none() {
            env.errln(format!("sudo: unknown user {}", self.name));
            env.errln("sudo: error initializing audit plugin sudoers_audit");
            return Progress::Exit(1);
        }
        // Where nobody can type a password none is asked for.
        if env.cred.uid == 0 || env.stdin.tty.is_none() || self.is_remembered(env) {
            return self.run(env);
        }
        if never_ask {
            env.errln("sudo: a password is required");
            return Progress::Exit(1);
        }
        self.lecture(env);
        self.ask(env)
    }

    fn ask(&self, env: &mut Env<'_, '_>) -> Progress {
        ask(env, &format!("[sudo] password for {}: ", self.caller));
        Progress::Wait
    }

    fn check(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match typed(env) {
            Typed::Nothing => Progress::Wait,
            Typed::Line(word) if password::verify(&env.ctx.host.vfs, &self.caller, &word) => {
                let (path, now) = (self.timestamp(env), env.ctx.now);
                let _ = env.ctx.host.vfs.mkdir_all("/run/sudo/ts");
                let _ = env.ctx.host.vfs.write(&path, "", 0o600, &Cred::ROOT);
                let _ = env.ctx.host.vfs.set_mtime(&path, now, &Cred::ROOT);
                self.run(env)
            }
            _ => {
                self.attempts += 1;
                self.waiting = true;
                env.ctx.wake_at(env.ctx.now + WRONG_PASSWORD, 0, "wrong password");
                Progress::Wait
            }
        }
    }

    fn wrong(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.waiting = false;
        if self.attempts >= ATTEMPTS {
            env.errln(format!("sudo: {ATTEMPTS} incorrect password attempts"));
            return Progress::Exit(1);
        }
        env.errln("Sorry, try again.");
        self.ask(env)
    }

    fn run(&self, env: &mut Env<'_, '_>) -> Progress {
        let accounts = &env.ctx.host.accounts;
        let sudoer = accounts.group("sudo").is_some_and(|group| {
            group.members.iter().any(|member| *member == self.caller) || env.cred.groups.contains(&group.gid)
        });
        if env.cred.uid != 0 && !sudoer {
            env.errln(format!("{} is not in the sudoers file.", self.caller));
            return Progress::Exit(1);
        }
        if self.only_check {
            return Progress::Exit(0);
        }
        if self.argv.is_empty() && !self.login && env.args.iter().any(|arg| arg == "-l") {
            let host = env.ctx.host.hostname.clone();
            env.outln(format!("User {} may run the following commands on {host}:", self.caller));
            env.outln("    (ALL : ALL) ALL");
            return Progress::Exit(0);
        }
        match as_user(&self.name, self.login, self.argv.clone(), env) {
            Some(run) => Progress::Run(Box::new(run)),
            None => Progress::Exit(1),
        }
    }

    fn timestamp(&self, env: &Env<'_, '_>) -> String {
        format!("/run/sudo/ts/{}", env.cred.uid)
    }

    fn is_remembered(&self, env: &Env<'_, '_>) -> bool {
        let inode = env.ctx.host.vfs.stat(&self.timestamp(env), &Cred::ROOT);
        inode.is_ok_and(|inode| env.ctx.now < inode.mtime + REMEMBERED)
    }

    /// What sudo says to somebody who uses it for the first time.
    fn lecture(&self, env: &mut Env<'_, '_>) {
        let mark = format!("/var/lib/sudo/lectured/{}", env.cred.uid);
        if env.ctx.host.vfs.exists(&mark) {
            return;
        }
        let _ = env.ctx.host.vfs.mkdir_all("/var/lib/sudo/lectured");
        let _ = env.ctx.host.vfs.write(&mark, "", 0o600, &Cred::ROOT);
        for line in [
            "",
            "We trust you have received the usual lecture from the local System",
            "Administrator. It usually boils down to these three things:",
            "",
            "    #1) Respect the privacy of others.",
            "    #2) Think before you type.",
            "    #3) With great power comes great responsibility.",
            "",
            "For security reasons, the password you type will not be visible.",
            "",
        ] {
            env.errln(line);
        }
    }
}

impl Program for Sudo {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Stdin if !self.waiting => self.check(env),
            Resume::Input(_) if self.waiting => self.wrong(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::host::Input;
    use crate::host::shell::harness::{drive_keeping, host, run};
    use crate::host::shell::{Doing, Terminal};

    fn dialogue(host: &mut crate::host::Host, user: &str, lines: &[&str]) -> Terminal {
        let inputs: Vec<Input> = lines.iter().map(|line| Input::Typed(format!("{line}\n").into())).collect();
        let (_, process) = drive_keeping(host, Box::new(Terminal::new(user)), &inputs);
        process.as_any().downcast_ref::<Terminal>().unwrap().clone()
    }

    #[test]
    fn su_asks_for_the_password_and_does_not_show_it() {
        let terminal = dialogue(&mut host(), "alice", &["su bob", "secret", "whoami", "exit", "whoami"]);
        assert_eq!(
            terminal.transcript().text(),
            "alice@mx1:~$ su bob\nPassword: \nbob@mx1:/home/alice$ whoami\nbob\nbob@mx1:/home/alice$ exit\nexit\n\
             alice@mx1:~$ whoami\nalice\nalice@mx1:~$ "
        );
    }

    #[test]
    fn a_wrong_password_is_refused_after_a_while() {
        let mut host = host();
        let before = host.vfs.now;
        let terminal = dialogue(&mut host, "alice", &["su - bob", "wrong"]);
        let shown = terminal.transcript().text();
        assert!(shown.ends_with("Password: \nsu: Authentication failure\nalice@mx1:~$ "), "{shown}");
        assert_eq!(host.vfs.now.since(before).as_secs(), 2);
    }

    #[test]
    fn sudo_asks_those_who_may_once_in_a_while() {
        let mut host = host();
        run(&mut host, "usermod -aG sudo alice");
        let terminal = dialogue(&mut host, "alice", &["sudo whoami", "secret", "sudo id -u"]);
        let shown = terminal.transcript().text();
        assert!(shown.contains("[sudo] password for alice: \nroot\n"), "{shown}");
        assert!(shown.ends_with("sudo id -u\n0\nalice@mx1:~$ "), "{shown}");
        let terminal = dialogue(&mut host, "bob", &["sudo whoami", "secret"]);
        let shown = terminal.transcript().text();
        assert!(shown.ends_with("bob is not in the sudoers file.\nbob@mx1:~$ "), "{shown}");
        assert_eq!(terminal.doing(), Doing::Prompt);
    }
}
