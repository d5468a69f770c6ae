//! Commands that mail is piped into (`command.c` of Postfix): environment, rights, directory.

use smol_str::SmolStr;

use super::attributes::Attributes;
use super::settings::{Filter, Settings};
use super::template::Template;
use crate::host::shell::launch::{self, Found};
use crate::host::vfs::{Cred, Errno};
use crate::host::{Command, Exit, Host, Spawn};
use crate::mta::postfix::mail_copy::{self, Envelope, Style};
use crate::mta::postfix::pipe_command::{self, CommandFailure, UMASK};
use crate::mta::postfix::queue_file::QueueFile;

/// Characters of a command line that can be run without a shell (`exec_command(3)`).
const PLAIN: &str = "1234567890!@%-_=+:,./\\abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t";

/// A command that cannot be started.
pub(super) struct CannotStart {
    /// What the child process logs before it ends, without `fatal: `.
    pub fatal: Option<String>,
    /// What to report.
    pub failure: CommandFailure,
}

/// Prepares a command.
///
/// # Errors
/// It cannot be started: what to report.
pub(super) fn prepare(
    line: &str,
    attributes: &Attributes,
    file: &QueueFile,
    original: &str,
    date: &str,
    settings: &Settings,
    host: &Host,
) -> Result<Spawn, CannotStart> {
    let directory = Template::parse(&settings.command_execution_directory)
        .expand(attributes, &settings.execution_directory_expansion_filter);
    if directory.malformed {
        let failure = CommandFailure {
            dsn: "4.3.5".into(),
            reason: "mail system configuration error".into(),
            diagnostic: String::new(),
        };
        return Err(CannotStart { fatal: None, failure });
    }
    let cwd = if directory.text.is_empty() { settings.queue_directory.clone() } else { directory.text.into() };
    let cred = attributes.rights.or(&settings.default_privs);
    let style = Style { delivered: settings.prepend_delivered_header.command, ..Style::COMMAND };
    let envelope = Envelope { sender: &attributes.sender, original, delivered: &attributes.delivered };
    let stdin = mail_copy::copy(&file.message, envelope, style, date).into_bytes();
    let fatal = |text: String| {
        let exit = Exit { status: 75, stdout: Vec::new(), stderr: format!("local: fatal: {text}\n").into_bytes() };
        let judged = pipe_command::judge(line, &exit);
        judged.map_err(|failure| CannotStart { fatal: Some(text), failure })
    };
    if !host.vfs.exists(&cwd) {
        let text = format!(
            "cannot change directory to \"{cwd}\" for uid={} gid={}: No such file or directory",
            cred.uid, cred.gid
        );
        fatal(text)?;
    }
    let command = match settings.local_command_shell.as_str() {
        "" => {
            // Without a need for a shell the program is run directly, and the system call's error shows.
            let program = line.split([' ', '\t']).next().unwrap_or_default();
            if line.chars().all(|c| PLAIN.contains(c))
                && program.contains('/')
                && let Some(error) = refused(program, &cwd, &cred, host)
            {
                fatal(format!("execvp {program}: {error}"))?;
            }
            Command::Shell(line.to_owned())
        }
        shell => {
            let mut argv: Vec<String> = shell.split_whitespace().map(str::to_owned).collect();
            argv.push(line.to_owned());
            Command::Exec(argv)
        }
    };
    let mut env = environment(attributes, file, original, &settings.command_expansion_filter);
    env.push(("MAIL_CONFIG".into(), settings.config_directory.to_string()));
    Ok(Spawn { command, cred, cwd, env, umask: UMASK, stdin, tty: false })
}

/// Why a program cannot be executed, if so.
fn refused(program: &str, cwd: &str, cred: &Cred, host: &Host) -> Option<Errno> {
    match launch::find(program, "", cwd, cred, host) {
        Found::Missing | Found::NoInterpreter(_) => Some(Errno::NoEnt),
        Found::Denied | Found::Directory => Some(Errno::Access),
        _ => None,
    }
}

/// What local(8) puts into the environment. Characters that are not in `filter` become `_`.
fn environment(attributes: &Attributes, file: &QueueFile, original: &str, filter: &Filter) -> Vec<(SmolStr, String)> {
    let from = &file.attributes;
    let optional = |value: &Option<SmolStr>| value.clone().unwrap_or_default();
    let values = [
        ("HOME", optional(&attributes.rights.home), false),
        ("LOGNAME", attributes.user.clone(), true),
        ("USER", attributes.user.clone(), true),
        ("SENDER", attributes.sender.clone(), true),
        ("RECIPIENT", attributes.address.clone(), true),
        ("LOCAL", attributes.local.clone(), true),
        ("SHELL", optional(&attributes.rights.shell), false),
        ("DOMAIN", attributes.domain.clone(), false),
        ("EXTENSION", optional(&attributes.extension), false),
        ("ORIGINAL_RECIPIENT", original.into(), false),
        ("CLIENT_HOSTNAME", from.client_name.clone(), false),
        ("CLIENT_ADDRESS", from.client_address.clone(), false),
        ("CLIENT_HELO", from.helo_name.clone(), false),
        ("CLIENT_PROTOCOL", from.protocol_name.clone(), false),
        ("SASL_METHOD", from.sasl_method.clone(), false),
        ("SASL_USERNAME", from.sasl_username.clone(), false),
    ];
    let path = (SmolStr::new_static("PATH"), "/usr/bin:/bin".to_owned());
    let censored = |value: &str| value.chars().map(|c| filter.apply(c)).collect();
    let named = values.iter().filter(|(_, value, always)| *always || !value.is_empty());
    [path].into_iter().chain(named.map(|(name, value, _)| (SmolStr::new_static(name), censored(value)))).collect()
}
