//! Scripts that use too much, and input that is large: the shell that a person types to lives on.

use super::super::harness::{drive_keeping, host, run, text};
use super::super::{Terminal, parser};
use crate::host::process::Input;

/// What a person sees who types these lines.
fn screen(lines: &[&str]) -> String {
    let inputs: Vec<Input> = lines.iter().map(|line| Input::Typed((*line).to_owned().into())).collect();
    let (_, process) = drive_keeping(&mut host(), Box::new(Terminal::new("root")), &inputs);
    process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text()
}

#[test]
fn a_shell_outlives_what_it_runs() {
    let scripts = [
        ":() { : | : & }; :",
        "f() { f & f & }; f",
        "f() { f | f & }; f",
        "f() { f; }; f",
        "while :; do :; done",
        "sh -c 'while :; do :; done'",
        "x=a; while :; do x=$x$x; done",
        "echo 'sh s' > s; sh s",
        "echo '. ./s' > s; . ./s",
        "yes | while read x; do :; done",
        "trap 'exit' EXIT; sh -c \"trap exit EXIT; exit\"",
        "ln -s a b; ln -s b a; cat a; cp -r . copy; find -L . | head -3; ls -R . > /dev/null",
        "mkdir -p d/d; cd d; ln -s .. up; grep -R x . | head; du -s .; cd",
        "echo x > f; cat f | cat > f; sort f > f; tee f < f",
        "echo $((9223372036854775807 + 1)) $((1 << 64)) $((-9223372036854775808 / -1)) $((-9223372036854775808 % -1))",
        "echo {1..9999}{1..9999} | wc -c",
        "echo /*/../*/../*/../*/../*/../*/../* | wc -c",
        "seq 100000000 | head -1; yes | head -1",
        "printf '%1000000000d' 1 | wc -c",
        "awk 'BEGIN { while (1) x = x \"x\" }'; awk 'function f(x) { return f(x) } BEGIN { f(1) }'",
        "jq -n 'def f: f; f'; jq -n '[limit(100000000; repeat(1))] | length'",
        "sed -n ':a;ba' /etc/passwd",
        "eval $(printf 'eval %.0s' $(seq 1000)) :",
        "touch $(seq 3000); rm *; : > \"$(printf 'x%.0s' $(seq 5000))\"",
        "kill -9 -1; kill 1",
        "rm -rf /tmp; mv / /x; chmod 000 /; chmod 755 /",
        "grep -E '(a*)*b' /etc/passwd; grep -E '((((a{1,100}){1,100}){1,100}){1,100})' /etc/passwd",
    ];
    let mut wrong = Vec::new();
    for script in scripts {
        let shown = screen(&[&format!("{script}\n"), "\u{3}", "echo alive $(echo sub | cat)\n"]);
        if !shown.contains("\nalive sub\n") {
            wrong.push(format!("{script}: {}", shown.chars().rev().take(200).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ctrl_c_ends_an_endless_loop_and_what_was_typed_before_is_still_there() {
    let shown = screen(&["x=kept\n", "while :; do :; done\n", "\u{3}", "echo $x\n"]);
    assert!(shown.ends_with("echo $x\nkept\nroot@mx1:~# "), "{shown}");
    // What the ended program had read does not come back as a command.
    let shown = screen(&["cat > /dev/null\n", "touch /tmp/oops", "\u{3}", "ls /tmp\n"]);
    assert!(!shown.contains("oops\nroot"), "{shown}");
}

#[test]
fn input_larger_than_a_pipe_reaches_whoever_waits_for_its_end() {
    for (line, output) in [
        ("seq 30000 | grep -n 5 | tail -1", "29995:29995\n"),
        ("seq 30000 | grep -c 5", "10317\n"),
        ("seq 30000 | tail -1", "30000\n"),
        ("seq 30000 | xargs | wc -c", "168894\n"),
        ("seq 30000 | awk 'END { print NR }'", "30000\n"),
        ("seq 300000 | sort -n | sed -n '$p'", "300000\n"),
        ("seq 30000 | less | wc -l", "30000\n"),
        ("seq 30000 > /tmp/s; tail -f /tmp/s | head -1", "29991\n"),
    ] {
        let mut host = host();
        assert_eq!(text(&run(&mut host, line)), (output.to_owned(), String::new(), 0), "{line}");
    }
}

#[test]
fn a_here_document_of_a_megabyte_is_read() {
    let line = format!("wc -c <<END\n{}END\n", "0123456789abcde\n".repeat(65_536));
    assert_eq!(text(&run(&mut host(), &line)).0, "1048576\n");
    let mut parser = parser::Parser::new(line.chars().collect(), true);
    assert!(parser.next_line().is_ok());
}

#[test]
fn filters_with_files_leave_the_keyboard_alone() {
    for command in [
        "sort",
        "sed p",
        "sed -n -e 1p",
        "awk '{ print $1 }'",
        "cut -c1",
        "base64",
        "tac",
        "rev",
        "nl",
        "od -c",
        "md5sum",
        "fold -w 5",
        "uniq -c",
        "paste -d,",
        "column -t",
        "jq -R .",
        "egrep -e x",
        "wc -l",
        "head -1",
        "tail -1",
        "comm /etc/hostname",
        "awk 'BEGIN { print 1 }'",
        "jq -n 1",
    ] {
        let shown = screen(&[&format!("{command} /etc/hostname\n"), "echo next\n"]);
        assert!(shown.contains("root@mx1:~# echo next\nnext\n"), "{command}: {shown}");
    }
    // Without a file they take lines until Ctrl+D.
    let shown = screen(&["grep -c x\n", "x\n", "y\n", "xx\n", "\u{4}", "echo next\n"]);
    assert!(shown.contains("xx\n2\nroot@mx1:~# echo next\nnext\n"), "{shown}");
}

#[test]
fn timeout_ends_a_command_that_takes_too_long() {
    for (line, output, status) in [
        ("timeout 2 sleep 9; echo $?", "124\n", 0),
        ("timeout 5 sh -c 'sleep 1; exit 7'", "", 7),
        ("timeout 1 sh -c 'echo begun; sleep 9; echo never'", "begun\n", 124),
        ("timeout 0 echo hi", "hi\n", 0),
    ] {
        let got = text(&run(&mut host(), line));
        assert_eq!((got.0.as_str(), got.2), (output, status), "{line}");
    }
    let got = text(&run(&mut host(), "timeout soon true"));
    assert_eq!(got.1.lines().next(), Some("timeout: invalid time interval ‘soon’"));
}
