//! How quickly typed commands answer: medians and the slowest of each, in milliseconds.
//!
//! The goal is an answer in under 10 ms; what takes virtual time (dig, a mail) counts with all the
//! events on its way.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::time::Instant;

use mxlab::host::shell::Doing;
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::session::terminal::Device;
use mxlab::sim::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 21;
const GOAL: f64 = 10.0;
const COMMANDS: [&str; 30] = [
    "true",
    "ls -l /etc/postfix",
    "cd /etc/postfix && pwd",
    "cat main.cf",
    "grep -n smtpd main.cf",
    "sed -n '1,5p' main.cf",
    "awk '{ print $1 }' main.cf | sort | uniq -c",
    "find /etc -name '*.cf'",
    "ps aux",
    "ss -tlnp",
    "postconf -n",
    "postconf",
    "postconf -d myhostname",
    "postconf -e 'myorigin = example.com'",
    "postfix check",
    "postfix reload",
    "mailq",
    "postqueue -j",
    "echo 'x y' > /tmp/map; postmap /tmp/map; postmap -q x hash:/tmp/map",
    "newaliases",
    "tail -n 5 /var/log/mail.log",
    "systemctl status postfix",
    "dig +short MX example.org",
    "host example.org",
    "echo hello | mail -s hi alice",
    "sendmail -bv alice",
    "for i in 1 2 3 4 5; do echo $i; done",
    "man postqueue",
    "id; whoami; hostname; date",
    "useradd -m carol; passwd -S carol; userdel -r carol",
];

fn main() {
    let text = include_str!("../scenarios/first-mail.ron").to_owned();
    let sources = Sources { name: "first-mail".into(), file: "first-mail.ron".into(), text, ..Sources::default() };
    let scenario = Arc::new(Scenario::load(&sources).expect("a scenario"));
    let begun = Instant::now();
    let base = Session::new(scenario, None, None).expect("a world").without_script();
    println!("set up: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let mut slow = 0;
    for command in COMMANDS {
        let mut times: Vec<f64> = (0..ROUNDS).map(|_| time(&base, command)).collect();
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        slow += usize::from(median > GOAL);
        println!("{median:8.3} ms  (slowest {slowest:8.3})  {:5.1} % of the goal  {command}", median / GOAL * 100.0);
    }
    println!("{} of {} commands answer in under {GOAL} ms", COMMANDS.len() - slow, COMMANDS.len());
}

/// Milliseconds from typing a command to the next prompt, in a fresh copy of the session.
fn time(base: &Session, command: &str) -> f64 {
    let mut session = base.clone();
    let terminal = session.open_terminal("smtp", "root", Device::Terminal).expect("a terminal");
    session.type_text(terminal, "cd /etc/postfix\n").expect("typed");
    let limit = session.world().now() + Duration::from_secs(60);
    let begun = Instant::now();
    session.type_text(terminal, &format!("{command}\n")).expect("typed");
    loop {
        match session.terminal(terminal).map(|view| view.doing()) {
            Some(Doing::Prompt) => break,
            // The pager of a manual page waits for a key.
            Some(Doing::Running(mxlab::host::console::Typing::Keys)) => break,
            _ => {}
        }
        match session.world().next_time() {
            Some(next) if next <= limit => session.advance(next),
            _ => panic!("{command}: no end within a minute"),
        }
    }
    begun.elapsed().as_secs_f64() * 1e3
}
