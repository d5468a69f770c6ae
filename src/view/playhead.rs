//! Which moment is shown: playing, pausing, stepping, jumping.

use super::director::Screen;
use super::index::{Index, Landmark};
use crate::trace::EventId;

/// Speeds that a person can choose, in hundredths.
pub const SPEEDS: [u32; 7] = [25, 50, 100, 200, 400, 800, 1600];

/// How far a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stride {
    /// To the next thing that is seen.
    Beat,
    /// To the next command.
    Command,
    /// Until a mail has reached the next host.
    Hop,
    /// To the next refusal.
    Refusal,
    /// To the next bounce.
    Bounce,
    /// To the next decision.
    Decision,
    /// To the next thing that the scenario tells.
    Narration,
}

impl Stride {
    fn landmark(self) -> Option<Landmark> {
        match self {
            Stride::Beat => None,
            Stride::Command => Some(Landmark::Command),
            Stride::Hop => Some(Landmark::Hop),
            Stride::Refusal => Some(Landmark::Refusal),
            Stride::Bounce => Some(Landmark::Bounce),
            Stride::Decision => Some(Landmark::Decision),
            Stride::Narration => Some(Landmark::Narration),
        }
    }
}

/// The moment that is shown, and whether it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playhead {
    /// The moment of the screen.
    pub at: Screen,
    /// Whether it plays.
    pub playing: bool,
    /// Speed in hundredths.
    pub speed: u32,
    /// Where it stops by itself: the end of a single step.
    pub stop: Option<Screen>,
    /// Parts of a millisecond that are still owed, in hundredths.
    owed: u64,
}

impl Default for Playhead {
    fn default() -> Self {
        Playhead { at: Screen(0), playing: false, speed: 100, stop: None, owed: 0 }
    }
}

impl Playhead {
    /// Lets so many milliseconds of real time pass. It stops at the end.
    pub fn tick(&mut self, millis: u64, index: &Index) {
        if !self.playing {
            return;
        }
        let hundredths = millis * u64::from(self.speed) + self.owed;
        self.owed = hundredths % 100;
        let end = index.director.length().min(self.stop.unwrap_or(Screen(u64::MAX)));
        self.at = Screen(self.at.0 + hundredths / 100).min(end);
        if self.at >= end {
            self.pause();
        }
    }

    /// Plays, from the beginning if it is at the end.
    pub fn play(&mut self, index: &Index) {
        if self.at >= index.director.length() {
            self.at = index.beginning();
        }
        (self.playing, self.stop) = (true, None);
    }

    /// Stops.
    pub fn pause(&mut self) {
        (self.playing, self.stop, self.owed) = (false, None, 0);
    }

    /// Plays if it stands, and stops if it plays.
    pub fn toggle(&mut self, index: &Index) {
        if self.playing { self.pause() } else { self.play(index) }
    }

    /// Goes to a moment.
    pub fn seek(&mut self, at: Screen, index: &Index) {
        self.at = at.min(index.director.length());
        self.stop = None;
    }

    /// Goes to the moment at which an event has happened.
    pub fn show(&mut self, event: EventId, index: &Index) {
        self.pause();
        self.seek(index.director.moment_of(event), index);
    }

    /// Goes one step back or forth, and stands there. Whether there was anywhere to go.
    pub fn step(&mut self, stride: Stride, forward: bool, index: &Index) -> bool {
        self.pause();
        let director = &index.director;
        let beats = director.beats();
        let here = director.beat_at(self.at).unwrap_or(0);
        let Some(landmark) = stride.landmark() else {
            let at_end = beats.get(here).is_some_and(|beat| self.at.0 + 1 >= beat.until().0);
            let goal = match (forward, at_end) {
                (true, false) => Some(here),
                (true, true) => (here + 1..beats.len()).find(|number| beats[*number].millis > 0),
                (false, _) => (0..here).rev().find(|number| beats[*number].millis > 0),
            };
            let Some(beat) = goal.and_then(|number| beats.get(number)) else {
                let edge = if forward { director.length() } else { Screen(0) };
                let moved = self.at != edge && !forward;
                self.at = if forward { self.at } else { edge };
                return moved;
            };
            self.at = Screen(beat.until().0.saturating_sub(1));
            return true;
        };
        let present = beats.get(here).map_or(EventId(0), |beat| match forward {
            true => EventId(beat.end.0.saturating_sub(1)),
            false => beat.first,
        });
        let Some(event) = index.landmark(present, landmark, forward) else { return false };
        self.seek(director.moment_of(event), index);
        true
    }

    /// The next speed up or down.
    pub fn change_speed(&mut self, faster: bool) {
        let at = SPEEDS.iter().position(|speed| *speed == self.speed).unwrap_or(2);
        let next = if faster { (at + 1).min(SPEEDS.len() - 1) } else { at.saturating_sub(1) };
        self.speed = SPEEDS[next];
    }
}
