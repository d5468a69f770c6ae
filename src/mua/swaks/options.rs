//! The command line of swaks(1): abbreviations, one dash or two, optional values (Getopt::Long).

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// A value, unless the next word is an option.
    Maybe,
    Value,
}

/// What an option stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    From,
    To,
    Helo,
    Server,
    Port,
    Protocol,
    Data,
    Timeout,
    QuitAfter,
    DropAfter,
    SuppressData,
    Auth,
    AuthOptional,
    AuthUser,
    AuthPassword,
    AuthPlaintext,
    AuthHide,
    Tls,
    TlsOptional,
    TlsOnConnect,
    TlsVerify,
    TlsCaPath,
    TlsSni,
    Silent,
    NoHints,
    NoSendHints,
    NoReceiveHints,
    NoInfoHints,
    HideReceive,
    HideSend,
    HideInfo,
    HideAll,
    TimeLapse,
    Version,
    Help,
    NoFixup,
    Body,
    Attach,
    LabelOfAttachment,
    TypeOfAttachment,
    AddHeader,
    Header,
    DumpMail,
    Pipeline,
    Xclient,
    XclientOptional,
    Ignored,
}

use Name as N;
use Takes::{Maybe, Nothing, Value};

const TABLE: &[(&[&str], Takes, Name)] = &[
    (&["from", "f"], Maybe, N::From),
    (&["to", "t"], Maybe, N::To),
    (&["helo", "ehlo", "lhlo", "h"], Maybe, N::Helo),
    (&["server", "s"], Maybe, N::Server),
    (&["4", "6"], Nothing, N::Ignored),
    (&["port", "p"], Maybe, N::Port),
    (&["protocol"], Value, N::Protocol),
    (&["data", "d"], Maybe, N::Data),
    (&["timeout"], Maybe, N::Timeout),
    (&["quit-after", "quit", "q"], Value, N::QuitAfter),
    (&["drop-after", "drop", "da"], Value, N::DropAfter),
    (&["suppress-data", "n"], Nothing, N::SuppressData),
    (&["auth", "a"], Maybe, N::Auth),
    (&["auth-user", "au"], Maybe, N::AuthUser),
    (&["auth-password", "ap"], Maybe, N::AuthPassword),
    (&["auth-hide-password", "ahp"], Maybe, N::AuthHide),
    (&["auth-plaintext", "apt"], Nothing, N::AuthPlaintext),
    (&["auth-optional", "ao"], Maybe, N::AuthOptional),
    (&["local-interface", "li"], Maybe, N::Ignored),
    (&["tls"], Nothing, N::Tls),
    (&["tls-optional", "tlso"], Nothing, N::TlsOptional),
    (&["tls-on-connect", "tlsc"], Nothing, N::TlsOnConnect),
    (&["tls-protocol", "tlsp"], Value, N::Ignored),
    (&["tls-cipher"], Value, N::Ignored),
    (&["tls-sni"], Value, N::TlsSni),
    (&["tls-verify"], Nothing, N::TlsVerify),
    (&["tls-ca-path"], Value, N::TlsCaPath),
    (&["silent", "S"], Maybe, N::Silent),
    (&["no-hints", "nth"], Nothing, N::NoHints),
    (&["no-send-hints", "nsh"], Nothing, N::NoSendHints),
    (&["no-receive-hints", "nrh"], Nothing, N::NoReceiveHints),
    (&["no-info-hints", "nih"], Nothing, N::NoInfoHints),
    (&["hide-receive", "hr"], Nothing, N::HideReceive),
    (&["hide-send", "hs"], Nothing, N::HideSend),
    (&["hide-informational", "hi"], Nothing, N::HideInfo),
    (&["hide-all", "ha"], Nothing, N::HideAll),
    (&["protect-prompt", "pp"], Nothing, N::Ignored),
    (&["show-time-lapse", "stl"], Maybe, N::TimeLapse),
    (&["version"], Nothing, N::Version),
    (&["help"], Nothing, N::Help),
    (&["no-data-fixup", "ndf"], Nothing, N::NoFixup),
    (&["body"], Maybe, N::Body),
    (&["attach"], Maybe, N::Attach),
    (&["attach-name"], Maybe, N::LabelOfAttachment),
    (&["attach-type"], Maybe, N::TypeOfAttachment),
    (&["add-header", "ah"], Maybe, N::AddHeader),
    (&["header"], Maybe, N::Header),
    (&["dump-mail"], Nothing, N::DumpMail),
    (&["pipeline"], Nothing, N::Pipeline),
    (&["xclient"], Maybe, N::Xclient),
    (&["xclient-optional"], Nothing, N::XclientOptional),
];

