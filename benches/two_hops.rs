//! Messages per second over two hops (session in, MX lookup, relay, local delivery, logs), with the
//! full and the summary trace in one run.
//!
//! `cargo bench --bench two_hops`
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod support;

use std::time::Instant;

use mxlab::sim::Duration;
use mxlab::trace::Level;
use support::Net;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MESSAGES: u64 = 20_000;

fn main() {
    let messages = std::env::var("MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(MESSAGES);
    let only = std::env::var("LEVEL").ok();
    let mut rates = Vec::new();
    for (name, level) in [("full", Level::Full), ("summary", Level::Summary)] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let mut net = Net::new(level);
        net.site();
        net.site();
        net.boot();
        net.load(messages, 10, vec![1]);
        let begun = Instant::now();
        let mut at = support::start();
        while net.mailbox(1) < messages * 1000 && at.since(support::start()) < Duration::from_secs(86_400) {
            at += Duration::from_secs(1);
            net.world.advance(at);
        }
        let took = begun.elapsed().as_secs_f64();
        let rate = messages as f64 / took;
        println!(
            "two hops, {name:7} trace: {rate:9.0} messages/s  ({:.1} us each, {} events, mailbox {} octets, virtual {:?})",
            1e6 * took / messages as f64,
            net.world.trace().len(),
            net.mailbox(1),
            at.since(support::start()),
        );
        rates.push(rate);
    }
    if let [full, summary] = rates[..] {
        println!("summary is {:.2} times as fast as full", summary / full);
    }
}
