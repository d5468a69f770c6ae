//! Commands that mail is piped into (`command.c` of Postfix): environment, rights, directory.

use smol_str::SmolStr;

use super::attributes::{Attributes, expand};
use super::settings::Settings;
use crate::host::vfs::Vfs;
use crate::host::{Command, Exit, Spawn};
use crate::mta::postfix::mail_copy::{self, Envelope, Style};
use crate::mta::postfix::pipe_command::CommandFailure;
use crate::mta::postfix::queue_file::QueueFile;

/// Characters of a command line that can be run without a shell (`exec_command(3)`).
const PLAIN: &str = "1234567890!@%-_=+:,./\\abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t";

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
    vfs: &Vfs,
) -> Result<Spawn, CommandFailure> {
    let directory =
        expand(&settings.command_execution_directory, attributes, &settings.execution_directory_expansion_filter);
    if directory.malformed {
        return Err(CommandFailure {
            dsn: "4.3.5".into(),
            reason: "mail system configuration error".into(),
            diagnostic: String::new(),
        });
    }
    let cwd = if directory.text.is_empty() { settings.queue_directory.clone() } else { directory.text.into() };
    let cred = attributes.rights.or(&settings.default_privs);
    let style = Style { delivered: settings.prepend_delivered_header.command, ..Style::COMMAND };
    let envelope = Envelope { sender: &attributes.sender, original, delivered: &attributes.delivered };
    let stdin = mail_copy::copy(&file.message, envelope, style, date).into_bytes();
    let fatal = |text: String| {
        let exit = Exit { status: 75, stdout: Vec::new(), stderr: format!("local: fatal: {text}\n").into_bytes() };
        crate::mta::postfix::pipe_command::judge(line, &exit)
    };
    if !vfs.exists(&cwd) {
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
                && program.starts_with('/')
                && vfs.exists(program)
                && let Err(error) = vfs.access(program, &cred, EXECUTE)
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
    let env = environment(attributes, file, original, &settings.command_expansion_filter);
    Ok(Spawn { command, cred, cwd, env, stdin, tty: false })
}

const EXECUTE: u16 = 1;

/// What local(8) puts into the environment. Characters that are not in `filter` become `_`.
fn environment(attributes: &Attributes, file: &QueueFile, original: &str, filter: &str) -> Vec<(SmolStr, String)> {
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
    let censored = |value: &str| value.chars().map(|c| if filter.contains(c) { c } else { '_' }).collect();
    let named = values.iter().filter(|(_, value, always)| *always || !value.is_empty());
    [path].into_iter().chain(named.map(|(name, value, _)| (SmolStr::new_static(name), censored(value)))).collect()
}