/// A point of the dialogue that `--quit-after` and `--drop-after` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in swaks(1)")]
pub enum Point {
    Connect,
    FirstHelo,
    Tls,
    Helo,
    Xclient,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
}

impl Point {
    fn parse(name: &str) -> Option<Point> {
        Some(match name.to_ascii_lowercase().as_str() {
            "connect" | "banner" => Point::Connect,
            "first-helo" | "first-ehlo" => Point::FirstHelo,
            "tls" => Point::Tls,
            "helo" | "ehlo" | "lhlo" => Point::Helo,
            "xclient" => Point::Xclient,
            "auth" => Point::Auth,
            "mail" | "from" => Point::Mail,
            "rcpt" | "to" => Point::Rcpt,
            "data" => Point::Data,
            "dot" => Point::Dot,
            _ => return None,
        })
    }
}

/// Whether something is wanted of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Not at all.
    #[default]
    No,
    /// If it is offered.
    Optional,
    /// Otherwise nothing is sent.
    Required,
}

/// What is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// The file.
    pub file: String,
    /// The name that the recipient sees.
    pub name: Option<String>,
    /// The media type.
    pub kind: Option<String>,
}

/// What is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// `--silent`: 0 everything, 1 everything from the first error on, 2 errors, 3 nothing.
    pub silent: u64,
    /// What is not shown at all.
    pub hide_send: bool,
    /// Likewise.
    pub hide_receive: bool,
    /// Likewise.
    pub hide_info: bool,
    /// Likewise.
    pub hide_all: bool,
    /// Whose arrows are left out.
    pub plain_send: bool,
    /// Likewise.
    pub plain_receive: bool,
    /// Likewise.
    pub plain_info: bool,
    /// `--suppress-data`: the number of lines in place of the message.
    pub brief_data: bool,
    /// `--show-time-lapse`.
    pub time_lapse: bool,
}

/// The command line's meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Envelope sender.
    pub from: Option<String>,
    /// Envelope recipients.
    pub to: Option<String>,
    /// Name for EHLO.
    pub helo: Option<String>,
    /// Server with or without port.
    pub server: Option<String>,
    /// Port or service name.
    pub port: Option<String>,
    /// `--protocol`, in capitals.
    pub protocol: Option<String>,
    /// The whole message, `-` or a file.
    pub data: Option<String>,
    /// The text, or a file.
    pub body: Option<String>,
    /// Fields that replace others of their name.
    pub headers: Vec<String>,
    /// Fields that are added.
    pub added: Vec<String>,
    /// What is attached.
    pub attachments: Vec<Attachment>,
    /// Seconds that a reply is waited for.
    pub timeout: Option<u64>,
    /// Where the session ends with QUIT.
    pub quit_after: Option<Point>,
    /// Where the connection is dropped.
    pub drop_after: Option<Point>,
    /// Authentication.
    pub auth: Want,
    /// The mechanisms named.
    pub mechanisms: String,
    /// Login name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Whether AUTH is shown decoded.
    pub auth_plaintext: bool,
    /// What is shown in place of the password.
    pub auth_hide: Option<String>,
    /// STARTTLS.
    pub tls: Want,
    /// TLS at once.
    pub tls_on_connect: bool,
    /// Whether the certificate must be trusted.
    pub tls_verify: bool,
    /// Trusted authorities.
    pub tls_ca_path: Option<String>,
    /// The server's name in the handshake.
    pub tls_sni: Option<String>,
    /// Whether the message is left as it is.
    pub no_fixup: bool,
    /// Whether the message is only shown.
    pub dump_mail: bool,
    /// Whether commands are sent without waiting (RFC 2920).
    pub pipeline: bool,
    /// What is sent with XCLIENT.
    pub xclient: Vec<String>,
    /// Whether XCLIENT may fail.
    pub xclient_optional: bool,
    /// Only the version is wanted.
    pub version: bool,
    /// Only help is wanted.
    pub help: bool,
    /// What is printed.
    pub show: Show,
}

