//! Where Postfix's commands report to: standard error and, most of them, the log.

use crate::host::Env;
use crate::mta::postfix::log;

/// How a command reports.
#[derive(Clone, Debug)]
pub(super) struct Console {
    name: String,
    /// The log's tag; `None` for a command that does not log.
    tag: Option<&'static str>,
}

impl Console {
    /// A command that reports under the name it was called by.
    pub(super) fn new(name: &str, tag: Option<&'static str>) -> Console {
        Console { name: name.to_owned(), tag }
    }

    /// Reports a line that says itself what it is: `warning: …`, `error: …`.
    pub(super) fn note(&self, env: &mut Env<'_, '_>, text: &str) {
        env.errln(format!("{}: {text}", self.name));
        if let Some(tag) = self.tag {
            log::record(env.ctx, tag, text);
        }
    }

    /// Reports a warning.
    pub(super) fn warning(&self, env: &mut Env<'_, '_>, text: &str) {
        self.note(env, &format!("warning: {text}"));
    }

    /// Reports why the command ends; the result is its exit status.
    pub(super) fn fatal(&self, env: &mut Env<'_, '_>, text: &str) -> u8 {
        self.note(env, &format!("fatal: {text}"));
        1
    }

    /// Reports wrong usage.
    pub(super) fn usage(&self, env: &mut Env<'_, '_>, error: &str, usage: &str) -> u8 {
        env.errln(format!("{}: {error}", self.name));
        self.fatal(env, usage)
    }
}
