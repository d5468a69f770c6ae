//! The configuration dialogue of Debian's package postfix, and what its installation script does
//! with the answers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::debconf::{Answers, Kind, Level, Question};
use crate::host::Host;
use crate::host::vfs::Cred;

const TYPE: &str = "postfix/main_mailer_type";
const MAILNAME: &str = "postfix/mailname";
const RELAYHOST: &str = "postfix/relayhost";
const ROOT: &str = "postfix/root_address";
const DESTINATIONS: &str = "postfix/destinations";
const CHATTR: &str = "postfix/chattr";
const NETWORKS: &str = "postfix/mynetworks";
const LIMIT: &str = "postfix/mailbox_limit";
const DELIMITER: &str = "postfix/recipient_delim";
const PROTOCOLS: &str = "postfix/protocols";

const NO_CONFIGURATION: &str = "No configuration";
const INTERNET_SITE: &str = "Internet Site";
const SMARTHOST: &str = "Internet with smarthost";
const SATELLITE: &str = "Satellite system";
const LOCAL_ONLY: &str = "Local only";
const TYPES: &[&str] = &[NO_CONFIGURATION, INTERNET_SITE, SMARTHOST, SATELLITE, LOCAL_ONLY];

/// The questions in order: name, level, kind, prompt, and what is said before.
const QUESTIONS: [(&str, Level, Kind, &str, &str); 10] = [
    (
        TYPE,
        Level::High,
        Kind::Select(TYPES),
        "General mail configuration type:",
        "Please select the mail server configuration type that best meets your needs.\n\n \
         No configuration:\n  Should be chosen to leave the current configuration unchanged.\n \
         Internet site:\n  Mail is sent and received directly using SMTP.\n \
         Internet with smarthost:\n  Mail is received directly using SMTP or by running a utility such\n  \
         as fetchmail. Outgoing mail is sent using a smarthost.\n \
         Satellite system:\n  All mail is sent to another machine, called a 'smarthost', for\n  delivery.\n \
         Local only:\n  The only delivered mail is the mail for local users. There is no\n  network.",
    ),
    (
        MAILNAME,
        Level::High,
        Kind::Text,
        "System mail name:",
        "The 'mail name' is the domain name used to 'qualify' _ALL_ mail addresses without a\n\
         domain name. It should be the single, fully qualified domain name (FQDN): if a mail\n\
         address on the local host is foo@example.org, the right value is example.org.",
    ),
    (
        RELAYHOST,
        Level::High,
        Kind::Text,
        "SMTP relay host (blank for none):",
        "Please specify a domain, host, host:port, [address] or [address]:port. Use the form\n\
         [destination] to turn off MX lookups. Leave this blank for no relay host.\n\n\
         Do not specify more than one host.",
    ),
    (
        ROOT,
        Level::Medium,
        Kind::Text,
        "Recipient for root and postmaster mail:",
        "Mail for the 'postmaster', 'root', and other system accounts needs to be redirected to\n\
         the user account of the actual system administrator. Leave this blank to not add an alias.",
    ),
    (
        DESTINATIONS,
        Level::Medium,
        Kind::Text,
        "Other destinations to accept mail for (blank for none):",
        "Please give a comma-separated list of domains for which this machine should consider\n\
         itself the final destination.",
    ),
    (
        CHATTR,
        Level::Medium,
        Kind::Boolean,
        "Force synchronous updates on mail queue?",
        "If synchronous updates are forced, then mail is processed more slowly. If not forced,\n\
         then there is a remote chance of losing some mail if the system crashes.",
    ),
    (
        NETWORKS,
        Level::Low,
        Kind::Text,
        "Local networks:",
        "Please specify the network blocks for which this host should relay mail. The default is\n\
         just the local host, which is needed by some mail user agents.",
    ),
    (
        LIMIT,
        Level::Low,
        Kind::Text,
        "Mailbox size limit (bytes):",
        "Please specify the limit that Postfix should place on mailbox files. A value of zero (0)\n\
         means no limit.",
    ),
    (
        DELIMITER,
        Level::Low,
        Kind::Text,
        "Local address extension character:",
        "Please choose a character that will indicate a local address extension.",
    ),
    (
        PROTOCOLS,
        Level::Low,
        Kind::Select(&["all", "ipv6", "ipv4"]),
        "Internet protocols to use:",
        "By default, whichever Internet protocols are enabled on the system at installation time\n\
         will be used.",
    ),
];

