//! Octets of a client for the server's machine: any split gives the same session.
#![no_main]

use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mxlab::sim::Time;
use mxlab::smtp::framing::{BareNewline, Limits};
use mxlab::smtp::server::{Answer, Input, Next, Output, Question, Server, Settings};
use mxlab::smtp::{Path, Reply, Verb};

/// What is seen of a session from both its sides.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    sent: Vec<u8>,
    asked: Vec<Question>,
    closed: bool,
}

fn answer(question: &Question) -> Answer {
    let ok = || Reply::new(250, "2.0.0 Ok");
    let go_on = |next| Answer { reply: Some(Reply::new(354, "go on")), error: false, next };
    match question {
        Question::Command(command) => {
            let text = command.text();
            let words = mxlab::smtp::command::words(&text);
            let size = words.get(1).and_then(|word| word.text.parse().ok()).unwrap_or(0);
            match command.verb {
                Verb::Data => go_on(Next::Data { limit: 200 }),
                Verb::Bdat if words.len() > 3 => Answer { reply: None, error: true, next: Next::Discard { size } },
                Verb::Bdat => {
                    Answer { reply: None, error: false, next: Next::Chunk { size, last: words.len() > 2, limit: 200 } }
                }
                Verb::Auth => go_on(Next::Response),
                Verb::Quit => Answer::close(Reply::new(221, "2.0.0 Bye")),
                Verb::Unknown => Answer::error(Reply::new(500, "5.5.2 Error")),
                _ => {
                    if let Some(word) = words.get(2) {
                        let _ = Path::parse(&word.text);
                    }
                    Answer::ok(ok())
                }
            }
        }
        Question::BareNewline | Question::TimedOut | Question::TooManyErrors => Answer::close(Reply::new(421, "Bye")),
        Question::Response(_) | Question::Message { .. } | Question::Chunk => Answer::ok(ok()),
    }
}

fn session<'a>(policy: BareNewline, pieces: impl Iterator<Item = &'a [u8]>) -> Seen {
    let settings = Settings {
        limits: Limits { line: 100, bare_newline: policy, ..Limits::default() },
        timeout: Duration::from_secs(300),
        tls_timeout: Duration::from_secs(60),
        soft_errors: u64::MAX,
        hard_errors: 20,
        error_delay: Duration::from_secs(1),
    };
    let now = Time::from_secs(1);
    let mut server = Server::new(settings);
    let mut seen = Seen::default();
    let greeting = Input::Answer(Answer::ok(Reply::new(220, "mx1")));
    let inputs = pieces.map(|piece| Input::Bytes(Bytes::copy_from_slice(piece)));
    for input in std::iter::once(greeting).chain(inputs).chain([Input::Lost]) {
        let mut out = Vec::new();
        server.handle(now, input, &mut out);
        while !out.is_empty() {
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Ask(question) => {
                        let answer = answer(&question);
                        seen.asked.push(question);
                        server.handle(now, Input::Answer(answer), &mut out);
                    }
                    Output::Send(bytes) => seen.sent.extend_from_slice(&bytes),
                    Output::Close => seen.closed = true,
                    Output::StartTls | Output::WakeAt(_) | Output::Lost => {}
                }
            }
        }
    }
    seen
}

fuzz_target!(|data: &[u8]| {
    let Some((first, octets)) = data.split_first() else { return };
    let policy = [BareNewline::Accept, BareNewline::Normalize, BareNewline::Reject][usize::from(first % 3)];
    let whole = session(policy, std::iter::once(octets));
    let split = session(policy, mxlab_fuzz::pieces(octets));
    assert_eq!(whole, split);
});
