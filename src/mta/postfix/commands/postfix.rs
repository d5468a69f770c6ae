//! postfix(1): checks the environment and runs `postfix-script`.

use super::postfix_script::{Script, say};
use crate::host::{Env, Program, Progress, Resume};
use crate::mta::postfix::config::{self, Config, Params, compat};
use crate::mta::postfix::master;

const USAGE: &str = "usage: postfix [-c config_dir] [-Dv] command";

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct PostfixCommand {
    /// The configuration directory that `postfix start` waits for.
    starting: Option<String>,
}

impl Program for PostfixCommand {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.run(env),
            Resume::Input(crate::host::Input::Wake(_)) => self.started(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl PostfixCommand {
    fn run(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if env.cred.uid != 0 {
            say(env, "postfix", "error: to submit mail, use the Postfix sendmail command");
            return fatal(env, "the postfix command is reserved for the superuser");
        }
        let mut directory = config::DIRECTORY.to_owned();
        let mut words = env.args.iter().skip(1).peekable();
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            match option.as_str() {
                "-c" => directory = words.next().cloned().unwrap_or(directory),
                "-v" | "-D" => {}
                _ => return fatal(env, USAGE),
            }
        }
        let verb: Vec<String> = words.cloned().collect();
        let mut notes = Vec::new();
        let loaded = Config::load_main(env.ctx.host, &directory, &mut notes);
        for note in &notes {
            say(env, "postfix", note);
        }
        let config = match loaded {
            Ok(config) => config,
            Err(error) => return fatal(env, &error.0),
        };
        let params = config.global();
        if let Some(problem) = maillog_problem(&params) {
            return fatal(env, &problem);
        }
        for name in ["command_directory", "daemon_directory", "queue_directory"] {
            let directory = params.get(name);
            if let Err(error) = env.ctx.host.vfs.resolve(&directory, env.cred) {
                return fatal(env, &format!("chdir({directory}): {error}"));
            }
        }
        for note in compat::startup_notes(&params) {
            say(env, "postfix", &note);
        }
        let progress = Script::new(&directory, &config, notes).run(&verb, env);
        if progress == Progress::Wait && verb.first().is_some_and(|verb| verb.starts_with("start")) {
            self.starting = Some(directory);
        }
        progress
    }

    /// The time that `master -w` waits for the daemon is over.
    fn started(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(directory) = self.starting.take() else { return Progress::Exit(0) };
        let Ok(config) = Config::load_main(env.ctx.host, &directory, &mut Vec::new()) else { return Progress::Exit(1) };
        let queue = config.global().get("queue_directory");
        if master::running(env.ctx.host, &queue).is_some() {
            return Progress::Exit(0);
        }
        say(env, "postfix/master", "fatal: daemon initialization failure -- see logs for details");
        say(env, super::postfix_script::TAG, "fatal: mail system startup failed");
        Progress::Exit(1)
    }
}

/// `maillog_file` must begin with one of `maillog_file_prefixes`.
fn maillog_problem(params: &Params<'_>) -> Option<String> {
    let file = params.get("maillog_file");
    let allowed = params.list("maillog_file_prefixes").iter().any(|prefix| file.starts_with(prefix.as_str()));
    (!file.is_empty() && !allowed)
        .then(|| format!("maillog_file value '{file}' does not match any prefix in maillog_file_prefixes"))
}

fn fatal(env: &mut Env<'_, '_>, text: &str) -> Progress {
    say(env, "postfix", &format!("fatal: {text}"));
    Progress::Exit(1)
}
