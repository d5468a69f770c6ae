//! `~/.fetchmailrc` (fetchmail(1), "THE RUN CONTROL FILE").

use smol_str::SmolStr;

use super::tls::Policy;
use crate::mua::Protocol;

/// One mailbox to be polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The server.
    pub server: SmolStr,
    /// How.
    pub protocol: Protocol,
    /// The port, if not the protocol's own.
    pub port: Option<u16>,
    /// Login name there.
    pub user: SmolStr,
    /// Password there.
    pub password: Option<SmolStr>,
    /// The local user who gets the mail; the caller if missing.
    pub local: Option<SmolStr>,
    /// Whether mail stays on the server.
    pub keep: bool,
    /// Whether mail that was seen before is fetched as well.
    pub all: bool,
    /// TLS and certificates.
    pub tls: Policy,
    /// Where mail is handed over by SMTP.
    pub smtp_host: SmolStr,
    /// Whether it is polled only when named (`skip`).
    pub skip: bool,
}

impl Account {
    /// A mailbox with fetchmail's defaults.
    pub fn new(server: impl Into<SmolStr>) -> Account {
        Account {
            server: server.into(),
            protocol: Protocol::Imap,
            port: None,
            user: SmolStr::default(),
            password: None,
            local: None,
            keep: false,
            all: false,
            tls: Policy::default(),
            smtp_host: "localhost".into(),
            skip: false,
        }
    }
}

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunControl {
    /// The mailboxes, in order.
    pub accounts: Vec<Account>,
    /// Seconds between polls in daemon mode.
    pub daemon: Option<u64>,
    /// Whether nothing is to show that fetchmail has carried a message.
    pub invisible: bool,
}

/// A word that does not belong where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fetchmail:{file}:{line}: syntax error at {word}")]
pub struct SyntaxError {
    /// The file.
    pub file: SmolStr,
    /// Line, counted from 1.
    pub line: u32,
    /// The word.
    pub word: String,
}

/// Reads a run control file.
///
/// # Errors
/// The first word that is not understood.
pub fn parse(text: &str, file: &str) -> Result<RunControl, SyntaxError> {
    let mut words = words(text).into_iter().peekable();
    let mut control = RunControl::default();
    let mut defaults = Account::new("");
    let mut in_defaults = false;
    // `no` turns the option that follows off.
    let mut negates = false;
    while let Some((line, word)) = words.next() {
        let mut value = || words.next().map(|(_, word)| word).unwrap_or_default();
        let error = |word: String| SyntaxError { file: file.into(), line, word };
        match word.as_str() {
            // fetchmail calls these words noise.
            "and" | "with" | "has" | "wants" | "options" | "here" | "there" | "aka" | "via" => continue,
            "set" => {
                let name = value();
                match name.as_str() {
                    "daemon" => control.daemon = Some(value().parse().map_err(|_| error(name))?),
                    "postmaster" | "logfile" | "idfile" | "pidfile" => drop(value()),
                    "invisible" => control.invisible = true,
                    "syslog" | "no" | "bouncemail" | "spambounce" => {}
                    _ => return Err(error(name)),
                }
                continue;
            }
            "defaults" => {
                in_defaults = true;
                continue;
            }
            "poll" | "server" | "skip" => {
                in_defaults = false;
                let account = Account { server: value().into(), skip: word == "skip", ..defaults.clone() };
                control.accounts.push(account);
                continue;
            }
            _ => {}
        }
        let negated = std::mem::replace(&mut negates, word == "no");
        if negates {
            continue;
        }
        let current = if in_defaults { Some(&mut defaults) } else { control.accounts.last_mut() };
        let Some(account) = current else { return Err(error(word)) };
        match word.as_str() {
            "proto" | "protocol" => {
                let name = value();
                account.protocol = protocol(&name).ok_or_else(|| error(name))?;
            }
            "port" | "service" => {
                let port = value();
                account.port = Some(port.parse().map_err(|_| error(port))?);
            }
            "user" | "username" if !account.user.is_empty() && !in_defaults => {
                // A second user of the same server.
                let more = Account { user: value().into(), password: None, local: None, ..account.clone() };
                control.accounts.push(more);
            }
            "user" | "username" => account.user = value().into(),
            "pass" | "password" => account.password = Some(value().into()),
            "is" | "to" => account.local = Some(value().into()),
            "smtphost" | "smtp" => account.smtp_host = value().into(),
            "sslproto" => account.tls.protocol = Some(value().into()),
            "ssl" => account.tls.ssl = !negated,
            "sslcertck" => account.tls.certck = !negated,
            "sslfingerprint" => account.tls.fingerprint = Some(value().into()),
            "sslcertfile" => account.tls.authorities = Some(value().into()),
            "sslcommonname" => account.tls.common_name = Some(value().into()),
            "keep" => account.keep = !negated,
            "nokeep" => account.keep = false,
            "fetchall" => account.all = !negated,
            "nofetchall" => account.all = false,
            "rewrite" | "norewrite" | "flush" => {}
            "sslcertpath" | "timeout" | "interval" | "envelope" | "localdomains" => drop(value()),
            _ => return Err(error(word)),
        }
    }
    Ok(control)
}

