//! nano, vi and their kin: an editor needs a person, so the text goes to whoever sits at the
//! terminal and comes back changed.

use crate::host::console::{Answer, Request};
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::vfs::{Errno, Node};
use crate::trace::Kind;

/// Longest text that an editor takes.
const MAX_TEXT: u64 = 1 << 20;

/// An editor while somebody edits.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    path: String,
    name: String,
    before: Option<String>,
}

impl Editor {
    pub fn make() -> Box<dyn Program> {
        Box::new(Editor::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let tool = tool(env);
        let mut line = None;
        let mut file = None;
        for arg in &env.args[1..] {
            match arg.strip_prefix('+') {
                Some(number) if file.is_none() => line = number.split(',').next().and_then(|text| text.parse().ok()),
                _ if arg.starts_with('-') && arg.len() > 1 => {}
                _ => file = file.or(Some(arg.clone())),
            }
        }
        let Some(file) = file else {
            env.errln(format!("{tool}: name a file to edit, as in: {tool} /etc/postfix/main.cf"));
            return Progress::Exit(1);
        };
        self.path = env.path(&file);
        self.name = file;
        let vfs = &env.ctx.host.vfs;
        let text = match vfs.stat(&self.path, env.cred).map(|inode| &inode.node) {
            Ok(Node::Dir(_)) => Err("Is a directory".to_owned()),
            Ok(Node::File(content)) if content.size() > MAX_TEXT => Err("File too large".into()),
            Ok(Node::File(content)) => match vfs.access(&self.path, env.cred, 4) {
                Ok(()) => Ok(String::from_utf8_lossy(&content.to_vec()).into_owned()),
                Err(error) => Err(error.to_string()),
            },
            Ok(_) => Err("Not a normal file".into()),
            Err(Errno::NoEnt) => Ok(String::new()),
            Err(error) => Err(error.to_string()),
        };
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                env.errln(format!("{tool}: Error reading {}: {why}", self.name));
                return Progress::Exit(1);
            }
        };
        let writable = self.is_writable(env);
        let request = Request::Edit { path: self.path.as_str().into(), text: text.clone(), line, writable };
        self.before = Some(text);
        Progress::Ask(Box::new(request))
    }

    fn is_writable(&self, env: &Env<'_, '_>) -> bool {
        let vfs = &env.ctx.host.vfs;
        if vfs.exists(&self.path) {
            return vfs.access(&self.path, env.cred, 2).is_ok();
        }
        let dir = self.path.rsplit_once('/').map_or("/", |(dir, _)| if dir.is_empty() { "/" } else { dir });
        vfs.access(dir, env.cred, 2).is_ok()
    }

    fn save(&self, text: &str, env: &mut Env<'_, '_>) -> u8 {
        let tool = tool(env);
        if self.before.as_deref() == Some(text) {
            return 0;
        }
        let written = env.ctx.host.vfs.write(&self.path, text, 0o644, env.cred);
        if let Err(error) = written {
            env.errln(format!("{tool}: Error writing {}: {error}", self.name));
            self.rescue(text, env);
            return 1;
        }
        env.ctx.emit(Kind::FileWrite { path: self.path.as_str().into(), by: tool.into() });
        0
    }

    /// Keeps a text that could not be saved, as nano does with `.save` files.
    fn rescue(&self, text: &str, env: &mut Env<'_, '_>) {
        let base = self.path.rsplit('/').next().unwrap_or_default();
        let copy = format!("/tmp/{base}.save");
        if env.ctx.host.vfs.write(&copy, text, 0o600, env.cred).is_ok() {
            env.errln(format!("{}: What you wrote is in {copy}", tool(env)));
        }
    }
}

fn tool(env: &Env<'_, '_>) -> String {
    env.args.first().map_or("", |name| name.rsplit('/').next().unwrap_or_default()).to_owned()
}

impl Program for Editor {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Answered(Some(Answer::Edited(Some(text)))) => Progress::Exit(self.save(&text, env)),
            Resume::Answered(Some(Answer::Refused(why))) => {
                env.errln(format!("{}: {why}", tool(env)));
                Progress::Exit(1)
            }
            Resume::Answered(None) => {
                env.errln(format!("{}: {}", tool(env), NO_TERMINAL));
                Progress::Exit(1)
            }
            Resume::Answered(_) => Progress::Exit(0),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// What is said where nobody can edit.
pub const NO_TERMINAL: &str = "there is no terminal to edit in; change files with `postconf -e`, with `sed -i`, or with \
                               a here-document (cat > FILE <<'END')";

#[cfg(test)]
mod tests {
    use crate::host::Input;
    use crate::host::console::Answer;
    use crate::host::shell::Terminal;
    use crate::host::shell::harness::{drive_keeping, host, run, text};

    fn edit(host: &mut crate::host::Host, user: &str, line: &str, after: Option<&str>) -> String {
        let inputs = [
            Input::Typed(format!("{line}\n").into()),
            Input::Answered(Answer::Edited(after.map(str::to_owned))),
            Input::Typed("echo status $?\n".into()),
        ];
        let (_, process) = drive_keeping(host, Box::new(Terminal::new(user)), &inputs);
        process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text()
    }

    #[test]
    fn what_was_edited_is_written_with_the_users_rights() {
        let mut host = host();
        run(&mut host, "echo old > /etc/motd; chmod 600 /etc/motd");
        let shown = edit(&mut host, "root", "nano +3 /etc/motd", Some("new\n"));
        assert!(shown.contains("status 0"), "{shown}");
        assert_eq!(text(&run(&mut host, "cat /etc/motd; stat -c %a /etc/motd")).0, "new\n600\n");
        let shown = edit(&mut host, "alice", "vi mine", Some("text\n"));
        assert!(shown.contains("status 0"), "{shown}");
        assert_eq!(text(&run(&mut host, "stat -c '%U %a' /home/alice/mine")).0, "alice 644\n");
    }

    #[test]
    fn what_cannot_be_saved_is_kept_and_what_is_left_unsaved_is_not() {
        let mut host = host();
        let shown = edit(&mut host, "alice", "nano /etc/hosts", Some("mine\n"));
        assert!(shown.contains("nano: Error writing /etc/hosts: Permission denied"), "{shown}");
        assert_eq!(text(&run(&mut host, "cat /tmp/hosts.save; grep -c mine /etc/hosts")).0, "mine\n0\n");
        edit(&mut host, "root", "nano /etc/never", None);
        assert_ne!(run(&mut host, "cat /etc/never").status, 0);
        let shown = edit(&mut host, "alice", "nano /etc/shadow", None);
        assert!(shown.contains("nano: Error reading /etc/shadow: Permission denied"), "{shown}");
    }

    #[test]
    fn without_a_terminal_other_ways_are_named() {
        let (_, stderr, status) = text(&run(&mut host(), "nano /etc/hosts"));
        assert!(stderr.contains("postconf -e") && stderr.contains("sed -i"), "{stderr}");
        assert_eq!(status, 1);
    }
}
