//! What the end of an external command means for a delivery (`pipe_command(3)`, `sys_exits(3)`).

use super::mbox_open::Failure;
use crate::host::Exit;
use crate::mail::dsn;

/// The codes of `sysexits.h` with Postfix's status codes and words.
const SYS_EXITS: [(u8, &str, &str); 15] = [
    (64, "5.3.0", "command line usage error"),
    (65, "5.6.0", "data format error"),
    (66, "5.3.0", "cannot open input"),
    (67, "5.1.1", "user unknown"),
    (68, "5.1.2", "host name unknown"),
    (69, "5.3.0", "service unavailable"),
    (70, "5.3.0", "internal software error"),
    (71, "4.3.0", "system resource problem"),
    (72, "5.3.0", "critical OS file missing"),
    (73, "5.2.0", "can't create user output file"),
    (74, "5.3.0", "input/output error"),
    (75, "4.3.0", "temporary failure"),
    (76, "5.5.0", "remote error in protocol"),
    (77, "5.7.0", "permission denied"),
    (78, "5.3.5", "local configuration error"),
];

/// Permission bits that files of a command do not get.
pub const UMASK: u16 = 0o077;

/// Octets of a command's output that are kept.
const OUTPUT_LIMIT: usize = 4096;

/// A failed command: the failure, and the text for `Diagnostic-Code: x-unix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFailure {
    /// Status code (not always one of a fixed set: a command may name its own) and reason.
    pub dsn: String,
    /// The reason.
    pub reason: String,
    /// The command's output, or the meaning of its status.
    pub diagnostic: String,
}

impl From<Failure> for CommandFailure {
    fn from(failure: Failure) -> CommandFailure {
        let diagnostic = failure.unix.unwrap_or_default().to_owned();
        CommandFailure { dsn: failure.dsn.into(), reason: failure.reason, diagnostic }
    }
}

/// Judges how a command ended.
///
/// # Errors
/// It failed: what to report.
pub fn judge(command: &str, exit: &Exit) -> Result<(), CommandFailure> {
    let output = printable(exit);
    let with_output = |text: String| if output.is_empty() { text } else { format!("{text}. Command output: {output}") };
    let said = |text: &str| if output.is_empty() { text.to_owned() } else { output.clone() };
    let fail = |dsn: &str, reason: String, diagnostic: String| {
        Err(CommandFailure { dsn: dsn.into(), reason, diagnostic: diagnostic.trim_end().to_owned() })
    };
    let status = exit.status;
    if status == 0 {
        return Ok(());
    }
    if status > 128 {
        let reason = with_output(format!("Command died with signal {}: \"{command}\"", status - 128));
        return fail("4.3.0", reason, said("internal software error"));
    }
    // A command may say itself what it wants: `D.S.N text`.
    if dsn::prefix(&output) > 0 {
        let (code, text) = dsn::split("5.3.0", &output);
        return fail(code, text.to_owned(), text.to_owned());
    }
    match SYS_EXITS.iter().find(|(code, ..)| *code == status) {
        Some((_, dsn, text)) => fail(dsn, with_output((*text).to_owned()), said(text)),
        None => {
            let reason = with_output(format!("Command died with status {status}: \"{command}\""));
            fail("5.3.0", reason, said(&format!("unknown mail system error {status}")))
        }
    }
}

/// A command that ran for too long and was killed.
pub fn time_limit_exceeded(command: &str) -> CommandFailure {
    CommandFailure {
        dsn: "5.3.0".into(),
        reason: format!("Command time limit exceeded: \"{command}\""),
        diagnostic: "internal software error".into(),
    }
}

/// Both outputs in one line: tabs and line ends become blanks, other control characters `_`.
fn printable(exit: &Exit) -> String {
    let all: Vec<u8> = exit.stdout.iter().chain(&exit.stderr).copied().take(OUTPUT_LIMIT).collect();
    String::from_utf8_lossy(&all)
        .chars()
        .map(|c| match c {
            '\t' | '\n' => ' ',
            c if c.is_control() || c == char::REPLACEMENT_CHARACTER => '_',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(status: u8, output: &str) -> Exit {
        Exit { status, stdout: output.into(), stderr: Vec::new() }
    }

    #[test]
    fn statuses_mean_what_sysexits_says() {
        let cases = [
            (
                1,
                "went wrong\n",
                "5.3.0",
                "Command died with status 1: \"/x\". Command output: went wrong ",
                "went wrong",
            ),
            (75, "", "4.3.0", "temporary failure", "temporary failure"),
            (77, "no\n", "5.7.0", "permission denied. Command output: no ", "no"),
            (137, "", "4.3.0", "Command died with signal 9: \"/x\"", "internal software error"),
            (1, "4.2.1 come back\n", "4.2.1", "come back ", "come back"),
        ];
        for (status, output, dsn, reason, diagnostic) in cases {
            let failure = judge("/x", &exit(status, output)).unwrap_err();
            assert_eq!((&*failure.dsn, &*failure.reason, &*failure.diagnostic), (dsn, reason, diagnostic));
        }
        assert_eq!(judge("/x", &exit(0, "chatty")), Ok(()));
    }
}
