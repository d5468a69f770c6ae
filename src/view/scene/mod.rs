//! The picture at a moment of the screen: what stands, what moves, and what is said.

mod card;
mod motion;
mod picture;
mod text;

use super::director::{Beat, BeatKind, Screen};
use super::index::{Index, Landmark};
use super::notes::notes;
use super::standing::{SessionStanding, Standing};
use super::timing::stretch;
use super::told::told;
use crate::session::Session;
use crate::session::story::Narrator;
use crate::session::words::Words;
use crate::sim::HostId;
use crate::trace::{Event, EventId, Kind};

pub use super::verdict::Verdict;
pub(super) use motion::path_of;
pub use picture::{Bubble, Caption, Card, Letter, Link, LinkState, Mover, MoverKind, Obstacle, Scene, Speech, Stamp};

/// The part of a step after which it has had its effect.
const EFFECT: f32 = 0.72;
/// The part of a step after which its verdict falls.
const STAMPED: f32 = 0.45;
/// Steps that what has happened stays visible for.
const TRAIL: usize = 2;

/// The picture of a session at a moment of the screen.
pub fn scene(session: &Session, index: &Index, words: &Words, at: Screen) -> Scene {
    Painter { session, index, words }.paint(at)
}

struct Painter<'a> {
    session: &'a Session,
    index: &'a Index,
    words: &'a Words,
}