/// The first question that `given` does not answer yet. `kept` are answers of earlier times.
pub fn next_question(host: &Host, given: &Answers, kept: &Answers) -> Option<Question> {
    let kind_of_host = given.get(TYPE).map_or("", String::as_str);
    let is_asked = |name: &str| match name {
        TYPE => true,
        _ if kind_of_host == NO_CONFIGURATION => false,
        RELAYHOST => matches!(kind_of_host, SMARTHOST | SATELLITE),
        _ => true,
    };
    let (name, level, kind, prompt, text) =
        *QUESTIONS.iter().find(|(name, ..)| !given.contains_key(*name) && is_asked(name))?;
    let level = if name == DESTINATIONS && kind_of_host == LOCAL_ONLY { Level::Low } else { level };
    let default = kept.get(name).cloned().unwrap_or_else(|| default(name, host, given));
    Some(Question { name, level, kind, prompt, text, default })
}

fn default(name: &str, host: &Host, given: &Answers) -> String {
    let has_config = host.vfs.exists("/etc/postfix/main.cf");
    match name {
        TYPE => if has_config { NO_CONFIGURATION } else { INTERNET_SITE }.to_owned(),
        MAILNAME => {
            let text = host.vfs.read_text("/etc/mailname", &Cred::ROOT).unwrap_or_default();
            let first = text.lines().next().unwrap_or_default().trim();
            if first.is_empty() { host.fqdn.to_string() } else { first.to_owned() }
        }
        RELAYHOST => format!("smtp.{}", domain(host)),
        ROOT => String::new(),
        DESTINATIONS => destinations(host, given),
        CHATTR => "false".into(),
        NETWORKS => "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128".into(),
        LIMIT => "0".into(),
        DELIMITER => "+".into(),
        PROTOCOLS => "all".into(),
        _ => String::new(),
    }
}

fn domain(host: &Host) -> &str {
    host.fqdn.split_once('.').map_or("localdomain", |(_, domain)| domain)
}

/// The domains that a host of this type is the destination of, as Debian's script puts them
/// together, its doubled comma included.
fn destinations(host: &Host, given: &Answers) -> String {
    let (fqdn, domain) = (host.fqdn.as_str(), domain(host));
    let name = given.get(MAILNAME).map_or("localhost", String::as_str);
    let kind = given.get(TYPE).map_or("", String::as_str);
    if kind == INTERNET_SITE {
        return match name == fqdn {
            true => format!("$myhostname, {name}, localhost.{domain}, , localhost"),
            false => format!("$myhostname, {name}, {fqdn}, localhost.{domain}, localhost"),
        };
    }
    let plain = format!("$myhostname, {fqdn}, localhost.{domain}, localhost");
    let is_own = fqdn == name || fqdn.ends_with(&format!(".{name}"));
    if is_own { plain } else { format!("{name}, {plain}") }
}