/// A protocol by the name that the file and `-p` use.
pub(super) fn protocol(name: &str) -> Option<Protocol> {
    match name.to_ascii_lowercase().as_str() {
        "pop3" | "pop" => Some(Protocol::Pop3),
        "imap" | "auto" => Some(Protocol::Imap),
        _ => None,
    }
}

/// The words of the file with their lines. Quotes hold blanks; `:`, `;`, `,` are blanks; `#` begins
/// a comment.
fn words(text: &str) -> Vec<(u32, String)> {
    let mut words = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":;,".contains(c));
            let Some(first) = rest.chars().next().filter(|first| *first != '#') else { break };
            let (word, after) = match first {
                '"' | '\'' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
                _ => {
                    let end = rest.find(|c: char| c.is_whitespace() || ":;,".contains(c)).unwrap_or(rest.len());
                    rest.split_at(end)
                }
            };
            words.push((number, word.to_owned()));
            rest = after;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_polls_defaults_and_several_users() {
        let text = "# mine\nset daemon 300\ndefaults proto pop3\npoll mail.example.org with port 1110\n  \
                    user \"bob\" there with password 'se cret' is robert here keep\n  user carol pass x fetchall\n\
                    skip imap.example.net proto IMAP user dave\n";
        let control = parse(text, "rc").unwrap();
        assert_eq!(control.daemon, Some(300));
        let [bob, carol, dave] = control.accounts.as_slice() else { panic!("three accounts") };
        assert_eq!((bob.user.as_str(), bob.password.as_deref(), bob.port), ("bob", Some("se cret"), Some(1110)));
        assert_eq!((bob.protocol, bob.keep, bob.local.as_deref()), (Protocol::Pop3, true, Some("robert")));
        assert_eq!((carol.user.as_str(), carol.all, carol.local.as_deref()), ("carol", true, None));
        assert!(dave.skip && dave.protocol == Protocol::Imap);
    }

    #[test]
    fn mistakes_are_located() {
        for (text, line, word) in
            [("poll a\n  frobnicate\n", 2, "frobnicate"), ("user x", 1, "user"), ("poll a proto x", 1, "x")]
        {
            assert_eq!(parse(text, "rc"), Err(SyntaxError { file: "rc".into(), line, word: word.into() }));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(poll|user|pass|is|set|[a-z]|[\"'#:, \n]){0,40}") {
            let lines = text.lines().count() as u32;
            if let Err(error) = parse(&text, "rc") {
                prop_assert!(error.line >= 1 && error.line <= lines);
            }
        }
    }
}
