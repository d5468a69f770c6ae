//! adduser(8), Debian's: asks for what it is not told.

use super::database::{self, NewUser};
use super::passwd::set;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::tools::password_prompt::{Typed, ask, typed};
use crate::host::vfs::Errno;

/// What is asked for besides the password, as chfn(1) does.
const FIELDS: [&str; 5] = ["Full Name", "Room Number", "Work Phone", "Home Phone", "Other"];

/// `adduser`.
#[derive(Clone, Debug, Default)]
pub struct AddUser {
    user: NewUser,
    password: bool,
    asks_fields: bool,
    first: Option<String>,
    fields: Vec<String>,
}

impl AddUser {
    pub fn make() -> Box<dyn Program> {
        Box::new(AddUser { password: true, asks_fields: true, ..AddUser::default() })
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut operands = Vec::new();
        let (mut system, mut home, mut group) = (false, true, None);
        self.user.shell = "/bin/bash".into();
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| args.next().cloned()).unwrap_or_default();
            match name {
                "--gecos" | "--comment" => {
                    self.user.comment = value();
                    self.asks_fields = false;
                }
                "--home" => self.user.home = value(),
                "--shell" => self.user.shell = value(),
                "--uid" => self.user.uid = value().parse().unwrap_or(0),
                "--ingroup" => group = Some(value()),
                "--disabled-password" | "--disabled-login" => self.password = false,
                "--no-create-home" => home = false,
                "--system" => system = true,
                option if option.starts_with('-') => {}
                _ => operands.push(arg.clone()),
            }
        }
        if env.cred.uid != 0 {
            env.errln("adduser: Only root may add a user or group to the system.");
            return Progress::Exit(1);
        }
        match operands.as_slice() {
            [name] => self.user.name.clone_from(name),
            [name, group] => return Progress::Exit(join(env, name, group)),
            _ => {
                env.errln("adduser: Only one or two names allowed.");
                return Progress::Exit(1);
            }
        }
        let name = self.user.name.clone();
        if !database::is_valid_name(&name) {
            env.errln("adduser: Please enter a username matching the regular expression");
            env.errln("configured via the NAME_REGEX configuration variable.  Use the `--allow-bad-names'");
            env.errln("option to relax this check or reconfigure NAME_REGEX in configuration.");
            return Progress::Exit(1);
        }
        if env.ctx.host.accounts.user(&name).is_some() {
            env.errln(format!("adduser: The user `{name}' already exists."));
            return Progress::Exit(1);
        }
        if system {
            (self.password, self.asks_fields, self.user.shell) = (false, false, "/usr/sbin/nologin".into());
        }
        if let Err(error) = self.create(env, system, home, group.as_deref()) {
            env.errln(format!("adduser: {error}"));
            return Progress::Exit(1);
        }
        if self.password {
            ask(env, "New password: ");
        } else if self.asks_fields {
            self.ask_field(env);
        }
        self.go_on(env)
    }

    fn create(&mut self, env: &mut Env<'_, '_>, system: bool, home: bool, group: Option<&str>) -> Result<(), Errno> {
        let name = self.user.name.clone();
        if self.user.uid == 0 {
            self.user.uid = database::free_id(env.ctx.host, system);
        }
        let uid = self.user.uid;
        self.user.gid = group.and_then(|group| database::gid(env.ctx.host, group)).unwrap_or(uid);
        if self.user.home.is_empty() {
            self.user.home = format!("/home/{name}");
        }
        env.outln(format!("Adding user `{name}' ..."));
        if group.is_none() {
            env.outln(format!("Adding new group `{name}' ({uid}) ..."));
            database::add_group(env.ctx.host, &name, uid)?;
        }
        let group = group.unwrap_or(&name);
        env.outln(format!("Adding new user `{name}' ({uid}) with group `{group} ({})' ...", self.user.gid));
        database::add_user(env.ctx.host, &self.user)?;
        if home {
            env.outln(format!("Creating home directory `{}' ...", self.user.home));
            env.outln("Copying files from `/etc/skel' ...");
            database::make_home(env.ctx.host, &self.user)?;
        }
        Ok(())
    }

    /// Goes to standard error, as what ends a password's line does: on a terminal both keep their order.
    fn ask_field(&self, env: &mut Env<'_, '_>) {
        match FIELDS.get(self.fields.len()) {
            Some(field) => {
                if self.fields.is_empty() {
                    env.errln(format!("Changing the user information for {}", self.user.name));
                    env.errln("Enter the new value, or press ENTER for the default");
                }
                env.stderr.extend_from_slice(format!("\t{field} []: ").as_bytes());
            }
            None => env.stderr.extend_from_slice(b"Is the information correct? [Y/n] "),
        }
    }

    fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while self.password {
            match typed(env) {
                Typed::Nothing => return Progress::Wait,
                Typed::End => self.password = false,
                Typed::Line(word) => match self.first.take() {
                    None => {
                        self.first = Some(word);
                        ask(env, "Retype new password: ");
                    }
                    Some(first) if first == word && set(env.ctx.host, &self.user.name, &word) => {
                        env.errln("passwd: password updated successfully");
                        self.password = false;
                    }
                    Some(_) => {
                        env.errln("Sorry, passwords do not match.");
                        ask(env, "New password: ");
                    }
                },
            }
            if !self.password && self.asks_fields {
                self.ask_field(env);
            }
        }
        while self.asks_fields {
            let line = match env.stdin.take_line() {
                Some(line) => String::from_utf8_lossy(&line).trim().replace([':', ','], ""),
                None if env.stdin.eof => String::new(),
                None => return Progress::Wait,
            };
            if self.fields.len() == FIELDS.len() {
                self.asks_fields = false;
            } else {
                self.fields.push(line);
                self.ask_field(env);
            }
        }
        self.finish(env)
    }

    fn finish(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let name = self.user.name.clone();
        if !self.fields.is_empty() {
            let comment = self.fields.join(",");
            let _ = database::change(env.ctx.host, database::Table::Passwd, &name, |fields| {
                if let Some(field) = fields.get_mut(4) {
                    *field = comment;
                }
            });
        }
        Progress::Exit(0)
    }
}