/// The installation script for these answers. `asked` names the questions that were put, whose
/// answers are written even into a configuration that is there already.
pub fn script(host: &Host, given: &Answers, asked: &BTreeSet<&'static str>) -> String {
    let get = |name: &str| given.get(name).map_or("", String::as_str);
    let kind = get(TYPE);
    let has_config = host.vfs.exists("/etc/postfix/main.cf");
    let mut lines =
        String::from("cd /etc/postfix\n[ -f master.cf ] || cp /usr/share/postfix/master.cf.dist master.cf\n");
    if kind == NO_CONFIGURATION {
        let message = match has_config {
            true => "configuration was untouched",
            false => "was not set up.  Start with\n  cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf\n",
        };
        aliases(host, given, asked, &mut lines);
        closing(message, &mut lines);
        return lines;
    }
    let fresh = !has_config;
    let mut changes = false;
    let mut set = |lines: &mut String, told: &str, settings: &[(&str, &str)]| {
        changes = true;
        let _ = writeln!(lines, "echo {}", quoted(told));
        for (name, value) in settings {
            let _ = writeln!(lines, "postconf -e {}", quoted(&format!("{name} = {value}")));
        }
    };
    if fresh {
        lines.push_str("cp /usr/share/postfix/main.cf.debian main.cf\n");
        lines.push_str(
            "postconf -e 'smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination'\n",
        );
        let fqdn = host.fqdn.as_str();
        set(&mut lines, &format!("setting myhostname: {fqdn}"), &[("myhostname", fqdn)]);
        set(&mut lines, "setting alias maps", &[("alias_maps", "hash:/etc/aliases")]);
        set(&mut lines, "setting alias database", &[("alias_database", "hash:/etc/aliases")]);
    }
    let changed = |name: &'static str| fresh || asked.contains(name);
    if changed(MAILNAME) {
        let name = get(MAILNAME);
        let old = host.vfs.read_text("/etc/mailname", &Cred::ROOT).unwrap_or_default();
        if !name.contains('.') {
            lines.push_str("echo 'mailname is not a fully qualified domain name.  Not changing /etc/mailname.'\n");
        } else {
            if !old.trim().eq_ignore_ascii_case(name) {
                let _ = writeln!(lines, "echo {}", quoted(&format!("changing /etc/mailname to {name}")));
                let _ = writeln!(lines, "echo {} >/etc/mailname", quoted(name));
            }
            set(&mut lines, "setting myorigin", &[("myorigin", "/etc/mailname")]);
        }
    }
    for (question, told, parameter) in [
        (DESTINATIONS, "destinations", "mydestination"),
        (RELAYHOST, "relayhost", "relayhost"),
        (NETWORKS, "mynetworks", "mynetworks"),
        (LIMIT, "mailbox_size_limit", "mailbox_size_limit"),
        (DELIMITER, "recipient_delimiter", "recipient_delimiter"),
    ] {
        // Types without a relay host say so in the configuration.
        if changed(question) || (question == RELAYHOST && changed(TYPE)) {
            let value = get(question);
            set(&mut lines, &format!("setting {told}: {value}"), &[(parameter, value)]);
        }
    }
    if changed(TYPE) {
        let interfaces = if matches!(kind, LOCAL_ONLY | SATELLITE) { "loopback-only" } else { "all" };
        set(&mut lines, &format!("setting inet_interfaces: {interfaces}"), &[("inet_interfaces", interfaces)]);
        let transport = if kind == LOCAL_ONLY { "error" } else { "smtp" };
        let (test, opposite) = if kind == LOCAL_ONLY { ("!=", "error") } else { ("=", "error") };
        let _ = writeln!(
            lines,
            "if [ \"$(postconf -hx default_transport)\" {test} {opposite} ]; then\n\
             echo 'setting default_transport: {transport}'; postconf -e 'default_transport = {transport}'\n\
             echo 'setting relay_transport: {transport}'; postconf -e 'relay_transport = {transport}'\nfi"
        );
    }
    if changed(PROTOCOLS) {
        let value = get(PROTOCOLS);
        set(&mut lines, &format!("setting inet_protocols: {value}"), &[("inet_protocols", value)]);
    }
    aliases(host, given, asked, &mut lines);
    closing(
        match (changes, fresh) {
            (false, _) => "configuration was not changed",
            (true, true) => "is now set up with a default configuration",
            (true, false) => "is now set up with the changes above",
        },
        &mut lines,
    );
    lines.push_str("echo 'Running newaliases'\nnewaliases\n");
    lines
}

