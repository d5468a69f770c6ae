//! less(1) and more(1): text page by page where a person sits, all at once elsewhere.

use super::input;
use crate::host::console::Typing;
use crate::host::program::{Env, Program, Progress, Resume};

/// A pager.
#[derive(Clone, Debug, Default)]
pub struct Less {
    lines: Vec<String>,
    /// The line that is shown next.
    next: usize,
    reading: bool,
    /// The search that is being typed.
    typed: Option<String>,
    pattern: String,
    status: u8,
}

impl Less {
    pub fn make() -> Box<dyn Program> {
        Box::new(Less { reading: true, ..Less::default() })
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let files: Vec<String> =
            env.args[1..].iter().filter(|arg| !arg.starts_with(['-', '+']) || *arg == "-").cloned().collect();
        if files.is_empty() && env.stdin.tty.as_ref().is_some_and(|tty| tty.is_stdin) {
            env.errln("Missing filename (\"less --help\" for help)");
            return Progress::Exit(1);
        }
        let needs_stdin = files.is_empty() || files.iter().any(|file| file == "-");
        if needs_stdin && !env.stdin.eof {
            return Progress::Wait;
        }
        self.reading = false;
        let stdin = std::mem::take(&mut env.stdin.buffer);
        let mut all = Vec::new();
        if files.is_empty() {
            all = stdin;
        } else {
            for file in &files {
                let path = env.path(file);
                if matches!(
                    env.ctx.host.vfs.stat(&path, env.cred).map(|inode| &inode.node),
                    Ok(crate::host::vfs::Node::Dir(_))
                ) {
                    env.errln(format!("{file} is a directory"));
                    self.status = 1;
                    continue;
                }
                match input(env, &stdin, "less", file) {
                    Some(octets) => all.extend(octets),
                    None => self.status = 1,
                }
            }
        }
        let rows = self.rows(env);
        if !env.tty || env.stdin.tty.is_none() {
            env.stdout.extend_from_slice(&all);
            return Progress::Exit(self.status);
        }
        self.lines = super::lines(&all);
        self.show(rows, env)
    }

    fn rows(&self, env: &Env<'_, '_>) -> usize {
        env.stdin.tty.as_ref().map_or(23, |tty| (tty.window.rows as usize).saturating_sub(1)).max(2)
    }

    /// Shows lines, and the prompt if there are more.
    fn show(&mut self, count: usize, env: &mut Env<'_, '_>) -> Progress {
        let end = (self.next + count).min(self.lines.len());
        for line in &self.lines[self.next..end] {
            env.stdout.extend_from_slice(line.as_bytes());
            env.stdout.push(b'\n');
        }
        self.next = end;
        self.prompt(env)
    }

    fn prompt(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.next >= self.lines.len() && self.lines.len() <= self.rows(env) {
            return self.leave(env);
        }
        let at_end = self.next >= self.lines.len();
        env.stdout.extend_from_slice(if at_end { b"(END) " } else { b": " });
        if let Some(tty) = &mut env.stdin.tty {
            tty.typing = Typing::Keys;
        }
        Progress::Wait
    }

    fn leave(&self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(tty) = &mut env.stdin.tty {
            tty.typing = Typing::Lines;
        }
        Progress::Exit(self.status)
    }

    fn keys(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let keys = env.stdin.tty.as_mut().map(|tty| std::mem::take(&mut tty.keys)).unwrap_or_default();
        let rows = self.rows(env);
        for key in String::from_utf8_lossy(&keys).chars() {
            if let Some(typed) = &mut self.typed {
                match key {
                    '\n' => {
                        let typed = std::mem::take(typed);
                        self.typed = None;
                        if !typed.is_empty() {
                            self.pattern = typed;
                        }
                        env.stdout.push(b'\n');
                        self.search(env);
                    }
                    '\u{8}' | '\u{7f}' => drop(typed.pop()),
                    key => {
                        typed.push(key);
                        env.stdout.extend_from_slice(key.to_string().as_bytes());
                    }
                }
                continue;
            }
            match key {
                'q' | 'Q' => {
                    env.stdout.push(b'\n');
                    return self.leave(env);
                }
                '/' => {
                    self.typed = Some(String::new());
                    env.stdout.push(b'/');
                    continue;
                }
                key => {
                    env.stdout.push(b'\n');
                    self.go(key, rows, env);
                }
            }
        }
        Progress::Wait
    }

