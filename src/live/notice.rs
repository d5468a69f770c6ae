//! What whoever serves should know, beside what happens in the world.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::session::words::{Lang, Words};

/// Something to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// One machine has more connections than it may; further ones are refused.
    Crowd(IpAddr),
    /// All connections that may be open are; further ones wait.
    Full,
    /// Questions are dropped: more come than are answered.
    Questions,
    /// The recording is nearly as long as one may be: no further connections.
    LongRecording,
    /// The recording is as long as one may be: all connections are closed.
    EndOfRecording,
}

impl Notice {
    /// In words.
    pub fn text(self, lang: Lang) -> String {
        let words = Words::new(lang);
        match self {
            Notice::Crowd(from) => {
                let from = from.to_string();
                words.say("notice-crowd", &[("address", from.as_str().into())])
            }
            Notice::Full => words.word("notice-full"),
            Notice::Questions => words.word("notice-questions"),
            Notice::LongRecording => words.word("notice-long-recording"),
            Notice::EndOfRecording => words.word("notice-end-of-recording"),
        }
    }
}

/// How long the same is not told again.
const PAUSE: Duration = Duration::from_secs(30);
/// Different notices that are remembered.
const MAX_KEPT: usize = 100;

/// Keeps anybody from being told the same over and over.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<(Notice, Instant)>);

impl Told {
    /// Whether something is to be told now.
    pub fn is_news(&mut self, notice: Notice, now: Instant) -> bool {
        self.0.retain(|(_, then)| now.saturating_duration_since(*then) < PAUSE);
        let is_news = self.0.len() < MAX_KEPT && self.0.iter().all(|(known, _)| *known != notice);
        if is_news {
            self.0.push((notice, now));
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_again_only_after_a_while() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(told.is_news(Notice::Full, now));
        assert!(!told.is_news(Notice::Full, now + PAUSE / 2));
        assert!(told.is_news(Notice::Questions, now + PAUSE / 2));
        assert!(told.is_news(Notice::Full, now + PAUSE));
    }
}