/// Reads a command line without the program's name.
///
/// # Errors
/// What is printed before swaks exits with 1.
pub fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        let Some(word) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).filter(|word| !word.is_empty())
        else {
            continue;
        };
        let (word, attached) = match word.split_once('=') {
            Some((word, value)) => (word, Some(value.to_owned())),
            None => (word, None),
        };
        if let Some(field) = word.strip_prefix("h-").or_else(|| word.strip_prefix("header-")) {
            let value = attached.or_else(|| args.next().cloned()).unwrap_or_default();
            options.headers.push(format!("{}: {value}", field.replace('_', "-")));
            continue;
        }
        let (name, takes) = find(word)?;
        let value = match takes {
            Takes::Nothing => None,
            _ if attached.is_some() => attached,
            Takes::Maybe => args.next_if(|next| *next == "-" || !next.starts_with('-')).cloned(),
            Takes::Value => Some(args.next().cloned().ok_or(format!("Option {word} requires an argument"))?),
        };
        apply(&mut options, name, value)?;
    }
    Ok(options)
}

/// An option by its name or an unambiguous beginning.
fn find(word: &str) -> Result<(Name, Takes), String> {
    let exact = TABLE.iter().find(|(names, ..)| names.contains(&word));
    if let Some((_, takes, name)) = exact {
        return Ok((*name, *takes));
    }
    let begins = |row: &&(&[&str], Takes, Name)| row.0.iter().any(|name| name.starts_with(word));
    let found: Vec<_> = TABLE.iter().filter(begins).collect();
    match found.as_slice() {
        [] => Err(format!("Unknown option: {word}")),
        [(_, takes, name)] => Ok((*name, *takes)),
        several => {
            let mut names: Vec<&str> =
                several.iter().flat_map(|row| row.0.iter().copied()).filter(|name| name.starts_with(word)).collect();
            names.sort_unstable();
            Err(format!("Option {word} is ambiguous ({})", names.join(", ")))
        }
    }
}

fn apply(options: &mut Options, name: Name, value: Option<String>) -> Result<(), String> {
    let text = value.clone().unwrap_or_default();
    match name {
        N::From => options.from = value.map(|from| if from == "<>" { String::new() } else { from }),
        N::To => options.to = value,
        N::Helo => options.helo = value,
        N::Server => options.server = value,
        N::Port => options.port = value,
        N::Protocol => protocol(options, &text)?,
        N::Data => options.data = value,
        N::Body => options.body = value,
        N::Header => options.headers.push(text),
        N::AddHeader => options.added.push(text),
        N::Attach => next_attachment(options).file = text,
        N::LabelOfAttachment => next_attachment(options).name = value,
        N::TypeOfAttachment => next_attachment(options).kind = value,
        N::Timeout => options.timeout = Some(seconds(&text)),
        N::QuitAfter => options.quit_after = Some(point("quit_after", &text)?),
        N::DropAfter => options.drop_after = Some(point("drop_after", &text)?),
        N::SuppressData => options.show.brief_data = true,
        N::Auth | N::AuthOptional => {
            options.auth = if name == N::Auth { Want::Required } else { Want::Optional };
            options.mechanisms = text;
        }
        N::AuthUser => options.user = value,
        N::AuthPassword => options.password = value,
        N::AuthPlaintext => options.auth_plaintext = true,
        N::AuthHide => options.auth_hide = Some(value.unwrap_or_else(|| "PROVIDED_BUT_REMOVED".into())),
        N::Tls => options.tls = Want::Required,
        N::TlsOptional => options.tls = Want::Optional,
        N::TlsOnConnect => options.tls_on_connect = true,
        N::TlsVerify => options.tls_verify = true,
        N::TlsCaPath => options.tls_ca_path = value,
        N::TlsSni => options.tls_sni = value,
        N::Silent => options.show.silent = value.map_or(1, |value| value.parse().unwrap_or(1)),
        N::NoHints => {
            (options.show.plain_send, options.show.plain_receive, options.show.plain_info) = (true, true, true);
        }
        N::NoSendHints => options.show.plain_send = true,
        N::NoReceiveHints => options.show.plain_receive = true,
        N::NoInfoHints => options.show.plain_info = true,
        N::HideReceive => options.show.hide_receive = true,
        N::HideSend => options.show.hide_send = true,
        N::HideInfo => options.show.hide_info = true,
        N::HideAll => options.show.hide_all = true,
        N::TimeLapse => options.show.time_lapse = true,
        N::Version => options.version = true,
        N::Help => options.help = true,
        N::NoFixup => options.no_fixup = true,
        N::DumpMail => options.dump_mail = true,
        N::Pipeline => options.pipeline = true,
        N::Xclient => options.xclient.push(text),
        N::XclientOptional => options.xclient_optional = true,
        N::Ignored => {}
    }
    Ok(())
}