fn join(env: &mut Env<'_, '_>, name: &str, group: &str) -> u8 {
    if env.ctx.host.accounts.user(name).is_none() {
        env.errln(format!("adduser: The user `{name}' does not exist."));
        return 1;
    }
    if env.ctx.host.accounts.group(group).is_none() {
        env.errln(format!("adduser: The group `{group}' does not exist."));
        return 1;
    }
    env.outln(format!("Adding user `{name}' to group `{group}' ..."));
    let joined = database::join(env.ctx.host, name, group);
    env.outln("Done.");
    u8::from(joined.is_err())
}

impl Program for AddUser {
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

#[cfg(test)]
mod tests {
    use crate::host::Input;
    use crate::host::password::verify;
    use crate::host::shell::Terminal;
    use crate::host::shell::harness::{drive_keeping, host, run, text};

    #[test]
    fn adduser_asks_and_remembers() {
        let mut host = host();
        let lines = ["adduser carol", "pw", "pw", "Carol C", "", "", "", "", "y", "getent passwd carol"];
        let inputs: Vec<Input> = lines.iter().map(|line| Input::Typed(format!("{line}\n").into())).collect();
        let (_, process) = drive_keeping(&mut host, Box::new(Terminal::new("root")), &inputs);
        let shown = process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text();
        assert!(shown.contains("Adding new user `carol' (1002) with group `carol (1002)' ...\n"), "{shown}");
        assert!(shown.contains("\tFull Name []: Carol C\n"), "{shown}");
        assert!(shown.contains("carol:x:1002:1002:Carol C,,,,:/home/carol:/bin/bash"), "{shown}");
        assert!(!shown.contains("pw\n"), "{shown}");
        assert!(verify(&host.vfs, "carol", "pw"));
    }

    #[test]
    fn without_questions_it_works_in_scripts_and_puts_users_into_groups() {
        let mut host = host();
        let exit = run(
            &mut host,
            "adduser --disabled-password --gecos 'Dora' dora >/dev/null && adduser dora mail && id -Gn dora",
        );
        assert_eq!(text(&exit).0, "Adding user `dora' to group `mail' ...\nDone.\ndora mail\n");
        assert_eq!(text(&run(&mut host, "adduser dora")).1, "adduser: The user `dora' already exists.\n");
        let exit = run(&mut host, "deluser dora mail; deluser --remove-home dora; ls /home");
        assert!(text(&exit).0.ends_with("Removing user `dora' ...\nDone.\nalice\nbob\n"), "{:?}", text(&exit));
    }
}
