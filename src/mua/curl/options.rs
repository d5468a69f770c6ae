//! The command line of curl(1), as far as mail needs it.

/// Whether TLS is wanted after a connection without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// No.
    #[default]
    No,
    /// `--ssl`: if the server offers it.
    Try,
    /// `--ssl-reqd`.
    Required,
}

/// The command line's meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The URL.
    pub url: String,
    /// Envelope sender.
    pub mail_from: Option<String>,
    /// Envelope recipients.
    pub recipients: Vec<String>,
    /// The file to be sent; `-` is standard input.
    pub upload: Option<String>,
    /// Where output goes instead of standard output.
    pub output: Option<String>,
    /// `user:password`.
    pub user: Option<String>,
    /// The mechanism of `--login-options AUTH=…`.
    pub mechanism: Option<String>,
    /// STARTTLS.
    pub tls: Tls,
    /// Whether certificates are not verified.
    pub insecure: bool,
    /// Trusted authorities.
    pub authorities: Option<String>,
    /// The command in place of the usual one.
    pub request: Option<String>,
    /// `-v`.
    pub verbose: bool,
    /// `-s`.
    pub silent: bool,
    /// `-S`.
    pub show_error: bool,
    /// `-I`, `-l`: only the reply counts.
    pub no_body: bool,
    /// Seconds for everything, 0 for no limit.
    pub max_time: u64,
    /// Seconds for the connection.
    pub connect_timeout: u64,
    /// Only the version is wanted.
    pub version: bool,
    /// Only help is wanted.
    pub help: bool,
}

/// Long option, short option, whether it has a value.
const TABLE: &[(&str, char, bool)] = &[
    ("mail-from", '\0', true),
    ("mail-rcpt", '\0', true),
    ("upload-file", 'T', true),
    ("output", 'o', true),
    ("user", 'u', true),
    ("login-options", '\0', true),
    ("ssl", '\0', false),
    ("ssl-reqd", '\0', false),
    ("insecure", 'k', false),
    ("cacert", '\0', true),
    ("request", 'X', true),
    ("verbose", 'v', false),
    ("silent", 's', false),
    ("show-error", 'S', false),
    ("no-progress-meter", '#', false),
    ("head", 'I', false),
    ("list-only", 'l', false),
    ("max-time", 'm', true),
    ("connect-timeout", '\0', true),
    ("url", '\0', true),
    ("crlf", '\0', false),
    ("ipv4", '4', false),
    ("ipv6", '6', false),
    ("version", 'V', false),
    ("help", 'h', false),
];

/// Reads a command line without the program's name.
///
/// # Errors
/// What is wrong, without the hint that follows.
pub fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(name) = arg.strip_prefix("--").filter(|name| !name.is_empty()) {
            let found: Vec<_> = match TABLE.iter().find(|row| row.0 == name) {
                Some(row) => vec![row],
                None => TABLE.iter().filter(|row| row.0.starts_with(name)).collect(),
            };
            let row = match found.as_slice() {
                [row] => *row,
                [] => return Err(format!("option {arg}: is unknown")),
                _ => return Err(format!("option {arg}: is ambiguous")),
            };
            let value = match row.2 {
                true => args.next().cloned().ok_or_else(|| format!("option {arg}: requires parameter"))?,
                false => String::new(),
            };
            apply(&mut options, row.0, value);
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.url.clone_from(arg);
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let row = TABLE.iter().find(|row| row.1 == letter && letter != '\0');
            let Some((name, _, has_value)) = row else { return Err(format!("option {arg}: is unknown")) };
            if *has_value {
                let attached = letters.as_str().to_owned();
                let value = if attached.is_empty() { args.next().cloned() } else { Some(attached) };
                apply(&mut options, name, value.ok_or_else(|| format!("option {arg}: requires parameter"))?);
                break;
            }
            apply(&mut options, name, String::new());
        }
    }
    Ok(options)
}

fn apply(options: &mut Options, name: &str, value: String) {
    match name {
        "mail-from" => options.mail_from = Some(value),
        "mail-rcpt" => options.recipients.push(value),
        "upload-file" => options.upload = Some(value),
        "output" => options.output = Some(value),
        "user" => options.user = Some(value),
        "login-options" => options.mechanism = value.strip_prefix("AUTH=").map(str::to_owned),
        "ssl" => options.tls = Tls::Try,
        "ssl-reqd" => options.tls = Tls::Required,
        "insecure" => options.insecure = true,
        "cacert" => options.authorities = Some(value),
        "request" => options.request = Some(value),
        "verbose" => options.verbose = true,
        "silent" | "no-progress-meter" => {
            options.silent = true;
            options.show_error |= name == "no-progress-meter";
        }
        "show-error" => options.show_error = true,
        "head" | "list-only" => options.no_body = true,
        "max-time" => options.max_time = value.parse().unwrap_or(0),
        "connect-timeout" => options.connect_timeout = value.parse().unwrap_or(0),
        "url" => options.url = value,
        "version" => options.version = true,
        "help" => options.help = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_mistakes_named() {
        let read = |line: &str| parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let options =
            read("-sSvk --ssl-reqd -u bob:pw smtp://mx/ --mail-from a@b --mail-rcpt c@d --mail-rcpt e@f -Tmail")
                .unwrap();
        assert!(options.silent && options.show_error && options.verbose && options.insecure);
        assert_eq!((options.recipients.len(), options.upload.as_deref()), (2, Some("mail")));
        assert_eq!(read("--foo"), Err("option --foo: is unknown".to_owned()));
        assert_eq!(read("-u"), Err("option -u: requires parameter".to_owned()));
    }
}