    fn go(&mut self, key: char, rows: usize, env: &mut Env<'_, '_>) {
        let back_to = |this: &Less, lines: usize| this.next.saturating_sub(rows + lines);
        let count = match key {
            ' ' | 'f' => rows,
            'd' => rows / 2,
            '\n' | 'j' | 'e' => 1,
            'k' | 'y' => {
                self.next = back_to(self, 1);
                rows
            }
            'b' => {
                self.next = back_to(self, rows);
                rows
            }
            'u' => {
                self.next = back_to(self, rows / 2);
                rows
            }
            'g' | '<' => {
                self.next = 0;
                rows
            }
            'G' | '>' => {
                self.next = self.lines.len().saturating_sub(rows);
                rows
            }
            'n' => return self.search(env),
            'h' => {
                env.outln("space: page  b: back  j k: line  d u: half a page  g G: ends  /TEXT n: search  q: leave");
                0
            }
            _ => 0,
        };
        let _ = self.show(count, env);
    }

    /// Goes to the next line with the pattern, which is a text as it stands.
    fn search(&mut self, env: &mut Env<'_, '_>) {
        let from = self.next.saturating_sub(self.rows(env).saturating_sub(1));
        let found = self.lines.iter().skip(from).position(|line| line.contains(&self.pattern));
        match found {
            Some(offset) if !self.pattern.is_empty() => {
                self.next = from + offset;
                let rows = self.rows(env);
                let _ = self.show(rows, env);
            }
            _ => {
                env.outln("Pattern not found");
                let _ = self.prompt(env);
            }
        }
    }
}

impl Program for Less {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            _ if self.reading => self.begin(env),
            Resume::Stdin => self.keys(env),
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
    use crate::host::console::Typing;
    use crate::host::shell::harness::{drive_keeping, host, run, text};
    use crate::host::shell::{Doing, Terminal};

    fn at(keys: &[&str]) -> Terminal {
        let inputs: Vec<Input> = keys.iter().map(|keys| Input::Typed((*keys).to_owned().into())).collect();
        let (_, process) = drive_keeping(&mut host(), Box::new(Terminal::new("root")), &inputs);
        process.as_any().downcast_ref::<Terminal>().unwrap().clone()
    }

    #[test]
    fn a_person_turns_pages_and_searches() {
        let terminal = at(&["seq 100 | less\n"]);
        assert_eq!(terminal.doing(), Doing::Running(Typing::Keys));
        assert!(terminal.transcript().text().ends_with("22\n23\n: "));
        let terminal = at(&["seq 100 | less\n", " ", "/7", "7\n"]);
        assert!(terminal.transcript().text().contains("45\n46\n: /77\n77\n78\n"));
        let terminal = at(&["seq 100 > x; less x\n", "G", "q"]);
        assert!(terminal.transcript().text().ends_with("99\n100\n(END) \nroot@mx1:~# "));
        let terminal = at(&["seq 3 | less\n"]);
        assert_eq!(terminal.doing(), Doing::Prompt);
    }

    #[test]
    fn elsewhere_everything_comes_at_once() {
        let (stdout, stderr, status) = text(&run(&mut host(), "seq 200 | less | wc -l; less nosuch"));
        assert_eq!(
            (stdout.as_str(), stderr.as_str(), status),
            ("200\n", "less: nosuch: No such file or directory\n", 1)
        );
    }
}
