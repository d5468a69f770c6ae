//! Octets of a server for the client's machine: it never waits for nothing, nor talks after its end.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mxlab::sim::Time;
use mxlab::smtp::auth::{ClientExchange, Mechanism};
use mxlab::smtp::client::{Client, Fact, Hello, Input, Order, Output, Timeouts, Transaction};

fn transaction() -> Transaction {
    Transaction {
        mail: "<a@example.com> SIZE=9".into(),
        recipients: vec!["<b@example.org>".into(), "<c@example.org>".into(), "<d@example.org>".into()],
        content: Bytes::from_static(b"Subject: x\n\n.hidden\nlast"),
    }
}

/// The orders, in turn.
fn order(number: u8) -> Order {
    match number % 8 {
        0 | 5 => Order::Hello { how: Hello::EhloOrHelo, name: "mx1.example.com".into() },
        1 => Order::StartTls,
        2 => Order::Auth(ClientExchange::new(Mechanism::CramMd5, "alice", "sesame")),
        3 => Order::Send(transaction()),
        4 => Order::Hello { how: Hello::Lhlo, name: "mx1.example.com".into() },
        6 => Order::Probe(transaction()),
        _ => Order::Reset,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, octets)) = data.split_first() else { return };
    let mut out = Vec::new();
    let mut now = Time::from_secs(1);
    let mut client = Client::new(Timeouts::default(), now, &mut out);
    let mut number = *first;
    let mut closed = false;
    let inputs = mxlab_fuzz::pieces(octets).map(|piece| Input::Bytes(Bytes::copy_from_slice(piece)));
    for input in inputs.chain([Input::Wake, Input::Order(Order::Quit), Input::Wake, Input::Lost]) {
        if let Input::Wake = input {
            now = now + mxlab::sim::Duration::from_secs(10_000);
        }
        client.handle(now, input, &mut out);
        let mut rounds = 0;
        while !out.is_empty() {
            rounds += 1;
            assert!(rounds < 10_000, "orders without end");
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Close => closed = true,
                    Output::Send(_) => assert!(!closed, "it talks after its end"),
                    Output::StartTls => client.handle(now, Input::TlsEstablished, &mut out),
                    Output::Fact(Fact::Idle | Fact::Greeting(_)) if !closed && client.is_idle() => {
                        client.handle(now, Input::Order(order(number)), &mut out);
                        number = number.wrapping_add(1);
                    }
                    Output::Fact(_) | Output::WakeAt(_) => {}
                }
            }
        }
    }
});
