//! What worlds cost: forking, many hosts, many messages.
//!
//! `cargo bench --bench worlds` runs the quick parts; `MILLION=1` adds the world of 10,000 domains
//! and 1,000,000 messages.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod support;

use std::time::Instant;

use mxlab::sim::Duration;
use mxlab::trace::Level;
use support::Net;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    bytes_per_host();
    bytes_per_message();
    fork();
    let few = per_message(10);
    let many = per_message(1_000);
    println!("cost per message, 1,000 hosts against 10: {:.2} times", many / few);
    if std::env::var_os("MILLION").is_some() {
        let all = per_message(10_000);
        println!("cost per message, 10,000 hosts against 10: {:.2} times", all / few);
        million();
    }
}

/// Runs until nothing is left to deliver.
fn drain(net: &mut Net, messages: u64, sites: &[u32]) {
    let mut at = net.world.now();
    let limit = at + Duration::from_secs(30 * 86_400);
    let done = |net: &Net| sites.iter().map(|site| net.mailbox(*site)).sum::<u64>() >= messages * 1000;
    while !done(net) && at < limit {
        at += Duration::from_secs(1);
        net.world.advance(at);
    }
    assert!(done(net), "all mail is delivered");
}

/// A fork of a world of 100 hosts that has seen 1,000 messages.
fn fork() {
    let mut net = Net::new(Level::Full);
    net.sites(100);
    net.boot();
    let targets: Vec<u32> = (1..100).collect();
    net.load(1_000, 10, targets.clone());
    drain(&mut net, 1_000, &targets);
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            let begun = Instant::now();
            let fork = net.world.clone();
            let took = begun.elapsed().as_secs_f64();
            drop(fork);
            took * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("fork of 100 hosts and 1,000 messages: median {:.3} ms, worst {:.3} ms", times[25], times[49]);
}

/// Seconds per message in a world of so many hosts, with the summary trace.
fn per_message(hosts: u32) -> f64 {
    let mut net = Net::new(Level::Summary);
    net.sites(hosts);
    net.boot();
    net.world.advance(support::start() + Duration::from_secs(1));
    let messages = 20_000;
    // The same number of destinations everywhere: what differs is only how many hosts there are.
    let targets: Vec<u32> = (1..10).collect();
    net.load(messages, 20, targets.clone());
    let begun = Instant::now();
    drain(&mut net, messages, &targets);
    let each = begun.elapsed().as_secs_f64() / messages as f64;
    println!("{hosts:6} hosts: {:.1} us a message", each * 1e6);
    each
}

/// 10,000 domains, 1,000,000 messages.
fn million() {
    let begun = Instant::now();
    let mut net = Net::new(Level::Summary);
    net.sites(10_000);
    net.boot();
    let built = begun.elapsed().as_secs_f64();
    let targets: Vec<u32> = (1..10_000).collect();
    net.load(1_000_000, 50, targets.clone());
    drain(&mut net, 1_000_000, &targets);
    println!(
        "10,000 domains built in {built:.1} s; with 1,000,000 messages after {:.1} s; peak memory {} MiB",
        begun.elapsed().as_secs_f64(),
        peak_kib() / 1024
    );
}

/// Memory of a host that is set up, and of one where Postfix has started besides.
fn bytes_per_host() {
    const HOSTS: u32 = 1_000;
    let mut net = Net::new(Level::Summary);
    let empty = resident_kib();
    net.sites(HOSTS);
    let built = resident_kib();
    net.boot();
    let booted = resident_kib();
    let each = |from: u64, to: u64| to.saturating_sub(from) as f64 / f64::from(HOSTS);
    println!(
        "a host: {:.1} KiB of memory set up, {:.1} KiB more with Postfix running",
        each(empty, built),
        each(built, booted)
    );
}

/// Memory that one delivered message keeps, for both levels of the trace.
fn bytes_per_message() {
    // Both worlds stay, so that the second cannot use what the first gave back.
    let mut kept = Vec::new();
    for (name, level) in [("full", Level::Full), ("summary", Level::Summary)] {
        let mut net = Net::new(level);
        net.sites(2);
        net.boot();
        net.world.advance(support::start() + Duration::from_secs(1));
        let before = resident_kib();
        net.load(50_000, 10, vec![1]);
        drain(&mut net, 50_000, &[1]);
        let grown = resident_kib().saturating_sub(before);
        println!("{name:7} trace: {} octets of memory a message of about 1,450 octets", grown * 1024 / 50_000);
        kept.push(net);
    }
}

fn status_kib(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn resident_kib() -> u64 {
    status_kib("VmRSS:")
}

fn peak_kib() -> u64 {
    status_kib("VmHWM:")
}
