//! Errors in the language of the reader.
//!
//! What goes wrong is said in English where it is found. Where it is shown, the sentence itself is the
//! key to its translation, as with gettext(3): `locale/errors_en.ftl` has the sentences with their
//! variables, `locale/errors_de.ftl` the same ones in German.

use regex::Regex;

use super::words::{Lang, Value, Words};

const SENTENCES: &str = include_str!("locale/errors_en.ftl");
/// How deep sentences stand in sentences.
const DEPTH: usize = 3;

/// The sentences of one language.
pub struct Errors {
    /// Nothing for English, which needs no translation.
    known: Option<(Words, Vec<Sentence>)>,
}

/// A sentence that can be recognised.
struct Sentence {
    id: &'static str,
    pattern: Regex,
}

/// The sentences of the English file, in its order.
fn sentences() -> impl Iterator<Item = Sentence> {
    let lines = SENTENCES.lines().filter(|line| line.starts_with(|c: char| c.is_lowercase()));
    lines.filter_map(|line| {
        let (id, text) = line.split_once(" = ")?;
        Some(Sentence { id, pattern: pattern(text)? })
    })
}

/// What matches a sentence, with a group for each `{ $variable }`.
fn pattern(text: &str) -> Option<Regex> {
    let mut pattern = "(?s)^".to_owned();
    let mut rest = text;
    while let Some((literal, more)) = rest.split_once("{ $") {
        let (name, after) = more.split_once(" }")?;
        pattern.push_str(&format!("{}(?P<{name}>.+?)", regex::escape(literal)));
        rest = after;
    }
    Regex::new(&format!("{pattern}{}$", regex::escape(rest))).ok()
}

impl Errors {
    /// The sentences of a language.
    pub fn new(lang: Lang) -> Errors {
        Errors { known: (lang != Lang::En).then(|| (Words::new(lang), sentences().collect())) }
    }

    /// An error, or words that help with it, in the language; as it is, if nobody has translated it.
    pub fn tell(&self, english: &str) -> String {
        self.within(english, DEPTH)
    }

    fn within(&self, english: &str, depth: usize) -> String {
        let Some((words, sentences)) = self.known.as_ref().filter(|_| depth > 0) else { return english.to_owned() };
        let found = sentences.iter().find_map(|sentence| Some((sentence, sentence.pattern.captures(english)?)));
        let Some((sentence, captures)) = found else { return english.to_owned() };
        let names = sentence.pattern.capture_names().flatten();
        let values: Vec<(&str, String)> = names
            .map(|name| (name, self.within(captures.name(name).map_or("", |found| found.as_str()), depth - 1)))
            .collect();
        let variables: Vec<(&str, Value<'_>)> =
            values.iter().map(|(name, value)| (*name, Value::from(value))).collect();
        words.say(sentence.id, &variables)
    }
}

/// An error in a language.
pub fn tell(lang: Lang, error: &impl std::fmt::Display) -> String {
    Errors::new(lang).tell(&error.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::session::InputError;

    #[test]
    fn every_sentence_is_recognised_as_itself() {
        let all: Vec<Sentence> = sentences().collect();
        assert!(all.len() > 80);
        for line in SENTENCES.lines().filter(|line| line.starts_with(|c: char| c.is_lowercase())) {
            let (id, text) = line.split_once(" = ").unwrap();
            let first = all.iter().find(|sentence| sentence.pattern.is_match(text)).map(|sentence| sentence.id);
            assert_eq!(first, Some(id), "an earlier sentence takes `{text}`");
        }
    }

    #[test]
    fn errors_of_inputs_are_told_in_german() {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        for (error, german) in [
            (InputError::UnknownHost("mx9".into()), "unbekannter Rechner `mx9`"),
            (
                InputError::UnknownUser("mx1".into(), "eve".into()),
                "auf dem Rechner `mx1` gibt es den Benutzer `eve` nicht",
            ),
            (InputError::HostIsOff("mx1".into()), "der Rechner `mx1` ist ausgeschaltet"),
            (InputError::UnknownTerminal(3), "es gibt kein Terminal 3"),
            (InputError::TooMany("terminals", 9), "mehr als 9 Terminals"),
            (
                InputError::CannotEnrol("x".into()),
                "`x` kann nicht mitmachen: Der Name ist vergeben oder kein Rechnername, oder die Klasse ist voll",
            ),
            (
                InputError::CannotJoin("x".into(), address),
                "`x` (192.0.2.1) kann nicht mitmachen: Name oder Adresse ist vergeben, oder die Welt ist voll",
            ),
            (
                InputError::NotPermitted("work on mx1 as root".into()),
                "diese Übung erlaubt nicht: auf mx1 als root arbeiten",
            ),
            (InputError::UnknownPart("task", "9".into()), "es gibt keine Aufgabe `9`"),
            (InputError::ExamIsOver, "die Prüfung ist vorbei"),
        ] {
            assert_eq!(tell(Lang::De, &error), german);
            assert_eq!(tell(Lang::En, &error), error.to_string());
        }
    }

    #[test]
    fn sentences_stand_in_sentences_and_strange_ones_stay() {
        let german = Errors::new(Lang::De);
        assert_eq!(
            german.tell("unknown host `mx11`; did you mean `mx1`?"),
            "unbekannter Rechner `mx11`; meintest du `mx1`?"
        );
        assert_eq!(german.tell("No such file or directory"), "No such file or directory");
    }
}
