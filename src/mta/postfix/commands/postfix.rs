//! postfix(1) and its script: start, stop, reload, status, check, flush, logrotate.

use bytes::Bytes;

use crate::host::process::{Priority, Signal};
use crate::host::program::Stdin;
use crate::host::vfs::Cred;
use crate::host::{Env, Program, Progress, Resume};
use crate::mta::postfix::config::{self, Config, Params, compat};
use crate::mta::postfix::{check, master};
use crate::sim::Duration;

/// How long `postfix start` takes until the daemons are ready.
const START_TIME: Duration = Duration::from_millis(100);
/// How often the script runs postconf(1), which repeats its warnings on a terminal each time.
const POSTCONF_RUNS: usize = 20;

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct PostfixCommand;

impl Program for PostfixCommand {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.run(env),
            Resume::Input(crate::host::Input::Wake(_)) => Progress::Exit(0),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl PostfixCommand {
    fn run(&self, env: &mut Env<'_, '_>) -> Progress {
        let mut directory = config::DIRECTORY.to_owned();
        let mut words = env.args.iter().skip(1).peekable();
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            match option.as_str() {
                "-c" => directory = words.next().cloned().unwrap_or(directory),
                "-v" | "-D" => {}
                _ => return fatal(env, "postfix", "usage: postfix [-c config_dir] [-Dv] command"),
            }
        }
        let Some(verb) = words.next().cloned() else {
            return fatal(env, "postfix", "usage: postfix [-c config_dir] [-Dv] command");
        };
        if env.cred.uid != 0 {
            return fatal(env, "postfix", "the postfix command is reserved for the superuser");
        }
        let mut notes = Vec::new();
        let loaded = Config::load_main(env.ctx.host, &directory, &mut notes);
        for note in &notes {
            say(env, "postfix", note);
        }
        let config = match loaded {
            Ok(config) => config,
            Err(error) => return fatal(env, "postfix", &error.0),
        };
        let params = config.global();
        if let Some(problem) = maillog_problem(&params) {
            return fatal(env, "postfix", &problem);
        }
        for note in compat::startup_notes(&params) {
            say(env, "postfix", &note);
        }
        let complete = matches!(verb.as_str(), "start" | "check") && Config::load(env.ctx.host, &directory).is_ok();
        if complete && env.tty {
            let warnings = postconf_warnings(env);
            for warning in (0..POSTCONF_RUNS).flat_map(|_| &warnings) {
                env.errln(format!("/usr/sbin/{warning}"));
            }
        }
        self.script(&verb, &directory, &config, env)
    }

    /// What `postfix-script` does.
    fn script(&self, verb: &str, directory: &str, config: &Config, env: &mut Env<'_, '_>) -> Progress {
        const SCRIPT: &str = "postfix/postfix-script";
        let running = master::running(env.ctx.host, &config.global().get("queue_directory"));
        match (verb, running) {
            ("start" | "start-fg", Some(_)) => fatal(env, SCRIPT, "the Postfix mail system is already running"),
            ("start" | "start-fg" | "check", _) => {
                if let Err(error) = Config::load(env.ctx.host, directory) {
                    if env.tty {
                        env.errln(format!("/usr/sbin/postconf: fatal: {error}"));
                    }
                    return fatal(env, SCRIPT, "cannot execute /usr/sbin/postconf!");
                }
                for warning in check::warnings(&config.global(), env.ctx.host) {
                    say(env, SCRIPT, &format!("warning: {warning}"));
                }
                if verb == "check" {
                    return Progress::Exit(0);
                }
                say(env, SCRIPT, "starting the Postfix mail system");
                env.ctx.start(Box::new(master::Postfix::new(directory)));
                let ready = env.ctx.now + START_TIME;
                env.ctx.wake_at(ready, 0, "Postfix is ready");
                Progress::Wait
            }
            ("status", Some(pid)) => {
                say(env, SCRIPT, &format!("the Postfix mail system is running: PID: {pid}"));
                Progress::Exit(0)
            }
            ("status", None) => {
                say(env, SCRIPT, "the Postfix mail system is not running");
                Progress::Exit(1)
            }
            ("stop" | "abort" | "reload" | "flush" | "drain", None) => {
                fatal(env, SCRIPT, "the Postfix mail system is not running")
            }
            ("stop" | "abort" | "drain", Some(pid)) => {
                let doing = if verb == "abort" { "aborting" } else { "stopping" };
                say(env, SCRIPT, &format!("{doing} the Postfix mail system"));
                env.ctx.signal(pid, Signal::Term);
                Progress::Exit(0)
            }
            ("reload", Some(pid)) => {
                say(env, SCRIPT, "refreshing the Postfix mail system");
                env.ctx.signal(pid, Signal::Hup);
                Progress::Exit(0)
            }
            ("flush", Some(_)) => Progress::Exit(super::postqueue::flush_all(env)),
            ("logrotate", _) => logrotate(&config.global(), env),
            ("set-permissions" | "upgrade-configuration", _) => {
                check::set_permissions(&config.global(), env.ctx.host);
                Progress::Exit(0)
            }
            (other, _) => {
                say(env, SCRIPT, &format!("error: unknown command: '{other}'"));
                fatal(
                    env,
                    SCRIPT,
                    "usage: postfix start (or stop, reload, abort, flush, check, status, set-permissions, upgrade-configuration, logrotate)",
                )
            }
        }
    }
}

