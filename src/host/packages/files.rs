//! The default files of packages: what is there right after the installation.

use std::fmt::Write as _;

use crate::host::layout::Layout;

/// A file: absolute path, permission bits, text.
pub type DefaultFile = (&'static str, u16, &'static str);

/// What Red Hat's package sets in `main.cf`: it listens on the loopback interface only, until
/// somebody says otherwise.
pub const RED_HAT_MAIN: [(&str, &str); 13] = [
    ("compatibility_level", "2"),
    ("queue_directory", "/var/spool/postfix"),
    ("command_directory", "/usr/sbin"),
    ("data_directory", "/var/lib/postfix"),
    ("mail_owner", "postfix"),
    ("inet_interfaces", "localhost"),
    ("inet_protocols", "all"),
    ("mydestination", "$myhostname, localhost.$mydomain, localhost"),
    ("unknown_local_recipient_reject_code", "550"),
    ("alias_maps", "hash:/etc/aliases"),
    ("alias_database", "hash:/etc/aliases"),
    ("setgid_group", "postdrop"),
    ("html_directory", "no"),
];

const BIND: &[DefaultFile] = &[
    (
        "/etc/bind/named.conf",
        0o644,
        "include \"/etc/bind/named.conf.options\";\ninclude \"/etc/bind/named.conf.local\";\n",
    ),
    (
        "/etc/bind/named.conf.options",
        0o644,
        "options {\n\tdirectory \"/var/cache/bind\";\n\trecursion no;\n\tlisten-on-v6 { any; };\n};\n",
    ),
    ("/etc/bind/named.conf.local", 0o644, "//\n// Do any local configuration here\n//\n\n"),
];

const DOVECOT: &[DefaultFile] = &[(
    "/etc/dovecot/dovecot.conf",
    0o644,
    "# IMAP and POP3 access to the mail of this host's users\nprotocols = imap pop3\ndisable_plaintext_auth = yes\nmail_location = mbox:~/mail:INBOX=/var/mail/%u\n",
)];

const SASL: &[DefaultFile] =
    &[("/etc/default/saslauthd", 0o644, "START=no\nMECHANISMS=\"pam\"\nOPTIONS=\"-c -m /var/run/saslauthd\"\n")];

const FETCHMAIL: &[DefaultFile] = &[("/etc/default/fetchmail", 0o644, "START_DAEMON=no\n")];

const MASTER_CF: &str = include_str!("../../../tests/golden/template/master.cf");

const MAIN_CF: &str = "\
# See /usr/share/postfix/main.cf.dist for a commented, more complete version

# A file name here means: the first line of that file.
#myorigin = /etc/mailname

smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no

# appending .domain is the MUA's job.
append_dot_mydomain = no

# Uncomment the next line to generate \"delayed mail\" warnings
#delay_warning_time = 4h

readme_directory = no

# See http://www.postfix.org/COMPATIBILITY_README.html
compatibility_level = 3.6

";

const POSTFIX: &[DefaultFile] = &[
    ("/usr/share/postfix/main.cf.debian", 0o644, MAIN_CF),
    ("/usr/share/postfix/master.cf.dist", 0o644, MASTER_CF),
    ("/etc/postfix/dynamicmaps.cf", 0o644, DYNAMICMAPS),
    ("/etc/postfix/main.cf.proto", 0o644, MAIN_CF),
    ("/etc/postfix/master.cf.proto", 0o644, MASTER_CF),
    ("/etc/postfix/postfix-files", 0o644, "# Owners and modes of Postfix's files; see postfix(1), set-permissions.\n"),
];

const DYNAMICMAPS: &str = "\
# Postfix dynamic maps configuration file.
#
#type\tlocation of .so file\topen function\t(mkmap func)
#====\t===================\t=============\t============
";

/// The files that a package brings if they are missing.
pub fn default_files(package: &str) -> &'static [DefaultFile] {
    match package {
        "bind9" => BIND,
        "dovecot-core" => DOVECOT,
        "fetchmail" => FETCHMAIL,
        "postfix" => POSTFIX,
        "sasl2-bin" => SASL,
        _ => &[],
    }
}

/// The files that a package makes on this kind of host if they are missing: Red Hat's Postfix comes
/// with a configuration, where Debian's asks for one.
pub fn made_files(package: &str, layout: Layout) -> Vec<(&'static str, u16, String)> {
    match (package, layout) {
        ("postfix", Layout::RedHat) => vec![
            ("/etc/postfix/main.cf", 0o644, red_hat_main_cf(RED_HAT_MAIN)),
            ("/etc/postfix/master.cf", 0o644, without_chroot(MASTER_CF)),
        ],
        _ => Vec::new(),
    }
}

/// The `main.cf` of Red Hat's package with these parameters.
pub fn red_hat_main_cf<'a, V: std::fmt::Display>(parameters: impl IntoIterator<Item = (&'a str, V)>) -> String {
    let mut text = "# Global Postfix configuration file, as the package leaves it.\n\n".to_owned();
    for (name, value) in parameters {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

/// The services of a `master.cf` with `n` in the column `chroot`, as Red Hat has them.
pub fn without_chroot(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, kind, private, unprivileged, "y", rest @ ..] if !line.starts_with(['#', ' ']) => {
                format!("{name:<9} {kind:<5} {private:<7} {unprivileged:<7} n       {}\n", rest.join("       "))
            }
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}
