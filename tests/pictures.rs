//! Pictures of the main views, drawn without a display and compared octet for octet, and maps on which nothing
//! that is to be read may cover anything else.
//!
//! `UPDATE_PICTURES=1 cargo test --test pictures` takes new pictures over. Look at them before.
#![allow(clippy::disallowed_methods, reason = "tests read their cases")]
#![cfg(feature = "gui")]

#[path = "support/scenarios.rs"]
mod repository;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mxlab::gui::map::{Camera, Map, Piece};
use mxlab::gui::still::{Look, Still, What};
use mxlab::gui::studio::{self, Studio};
use mxlab::gui::theme::Theme;
use mxlab::session::Session;
use mxlab::session::words::{Lang, Words};
use mxlab::trace::EventId;
use mxlab::view::index::Landmark;
use mxlab::view::{Index, Screen, scene};
use repository::{names, played, session_of};

/// Moments of every scenario at which its map is looked at, besides its first refusal.
const MOMENTS: u64 = 7;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures")
}

/// A world of so many hosts in domains of three, in which mail goes from each to the next domain.
fn crowd(hosts: usize) -> Session {
    let mut zones = String::new();
    let mut written = String::from("(name: \"dns\", addresses: [\"203.0.113.53\"], preset: DnsServer),\n");
    let mut script = String::new();
    for number in 1..hosts {
        let (domain, addr) = (number / 3, format!("10.0.{}.{}", number / 3, number % 3 + 10));
        if number % 3 == 0 || number == 1 {
            let _ = writeln!(
                zones,
                "(origin: \"d{domain}.example\", text: \"@ MX 10 h{number}\\nh{number} A {addr}\\n\"),"
            );
            let next = (domain + 1) % hosts.div_ceil(3);
            let run = format!(
                "Run((host: \"h{number}\", user: \"u\", command: \"echo hello | sendmail u@d{next}.example\"))"
            );
            let _ = writeln!(script, "{run},");
        }
        let _ = writeln!(
            written,
            "(name: \"h{number}\", addresses: [\"{addr}\"], fqdn: \"h{number}.d{domain}.example\", preset: InternetSite, mail: (name: \"d{domain}.example\"), users: [(name: \"u\")]),"
        );
    }
    let text = format!(
        "(title: (en: \"crowd\", de: \"Menge\"), summary: (en: \"\", de: \"\"),\nzones: [{zones}],\nhosts: [{written}],\nscript: [{script} Settle(\"60s\")])"
    );
    let mut session = session_of("crowd", text);
    session.run_script(None);
    session
}

/// Compares a picture with the one that is kept.
fn compare(name: &str, session: &Session, look: Look, at: impl Fn(&Index) -> Screen) {
    let index = Index::new(session);
    let mut still = Still::new(look, session, &index);
    let drawn = still.draw(session, &index, at(&index)).unwrap();
    let picture = studio::png(&still.pixels(drawn)).unwrap();
    let kept = folder().join(format!("{name}.png"));
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&kept, picture).unwrap();
        return;
    }
    if fs::read(&kept).is_ok_and(|kept| kept == picture) {
        return;
    }
    let drawn = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
    fs::write(&drawn, picture).unwrap();
    panic!(
        "{} differs from {}: look at both; if the new one is right, take it over with `UPDATE_PICTURES=1 cargo test --test pictures`",
        drawn.display(),
        kept.display()
    );
}

fn look(what: What, dark: bool, lang: Lang) -> Look {
    Look { size: [800, 450], dark, lang, what }
}

fn refusal(index: &Index) -> Screen {
    let refusal = index.landmark(EventId(0), Landmark::Refusal, true).expect("a refusal");
    index.director.moment_of(refusal)
}

fn end(index: &Index) -> Screen {
    index.director.length()
}

#[test]
fn the_map_at_a_refusal() {
    compare("map-refusal", &played("mx-fallback"), look(What::Map, false, Lang::En), refusal);
}

#[test]
fn the_map_at_its_end_in_the_dark() {
    compare("map-end-dark", &played("open-relay"), look(What::Map, true, Lang::De), end);
}

#[test]
fn the_map_of_many_hosts() {
    compare("map-many", &crowd(40), look(What::Map, false, Lang::En), end);
}

#[test]
fn the_inside_of_a_host() {
    let session = played("mx-fallback");
    let host = session.world().find("mx1").unwrap();
    compare("inside", &session, look(What::Host(host), false, Lang::En), refusal);
}

#[test]
fn the_inside_of_a_session() {
    compare("session", &played("starttls"), look(What::Session(1), false, Lang::De), end);
}

#[test]
fn the_sequence() {
    compare("sequence", &played("first-mail"), look(What::Sequence, false, Lang::En), end);
}

/// What covers what on the map at a moment.
fn covered(studio: &mut Studio, session: &Session, index: &Index, words: &Words, at: Screen) -> Vec<String> {
    let picture = scene(session, index, words, at);
    let theme = Theme::new(false, false);
    let mut pieces = Vec::new();
    studio.paint(|painter, rect| {
        let map = Map { layout: &index.layout, scene: &picture, theme: &theme, words, host: None, event: None };
        pieces = map.paint_pieces(painter, rect, Camera::fit(&index.layout, rect.shrink(8.0))).1;
    });
    let mut problems = Vec::new();
    for (number, (piece, rect)) in pieces.iter().enumerate() {
        for (other, place) in &pieces[..number] {
            // A stamp belongs to the edge of its card.
            let belongs = matches!((piece, other), (Piece::Stamp, Piece::Card));
            let shared = rect.intersect(*place);
            if !belongs && shared.is_positive() && shared.area() > 1.0 {
                problems.push(format!("{piece:?} {rect:?} covers {other:?} {place:?}"));
            }
        }
    }
    problems
}

fn covered_pieces(name: &str, session: &Session, moments: u64) -> Vec<String> {
    let index = Index::new(session);
    let length = index.director.length().0;
    let refusal = index.landmark(EventId(0), Landmark::Refusal, true).map(|id| index.director.moment_of(id));
    let times: Vec<Screen> = (0..=moments).map(|part| Screen(length * part / moments)).chain(refusal).collect();
    let mut problems = Vec::new();
    for size in [[1280, 618], [1920, 978]] {
        let mut studio = Studio::new(size, Theme::new(false, false));
        for lang in [Lang::En, Lang::De] {
            let words = Words::new(lang);
            for at in &times {
                let covered = covered(&mut studio, session, &index, &words, *at);
                problems.extend(covered.iter().map(|one| format!("{name} {size:?} {lang:?} at {}: {one}", at.0)));
            }
        }
    }
    problems
}

#[test]
fn nothing_on_a_map_covers_anything_that_is_to_be_read() {
    let problems: Vec<String> = names().iter().flat_map(|name| covered_pieces(name, &played(name), MOMENTS)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn neither_two_nor_eight_hosts_cover_each_other_or_what_is_said() {
    let problems: Vec<String> =
        [2, 8].iter().flat_map(|hosts| covered_pieces(&format!("{hosts} hosts"), &crowd(*hosts), 4)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn forty_hosts_do_not_cover_each_other_or_what_is_said() {
    let problems = covered_pieces("40 hosts", &crowd(40), 12);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
