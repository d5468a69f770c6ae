//! A lab that is not simply done from its beginning to its end: as an exam, from its middle, or again from a task.

use super::stage::Stage;
use crate::session::Session;
use crate::session::exam::Exam;

impl Stage {
    /// The lab that is open becomes an exam of so many minutes, if nothing has been done yet.
    pub fn begin_exam(&mut self, minutes: u64, now: u64) {
        if self.session.recording().inputs().next().is_none() && self.shared.is_none() {
            let session = self.session.clone().as_exam(Exam { minutes, began: now });
            *self = Stage::new(&self.name, session);
            self.playhead.seek(self.index.director.length(), &self.index);
        }
    }

    /// Tells an exam the time; it may be over then.
    pub(super) fn tell_clock(&mut self, now: u64) {
        if !self.session.hides_answers() {
            return;
        }
        self.session.tell_clock(now);
        self.index.read(&self.session);
        if !self.session.hides_answers() {
            self.note = Some("exam-over");
        }
    }

    /// Goes back to where a task of the lab was done; what came later stays as another future.
    pub fn back_to(&mut self, task: &str) {
        let before = self.session.clone();
        if self.shared.is_none() && self.session.return_to(task) {
            self.settle(before);
        } else {
            self.note = Some("note-not-done");
        }
    }

    /// Begins the lab at a task, with the model solution for those before it; what was done stays as another
    /// future.
    pub fn catch_up(&mut self, task: &str) {
        let Some(lab) = self.session.lab().cloned().filter(|_| self.shared.is_none()) else { return };
        match Session::caught_up(lab, task) {
            Ok(session) => {
                let before = std::mem::replace(&mut self.session, session);
                self.settle(before);
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    /// Shows the end of another future than the one before.
    fn settle(&mut self, before: Session) {
        self.error = None;
        self.changed(Some(before));
        self.playhead.pause();
        self.playhead.seek(self.index.director.length(), &self.index);
    }
}
