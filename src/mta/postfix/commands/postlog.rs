//! postlog(1): writes to the mail log.

use crate::host::{Env, Priority, Program, Progress, Resume};

/// The running command.
#[derive(Clone, Debug)]
pub struct Postlog {
    tag: String,
    priority: Priority,
    /// `warning: ` and the like.
    prefix: &'static str,
    reads: bool,
}

impl Default for Postlog {
    fn default() -> Postlog {
        Postlog { tag: "postfix/postlog".into(), priority: Priority::Info, prefix: "", reads: false }
    }
}

impl Program for Postlog {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        if let Resume::Start = resume {
            match self.options(env) {
                Ok(words) if words.is_empty() => self.reads = true,
                Ok(words) => {
                    self.log(&words.join(" "), env);
                    return Progress::Exit(0);
                }
                Err(text) => {
                    env.errln(format!("postlog: fatal: {text}"));
                    return Progress::Exit(1);
                }
            }
        }
        while let Some(line) = env.stdin.take_line() {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.log(&text, env);
        }
        if env.stdin.eof { Progress::Exit(0) } else { Progress::Wait }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Postlog {
    fn options(&mut self, env: &Env<'_, '_>) -> Result<Vec<String>, String> {
        let mut words = env.args.iter().skip(1).cloned();
        let mut rest = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-p" => self.set_priority(&words.next().unwrap_or_default())?,
                "-t" => self.tag = words.next().unwrap_or_default(),
                "-c" => drop(words.next()),
                "-i" | "-v" => {}
                _ if word.starts_with('-') => {
                    return Err("usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]".into());
                }
                _ => {
                    rest.push(word);
                    rest.extend(words.by_ref());
                }
            }
        }
        Ok(rest)
    }

    fn set_priority(&mut self, name: &str) -> Result<(), String> {
        (self.priority, self.prefix) = match name {
            "info" => (Priority::Info, ""),
            "warn" | "warning" => (Priority::Warning, "warning: "),
            "error" | "err" => (Priority::Error, "error: "),
            "fatal" | "crit" => (Priority::Error, "fatal: "),
            "panic" => (Priority::Error, "panic: "),
            _ => return Err(format!("bad severity: {name}")),
        };
        Ok(())
    }

    fn log(&self, text: &str, env: &mut Env<'_, '_>) {
        if env.tty {
            env.errln(format!("{}: {}{text}", self.tag, self.prefix));
        }
        let pid = env.ctx.proc.0;
        env.ctx.syslog(self.priority, &self.tag, pid, format_args!("{}{text}", self.prefix));
    }
}