impl Painter<'_> {
    fn paint(&self, at: Screen) -> Scene {
        let director = &self.index.director;
        let mut scene = Scene { at, time: director.time_at(at), ..Scene::default() };
        let Some(number) = director.beat_at(at) else {
            let first = EventId(self.index.set_up() + 1);
            let standing = self.index.standing(self.session, first);
            self.cards(&standing, first, &mut scene);
            self.links(&standing, first, &mut scene);
            return scene;
        };
        let beat = director.beats()[number];
        let elapsed = (at.0 - beat.at.0) as f32;
        scene.part = if beat.millis == 0 { 1.0 } else { (elapsed / beat.millis as f32).clamp(0.0, 1.0) };
        scene.beat = Some(number as u64);
        let before = if scene.part < EFFECT { beat.first } else { beat.end };
        let standing = self.index.standing(self.session, before);
        self.cards(&standing, before, &mut scene);
        self.links(&standing, before, &mut scene);
        self.bubbles(&standing, &mut scene);
        let recent = director.beats()[number.saturating_sub(TRAIL)].first..beat.end;
        scene.notes = notes(self.session, &standing, self.words, recent);
        self.narration(number, &mut scene);
        if let BeatKind::Gap(length) = beat.kind {
            let length = stretch(length);
            scene.gap = Some(self.words.say("scene-gap", &[("length", (&length).into())]));
        }
        for (age, number) in (number.saturating_sub(TRAIL)..=number).rev().enumerate() {
            let past = director.beats()[number];
            self.beat(&past, age, &mut scene);
        }
        self.stamps(number, &standing, &mut scene);
        self.caption(&beat, &mut scene);
        scene
    }

    fn events(&self, beat: &Beat) -> impl DoubleEndedIterator<Item = &Event> {
        let trace = self.session.world().trace();
        (beat.first.0..beat.end.0).filter_map(|id| trace.get(EventId(id)))
    }

    /// Where traffic goes in this trace, what is open, and what is in the way.
    fn links(&self, standing: &Standing, before: EventId, scene: &mut Scene) {
        let barriers = self.index.barriers.before(before);
        for (ends, pair) in self.index.pairs() {
            let state = if pair.first < before { LinkState::Used } else { LinkState::Route };
            scene.links.push(Link { state, names_only: !pair.mail, ..Link::between(ends.0, ends.1) });
        }
        for (from, to) in barriers.iter().filter_map(|barrier| barrier.ends()).filter(|(from, to)| from != to) {
            link_between(scene, from, to);
        }
        for link in &mut scene.links {
            let applies = |port: Option<u16>| port.is_none() || !link.names_only || port == Some(53);
            let barrier = barriers.iter().rev().find(|one| applies(one.port) && one.is_between(link.from, link.to));
            link.obstacle = barrier.map(|barrier| Obstacle { how: barrier.how, label: barrier.label() });
        }
        for (_, session) in standing.sessions().filter(|(_, session)| !session.closed) {
            let SessionStanding { client, server, tls, user, .. } = session;
            if client == server {
                continue;
            }
            let link = link_between(scene, *client, *server);
            (link.from, link.to, link.state) = (*client, *server, LinkState::Open);
            (link.tls, link.user) = (tls.or(link.tls), user.clone().or(link.user.take()));
            link.warmth = link.warmth.max(0.4);
        }
    }

    /// The last narration up to a beat.
    fn narration(&self, number: usize, scene: &mut Scene) {
        let beats = self.index.director.beats();
        let end = beats.get(number).map_or(EventId(0), |beat| beat.end);
        let told = self.index.landmark(end, Landmark::Narration, false);
        let Some(Kind::Narrate { en, de }) = told.and_then(|id| self.session.world().trace().get(id)).map(|e| &e.kind)
        else {
            return;
        };
        scene.narration = Some(self.words.lang().pick(en, de).to_owned());
    }

    /// What a beat shows; earlier ones leave trails.
    fn beat(&self, beat: &Beat, age: usize, scene: &mut Scene) {
        let part = if age == 0 { scene.part } else { 1.0 };
        let faded = faded(age, part);
        for event in self.events(beat) {
            if let Some((from, to)) = self.way(event) {
                if from != to {
                    let link = link_between(scene, from, to);
                    link.warmth = link.warmth.max(1.0 - faded);
                }
                for host in [from, to].into_iter().filter(|_| age == 0) {
                    if let Some(card) = scene.cards.get_mut(host.0 as usize) {
                        card.active = true;
                    }
                }
            }
            if age == 0 {
                self.present(event, part, scene);
            }
        }
    }

    /// The last verdict of every host; old ones are faint. One on a battery of probes is about all of them.
    fn stamps(&self, number: usize, standing: &Standing, scene: &mut Scene) {
        let director = &self.index.director;
        let beat = director.beats()[number];
        // A verdict falls when its step has had its effect.
        let end = if scene.part < STAMPED { beat.first } else { beat.end };
        for place in &self.index.layout.places {
            let probes = standing.host(place.host).and_then(|host| host.probes.verdict());
            let last = self.index.verdict_before(place.host, end);
            let Some((event, verdict)) = probes.or(last) else { continue };
            let age = number - director.beat_of(event).unwrap_or(number).min(number);
            let age = faded(age, if age == 0 { (scene.part - STAMPED).max(0.0) } else { scene.part });
            scene.stamps.push(Stamp { host: place.host, verdict, event, age });
        }
        scene.stamps.sort_by_key(|stamp| stamp.event);
    }

    /// The sentence of the step's most telling event.
    fn caption(&self, beat: &Beat, scene: &mut Scene) {
        let millis = |event: &&Event| super::director::millis_of(event, &self.index.facts);
        let shown = self.events(beat).filter(|event| millis(event).is_some());
        // The longest to look at; of those the first.
        let main = shown.rev().max_by_key(|event| millis(event));
        scene.event = main.map(|event| event.id).or(Some(beat.first));
        let Some(event) = main else { return };
        if matches!(event.kind, Kind::Narrate { .. }) {
            return;
        }
        let narrator = Narrator::new(self.session, self.words, &self.index.facts);
        let Some(sentence) = told(&narrator, self.words, event) else { return };
        let text = super::caption::caption(&sentence, event, self.words);
        scene.caption = Some(Caption { text, tone: sentence.tone, event: event.id });
    }
}

/// How far something has faded that happened so many steps ago, from 0 to 1.
fn faded(age: usize, part: f32) -> f32 {
    ((age as f32 + part) / (TRAIL as f32 + 1.0)).min(1.0)
}

/// The line between two hosts, in whatever direction; a new one if there is none.
fn link_between(scene: &mut Scene, from: HostId, to: HostId) -> &mut Link {
    let same = |link: &Link| (link.from, link.to) == (from, to) || (link.to, link.from) == (from, to);
    let at = scene.links.iter().position(same).unwrap_or_else(|| {
        scene.links.push(Link::between(from, to));
        scene.links.len() - 1
    });
    &mut scene.links[at]
}
