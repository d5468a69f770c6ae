//! The lab's questions: each stops the picture before the moment that it is about.

use std::collections::BTreeMap;

use crate::session::Session;
use crate::view::{Index, Screen};

/// The questions of a session, with the votes of a class.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// Moments that are stopped at, with the question's number in the lab.
    moments: Vec<(Screen, usize)>,
    /// Answered ones.
    answered: Vec<usize>,
    /// The question that is being asked, by its number in the lab.
    pub asked: Option<usize>,
    /// Raised hands, by question and choice.
    votes: BTreeMap<usize, Vec<u32>>,
}

impl Questions {
    /// The questions of a session.
    pub fn new(session: &Session, index: &Index) -> Questions {
        let mut questions = Questions::default();
        questions.find(session, index);
        questions
    }

    /// Finds the moments again after the session has changed.
    pub fn find(&mut self, session: &Session, index: &Index) {
        let Some(lab) = session.lab() else { return };
        let replies = session.replies();
        (self.moments, self.answered) = (Vec::new(), Vec::new());
        for (number, question) in lab.lab.predict.iter().enumerate() {
            if replies.contains_key(&question.id) {
                self.answered.push(number);
            }
            let event = session.decisive(question);
            let beat = event.and_then(|event| index.director.beat_of(event));
            if let Some(beat) = beat.and_then(|beat| index.director.beats().get(beat)) {
                self.moments.push((beat.at, number));
            }
        }
        self.moments.sort_unstable();
    }

    /// The moment of the first open question after one moment and up to another; it is being asked then.
    pub fn ask(&mut self, after: Screen, until: Screen) -> Option<Screen> {
        let open = |(at, number): &&(Screen, usize)| {
            let begins = *at == Screen(0) && after == Screen(0);
            (*at > after || begins) && *at <= until && !self.answered.contains(number)
        };
        let (at, number) = *self.moments.iter().find(open)?;
        if self.asked == Some(number) && at == Screen(0) {
            return None;
        }
        self.asked = Some(number);
        Some(at)
    }

    /// A hand is raised for a choice.
    pub fn vote(&mut self, question: usize, choice: usize, choices: usize) {
        let votes = self.votes.entry(question).or_insert_with(|| vec![0; choices]);
        if let Some(count) = votes.get_mut(choice) {
            *count += 1;
        }
    }

    /// The raised hands for a choice.
    pub fn votes(&self, question: usize, choice: usize) -> u32 {
        self.votes.get(&question).and_then(|votes| votes.get(choice)).copied().unwrap_or(0)
    }

    /// The choice that most hands were raised for, by number; the first of several.
    pub fn majority(&self, question: usize) -> Option<usize> {
        let votes = self.votes.get(&question)?;
        let most = votes.iter().max().filter(|most| **most > 0)?;
        votes.iter().position(|count| count == most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_question_stops_before_its_moment_and_an_answered_one_does_not() {
        let mut questions = Questions { moments: vec![(Screen(100), 0), (Screen(300), 1)], ..Questions::default() };
        assert_eq!(questions.ask(Screen(0), Screen(99)), None);
        assert_eq!(questions.ask(Screen(99), Screen(400)), Some(Screen(100)));
        assert_eq!(questions.asked, Some(0));
        assert_eq!(questions.ask(Screen(100), Screen(200)), None, "going on from there does not stop again");
        questions.answered.push(1);
        assert_eq!(questions.ask(Screen(200), Screen(400)), None);
    }

    #[test]
    fn hands_are_counted_and_the_majority_is_known() {
        let mut questions = Questions::default();
        assert_eq!(questions.majority(0), None);
        for choice in [1, 2, 1] {
            questions.vote(0, choice, 3);
        }
        assert_eq!((questions.votes(0, 1), questions.votes(0, 0)), (2, 0));
        assert_eq!(questions.majority(0), Some(1));
    }
}
