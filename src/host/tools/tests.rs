//! Whole command lines with the output of the real tools.

use crate::host::shell::harness::{host, run, text, write};

#[test]
fn command_lines_print_what_the_real_tools_print() {
    for (line, output) in [
        (
            "mkdir -p /srv/box; chown nobody /srv /srv/box; ls -ln /srv | grep -v total | cut -c1-19",
            "drwxr-xr-x 2 65534 \n",
        ),
        ("mkdir -p /srv/v/b /srv/v/a; find /srv/v -type d | sort", "/srv/v\n/srv/v/a\n/srv/v/b\n"),
        ("sed -i 's/^smtp      inet/#&/' /etc/m; cat /etc/m", "#smtp      inet  n\nx\n"),
        ("touch -d '-1 hour' /tmp/f; date -r /tmp/f +%H:%M", "11:00\n"),
        ("printf 'a b  c d\\n' | cut -d' ' -f4- | sed 's/^ *//'", "c d\n"),
        ("printf 'x.20261121\\n' | sed 's/[0-9-]\\{8,\\}/<STAMP>/'", "x.<STAMP>\n"),
        ("printf 'relay=a, x\\nrelay=b\\nrelay=a,\\n' | grep -o 'relay=[^,]*' | sort -u", "relay=a\nrelay=b\n"),
        ("printf 'a\\nb\\na\\n' | sort | uniq -c", "      2 a\n      1 b\n"),
        ("printf 'a\\nb\\n' | wc -l", "2\n"),
        ("echo hello | tr a-z A-Z", "HELLO\n"),
        ("printf '1\\n2\\n3\\n' | tail -1", "3\n"),
        ("yes | head -2", "y\ny\n"),
        ("printf 'a b\\n' | xargs -n1 echo x", "x a\nx b\n"),
        ("find /etc/m -exec echo got {} \\;", "got /etc/m\n"),
        ("printf '10 b\\n9 a\\n' | sort -n; printf '10 b\\n9 a\\n' | sort -k2", "9 a\n10 b\n9 a\n10 b\n"),
        ("cp -p /etc/m /tmp/n; chmod 600 /tmp/n; stat -c '%a %U %s' /tmp/n", "600 root 20\n"),
        ("id; id -un; hostname -f", "uid=0(root) gid=0(root) groups=0(root)\nroot\nmx1.example.com\n"),
        ("sed -n '2p;/inet/p' /etc/m", "smtp      inet  n\nx\n"),
        ("printf 'a\\nb\\na\\n' | sed '0,/^a/{/^a/d}'", "b\na\n"),
        ("printf 'a\\nb\\na\\n' | sed '1,/^a/d'", ""),
        ("echo abc | sed -E 's/(a)(b)/\\2\\1/;s/c/[&]/'", "ba[c]\n"),
        ("env -i A=1 env", "A=1\n"),
        (
            "mkdir -p /srv/box; chown nobody /srv /srv/box; ls -ln /srv | awk '{print $1,$3,$4,$NF}'",
            "total   0\ndrwxr-xr-x 65534 0 box\n",
        ),
        ("printf 'a:1\nb:2\na:3\n' | awk -F: '{s[$1]+=$2} END{for(k in s) print k, s[k]}'", "a 4\nb 2\n"),
        ("echo 'one two' | awk '{$2=\"x\"; print; print NF, length($1), toupper(substr($1,2))}'", "one x\n2 3 NE\n"),
        (
            "echo 'k=v' | awk '{split($0,p,\"=\"); gsub(/v/,\"[&]\",p[2]); printf \"%s %5.2f|\\n\", p[2], 3.14159}'",
            "[v]  3.14|\n",
        ),
        ("seq 5 | awk 'NR==2,NR==4 {t+=$1} END {print t, NR; exit 0}'", "9 5\n"),
        (
            "awk 'function f(n) {return n<2?n:f(n-1)+f(n-2)} BEGIN{print f(10), 1/4, 2^10, \"a\" 1+1}'",
            "55 0.25 1024 a2\n",
        ),
        ("date", "Sat Nov 21 12:00:00 UTC 2026\n"),
    ] {
        let mut host = host();
        write(&mut host, "/etc/m", "smtp      inet  n\nx\n");
        let got = text(&run(&mut host, line));
        assert_eq!((got.0.as_str(), got.1.as_str()), (output, ""), "{line}");
    }
}

#[test]
fn errors_are_worded_as_by_the_real_tools() {
    for (line, error) in [
        ("cat /nope", "cat: /nope: No such file or directory\n"),
        ("ls /nope", "ls: cannot access '/nope': No such file or directory\n"),
        ("rm /nope", "rm: cannot remove '/nope': No such file or directory\n"),
        ("rm /etc", "rm: cannot remove '/etc': Is a directory\n"),
        ("mkdir /etc", "mkdir: cannot create directory ‘/etc’: File exists\n"),
        ("cp /nope /tmp", "cp: cannot stat '/nope': No such file or directory\n"),
        ("chown nosuch /etc", "chown: invalid user: ‘nosuch’\n"),
        ("sed 0p /etc/hostname", "sed: -e expression #1, char 2: invalid usage of line address 0\n"),
        ("sed 's/a' /etc/hostname", "sed: -e expression #1, char 3: unterminated `s' command\n"),
        ("grep x /nope", "grep: /nope: No such file or directory\n"),
    ] {
        let mut host = host();
        let got = text(&run(&mut host, line));
        assert_eq!(got.1, error, "{line}");
        assert_ne!(got.2, 0, "{line}");
    }
}