/// What postconf(1) has to say about the configuration.
fn postconf_warnings(env: &mut Env<'_, '_>) -> Vec<String> {
    let args = ["postconf".to_owned(), "-n".to_owned()];
    let (mut stdin, mut stdout, mut stderr) = (Stdin::default(), Vec::new(), Vec::new());
    let mut inner = Env {
        ctx: env.ctx,
        args: &args,
        vars: env.vars,
        cwd: env.cwd,
        cred: env.cred,
        stdin: &mut stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        tty: env.tty,
    };
    super::postconf::run(&mut inner, Bytes::new());
    String::from_utf8_lossy(&stderr).lines().map(str::to_owned).collect()
}

/// `maillog_file` must begin with one of `maillog_file_prefixes`.
fn maillog_problem(params: &Params<'_>) -> Option<String> {
    let file = params.get("maillog_file");
    let allowed = params.list("maillog_file_prefixes").iter().any(|prefix| file.starts_with(prefix.as_str()));
    (!file.is_empty() && !allowed)
        .then(|| format!("maillog_file value '{file}' does not match any prefix in maillog_file_prefixes"))
}

/// Renames `maillog_file` with a time stamp; the compressor's suffix stands for its work.
fn logrotate(params: &Params<'_>, env: &mut Env<'_, '_>) -> Progress {
    let file = params.get("maillog_file");
    if file.is_empty() || file == "/dev/stdout" {
        return fatal(env, "postfix/postfix-script", "maillog_file is not configured");
    }
    let suffix = env.ctx.now.zoned(&env.ctx.host.zone).strftime(&params.get("maillog_file_rotate_suffix")).to_string();
    let compressor = params.get("maillog_file_compressor");
    let ending = if compressor.ends_with("gzip") { ".gz" } else { "" };
    if let Err(error) = env.ctx.host.vfs.rename(&file, &format!("{file}.{suffix}{ending}"), &Cred::ROOT) {
        return fatal(env, "postfix/postfix-script", &format!("rename {file}: {error}"));
    }
    Progress::Exit(0)
}

/// Logs a message; on a terminal it is shown as well.
fn say(env: &mut Env<'_, '_>, tag: &str, text: &str) {
    let priority = match text.split(':').next() {
        Some("fatal" | "panic" | "error") => Priority::Error,
        Some("warning") => Priority::Warning,
        _ => Priority::Info,
    };
    let pid = env.ctx.proc.0;
    env.ctx.syslog(priority, tag, pid, format_args!("{text}"));
    if env.tty {
        env.errln(format!("{tag}: {text}"));
    }
}

fn fatal(env: &mut Env<'_, '_>, tag: &str, text: &str) -> Progress {
    say(env, tag, &format!("fatal: {text}"));
    Progress::Exit(1)
}
