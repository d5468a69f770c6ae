//! Writing a message with mail(1): subject, text and Cc as they are typed, then the call of
//! `sendmail`.

use super::Options;
use crate::host::program::Run;
use crate::host::{Env, Progress};

/// What is typed next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked for yet.
    #[default]
    Start,
    Subject,
    Text,
    Cc,
}

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Compose {
    options: Options,
    stage: Stage,
    text: Vec<u8>,
}

impl Compose {
    /// A message to these recipients.
    pub fn new(options: Options) -> Compose {
        Compose { options, ..Compose::default() }
    }

    /// Takes what was typed. At a terminal the subject is asked for if it is missing, a line with a
    /// dot ends the text, and Cc is asked for (`ask`, `dot` and `askcc` of Debian's `/etc/mail.rc`).
    pub fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.stage == Stage::Start {
            let asks = is_typed(env) && self.options.subject.is_none();
            self.stage = if asks { Stage::Subject } else { Stage::Text };
            if asks {
                env.stdout.extend_from_slice(b"Subject: ");
            }
        }
        while let Some(line) = env.stdin.take_line() {
            match self.stage {
                Stage::Start | Stage::Text => {
                    if is_typed(env) && line == b".\n" {
                        match self.end_of_text(env) {
                            Some(progress) => return progress,
                            None => continue,
                        }
                    }
                    self.text.extend_from_slice(&line);
                }
                Stage::Subject => {
                    self.options.subject = Some(String::from_utf8_lossy(&line).trim_end().to_owned());
                    self.stage = Stage::Text;
                }
                Stage::Cc => {
                    let names = String::from_utf8_lossy(&line).into_owned();
                    self.options.cc.extend(super::names(&names));
                    return self.submit();
                }
            }
        }
        match (env.stdin.eof, self.stage) {
            (false, _) => Progress::Wait,
            (true, Stage::Cc) => self.submit(),
            (true, _) => self.end_of_text(env).unwrap_or_else(|| self.submit()),
        }
    }

    /// The text is complete; `None` if Cc is asked for first.
    fn end_of_text(&mut self, env: &mut Env<'_, '_>) -> Option<Progress> {
        if self.text.is_empty() {
            if self.options.not_empty {
                return Some(Progress::Exit(0));
            }
            env.errln("Null message body; hope that's ok");
        }
        if is_typed(env) && self.options.cc.is_empty() {
            self.stage = Stage::Cc;
            env.stdout.extend_from_slice(b"Cc: ");
            return None;
        }
        Some(self.submit())
    }

    fn submit(&mut self) -> Progress {
        Progress::Run(Box::new(submission(&self.options, std::mem::take(&mut self.text))))
    }
}

/// The lines of a header that do not depend on the recipients.
pub(super) const MIME: [(&str, &str); 3] =
    [("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=\"UTF-8\""), ("Content-Transfer-Encoding", "8bit")];

/// The call of `sendmail` that submits a message.
fn submission(options: &Options, body: Vec<u8>) -> Run {
    let mut text = format!("To: {}\n", options.to.join(", "));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        }
    };
    line("Subject", options.subject.as_deref().unwrap_or_default());
    line("Cc", &options.cc.join(", "));
    let has = |name: &str| options.headers.iter().any(|header| header.to_ascii_lowercase().starts_with(name));
    if !has("mime-version:") && !has("content-type:") {
        MIME.iter().for_each(|(name, value)| line(name, value));
    }
    for header in &options.headers {
        text.push_str(header);
        text.push('\n');
    }
    text.push('\n');
    let mut argv: Vec<String> = vec!["sendmail".into(), "-i".into()];
    if let Some(sender) = &options.sender {
        argv.extend(["-f".into(), sender.clone()]);
    }
    argv.push("--".into());
    for list in [&options.to, &options.cc, &options.bcc] {
        argv.extend(list.iter().cloned());
    }
    Run { argv, stdin: Some([text.into_bytes(), body].concat().into()), ..Run::default() }
}

/// Whether a person types the text, and not a pipe of a command at the same terminal.
fn is_typed(env: &Env<'_, '_>) -> bool {
    env.tty && env.stdin.tty.as_ref().is_none_or(|tty| tty.is_stdin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_a_message_and_a_call_of_sendmail() {
        let args = ["-s", "a subject", "-c", "alice", "-b", "root", "-a", "X-One: 1", "bob@example.com"];
        let options = super::super::parse(&args.map(str::to_owned)).unwrap();
        let run = submission(&options, b"hello\n".to_vec());
        assert_eq!(run.argv, ["sendmail", "-i", "--", "bob@example.com", "alice", "root"]);
        assert_eq!(
            run.stdin.as_deref(),
            Some(
                &b"To: bob@example.com\nSubject: a subject\nCc: alice\nMIME-Version: 1.0\n\
                   Content-Type: text/plain; charset=\"UTF-8\"\nContent-Transfer-Encoding: 8bit\nX-One: 1\n\nhello\n"[..]
            )
        );
        assert!(super::super::parse(&["-s".to_owned()]).is_err());
    }
}
