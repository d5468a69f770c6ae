//! `postfix-script`: start, stop, reload, status, check, flush, logrotate; and the other commands
//! that it runs, as far as they say something.

use bytes::Bytes;

use super::messages::status;
use crate::host::process::Signal;
use crate::host::program::Stdin;
use crate::host::vfs::Cred;
use crate::host::{Env, Progress};
use crate::mta::postfix::config::{Config, Params};
use crate::mta::postfix::{check, log, master};
use crate::sim::Duration;

/// The script's syslog tag.
pub(super) const TAG: &str = "postfix/postfix-script";
/// How long `postfix start` takes until the daemons are ready.
const START_TIME: Duration = Duration::from_millis(100);
/// How long `postfix stop` takes.
const STOP_TIME: Duration = Duration::from_millis(1);
/// How often `post-install` asks postconf(1).
const POST_INSTALL_RUNS: usize = 16;
/// The same when the first parameter cannot be found out.
const POST_INSTALL_RUNS_FAILING: usize = 2;

/// A run of the script.
pub(super) struct Script<'a> {
    directory: &'a str,
    config: &'a Config,
    /// What every program says about main.cf.
    notes: Vec<String>,
    queue: String,
}

/// What a run of postconf(1) writes, and its exit status.
struct Postconf {
    stderr: String,
    status: u8,
}

/// Why a step ends the script.
struct Stop(u8);

