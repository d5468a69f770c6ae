//! The same scenario, seed and inputs give the same world, to the byte, however one gets there.

#![allow(clippy::disallowed_methods, reason = "tests read scenarios")]

#[path = "support/scenarios.rs"]
mod repository;

use std::sync::Arc;

use mxlab::session::{Input, Recording, Session};
use mxlab::sim::Duration;
use repository::{session, session_of, text};

fn command(line: &str) -> Input {
    Input::Command { host: "mx1".into(), user: "root".into(), line: line.into(), stdin: "Subject: x\n\ny\n".into() }
}

/// Some inputs at some moments.
fn work(session: &mut Session) {
    let start = session.world().now();
    for (second, line) in [(3, "sendmail bob@example.org"), (70, "mailq"), (400, "postqueue -f; echo x > /tmp/x")] {
        session.advance(start + Duration::from_secs(second));
        session.apply(command(line)).unwrap();
    }
    session.advance(start + Duration::from_secs(900));
}

#[test]
fn the_same_scenario_gives_the_same_digest_again() {
    for name in ["first-mail", "greylisted-retry", "mx-preference"] {
        let digests: Vec<String> = (0..2)
            .map(|_| {
                let mut session = session(name);
                session.run_script(None);
                session.world().digest()
            })
            .collect();
        assert_eq!(digests[0], digests[1], "{name}");
    }
}

/// What these scenarios lead to on every machine, in debug and in release builds. Whatever changes
/// the files of hosts or the events of the trace changes them too; the failing test shows the new ones.
const DIGESTS: [(&str, &str); 3] = [
    ("first-mail", "1cadd47f32b333a57d8419c1425df1765d3293f7025616e9f7ee512114365632"),
    ("greylisted-retry", "1c3c28348b17188cb806d5dcd9ad6c26754e59fd6d60aab5dfda90f8f2ba015c"),
    ("virtual-domains", "b93db3a08b2114f0401f91191adbeeb61c3ecc12731c7ec20c890e8163e06c47"),
];

#[test]
fn a_scenario_has_the_same_digest_on_every_machine() {
    let found = DIGESTS.map(|(name, _)| {
        let mut session = session(name);
        session.run_script(None);
        (name, session.world().digest())
    });
    assert_eq!(found.each_ref().map(|(name, digest)| (*name, digest.as_str())), DIGESTS);
}

#[test]
fn small_steps_lead_to_the_same_world_as_large_ones() {
    let (mut large, mut small) = (session("greylisted-retry"), session("greylisted-retry"));
    let start = large.world().now();
    large.advance(start + Duration::from_secs(3000));
    for step in 1..=3000 {
        small.advance(start + Duration::from_secs(step));
    }
    assert_eq!(large.world().digest(), small.world().digest());
}

#[test]
fn a_fork_and_its_original_do_not_see_each_other() {
    let mut original = session("greylisted-retry");
    let start = original.world().now();
    original.advance(start + Duration::from_secs(30));
    let before = original.world().digest();
    let mut fork = original.clone();
    work(&mut fork);
    assert_eq!(original.world().digest(), before, "work in the fork shows in the original");
    let mut untouched = original.clone();
    work(&mut original);
    assert_eq!(untouched.world().digest(), before, "work in the original shows in the fork");
    work(&mut untouched);
    assert_eq!(untouched.world().digest(), original.world().digest(), "the same work gives another world");
    assert_eq!(fork.world().digest(), original.world().digest());
}

#[test]
fn a_recording_written_and_read_gives_the_same_world() {
    let mut played = session("greylisted-retry");
    work(&mut played);
    played.note_digest();
    let recording = Recording::parse(&played.recording().to_text()).unwrap();
    let (again, drift) = Session::replay(Arc::new(played.scenario().clone()), &recording).unwrap();
    assert_eq!(drift, []);
    assert_eq!(again.world().digest(), played.world().digest());
}

#[test]
fn going_back_and_doing_the_same_again_leads_to_the_same_world() {
    let mut session = session("greylisted-retry");
    let start = session.world().now();
    work(&mut session);
    let end = session.world().digest();
    let early = session.at(start + Duration::from_secs(2)).digest();
    session.rewind(start + Duration::from_secs(2));
    assert_eq!(session.world().digest(), early);
    let mut other = session.clone();
    for (second, line) in [(3, "sendmail bob@example.org"), (70, "mailq"), (400, "postqueue -f; echo x > /tmp/x")] {
        session.advance(start + Duration::from_secs(second));
        session.apply(command(line)).unwrap();
    }
    session.advance(start + Duration::from_secs(900));
    assert_eq!(session.world().digest(), end);
    other.advance(start + Duration::from_secs(900));
    assert_ne!(other.world().digest(), end, "nothing was done on the other way");
}

#[test]
fn another_host_leaves_the_dice_of_the_others_alone() {
    let plain = text("greylisted-retry");
    let more = "hosts: [\n        (name: \"zz\", addresses: [\"203.0.113.99\"], fqdn: \"zz.example.net\"),";
    let larger = plain.replacen("hosts: [", more, 1);
    let dice = |text: String| {
        let session = session_of("greylisted-retry", text);
        let world = session.world();
        let mut dice = world.host(world.find("mx1").unwrap()).dice.clone();
        (0..8).map(|_| dice.next_u64()).collect::<Vec<_>>()
    };
    assert_eq!(dice(plain), dice(larger));
}
