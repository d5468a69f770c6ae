//! `master.cf`: the services that master(8) runs.

use smol_str::{SmolStr, format_smolstr};

use super::Fatal;
use super::lines::{logical_lines, split_nameval};
use super::tokens::{strip_braces, words};
use crate::trace::Source;

/// What a service listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceKind {
    /// TCP.
    Inet,
    /// A UNIX-domain stream socket.
    Unix,
    /// A UNIX-domain datagram socket.
    UnixDgram,
    /// A named pipe.
    Fifo,
    /// A socket that passes open connections on.
    Pass,
}

impl ServiceKind {
    const NAMES: [(&'static str, ServiceKind); 5] = [
        ("inet", ServiceKind::Inet),
        ("unix", ServiceKind::Unix),
        ("unix-dgram", ServiceKind::UnixDgram),
        ("fifo", ServiceKind::Fifo),
        ("pass", ServiceKind::Pass),
    ];

    /// The kind of this name in `master.cf`.
    pub fn parse(name: &str) -> Option<ServiceKind> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The name in `master.cf`.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The wakeup column: how often a service is woken without a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakeup {
    /// Seconds between wake-ups; 0 for never.
    pub secs: u32,
    /// `?`: only once the service is in use.
    pub if_used: bool,
}

/// A service of `master.cf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterEntry {
    /// Service name; for `inet` a port, or `host:port`.
    pub name: SmolStr,
    /// What it listens on.
    pub kind: ServiceKind,
    /// Whether only the mail system may use it.
    pub private: bool,
    /// Whether it runs with the rights of `mail_owner`.
    pub unpriv: bool,
    /// Whether it runs in the queue directory as its root.
    pub chroot: bool,
    /// Whether the chroot column is `-`, so that the default decided.
    pub chroot_by_default: bool,
    /// How often it is woken.
    pub wakeup: Wakeup,
    /// Process limit; `None` is `default_process_limit`, 0 is no limit.
    pub maxproc: Option<u32>,
    /// Program name.
    pub command: SmolStr,
    /// Arguments, without the `-o` options; braces are taken off.
    pub args: Vec<SmolStr>,
    /// `-o name=value`, in order.
    pub overrides: Vec<(SmolStr, SmolStr)>,
    /// Why the daemon refuses its `-o` options, if it does.
    pub bad_option: Option<SmolStr>,
    /// Where the entry begins.
    pub source: Source,
}

/// The services in order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterCf {
    /// The entries.
    pub entries: Vec<MasterEntry>,
}

/// An entry as text, for programs that show or edit the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// The seven columns before the command.
    pub columns: [String; 7],
    /// Command and arguments, split at white space outside braces.
    pub command: Vec<String>,
    /// First line, from 1.
    pub line: u32,
}

/// Splits the file into entries.
///
/// # Errors
/// An entry has fewer than eight fields (`file F: line N: bad field count`), or one of them means
/// nothing; the words are postconf(1)'s.
pub fn raw_entries(path: &str, text: &str, notes: &mut Vec<String>) -> Result<Vec<RawEntry>, Fatal> {
    let mut entries = Vec::new();
    for line in logical_lines(path, text, notes) {
        let fields: Vec<String> =
            words(&line.text, |c| c.is_ascii_whitespace()).into_iter().map(str::to_owned).collect();
        let mut fields = fields.into_iter();
        let columns: Vec<String> = fields.by_ref().take(7).collect();
        let command: Vec<String> = fields.collect();
        match <[String; 7]>::try_from(columns) {
            Ok(columns) if !command.is_empty() => {
                if let Some((field, value)) = bad_column(&columns) {
                    return Err(Fatal(format!("invalid {field} field \"{value}\" in \"{}\"", line.text)));
                }
                entries.push(RawEntry { columns, command, line: line.first });
            }
            _ => return Err(Fatal(format!("file {path}: line {}: bad field count", line.last))),
        }
    }
    Ok(entries)
}

