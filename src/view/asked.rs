//! The questions of decisions in the learner's language.

use crate::session::words::Words;

/// What stands before, between and after the names in a question as the code asks it, and its text in the locale.
const QUESTIONS: [(&[&str], &str); 6] = [
    (&["is ", " from ", " permitted?"], "asked-permitted"),
    (&["where does ", " go on this host?"], "asked-local"),
    (&["where does ", " go?"], "asked-route"),
    (&["which mailbox has ", "?"], "asked-mailbox"),
    (&["which servers take mail for ", "?"], "asked-servers"),
    (&["is this the right server?"], "asked-certificate"),
];

/// A question in words; one that is not known as it was asked.
pub fn asked(question: &str, words: &Words) -> String {
    let found = QUESTIONS.iter().find_map(|(pieces, id)| Some((names(question, pieces)?, id)));
    let Some((names, id)) = found else { return question.to_owned() };
    let name = |number: usize| names.get(number).copied().unwrap_or_default();
    words.say(id, &[("what", name(0).into()), ("whose", name(1).into())])
}

/// What stands between the pieces of a question; `None` if it is another one.
fn names<'a>(question: &'a str, pieces: &[&str]) -> Option<Vec<&'a str>> {
    let (first, others) = pieces.split_first()?;
    let mut rest = question.strip_prefix(first)?;
    let mut names = Vec::new();
    for (number, piece) in others.iter().enumerate() {
        let name = if number + 1 == others.len() { rest.strip_suffix(piece)? } else { rest.split_once(piece)?.0 };
        rest = &rest[name.len() + piece.len()..];
        names.push(name);
    }
    rest.is_empty().then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::words::Lang;

    #[test]
    fn questions_are_asked_in_the_language_of_the_reader() {
        let words = Words::new(Lang::De);
        assert_eq!(asked("where does a@b.example go?", &words), "Wohin geht a@b.example?");
        let question = asked("is RCPT from a.example[192.0.2.1] permitted?", &words);
        assert_eq!(question, "Ist RCPT von a.example[192.0.2.1] erlaubt?");
        assert_eq!(asked("is this the right server?", &words), "Ist das der richtige Server?");
    }

    #[test]
    fn an_unknown_question_stays_as_it_is() {
        assert_eq!(asked("what is asked?", &Words::new(Lang::De)), "what is asked?");
    }
}
