//! Other futures: what was left by doing something in the past, and two of them compared.

use super::stage::Stage;
use crate::session::Session;
use crate::session::words::{Lang, Words};
use crate::view::Index;
use crate::view::branches::Parting;
use crate::view::compare::{Comparison, compare};

/// Another future, left by doing something in the past.
pub struct Future {
    /// What it is called.
    pub name: String,
    /// The session as it was.
    pub session: Session,
    /// Where it parts from the present one.
    pub parting: Option<Parting>,
}

/// The present future compared with another one.
pub struct Compared {
    number: usize,
    lang: Lang,
    /// The other future's trace, made ready.
    pub index: Index,
    /// What is different.
    pub comparison: Comparison,
}

impl Stage {
    /// Compares the present future with another one, if that has not been done.
    pub fn compare(&mut self, number: usize, words: &Words) {
        let made = self.compared.as_ref().map(|made| (made.number, made.lang));
        if made == Some((number, words.lang())) {
            return;
        }
        self.compared = self.futures.get(number).map(|future| {
            let index = Index::new(&future.session);
            let comparison = compare((&self.session, &self.index), (&future.session, &index), words);
            Compared { number, lang: words.lang(), index, comparison }
        });
    }

    /// What [`Stage::compare`] found.
    pub fn compared(&self) -> Option<&Compared> {
        self.compared.as_ref()
    }
}
