//! postlog(1): writes to the mail log.

use crate::host::{Env, Program, Progress, Resume};
use crate::mta::postfix::config::{self, Config};
use crate::mta::postfix::log;

/// The tag without `-t`, and of the command's own errors.
const TAG: &str = "postfix/postlog";

/// The running command.
#[derive(Clone, Debug)]
pub struct Postlog {
    tag: String,
    /// `warning: ` and the like.
    prefix: &'static str,
    reads: bool,
}

impl Default for Postlog {
    fn default() -> Postlog {
        Postlog { tag: TAG.into(), prefix: "", reads: false }
    }
}

impl Program for Postlog {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        if let Resume::Start = resume {
            if let Err(status) = load(env) {
                return Progress::Exit(status);
            }
            match self.options(env) {
                Ok(words) if words.is_empty() => self.reads = true,
                Ok(words) => {
                    self.log(&words.join(" "), env);
                    return Progress::Exit(0);
                }
                Err(text) => {
                    self.tag = TAG.into();
                    self.prefix = "fatal: ";
                    self.log(&text, env);
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

/// Reads main.cf. What it says about it goes where its messages go.
fn load(env: &mut Env<'_, '_>) -> Result<(), u8> {
    let mut notes = Vec::new();
    let loaded = Config::load_main(env.ctx.host, config::DIRECTORY, &mut notes);
    if let Err(error) = &loaded {
        notes.push(format!("fatal: {error}"));
    }
    for note in notes {
        Postlog::default().log(&note, env);
    }
    loaded.map(|_| ()).map_err(|_| 1)
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
        self.prefix = match name {
            "info" => "",
            "warn" | "warning" => "warning: ",
            "error" | "err" => "error: ",
            "fatal" | "crit" => "fatal: ",
            "panic" => "panic: ",
            _ => return Err(format!("bad severity: \"{name}\"")),
        };
        Ok(())
    }

    fn log(&self, text: &str, env: &mut Env<'_, '_>) {
        let text = format!("{}{text}", self.prefix);
        if env.tty {
            env.errln(format!("{}: {text}", self.tag));
        }
        log::record(env.ctx, &self.tag, &text);
    }
}