/// The attachment that options before its `--attach` describe.
fn next_attachment(options: &mut Options) -> &mut Attachment {
    let list = &mut options.attachments;
    if list.last().is_none_or(|last| !last.file.is_empty()) {
        list.push(Attachment::default());
    }
    let at = list.len() - 1;
    &mut list[at]
}

/// The protocols, with what they stand for (RFC 3848).
fn protocol(options: &mut Options, name: &str) -> Result<(), String> {
    let name = name.to_ascii_uppercase();
    match name.as_str() {
        "SMTP" | "ESMTP" | "LMTP" => {}
        "SSMTP" | "SMTPS" => options.tls_on_connect = true,
        "SSMTPA" | "ESMTPA" | "LMTPA" => options.auth = Want::Required,
        "ESMTPS" | "LMTPS" => options.tls = Want::Required,
        "ESMTPSA" | "LMTPSA" => (options.tls, options.auth) = (Want::Required, Want::Required),
        _ => return Err(format!("*** Unknown protocol {name} specified, exiting")),
    }
    options.protocol = Some(name);
    Ok(())
}

fn point(option: &str, name: &str) -> Result<Point, String> {
    Point::parse(name).ok_or_else(|| format!("*** Unknown {option} value {}, exiting", name.to_ascii_lowercase()))
}

/// `30`, `30s`, `2m`, `1h`.
fn seconds(text: &str) -> u64 {
    let number = |text: &str| text.parse::<u64>().unwrap_or(30);
    match text.chars().last() {
        Some('h') => number(&text[..text.len() - 1]).saturating_mul(3600),
        Some('m') => number(&text[..text.len() - 1]).saturating_mul(60),
        Some('s') => number(&text[..text.len() - 1]),
        _ => number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_be_abbreviated_and_have_one_dash_or_two() {
        let options = read("-t bob@y --from a@b -s mx --quit RCPT -tls -a -au u --h-Subject=hi -S 2").unwrap();
        assert_eq!((options.to.as_deref(), options.from.as_deref()), (Some("bob@y"), Some("a@b")));
        assert_eq!(
            (options.quit_after, options.tls, options.auth),
            (Some(Point::Rcpt), Want::Required, Want::Required)
        );
        assert_eq!((options.headers, options.show.silent), (vec!["Subject: hi".to_owned()], 2));
        assert_eq!(read("--serv mx").unwrap().server.as_deref(), Some("mx"));
    }

    #[test]
    fn mistakes_are_worded_as_by_swaks() {
        for (line, error) in [
            ("--foo", "Unknown option: foo"),
            ("--quit-after FOO", "*** Unknown quit_after value foo, exiting"),
            ("--auth-p x", "Option auth-p is ambiguous (auth-password, auth-plaintext)"),
        ] {
            assert_eq!(read(line), Err(error.to_owned()), "{line}");
        }
    }
}
