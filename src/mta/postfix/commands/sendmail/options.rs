//! The options of the `sendmail` command.

use smol_str::SmolStr;

use crate::mta::postfix::queue_file::{Notify, Ret};

/// What the command is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Submit mail.
    #[default]
    Enqueue,
    /// Run another command of Postfix instead.
    Other(Vec<String>),
    /// `-bs`: an SMTP session on standard input.
    Session,
    /// `-bd`: start the mail system, whether or not it can be started.
    Start,
    /// `-bh` and `-bH`: about the host status, of which there is none; and `-q30m`, which says how
    /// often to try.
    Nothing,
}

/// The options of an invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub mode: Mode,
    pub directory: Option<String>,
    pub sender: Option<String>,
    pub full_name: Option<String>,
    /// `-t`.
    pub extract: bool,
    /// `-i`: a line with a dot is not the end.
    pub ignore_dots: bool,
    /// `-v`.
    pub report: bool,
    /// `-bv`.
    pub verify: bool,
    pub notify: Notify,
    pub ret: Option<Ret>,
    pub envid: SmolStr,
    pub encoding: SmolStr,
    /// `-XV`: delimiters of variable envelope return paths; empty for the usual ones.
    pub verp: Option<SmolStr>,
    pub recipients: Vec<String>,
    /// What is said about options that are ignored.
    pub warnings: Vec<String>,
}

/// Why the options make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// What `getopt(3)` says.
    pub option: Option<String>,
    /// The text after `fatal: `.
    pub text: String,
}

impl Mistake {
    fn usage(option: String) -> Mistake {
        Mistake { option: Some(option), text: "usage: sendmail [options]".into() }
    }
}

impl From<String> for Mistake {
    fn from(text: String) -> Mistake {
        Mistake { option: None, text }
    }
}

/// Reads the options. Values may follow their letter or be the next word.
pub(super) fn parse(args: &[String]) -> Result<Options, Mistake> {
    let mut options = Options::default();
    let mut words = args.iter().peekable();
    while let Some(word) = words.next() {
        let renamed;
        let word = match word.strip_prefix("-V") {
            Some(delimiters)
                if delimiters.len() == 2
                    || delimiters.is_empty() && words.peek().is_some_and(|next| next.starts_with('-')) =>
            {
                renamed = format!("-XV{delimiters}");
                let text = format!("option {word} is deprecated with Postfix 2.3; specify {renamed} instead");
                options.warnings.push(text);
                &renamed
            }
            _ => word,
        };
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.recipients.push(word.clone());
            options.recipients.extend(words.cloned());
            break;
        };
        if word == "--" {
            options.recipients.extend(words.cloned());
            break;
        }
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            if !"ABCFLNORVXbefhopqr".contains(letter) {
                options.flag(letter)?;
                continue;
            }
            let value = match rest {
                // `-q` alone flushes the queue; the others need a value.
                "" if letter == 'q' => String::new(),
                "" => words
                    .next()
                    .cloned()
                    .ok_or_else(|| Mistake::usage(format!("option requires an argument -- '{letter}'")))?,
                given => given.to_owned(),
            };
            options.value(letter, value)?;
            break;
        }
    }
    if !options.recipients.is_empty() {
        let what = match &options.mode {
            Mode::Start => Some("daemon mode"),
            Mode::Other(argv) => match argv.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["postqueue", "-p"] => Some("display queue mode"),
                ["postqueue", "-f"] => Some("flush queue mode"),
                ["newaliases"] => Some("alias initialization mode"),
                _ => None,
            },
            _ => None,
        };
        if let Some(what) = what {
            return Err(format!("{what} requires no recipient").into());
        }
    }
    if options.extract && options.mode != Mode::Enqueue {
        return Err("-t can be used only in delivery mode".to_owned().into());
    }
    Ok(options)
}

