//! What a fresh host holds, as tables: directories with owner and mode, system accounts, and the
//! texts of the small files below `/etc`.

/// User and group ids of Debian's packages that mail programs refer to.
pub mod ids {
    /// Group `adm`, which may read logs.
    pub const ADM: u32 = 4;
    /// User and group `mail`, the group of `/var/mail`.
    pub const MAIL: u32 = 8;
    /// Group `shadow`.
    pub const SHADOW: u32 = 42;
    /// Group `sasl`.
    pub const SASL: u32 = 45;
    /// User `postfix`.
    pub const POSTFIX: u32 = 102;
    /// Group `postfix`.
    pub const POSTFIX_GROUP: u32 = 105;
    /// Group `postdrop`, of the set-gid commands `postdrop` and `postqueue`.
    pub const POSTDROP: u32 = 106;
}

use ids::{ADM, MAIL, POSTDROP, POSTFIX, POSTFIX_GROUP};

/// A directory of the base system.
pub struct Dir {
    /// Absolute path; its parent comes before it.
    pub path: &'static str,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

const fn dir(path: &'static str, mode: u16, uid: u32, gid: u32) -> Dir {
    Dir { path, mode, uid, gid }
}

/// The directories, parents first (hier(7); `postfix-files` for those of Postfix).
pub const DIRS: &[Dir] = &[
    dir("/dev", 0o755, 0, 0),
    dir("/etc", 0o755, 0, 0),
    dir("/etc/default", 0o755, 0, 0),
    dir("/etc/postfix", 0o755, 0, 0),
    dir("/etc/postfix/sasl", 0o755, 0, 0),
    dir("/etc/postfix/dynamicmaps.cf.d", 0o755, 0, 0),
    dir("/etc/ssl", 0o755, 0, 0),
    dir("/etc/ssl/certs", 0o755, 0, 0),
    dir("/etc/ssl/private", 0o710, 0, 0),
    dir("/home", 0o755, 0, 0),
    dir("/media", 0o755, 0, 0),
    dir("/mnt", 0o755, 0, 0),
    dir("/opt", 0o755, 0, 0),
    dir("/root", 0o700, 0, 0),
    dir("/run", 0o755, 0, 0),
    dir("/srv", 0o755, 0, 0),
    dir("/tmp", 0o1777, 0, 0),
    dir("/usr", 0o755, 0, 0),
    dir("/usr/bin", 0o755, 0, 0),
    dir("/usr/sbin", 0o755, 0, 0),
    dir("/usr/lib", 0o755, 0, 0),
    dir("/usr/lib/postfix", 0o755, 0, 0),
    dir("/usr/lib/postfix/sbin", 0o755, 0, 0),
    dir("/usr/local", 0o755, 0, 0),
    dir("/usr/local/bin", 0o755, 0, 0),
    dir("/usr/local/sbin", 0o755, 0, 0),
    dir("/usr/share", 0o755, 0, 0),
    dir("/usr/share/postfix", 0o755, 0, 0),
    dir("/var", 0o755, 0, 0),
    dir("/var/cache", 0o755, 0, 0),
    dir("/var/lib", 0o755, 0, 0),
    dir("/var/lib/postfix", 0o755, POSTFIX, POSTFIX_GROUP),
    dir("/var/log", 0o755, 0, 0),
    dir("/var/mail", 0o2775, 0, MAIL),
    dir("/var/spool", 0o755, 0, 0),
    dir("/var/spool/cron", 0o755, 0, 0),
    dir("/var/spool/cron/crontabs", 0o1730, 0, 101),
    dir("/var/spool/postfix", 0o755, 0, 0),
    dir("/var/spool/postfix/active", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/bounce", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/corrupt", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/defer", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/deferred", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/dev", 0o755, 0, 0),
    dir("/var/spool/postfix/etc", 0o755, 0, 0),
    dir("/var/spool/postfix/flush", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/incoming", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/lib", 0o755, 0, 0),
    dir("/var/spool/postfix/maildrop", 0o1730, POSTFIX, POSTDROP),
    dir("/var/spool/postfix/pid", 0o755, 0, 0),
    dir("/var/spool/postfix/private", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/public", 0o2710, POSTFIX, POSTDROP),
    dir("/var/spool/postfix/saved", 0o700, POSTFIX, 0),
    dir("/var/spool/postfix/usr", 0o755, 0, 0),
    dir("/var/spool/rsyslog", 0o700, 0, ADM),
    dir("/var/tmp", 0o1777, 0, 0),
    dir("/var/www", 0o755, 0, 0),
];

/// Symbolic links: target and path.
pub const LINKS: &[(&str, &str)] = &[
    ("usr/bin", "/bin"),
    ("usr/sbin", "/sbin"),
    ("usr/lib", "/lib"),
    ("/run", "/var/run"),
    ("/run/lock", "/var/lock"),
    ("../mail", "/var/spool/mail"),
];

/// Programs in `/usr/lib/postfix/sbin`, which master(8) looks for when it reads `master.cf`.
pub const POSTFIX_DAEMONS: &[&str] = &[
    "anvil",
    "bounce",
    "cleanup",
    "discard",
    "dnsblog",
    "error",
    "flush",
    "lmtp",
    "local",
    "master",
    "nqmgr",
    "oqmgr",
    "pickup",
    "pipe",
    "post-install",
    "postfix-script",
    "postfix-tls-script",
    "postfix-wrapper",
    "postlogd",
    "postmulti-script",
    "postscreen",
    "proxymap",
    "qmgr",
    "qmqpd",
    "scache",
    "showq",
    "smtp",
    "smtpd",
    "spawn",
    "tlsmgr",
    "tlsproxy",
    "trivial-rewrite",
    "verify",
    "virtual",
];

/// `/etc/passwd` without the host's own users.
pub const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
news:x:9:9:news:/var/spool/news:/usr/sbin/nologin
uucp:x:10:10:uucp:/var/spool/uucp:/usr/sbin/nologin
proxy:x:13:13:proxy:/bin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
list:x:38:38:Mailing List Manager:/var/list:/usr/sbin/nologin
irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin
systemd-timesync:x:997:997:systemd Time Synchronization:/:/usr/sbin/nologin
postfix:x:102:105::/var/spool/postfix:/usr/sbin/nologin
";

/// `/etc/group` without the groups of the host's own users.
pub const GROUP: &str = "\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
news:x:9:
uucp:x:10:
man:x:12:
proxy:x:13:
kmem:x:15:
dialout:x:20:
cdrom:x:24:
sudo:x:27:
audio:x:29:
www-data:x:33:
backup:x:34:
operator:x:37:
list:x:38:
irc:x:39:
src:x:40:
shadow:x:42:
crontab:x:101:
utmp:x:43:
video:x:44:
sasl:x:45:
plugdev:x:46:
staff:x:50:
games:x:60:
users:x:100:
nogroup:x:65534:
systemd-network:x:998:
systemd-timesync:x:997:
postfix:x:105:
postdrop:x:106:
";

/// `/etc/services`: the services that mail programs look up.
pub const SERVICES: &str = "\
# Network services, Internet style
tcpmux\t\t1/tcp
echo\t\t7/tcp
echo\t\t7/udp
discard\t\t9/tcp\t\tsink null
daytime\t\t13/tcp
ftp\t\t21/tcp
ssh\t\t22/tcp
telnet\t\t23/tcp
smtp\t\t25/tcp\t\tmail
time\t\t37/tcp\t\ttimserver
domain\t\t53/tcp
domain\t\t53/udp
finger\t\t79/tcp
http\t\t80/tcp\t\twww
pop2\t\t109/tcp\t\tpostoffice pop-2
pop3\t\t110/tcp\t\tpop-3
auth\t\t113/tcp\t\tauthentication tap ident
nntp\t\t119/tcp\t\treadnews untp
ntp\t\t123/udp
imap2\t\t143/tcp\t\timap
snmp\t\t161/udp
ldap\t\t389/tcp
https\t\t443/tcp
submissions\t465/tcp\t\tssmtp smtps urd
syslog\t\t514/udp
submission\t587/tcp
qmqp\t\t628/tcp
ldaps\t\t636/tcp
domain-s\t853/tcp
imaps\t\t993/tcp
pop3s\t\t995/tcp
mysql\t\t3306/tcp
postgresql\t5432/tcp\tpostgres
sieve\t\t4190/tcp
milter\t\t8891/tcp
";

/// Other texts below `/etc`: path, mode, group, text.
pub const TEXTS: &[(&str, u16, u32, &str)] = &[
    ("/etc/aliases", 0o644, 0, "# See man 5 aliases for format\npostmaster:    root\n"),
    ("/etc/bash.bashrc", 0o644, 0, ""),
    ("/etc/default/saslauthd", 0o644, 0, "START=no\nMECHANISMS=\"pam\"\nOPTIONS=\"-c -m /var/run/saslauthd\"\n"),
    ("/etc/host.conf", 0o644, 0, "multi on\n"),
    ("/etc/issue", 0o644, 0, "Debian GNU/Linux 12 \\n \\l\n"),
    ("/etc/localtime", 0o644, 0, "TZif2\n"),
    ("/etc/networks", 0o644, 0, "default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n"),
    (
        "/etc/nsswitch.conf",
        0o644,
        0,
        "passwd:         files\ngroup:          files\nshadow:         files\n\nhosts:          files dns\nnetworks:       files\n\nprotocols:      db files\nservices:       db files\n",
    ),
    ("/etc/profile", 0o644, 0, "# /etc/profile: system-wide .profile file for the Bourne shell (sh(1))\n"),
    ("/etc/protocols", 0o644, 0, "ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"),
    ("/etc/services", 0o644, 0, SERVICES),
    ("/etc/shells", 0o644, 0, "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/dash\n/usr/bin/dash\n"),
    ("/etc/timezone", 0o644, 0, "Etc/UTC\n"),
];

/// Files of Debian alone.
pub const DEBIAN_TEXTS: &[(&str, u16, u32, &str)] = &[
    ("/etc/debian_version", 0o644, 0, "12.12\n"),
    (
        "/etc/os-release",
        0o644,
        0,
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n",
    ),
    ("/var/log/mail.log", 0o640, ADM, ""),
    ("/var/log/syslog", 0o640, ADM, ""),
];

/// Files of Red Hat alone.
pub const RED_HAT_TEXTS: &[(&str, u16, u32, &str)] = &[
    (
        "/etc/aliases",
        0o644,
        0,
        "#\n#  Aliases in this file will NOT be expanded in the header from\n#  Mail, but WILL be visible over networks or from /bin/mail.\n#\n\n# Basic system aliases -- these MUST be present.\nmailer-daemon:\tpostmaster\npostmaster:\troot\n\n# General redirections for pseudo accounts.\nbin:\t\troot\ndaemon:\t\troot\nnobody:\t\troot\npostfix:\troot\nabuse:\t\troot\nhostmaster:\troot\nsecurity:\troot\n\n# Person who should get root's mail\n#root:\t\tmarc\n",
    ),
    (
        "/etc/os-release",
        0o644,
        0,
        "PRETTY_NAME=\"Red Hat Enterprise Linux 9 (Plow)\"\nNAME=\"Red Hat Enterprise Linux\"\nVERSION_ID=\"9\"\nVERSION=\"9 (Plow)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\n",
    ),
    ("/etc/redhat-release", 0o644, 0, "Red Hat Enterprise Linux release 9 (Plow)\n"),
    ("/var/log/maillog", 0o600, 0, ""),
    ("/var/log/messages", 0o600, 0, ""),
];

/// Files below `/etc` that Debian copies into Postfix's chroot jail at start.
pub const CHROOT_FILES: &[&str] = &["localtime", "services", "resolv.conf", "hosts", "host.conf", "nsswitch.conf"];

/// Commands that live in `/usr/sbin`; all others are in `/usr/bin`.
pub const SBIN: &[&str] = &[
    "addgroup",
    "adduser",
    "arp",
    "chroot",
    "deluser",
    "dovecot",
    "dpkg-reconfigure",
    "groupadd",
    "groupdel",
    "ifconfig",
    "ip",
    "named",
    "named-checkconf",
    "named-checkzone",
    "nologin",
    "postalias",
    "postcat",
    "postconf",
    "postdrop",
    "postfix",
    "postkick",
    "postlock",
    "postlog",
    "postmap",
    "postmulti",
    "postqueue",
    "postsuper",
    "posttls-finger",
    "qmqp-sink",
    "qshape",
    "rmt",
    "rndc",
    "route",
    "rsyslogd",
    "saslauthd",
    "sasldblistusers2",
    "saslpasswd2",
    "sendmail",
    "service",
    "smtp-sink",
    "smtp-source",
    "testsaslauthd",
    "useradd",
    "userdel",
    "usermod",
    "visudo",
];
