use super::*;
use crate::sim::faults::Block;
use crate::sim::faults::{Effect, Rule, Selector};
use crate::sim::net::Payload;

const A: &str = "192.0.2.1";
const B: &str = "192.0.2.2";

fn at(host: u32) -> Endpoint {
    Endpoint { host: HostId(host), proc: ProcId(9) }
}

fn pair() -> Kernel {
    let mut kernel = Kernel::new(1, Time::from_secs(1000));
    kernel.add_host(&[A.parse().unwrap()]);
    kernel.add_host(&[B.parse().unwrap()]);
    kernel.listen(at(1), Listener::Tcp { addr: None, port: 25 });
    kernel
}

fn to_b() -> SocketAddr {
    SocketAddr::new(B.parse().unwrap(), 25)
}

/// Runs until nothing is due within two hours and tells what was delivered, as text.
fn run(kernel: &mut Kernel) -> Vec<String> {
    let until = kernel.now() + Duration::from_secs(7200);
    let mut seen = Vec::new();
    while let Some(delivery) = kernel.next(until) {
        let host = delivery.to.host.0;
        seen.push(match delivery.what {
            What::Wake(token, _) => format!("{host} wake {token}"),
            What::Net(NetInput::Connected { .. }) => format!("{host} connected"),
            What::Net(NetInput::ConnectFailed { error, .. }) => format!("{host} failed: {}", error.text()),
            What::Net(NetInput::Accepted { peer, .. }) => format!("{host} accepted {}", peer.ip()),
            What::Net(NetInput::Data { payload, .. }) => format!("{host} data {}", payload.wire_len()),
            What::Net(NetInput::Eof { .. }) => format!("{host} eof"),
            What::Net(NetInput::Reset { timed_out, .. }) => format!("{host} reset {timed_out}"),
            What::Net(NetInput::Writable { .. }) => format!("{host} writable"),
            What::Net(NetInput::Datagram { bytes, .. }) => format!("{host} datagram {}", bytes.len()),
        });
    }
    seen
}

fn bytes(len: usize) -> Payload {
    Payload::Bytes(Bytes::from(vec![b'x'; len]))
}

#[test]
fn a_connection_delivers_in_order_and_closes_at_both_ends() {
    let mut kernel = pair();
    kernel.connect(at(0), Socket(2), None, to_b(), 1);
    assert_eq!(run(&mut kernel), ["1 accepted 192.0.2.1", "0 connected"]);
    kernel.send(Socket(2), bytes(3), 1);
    kernel.send(Socket(2), bytes(5), 1);
    kernel.close(Socket(2), 1);
    assert_eq!(run(&mut kernel), ["1 data 3", "1 data 5", "1 eof"]);
    kernel.close(Socket(3), 1);
    run(&mut kernel);
    assert!(kernel.sockets.is_empty());
}

#[test]
fn refused_unreachable_and_blocked_ports_differ() {
    let mut kernel = pair();
    let attempt = |kernel: &mut Kernel, sock, addr: &str, port| {
        kernel.connect(at(0), Socket(sock), None, SocketAddr::new(addr.parse().unwrap(), port), 1);
        run(kernel)
    };
    assert_eq!(attempt(&mut kernel, 2, B, 26), ["0 failed: Connection refused"]);
    assert_eq!(attempt(&mut kernel, 4, "203.0.113.1", 25), ["0 failed: No route to host"]);
    assert_eq!(attempt(&mut kernel, 6, "2001:db8::1", 25), ["0 failed: Network is unreachable"]);
    let selector = Selector { port: Some(25), ..Selector::default() };
    kernel.faults.add(Rule { name: "fw".into(), selector, effect: Effect::Block(Block::Drop) });
    assert_eq!(attempt(&mut kernel, 8, B, 25), ["0 failed: Connection timed out"]);
}

#[test]
fn a_full_window_holds_back_the_sender_until_the_receiver_reads() {
    let mut kernel = pair();
    kernel.connect(at(0), Socket(2), None, to_b(), 1);
    run(&mut kernel);
    kernel.pause(Socket(3), true);
    for _ in 0..3 {
        kernel.send(Socket(2), bytes(40_000), 1);
    }
    assert!(run(&mut kernel).is_empty());
    assert_eq!(kernel.unsent(Socket(2)), 120_000);
    kernel.pause(Socket(3), false);
    assert_eq!(run(&mut kernel), ["1 data 40000", "1 data 40000", "0 writable", "1 data 40000"]);
}

#[test]
fn bandwidth_delays_in_proportion() {
    let mut kernel = pair();
    kernel.faults.add(Rule { name: "slow".into(), selector: Selector::default(), effect: Effect::Bandwidth(1000) });
    kernel.connect(at(0), Socket(2), None, to_b(), 1);
    run(&mut kernel);
    let start = kernel.now();
    kernel.send(Socket(2), bytes(2000), 1);
    run(&mut kernel);
    assert!(kernel.now().since(start) >= Duration::from_secs(2));
}

#[test]
fn a_dead_path_resets_the_sender_only_after_a_long_time() {
    let mut kernel = pair();
    kernel.connect(at(0), Socket(2), None, to_b(), 1);
    run(&mut kernel);
    kernel.faults.add(Rule {
        name: "cut".into(),
        selector: Selector::default(),
        effect: Effect::Block(Block::Unreachable),
    });
    kernel.send(Socket(2), bytes(1), 1);
    assert_eq!(run(&mut kernel), ["0 reset true"]);
}

#[test]
fn a_host_that_came_back_resets_old_connections() {
    let mut kernel = pair();
    kernel.connect(at(0), Socket(2), None, to_b(), 1);
    run(&mut kernel);
    kernel.set_up(HostId(1), false);
    kernel.set_up(HostId(1), true);
    kernel.send(Socket(2), bytes(1), 1);
    assert_eq!(run(&mut kernel), ["0 reset false"]);
}

#[test]
fn events_of_one_moment_keep_their_order() {
    let mut kernel = pair();
    for token in 0..5 {
        kernel.wake_at(at(0), Time::from_secs(2000), token, "test", 0);
    }
    assert_eq!(run(&mut kernel), ["0 wake 0", "0 wake 1", "0 wake 2", "0 wake 3", "0 wake 4"]);
}