impl Options {
    fn flag(&mut self, letter: char) -> Result<(), Mistake> {
        match letter {
            't' => self.extract = true,
            'i' => self.ignore_dots = true,
            'I' => self.mode = Mode::Other(vec!["newaliases".into()]),
            'v' => self.report = true,
            'G' | 'U' | 'c' | 'm' | 'x' => {}
            'n' => return Err("-n option not supported".to_owned().into()),
            _ => return Err(Mistake::usage(format!("invalid option -- '{letter}'"))),
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: String) -> Result<(), Mistake> {
        let other = |argv: &[&str]| Mode::Other(argv.iter().map(|word| (*word).to_owned()).collect());
        match letter {
            'f' | 'r' => self.sender = Some(value),
            'F' => self.full_name = Some(value),
            'C' => self.directory = Some(value.trim_end_matches("/main.cf").to_owned()),
            'V' => self.envid = value.into(),
            'B' => {
                self.encoding = match value.to_ascii_uppercase().as_str() {
                    "8BITMIME" => "8bit".into(),
                    "7BIT" => "7bit".into(),
                    _ => return Err("-B option needs 8BITMIME or 7BIT".to_owned().into()),
                };
            }
            'N' => match notify(&value) {
                Ok(notify) => self.notify = notify,
                Err(word) => {
                    let unknown = |word| format!("unknown DSN NOTIFY command value \"{word}\" in \"{value}\"");
                    self.warnings.extend(word.map(unknown));
                    self.warnings.push("bad -N option value -- ignored".into());
                }
            },
            'R' => {
                self.ret = match value.to_ascii_lowercase().as_str() {
                    "full" => Some(Ret::Full),
                    "hdrs" => Some(Ret::Headers),
                    _ => {
                        self.warnings.push("bad -R option value -- ignored".into());
                        self.ret
                    }
                };
            }
            'X' => match value.strip_prefix('V') {
                Some(delimiters) => self.verp = Some(delimiters.into()),
                None => return Err(format!("unsupported: -{letter}{}", value.get(..1).unwrap_or_default()).into()),
            },
            'o' => self.ignore_dots |= value.starts_with('i'),
            'b' => match value.as_str() {
                "m" => self.mode = Mode::Enqueue,
                "p" => self.mode = other(&["postqueue", "-p"]),
                "i" => self.mode = other(&["newaliases"]),
                "d" | "l" => self.mode = Mode::Start,
                "v" => self.verify = true,
                "h" | "H" => self.mode = Mode::Nothing,
                "s" => {
                    // A session on standard input: its other options do not matter.
                    self.mode = Mode::Session;
                }
                _ => return Err(format!("unsupported: -{letter}{value}").into()),
            },
            'q' => {
                self.mode = match value.split_at_checked(1) {
                    Some(("R", site)) if !site.is_empty() => other(&["postqueue", "-s", site]),
                    Some(("I", id)) if !id.is_empty() => other(&["postqueue", "-i", id]),
                    Some((digit, _)) if digit.chars().all(|c| c.is_ascii_digit()) => Mode::Nothing,
                    Some((letter, _)) => return Err(format!("-q{letter} is not implemented").into()),
                    None => other(&["postqueue", "-f"]),
                };
            }
            _ => {}
        }
        Ok(())
    }
}

/// The conditions of a report; the error is the word that is none, if one is to blame.
fn notify(value: &str) -> Result<Notify, Option<String>> {
    let mut notify = Notify::default();
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "never" => notify.never = true,
            "success" => notify.success = true,
            "failure" => notify.failure = true,
            "delay" => notify.delay = true,
            _ => return Err(Some(word.to_owned())),
        }
    }
    // NEVER stands alone (RFC 3461, section 4.1).
    if notify.never && (notify.success || notify.failure || notify.delay) {
        return Err(None);
    }
    Ok(notify)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, Mistake> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_together_or_apart() {
        let parsed = options("-ti -f alice@example.com -FAlice -oi -N never bob carol").unwrap();
        assert!(parsed.extract && parsed.ignore_dots && parsed.notify.never);
        assert_eq!((parsed.sender.as_deref(), parsed.full_name.as_deref()), (Some("alice@example.com"), Some("Alice")));
        assert_eq!(parsed.recipients, ["bob", "carol"]);
    }

    #[test]
    fn options_without_sense_are_refused_or_ignored() {
        assert_eq!(options("-N sometimes bob").unwrap().warnings.len(), 2);
        assert_eq!(options("-Z bob").unwrap_err().option.as_deref(), Some("invalid option -- 'Z'"));
        for (line, text) in [
            ("-n bob", "-n option not supported"),
            ("-B odd bob", "-B option needs 8BITMIME or 7BIT"),
            ("-t -bp", "-t can be used only in delivery mode"),
            ("-bX", "unsupported: -bX"),
        ] {
            assert_eq!(options(line).unwrap_err().text, text, "{line}");
        }
    }

    #[test]
    fn other_faces_run_other_commands() {
        let cases = [
            ("-bp", vec!["postqueue", "-p"]),
            ("-q", vec!["postqueue", "-f"]),
            ("-qRexample.net", vec!["postqueue", "-s", "example.net"]),
            ("-qIABC", vec!["postqueue", "-i", "ABC"]),
            ("-bi", vec!["newaliases"]),
        ];
        for (line, argv) in cases {
            let argv = argv.into_iter().map(str::to_owned).collect();
            assert_eq!(options(line).map(|options| options.mode), Ok(Mode::Other(argv)), "{line}");
        }
    }
}