/// `/etc/aliases`, with an alias for root if one was asked for.
fn aliases(host: &Host, given: &Answers, asked: &BTreeSet<&'static str>, lines: &mut String) {
    let text = host.vfs.read_text("/etc/aliases", &Cred::ROOT);
    if text.is_err() {
        lines.push_str("echo '/etc/aliases does not exist, creating it.'\n");
        lines.push_str("printf '# See man 5 aliases for format\\npostmaster:    root\\n' >/etc/aliases\n");
    }
    let root = given.get(ROOT).map_or("", String::as_str);
    let has_root = text.is_ok_and(|text| text.lines().any(|line| line.starts_with("root:")));
    if !has_root && !root.is_empty() && !root.eq_ignore_ascii_case("none") {
        let _ = writeln!(lines, "echo {}", quoted(&format!("adding root: {root} alias")));
        let _ = writeln!(lines, "printf 'root:\\t%s\\n' {} >>/etc/aliases", quoted(root));
    } else if !has_root && asked.contains(ROOT) {
        lines.push_str("echo 'WARNING: /etc/aliases exists, but does not have a root alias.'\n");
    }
}

fn closing(message: &str, lines: &mut String) {
    let text = format!(
        "\nPostfix (main.cf) {message}.  If you need to make changes, edit /etc/postfix/main.cf (and others) as \
         needed.  To view Postfix configuration values, see postconf(1).\n\n\
         After modifying main.cf, be sure to run 'systemctl reload postfix'.\n"
    );
    for line in text.lines().flat_map(|line| folded(line, 80)) {
        let _ = writeln!(lines, "echo {}", quoted(&line));
    }
    lines.push_str("echo\n");
}

/// A line cut after blanks into pieces of at most `width` characters, as by `fold -s`.
fn folded(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let last = pieces.len() - 1;
        if pieces[last].len() + word.len() > width && !pieces[last].is_empty() {
            pieces.push(word.to_owned());
        } else {
            pieces[last].push_str(word);
        }
    }
    pieces
}

/// A word of the shell that means exactly this text.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    fn given(pairs: &[(&str, &str)]) -> Answers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_types_with_a_smarthost_ask_for_one() {
        let host = harness::host();
        for (kind, asked) in [(INTERNET_SITE, false), (SMARTHOST, true), (SATELLITE, true), (LOCAL_ONLY, false)] {
            let answers = given(&[(TYPE, kind), (MAILNAME, "example.com")]);
            let next = next_question(&host, &answers, &Answers::new()).unwrap();
            assert_eq!(next.name == RELAYHOST, asked, "{kind}");
        }
        assert_eq!(next_question(&host, &given(&[(TYPE, NO_CONFIGURATION)]), &Answers::new()), None);
    }

    #[test]
    fn destinations_follow_type_and_mail_name() {
        let host = harness::host();
        for (kind, name, expected) in [
            (
                INTERNET_SITE,
                "example.com",
                "$myhostname, example.com, mx1.example.com, localhost.example.com, localhost",
            ),
            (INTERNET_SITE, "mx1.example.com", "$myhostname, mx1.example.com, localhost.example.com, , localhost"),
            (SATELLITE, "example.com", "$myhostname, mx1.example.com, localhost.example.com, localhost"),
            (SATELLITE, "lan.test", "lan.test, $myhostname, mx1.example.com, localhost.example.com, localhost"),
        ] {
            assert_eq!(destinations(&host, &given(&[(TYPE, kind), (MAILNAME, name)])), expected);
        }
    }

    #[test]
    fn words_are_safe_in_the_script() {
        assert_eq!(quoted("a'b; rm"), "'a'\\''b; rm'");
        assert_eq!(folded("aa bb cc", 6), ["aa bb ", "cc"]);
    }
}