/// The first column whose value means nothing, by its name in postconf(1).
fn bad_column(columns: &[String; 7]) -> Option<(&'static str, &str)> {
    let [_, kind, private, unprivileged, chroot, wakeup, process_limit] = columns;
    let flag = |value: &String| matches!(value.as_str(), "-" | "y" | "n");
    let number = |value: &str| value == "-" || !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let columns: [(&'static str, &String, bool); 6] = [
        ("type", kind, ServiceKind::parse(kind).is_some()),
        ("private", private, flag(private)),
        ("unprivileged", unprivileged, flag(unprivileged)),
        ("chroot", chroot, flag(chroot)),
        ("wakeup", wakeup, number(wakeup.strip_suffix('?').unwrap_or(wakeup))),
        ("process_limit", process_limit, number(process_limit)),
    ];
    columns.into_iter().find(|(.., good)| !good).map(|(name, value, _)| (name, value.as_str()))
}

const COLUMNS: [&str; 8] = [
    "service name",
    "transport type",
    "private",
    "unprivileged",
    "chroot",
    "wakeup time",
    "process limit",
    "command name",
];

impl MasterCf {
    /// Parses the file's text.
    ///
    /// # Errors
    /// A field is missing or has a bad value; the words are master(8)'s.
    pub fn parse(path: &str, text: &str, notes: &mut Vec<String>) -> Result<MasterCf, Fatal> {
        let mut entries = Vec::new();
        for line in logical_lines(path, text, notes) {
            let fields = words(&line.text, |c| c.is_ascii_whitespace());
            let source = Source { file: path.into(), line: line.first };
            let context = |text: String| Fatal(format!("{path}: line {}: {text}", line.last));
            entries.push(parse_entry(&fields, source).map_err(context)?);
        }
        Ok(MasterCf { entries })
    }

    /// The entry of this name and kind.
    pub fn find(&self, name: &str, kind: ServiceKind) -> Option<&MasterEntry> {
        self.entries.iter().find(|entry| entry.name == name && entry.kind == kind)
    }

    /// The delivery or internal service of this name (`unix`).
    pub fn unix(&self, name: &str) -> Option<&MasterEntry> {
        self.find(name, ServiceKind::Unix)
    }
}

fn parse_entry(fields: &[&str], source: Source) -> Result<MasterEntry, String> {
    let field = |at: usize| fields.get(at).copied().ok_or_else(|| format!("missing \"{}\" field", COLUMNS[at]));
    let bad = |at: usize, value: &str| format!("field \"{}\": bad value: \"{value}\"", COLUMNS[at]);
    let yes_no = |at: usize, default: bool| match field(at)? {
        "y" => Ok(true),
        "n" => Ok(false),
        "-" => Ok(default),
        other => Err(bad(at, other)),
    };
    let name = field(0)?;
    let kind = ServiceKind::parse(field(1)?).ok_or_else(|| bad(1, fields[1]))?;
    let private = yes_no(2, true)?;
    let unpriv = yes_no(3, true)?;
    let chroot = yes_no(4, false)?;
    let wakeup = match field(5)? {
        "-" => Wakeup::default(),
        text => {
            let (number, if_used) = text.strip_suffix('?').map_or((text, false), |number| (number, true));
            Wakeup { secs: number.parse().map_err(|_| bad(5, text))?, if_used }
        }
    };
    let maxproc = match field(6)? {
        "-" => None,
        text => Some(text.parse().map_err(|_| bad(6, text))?),
    };
    let command = field(7)?.into();
    let mut args = Vec::new();
    for word in &fields[8..] {
        args.push(strip_braces(word)?);
    }
    let (overrides, args, bad_option) = split_overrides(&args);
    let chroot_by_default = fields[4] == "-";
    let name = name.into();
    Ok(MasterEntry {
        name,
        kind,
        private,
        unpriv,
        chroot,
        chroot_by_default,
        wakeup,
        maxproc,
        command,
        args,
        overrides,
        bad_option,
        source,
    })
}

/// The `-o` options, the other arguments, and what is wrong with an option.
type Split = (Vec<(SmolStr, SmolStr)>, Vec<SmolStr>, Option<SmolStr>);

/// Takes the `-o name=value` options out of a daemon's arguments. They end at the first argument
/// that is not an option, as with getopt(3).
fn split_overrides(args: &[&str]) -> Split {
    let (mut overrides, mut rest, mut bad) = (Vec::new(), Vec::new(), None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let Some(attached) = word.strip_prefix("-o") else {
            rest.push(SmolStr::from(*word));
            if !word.starts_with('-') {
                break;
            }
            continue;
        };
        let text = if attached.is_empty() { words.next().copied().unwrap_or_default() } else { attached };
        let pair = strip_braces(text).and_then(|text| split_nameval(text).map_err(|error| error.to_string()));
        match pair {
            Ok((name, value)) => overrides.push((name.into(), value.into())),
            Err(error) => {
                bad.get_or_insert_with(|| format_smolstr!("invalid \"-o {text}\" option value: {error}"));
            }
        }
    }
    rest.extend(words.map(|word| SmolStr::from(*word)));
    (overrides, rest, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MasterCf, Fatal> {
        MasterCf::parse("/m", text, &mut Vec::new())
    }

    #[test]
    fn reads_columns_overrides_and_arguments() {
        let text = "qmgr unix n - n 300? 1 qmgr\n\
                    relay unix - - y - - smtp -v\n    -o syslog_name=postfix/$service_name -o { a = b c }\n\
                    maildrop unix - n n - - pipe\n  flags=DRXhu user=vmail argv=/bin/x -o y\n";
        let master = parse(text).unwrap();
        let [qmgr, relay, maildrop] = &master.entries[..] else { panic!("three entries") };
        assert_eq!((qmgr.private, qmgr.unpriv, qmgr.chroot, qmgr.maxproc), (false, true, false, Some(1)));
        assert_eq!(qmgr.wakeup, Wakeup { secs: 300, if_used: true });
        assert_eq!(relay.overrides[0], ("syslog_name".into(), "postfix/$service_name".into()));
        assert_eq!(relay.overrides[1], ("a".into(), "b c".into()));
        assert_eq!(relay.args, ["-v"]);
        assert_eq!(relay.source.line, 2);
        assert_eq!(maildrop.args, ["flags=DRXhu", "user=vmail", "argv=/bin/x", "-o", "y"]);
    }

    #[test]
    fn bad_fields_are_fatal() {
        let cases = [
            ("oops inet n - y\n", "/m: line 1: missing \"wakeup time\" field"),
            ("a tcp n - y - - smtpd\n", "/m: line 1: field \"transport type\": bad value: \"tcp\""),
            ("a inet n - x - - smtpd\n", "/m: line 1: field \"chroot\": bad value: \"x\""),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap_err().0, expected);
        }
        let error = raw_entries("/m", "oops inet n - y\n", &mut Vec::new()).unwrap_err();
        assert_eq!(error.0, "file /m: line 1: bad field count");
    }
}
