//! Real commands that a simulated host does not have, with what does their work here.

/// What to use instead of a command that is known and not there; empty if nothing does its work.
pub fn instead_of(command: &str) -> Option<&'static str> {
    let found = KNOWN.iter().find(|(names, _)| names.contains(&command));
    found.map(|(_, instead)| *instead)
}

const KNOWN: &[(&[&str], &str)] = &[
    (&["emacs", "joe", "mcedit", "pico", "ne", "ed", "ex"], "`nano FILE` opens your own editor"),
    (&["python", "python3", "perl", "ruby", "php", "node", "lua"], "shell scripts, awk, sed and jq work"),
    (&["gcc", "cc", "make", "git", "docker", "podman"], ""),
    (&["tmux", "screen", "byobu"], "open another `mxlab shell`, or a tab in the window"),
    (&["htop", "top", "atop", "iotop", "vmstat", "free"], "`ps aux` shows what runs"),
    (&["alpine", "pine", "elm", "mutt", "neomutt", "thunderbird"], "`mail` reads and writes mail"),
    (&["traceroute", "tracepath", "mtr"], "`ping HOST` and `telnet HOST PORT` show whether a host answers"),
    (&["tcpdump", "tshark", "wireshark", "ngrep"], "the story (`:story -v`) and the window show what passes"),
    (&["nmap", "hping3"], "`nc -z HOST PORT` and `telnet HOST PORT` try a port"),
    (&["drill", "delv", "kdig"], "`dig` asks DNS"),
    (&["exim", "exim4", "qmail-inject", "msmtp", "esmtp"], "Postfix's `sendmail` sends mail"),
    (&["procmail", "maildrop", "formail"], ""),
    (&["pflogsumm", "logwatch", "multitail"], "grep, awk and sort work on /var/log/mail.log"),
    (&["rsync", "sftp", "ftp", "scp"], "`ssh HOST cat FILE > FILE` copies a file"),
    (&["wget", "lynx", "w3m"], ""),
    (&["vipw", "vigr", "gpasswd", "newusers"], "useradd, usermod, groupadd and passwd change accounts"),
    (&["update-alternatives", "alternatives", "snap", "dnf", "aptitude"], ""),
    (&["reboot", "shutdown", "halt", "poweroff", "init"], "`:power HOST off` switches a host off"),
    (&["mount", "umount", "fdisk", "lsblk", "mkfs"], ""),
    (&["tar", "gzip", "gunzip", "bzip2", "xz", "zip", "unzip", "cpio"], "`cp -a DIR COPY` keeps a copy of a directory"),
    (&["zcat", "zgrep", "zless"], "log files are not compressed here: cat, grep and less read them"),
    (&["xxd", "hexdump", "hd", "strings"], "`od -c FILE` shows octets"),
    (&["bc", "dc"], "`echo $((1 + 2))` calculates"),
    (&["tree", "locate", "plocate"], "`find DIR` lists what is in a directory"),
    (&["pstree", "killall5"], "`ps aux` shows what runs"),
    (&["dmesg"], "`journalctl` shows what the system said"),
    (&["crontab", "at", "batch"], "`:wait 1h` lets time pass"),
    (&["last", "lastlog", "finger"], "`who` shows who is logged in"),
    (&["strace", "ltrace", "gdb", "lsof", "fuser"], "`ss -tlnp` shows who listens"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_commands_have_a_hint_and_others_none() {
        assert!(instead_of("emacs").unwrap().contains("nano"));
        assert_eq!(instead_of("gcc"), Some(""));
        assert_eq!(instead_of("mailqq"), None);
    }
}
