//! CPU time of a frame of a very large map, and of jumping about in a very long trace, without a GPU.
//!
//! `cargo bench --bench frames`
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::time::Instant;

use egui::{Pos2, RawInput, Rect, vec2};
use mxlab::gui::map::{Camera, Map};
use mxlab::gui::theme::{self, Theme};
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::session::words::{Lang, Words};
use mxlab::sim::HostId;
use mxlab::trace::EventId;
use mxlab::view::layout::{Layout, Node, Role};
use mxlab::view::scene::{Card, Letter, Link, LinkState, Mover, MoverKind};
use mxlab::view::{Index, Scene, Screen, scene};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOSTS: u32 = 500;
const FRAMES: u32 = 60;

fn main() {
    frames();
    scrubbing();
}

/// 500 hosts, 1,000 links, 500 letters under way.
fn frames() {
    let node = |number: u32| Node {
        name: format!("mx{number}"),
        domain: format!("d{}.example", number / 7),
        addr: Some(std::net::Ipv4Addr::from(0x0a00_0000 + number).into()),
        role: Role::Mta,
        fixed: None,
    };
    let layout = Layout::arrange(&(0..HOSTS).map(node).collect::<Vec<_>>());
    let words = Words::new(Lang::En);
    let theme = Theme::LIGHT;
    let ctx = egui::Context::default();
    ctx.set_fonts(theme::fonts());
    theme.apply(&ctx);
    let rect = Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0));
    let mut times = Vec::new();
    for frame in 0..FRAMES {
        let begun = Instant::now();
        let scene = crowd(frame as f32 / FRAMES as f32);
        let input = RawInput { screen_rect: Some(rect), time: Some(f64::from(frame) / 60.0), ..RawInput::default() };
        let output = ctx.run_ui(input, |ui| {
            let map = Map { layout: &layout, scene: &scene, theme: &theme, words: &words, host: None, event: None };
            map.paint(ui.painter(), rect, Camera::fit(&layout, rect));
        });
        let mut delta = output.textures_delta;
        delta.clear();
        let triangles = ctx.tessellate(output.shapes, 1.0);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(!triangles.is_empty());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "frame of {HOSTS} hosts, 1000 links, 500 letters: median {:.2} ms, 95th percentile {:.2} ms CPU",
        times[times.len() / 2],
        times[times.len() * 95 / 100]
    );
}

fn crowd(part: f32) -> Scene {
    let host = |number: u32| HostId(number % HOSTS);
    let link = |number: u32| Link {
        state: LinkState::Open,
        tls: number.is_multiple_of(9).then_some(true),
        warmth: 0.5,
        ..Link::between(host(number), host(number * 7 + 13))
    };
    let mover = |number: u32| Mover {
        kind: MoverKind::Letter,
        from: host(number),
        to: host(number * 7 + 13),
        part,
        label: String::new(),
        detail: String::new(),
        letter: Some(Letter {
            sender: "alice@example.com".into(),
            rcpts: "bob@example.org".into(),
            from: "alice@example.com".into(),
            to: "bob@example.org".into(),
            ..Letter::default()
        }),
        event: EventId(u64::from(number)),
        lane: 0,
    };
    let card =
        |number: u32| Card { queued: u64::from(number % 5), delivered: u64::from(number % 3), ..Card::default() };
    Scene {
        cards: (0..HOSTS).map(card).collect(),
        links: (0..1000).map(link).collect(),
        movers: (0..500).map(mover).collect(),
        ..Scene::default()
    }
}

/// A script that sends mail until its trace has about a million events.
const FLOOD: &str = r#"(
  title: (en: "flood", de: "Flut"), summary: (en: "", de: ""),
  zones: [(origin: "example.com", text: "@ MX 10 mx1\nmx1 A 192.0.2.10\n"),
          (origin: "example.org", text: "@ MX 10 mx2\nmx2 A 198.51.100.10\n")],
  hosts: [(name: "dns", addresses: ["203.0.113.53"], preset: DnsServer),
    (name: "mx1", addresses: ["192.0.2.10"], fqdn: "mx1.example.com", preset: InternetSite,
     mail: (name: "example.com"), users: [(name: "alice")]),
    (name: "mx2", addresses: ["198.51.100.10"], fqdn: "mx2.example.org", preset: InternetSite,
     mail: (name: "example.org"), users: [(name: "bob")])],
  script: [
    Run((host: "mx1", user: "alice", command: "i=0; while [ $i -lt MESSAGES ]; do echo hello | sendmail bob@example.org; i=$((i+1)); done")),
    Settle("3600s"),
  ],
)"#;

fn scrubbing() {
    let messages = std::env::var("MESSAGES").unwrap_or_else(|_| "20000".into());
    let text = FLOOD.replace("MESSAGES", &messages);
    let sources = Sources { name: "flood".into(), file: "flood.ron".into(), text, ..Sources::default() };
    let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut session = Session::new(Arc::new(scenario), None, None).expect("a world");
    session.run_script(None);
    let begun = Instant::now();
    let index = Index::new(&session);
    let reading = begun.elapsed().as_secs_f64();
    let words = Words::new(Lang::En);
    let length = index.director.length().0;
    let mut times = Vec::new();
    for step in 0..200_u64 {
        // All over the place, not one after the other.
        let at = Screen(length / 200 * (step * 73 % 200));
        let begun = Instant::now();
        let picture = scene(&session, &index, &words, at);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(!picture.cards.is_empty());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "trace of {} events: read in {reading:.2} s, a jump takes {:.2} ms (median), {:.2} ms (worst)",
        index.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
}
