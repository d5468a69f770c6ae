//! Whole command lines, compared with what dash answered.

mod arrays;
mod dash;
mod limits;

use proptest::prelude::*;

use super::harness::{drive_keeping, host, run, run_as, text};
use super::{Terminal, parser};
use crate::host::process::Input;

#[test]
fn scripts_answer_as_dash_does() {
    let mut wrong = Vec::new();
    for (script, stdout, stderr, status) in dash::DASH {
        let mut host = host();
        let got = text(&run(&mut host, script));
        if got != ((*stdout).to_owned(), (*stderr).to_owned(), *status) {
            wrong.push(format!("{script}\n  wanted {:?}\n  got    {got:?}", (stdout, stderr, status)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sleeping_takes_virtual_time_and_jobs_outlive_their_shell() {
    let mut host = host();
    let before = host.vfs.now;
    let exit = run(&mut host, "(sleep 5; echo late > /tmp/late) & sleep 2; echo now; ls /tmp");
    assert_eq!(text(&exit).0, "now\n");
    assert_eq!(host.vfs.now.since(before).as_secs(), 5);
    assert_eq!(text(&run(&mut host, "cat /tmp/late")).0, "late\n");
}

#[test]
fn runaway_scripts_are_ended() {
    for script in [
        "while true; do :; done",
        "f() { f; }; f",
        "f() { f | f; }; f",
        "yes > /tmp/all",
        "while true; do echo more; done | cat",
        "x=a; while true; do x=$x$x; done",
    ] {
        let mut host = host();
        let exit = run(&mut host, script);
        assert_ne!(exit.status, 0, "{script}");
    }
}

#[test]
fn a_terminal_prompts_runs_lines_and_can_be_interrupted() {
    let mut host = host();
    let typed = |text: &str| Input::Typed(text.to_owned().into());
    let inputs = [
        typed("cd /etc\n"),
        typed("nosuch\n"),
        typed("for i in 1 2\n"),
        typed("do echo $i; done\n"),
        typed("cat\n"),
        typed("line\n"),
        typed("\u{3}"),
        typed("exit 3\n"),
    ];
    let (exit, process) = drive_keeping(&mut host, Box::new(Terminal::new("alice")), &inputs);
    let terminal = process.as_any().downcast_ref::<Terminal>().unwrap();
    assert_eq!(exit.status, 3);
    assert_eq!(
        terminal.transcript().text(),
        "alice@mx1:~$ cd /etc\nalice@mx1:/etc$ nosuch\n-bash: nosuch: command not found\nalice@mx1:/etc$ for i in 1 \
         2\n> do echo $i; done\n1\n2\nalice@mx1:/etc$ cat\nline\nline\n^C\nalice@mx1:/etc$ exit 3\nlogout\n"
    );
}

#[test]
fn rights_are_those_of_the_user() {
    let mut host = host();
    let exit = run_as(&mut host, "alice", "pwd; id -un; cat /etc/shadow; echo x > /etc/y; touch mine && ls", "", false);
    assert_eq!(
        text(&exit),
        (
            "/home/alice\nalice\nmine\n".into(),
            "cat: /etc/shadow: Permission denied\nsh: 1: cannot create /etc/y: Permission denied\n".into(),
            0
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_scripts_neither_panic_nor_hang(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "echo", "x=1", "$x", "\"$@\"", "|", "&", ";", "&&", "||", "(", ")", "{", "}", "if", "then", "fi",
                "while", "do", "done", "false", "true", "cat", "<", ">", "f", "$(", "`", "${x", "}", "read", "y",
                "set", "--", "-e", "break", "exit", "return", "case", "in", "esac", ";;", "*", "f()", "eval", "<<E",
                "\n", "E", "sleep", "1", "exec", "wait", "kill", "%1", "!", "for", "sh", "-c", "ls", "tail", "-f",
            ]),
            0..24,
        )
    ) {
        let script = words.join(" ");
        let mut host = host();
        let _ = run(&mut host, &script);
        let mut parser = parser::Parser::new(script.chars().collect(), true);
        while let Ok(Some(_)) = parser.next_line() {}
    }
}

fn screen(user: &str, lines: &[&str]) -> String {
    let inputs: Vec<Input> = lines.iter().map(|line| Input::Typed((*line).to_owned().into())).collect();
    let (_, process) = drive_keeping(&mut host(), Box::new(Terminal::new(user)), &inputs);
    process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text()
}

#[test]
fn jobs_are_stopped_continued_and_ended_with_the_words_of_bash() {
    let shown =
        screen("root", &["sleep 50\n", "\u{1a}", "jobs\n", "bg\n", "jobs\n", "kill %1\n", "\n", "fg\n", "wait %3\n"]);
    assert_eq!(
        shown,
        "root@mx1:~# sleep 50\n^Z\n[1]+  Stopped                 sleep 50\nroot@mx1:~# jobs\n[1]+  Stopped                 \
         sleep 50\nroot@mx1:~# bg\n[1]+ sleep 50 &\nroot@mx1:~# jobs\n[1]+  Running                 sleep 50 \
         &\nroot@mx1:~# kill %1\n[1]+  Terminated              sleep 50\nroot@mx1:~# \nroot@mx1:~# fg\n-bash: fg: current: \
         no such job\nroot@mx1:~# wait %3\n-bash: wait: %3: no such job\nroot@mx1:~# "
    );
    let shown = screen("root", &["cat\n", "\u{1a}", "fg\n", "typed\n", "\u{4}", "echo $?\n"]);
    assert!(shown.ends_with("fg\ncat\ntyped\ntyped\nroot@mx1:~# echo $?\n0\nroot@mx1:~# "), "{shown}");
}

#[test]
fn a_known_command_that_is_not_there_is_spoken_of_once() {
    let shown = screen("root", &["emacs x\n", "emacs y\n", "mailqq\n"]);
    assert_eq!(shown.matches("emacs: command not found").count(), 2, "{shown}");
    assert_eq!(shown.matches("real command").count(), 1, "{shown}");
    assert!(shown.ends_with("mailqq: command not found\nroot@mx1:~# "), "{shown}");
}

#[test]
fn help_names_the_builtins() {
    let shown = screen("root", &["help cd\n", "help nosuch\n", "history 2\n"]);
    assert!(shown.contains("cd: cd [DIR|-]\n"), "{shown}");
    assert!(shown.contains("-bash: help: no help topics match `nosuch'."), "{shown}");
    assert!(shown.ends_with("    2  help nosuch\n    3  history 2\nroot@mx1:~# "), "{shown}");
}

#[test]
fn a_prompt_tells_of_new_mail_and_a_login_of_mail_that_is_there() {
    let deliver = "printf 'From x\\n\\nhello\\n' >> /var/mail/root; sleep 70\n";
    let shown = screen("root", &[deliver, "\n", deliver]);
    assert_eq!(shown.matches("You have new mail in /var/mail/root\n").count(), 2, "{shown}");
    let shown = screen("root", &["MAILCHECK=\n", deliver, "\n"]);
    assert!(!shown.contains("new mail in"), "{shown}");
    let mut host = host();
    super::harness::write(&mut host, "/var/mail/root", "From x\nStatus: O\n\nhello\n");
    let login = |host: &mut crate::host::Host| {
        let (_, process) = drive_keeping(host, Box::new(Terminal::new("root")), &[]);
        process.as_any().downcast_ref::<Terminal>().unwrap().transcript().text()
    };
    assert!(login(&mut host).starts_with("You have mail.\n"));
    super::harness::write(&mut host, "/var/mail/root", "From x\n\nhello\n");
    assert!(login(&mut host).starts_with("You have new mail.\n"));
}

#[test]
fn bash_has_its_own_expansions_and_words() {
    let mut host = host();
    for (line, output, error) in [
        ("x=hello; echo ${x^} ${x^^} ${x:1:3} ${x/#h/J} ${x/%o/O}", "Hello HELLO ell Jello hellO\n", ""),
        ("x=HELLO; echo ${x,,} ${x,}; y=x; echo ${!y}", "hello hELLO\nHELLO\n", ""),
        ("echo {01..03} {1..10..3} {a..c}", "01 02 03 1 4 7 10 a b c\n", ""),
        ("set -o pipefail; false | true; echo $?", "1\n", ""),
        ("printf -v x '%03d' 7; echo $x; printf '%q\\n' 'a b'", "007\na\\ b\n", ""),
        ("type -t cd ls if; echo $UID $HOSTNAME", "builtin\nfile\nkeyword\n0 mx1\n", ""),
        ("umask -S; ulimit -n; kill -l 9", "u=rwx,g=rx,o=rx\n1024\nKILL\n", ""),
        ("[ 1 -eq a ]", "", "bash: line 1: [: a: integer expression expected\n"),
        ("[ a b ]", "", "bash: line 1: [: a: unary operator expected\n"),
        ("kill nosuch", "", "bash: line 1: kill: nosuch: arguments must be process or job IDs\n"),
        ("local x=1", "", "bash: line 1: local: can only be used in a function\n"),
        ("unalias nosuch", "", "bash: line 1: unalias: nosuch: not found\n"),
    ] {
        let got = text(&run(&mut host, &format!("bash -c '{}'", line.replace('\'', "'\"'\"'"))));
        assert_eq!((got.0.as_str(), got.1.as_str()), (output, error), "{line}");
    }
}

#[test]
fn bash_counts_in_for_loops_and_compares_what_two_commands_write() {
    let mut host = host();
    for (script, stdout) in [
        ("for ((i = 0; i < 3; i++)); do echo $i; done", "0\n1\n2\n"),
        ("for ((i=5;i>0;i-=2)) do [ $i = 3 ] && continue; echo $i; done; echo $i", "5\n1\n-1\n"),
        ("for ((;;)); do echo once; break; done", "once\n"),
        (
            "n=2; for ((i = n; i < n + $(echo 2); i++)); do for ((j = 0; j < 1; j++)); do echo $i$j; done; done",
            "20\n30\n",
        ),
        ("diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n')", "2c2\n< b\n---\n> c\n"),
        ("while read -r x; do n=$((n + x)); done < <(seq 3); echo $n", "6\n"),
        ("echo <(true) <(true); ls /dev/fd", "/dev/fd/63 /dev/fd/62\n"),
        ("cat <(echo in; cat <(echo deeper))", "in\ndeeper\n"),
    ] {
        super::harness::write(&mut host, "/tmp/script", script);
        let exit = run(&mut host, "bash /tmp/script");
        assert_eq!(text(&exit).0, stdout, "{script}: {}", text(&exit).1);
    }
    let exit = run(&mut host, "bash -c 'for ((i = 0; i < 3)); do :; done'");
    assert_ne!(exit.status, 0);
}
