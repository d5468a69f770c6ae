//! A client's octets for a whole Postfix: smtpd, cleanup, queue and delivery.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::scenario::dialogue::{Dialogue, HexItem, Item, SessionStep};
use mxlab::trace::Actor;

fuzz_target!(|data: &[u8]| {
    let (mut world, mx1) = mxlab_fuzz::site();
    let dns = world.find("dns").expect("dns");
    let lines = data.split_inclusive(|octet| *octet == b'\n').take(200);
    let send = lines.map(|line| {
        let hex = line.iter().map(|octet| format!("{octet:02x}")).collect();
        Item::Hex(HexItem { hex, replies: Some(1), idle: None })
    });
    let step = SessionStep::plain(send.collect());
    let to = std::net::SocketAddr::new(world.host(mx1).addrs[0], 25);
    world.start(dns, Box::new(Dialogue::new(&step, None, to)), Actor::Scenario);
    mxlab_fuzz::pass(&mut world, 600);
});
