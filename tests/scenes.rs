//! What pictures of every scenario show, as text: at quarters of its time, and at the first refusal.
#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

#[path = "support/scenarios.rs"]
mod repository;

use std::fmt::Write as _;

use mxlab::session::Session;
use mxlab::session::words::{Lang, Words};
use mxlab::trace::EventId;
use mxlab::view::index::Landmark;
use mxlab::view::{Index, Scene, Screen, scene};
use repository::{names, played};

/// A picture in words.
fn describe(session: &Session, scene: &Scene) -> String {
    let name = |host| session.world().name(host);
    let mut text = format!("time {}\n", mxlab::view::timing::clock(scene.time));
    let mut line = |head: &str, rest: String| {
        let _ = writeln!(text, "{head}: {rest}");
    };
    if let Some(gap) = &scene.gap {
        line("gap", gap.clone());
    }
    if let Some(caption) = &scene.caption {
        line("caption", caption.text.clone());
    }
    for (host, card) in session.world().hosts().zip(&scene.cards) {
        let counts = [("queued", card.queued), ("deferred", card.deferred), ("delivered", card.delivered)];
        let counts: Vec<String> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
        if card.down || !counts.is_empty() {
            line(
                &format!("card {}", host.name),
                format!("{}{}", if card.down { "down " } else { "" }, counts.join(" ")),
            );
        }
    }
    for link in &scene.links {
        let tls = link.tls.map_or("", |good| if good { " tls" } else { " tls?" });
        let state = format!("{:?}", link.state).to_lowercase();
        let user = link.user.as_ref().map_or(String::new(), |user| format!(" as {user}"));
        let obstacle = link.obstacle.as_ref().map_or(String::new(), |one| format!(" {:?} {}", one.how, one.label));
        line("link", format!("{} - {} {state}{tls}{user}{obstacle}", name(link.from), name(link.to)));
    }
    for mover in &scene.movers {
        line(
            "mover",
            format!("{:?} {} -> {} {} {}", mover.kind, name(mover.from), name(mover.to), mover.label, mover.detail),
        );
        if let Some(letter) = &mover.letter {
            line("letter", format!("{letter:?}"));
        }
    }
    for bubble in &scene.bubbles {
        let said = bubble.line.as_ref().map_or("", |speech| speech.text.as_str());
        let reply =
            bubble.reply.as_ref().map_or(String::new(), |speech| format!(" | {:?} {}", speech.code, speech.text));
        line(&format!("bubble {} - {}", name(bubble.client), name(bubble.server)), format!("{said}{reply}"));
    }
    for note in &scene.notes {
        let lines: Vec<String> =
            note.lines.iter().map(|line| format!("{:?} {} {}", line.mark, line.text, line.remark)).collect();
        line(&format!("note {}", name(note.host)), format!("{} [{}]", note.title, lines.join("; ")));
    }
    for stamp in &scene.stamps {
        line(&format!("stamp {}", name(stamp.host)), format!("{:?}", stamp.verdict));
    }
    text
}

#[test]
fn pictures_of_every_scenario_show_what_happens() {
    let words = Words::new(Lang::En);
    for name in names() {
        let session = played(&name);
        let index = Index::new(&session);
        let length = index.director.length().0;
        let mut text = String::new();
        let refusal = index.landmark(EventId(0), Landmark::Refusal, true).map(|id| index.director.moment_of(id));
        let quarters = [1, 2, 3, 4].map(|quarter| Screen(length * quarter / 4));
        for at in quarters.into_iter().chain(refusal) {
            let picture = scene(&session, &index, &words, at);
            let _ = writeln!(text, "{}", describe(&session, &picture));
        }
        insta::assert_snapshot!(format!("scene_{name}"), text);
    }
}

#[test]
fn the_same_moment_is_the_same_picture_however_one_came_there() {
    let words = Words::new(Lang::De);
    for name in ["open-relay", "greylisted-retry"] {
        let session = played(name);
        let index = Index::new(&session);
        let length = index.director.length().0;
        let moments: Vec<Screen> = (0..40).map(|step| Screen(length * step / 40)).collect();
        let forth: Vec<Scene> = moments.iter().map(|at| scene(&session, &index, &words, *at)).collect();
        let back: Vec<Scene> = moments.iter().rev().map(|at| scene(&session, &index, &words, *at)).collect();
        assert!(forth.iter().eq(back.iter().rev()), "{name}");
    }
}

#[test]
fn an_open_relay_is_stamped_and_a_closed_one_too() {
    let words = Words::new(Lang::En);
    let session = played("open-relay");
    let index = Index::new(&session);
    let mut seen = std::collections::BTreeSet::new();
    for beat in index.director.beats() {
        let picture = scene(&session, &index, &words, Screen(beat.until().0.saturating_sub(1)));
        seen.extend(picture.stamps.iter().map(|stamp| format!("{:?}", stamp.verdict)));
    }
    assert!(seen.contains("OpenRelay"), "{seen:?}");
    assert!(seen.contains("RelayRefused"), "{seen:?}");
}