impl<'a> Script<'a> {
    /// The script for an instance; `notes` is what reading its main.cf says.
    pub(super) fn new(directory: &'a str, config: &'a Config, notes: Vec<String>) -> Script<'a> {
        let queue = config.global().get("queue_directory").to_string();
        Script { directory, config, notes, queue }
    }

    /// Does what the words say. [`Progress::Wait`] when master(8) was started or told to stop: that
    /// takes a moment.
    pub(super) fn run(&self, words: &[String], env: &mut Env<'_, '_>) -> Progress {
        match self.verb(words, env) {
            Ok(progress) => progress,
            Err(Stop(status)) => Progress::Exit(status),
        }
    }

    fn verb(&self, words: &[String], env: &mut Env<'_, '_>) -> Result<Progress, Stop> {
        let verb = words.first().map_or("", String::as_str);
        let postconf = self.header(env)?;
        let running = master::running(env.ctx.host, &self.queue);
        match verb {
            "start" | "start-fg" => {
                self.note("postfix/master", env);
                if running.is_some() {
                    return Err(self.fatal("the Postfix mail system is already running", env));
                }
                if self.check_fatal(&postconf, env).is_err() {
                    return Err(self.fatal("Postfix integrity check failed!", env));
                }
                self.check_warn(&postconf, env);
                self.say("starting the Postfix mail system", env);
                env.ctx.start(Box::new(master::Postfix::new(self.directory)));
                let ready = env.ctx.now + START_TIME;
                env.ctx.wake_at(ready, 0, "Postfix is ready");
                return Ok(Progress::Wait);
            }
            "check" => {
                self.check_fatal(&postconf, env)?;
                self.check_warn(&postconf, env);
            }
            "stop" | "quick-stop" | "abort" | "drain" | "reload" => {
                self.note("postfix/master", env);
                let Some(pid) = running else {
                    return Err(self.fatal("the Postfix mail system is not running", env));
                };
                let (doing, signal) = match verb {
                    "abort" => ("aborting", Signal::Term),
                    "reload" => ("refreshing", Signal::Hup),
                    _ => ("stopping", Signal::Term),
                };
                self.say(&format!("{doing} the Postfix mail system"), env);
                if verb == "reload" {
                    // Before and after the signal.
                    self.note("postfix/postsuper", env);
                    self.note("postfix/postsuper", env);
                }
                env.ctx.signal(pid, signal);
                if signal == Signal::Term {
                    // Until master(8) is gone.
                    let gone = env.ctx.now + STOP_TIME;
                    env.ctx.wake_at(gone, 0, "Postfix has stopped");
                    return Ok(Progress::Wait);
                }
            }
            "status" => {
                self.note("postfix/master", env);
                let Some(pid) = running else {
                    self.say("the Postfix mail system is not running", env);
                    return Err(Stop(1));
                };
                self.say(&format!("the Postfix mail system is running: PID: {pid}"), env);
            }
            "flush" => {
                self.note("postfix/postqueue", env);
                if running.is_none() {
                    let text = "Cannot flush mail queue - mail system is down";
                    return Err(Stop(super::messages::fatal(env, "postqueue", status::UNAVAILABLE, text)));
                }
                return Ok(Progress::Exit(super::postqueue::flush_all(env)));
            }
            "logrotate" => self.logrotate(&words[1..], &postconf, env)?,
            "set-permissions" | "upgrade-configuration" => {
                postconf.print(POST_INSTALL_RUNS, env);
                check::set_permissions(&self.config.global(), env.ctx.host);
            }
            "tls" => {
                return Err(self.fatal(
                    "this simulation has no 'postfix tls'; set the smtpd_tls_* parameters with postconf -e",
                    env,
                ));
            }
            other => {
                let usage = "Usage: postfix start (or stop, reload, abort, flush, check, status, set-permissions, \
                             upgrade-configuration, logrotate)";
                return Err(self.fatal(&format!("unknown command: '{other}'. {usage}"), env));
            }
        }
        Ok(Progress::Exit(0))
    }

    /// What the script does first, whatever it is asked for.
    fn header(&self, env: &mut Env<'_, '_>) -> Result<Postconf, Stop> {
        // Without main.cf: this fails when master.cf is malformed.
        let defaults = Postconf::run("-d", self.directory, env);
        defaults.print(1, env);
        if defaults.status != 0 {
            return Err(self.fatal("cannot execute /usr/sbin/postconf!", env));
        }
        let postconf = Postconf::run("-n", self.directory, env);
        postconf.print(1, env);
        Ok(postconf)
    }

    /// `check-fatal`.
    fn check_fatal(&self, postconf: &Postconf, env: &mut Env<'_, '_>) -> Result<(), Stop> {
        if postconf.status != 0 {
            postconf.print(2 + POST_INSTALL_RUNS_FAILING, env);
            return Err(self.fatal("cannot execute /usr/sbin/postconf!", env));
        }
        postconf.print(2 + POST_INSTALL_RUNS, env);
        let _ = check::create_missing(&self.config.global(), env.ctx.host);
        let logs = !self.config.global().get("maillog_file").is_empty();
        let postlogd = Config::load(env.ctx.host, self.directory)
            .is_ok_and(|config| config.master.find("postlog", super::super::config::ServiceKind::UnixDgram).is_some());
        if logs && !postlogd {
            let text = "missing 'postlog' service in master.cf - run 'postfix upgrade-configuration'";
            return Err(self.fatal(text, env));
        }
        self.note("postfix/postsuper", env);
        Ok(())
    }

    /// `check-warn`.
    fn check_warn(&self, postconf: &Postconf, env: &mut Env<'_, '_>) {
        postconf.print(1, env);
        for warning in check::warnings(&self.config.global(), env.ctx.host) {
            self.say(&format!("warning: {warning}"), env);
        }
    }

    /// Renames `maillog_file` with a time stamp; the compressor's suffix stands for its work.
    fn logrotate(&self, rest: &[String], postconf: &Postconf, env: &mut Env<'_, '_>) -> Result<(), Stop> {
        if !rest.is_empty() {
            return Err(self.fatal("usage postfix logrotate (no arguments)", env));
        }
        let params: Params<'_> = self.config.global();
        for name in ["maillog_file", "maillog_file_compressor", "maillog_file_rotate_suffix"] {
            postconf.print(1, env);
            if params.get(name).is_empty() {
                return Err(self.fatal(&format!("empty '{name}' parameter value - logfile rotation failed"), env));
            }
        }
        let file = params.get("maillog_file");
        if file.starts_with("/dev/") {
            return Err(self.fatal(&format!("not rotating '{file}'"), env));
        }
        let now = env.ctx.now.zoned(&env.ctx.host.zone);
        let suffix = now.strftime(&params.get("maillog_file_rotate_suffix")).to_string();
        let ending = if params.get("maillog_file_compressor").ends_with("gzip") { ".gz" } else { "" };
        if let Err(error) = env.ctx.host.vfs.rename(&file, &format!("{file}.{suffix}{ending}"), &Cred::ROOT) {
            let why = format!("mv: cannot stat '{file}': {error}");
            return Err(self.fatal(&format!("logfile '{file}' rotation failed: {why}"), env));
        }
        Ok(())
    }

    /// Logs through postlog(1), which says itself what main.cf makes it say.
    fn say(&self, text: &str, env: &mut Env<'_, '_>) {
        self.note("postfix/postlog", env);
        say(env, TAG, text);
    }

    fn fatal(&self, text: &str, env: &mut Env<'_, '_>) -> Stop {
        self.say(&format!("fatal: {text}"), env);
        Stop(1)
    }

    /// Another program starts and reads main.cf.
    fn note(&self, tag: &str, env: &mut Env<'_, '_>) {
        for note in &self.notes {
            log::record(env.ctx, tag, note);
        }
    }
}

impl Postconf {
    /// What postconf(1) has to say about the configuration.
    fn run(mode: &str, directory: &str, env: &mut Env<'_, '_>) -> Postconf {
        let args = ["postconf".to_owned(), mode.to_owned()];
        let mut vars = env.vars.clone();
        vars.insert("MAIL_CONFIG".into(), directory.to_owned());
        let (mut stdin, mut stdout, mut stderr) = (Stdin::default(), Vec::new(), Vec::new());
        let mut inner =
            Env { stdin: &mut stdin, stdout: &mut stdout, stderr: &mut stderr, ..env.for_command(&args, &vars) };
        let status = super::postconf::run(&mut inner, Bytes::new());
        let stderr = String::from_utf8_lossy(&stderr);
        Postconf { stderr: stderr.lines().map(|line| format!("/usr/sbin/{line}\n")).collect(), status }
    }

    /// Shows it as often as the program runs.
    fn print(&self, times: usize, env: &mut Env<'_, '_>) {
        for _ in 0..times {
            env.stderr.extend_from_slice(self.stderr.as_bytes());
        }
    }
}

/// Logs a message; on a terminal it is shown as well.
pub(super) fn say(env: &mut Env<'_, '_>, tag: &str, text: &str) {
    log::record(env.ctx, tag, text);
    if env.tty {
        env.errln(format!("{tag}: {text}"));
    }
}
