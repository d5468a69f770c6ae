//! A lab in the shell: `lab status`, `lab hint`, `lab answer`, and ticks as tasks get done.

use std::collections::BTreeSet;

use crate::grade::report;
use crate::lab::judge::Outcome;
use crate::lab::written::Text;
use crate::session::story::Lang;
use crate::session::{Input, Session};

/// What is asked of the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The story and all instructions.
    Text,
    /// How every task stands.
    Status,
    /// The next hint for a task.
    Hint(String),
    /// An answer to a question.
    Answer(String, String),
    /// Back to where a task was done.
    Back(String),
    /// Hands in: an exam ends with it.
    Submit,
    /// What there is.
    Help,
}

/// Whether a line speaks to the lab: the word `lab`, while one is being done.
pub fn is_lab(line: &str, session: &Session) -> bool {
    session.lab().is_some() && line.split_whitespace().next() == Some("lab")
}

impl Command {
    /// Reads one: what stands after the word `lab`.
    pub fn parse(words: &[&str]) -> Command {
        match words {
            [] | ["text"] => Command::Text,
            ["status"] => Command::Status,
            ["submit"] => Command::Submit,
            ["back", task] => Command::Back((*task).to_owned()),
            ["hint", task] => Command::Hint((*task).to_owned()),
            ["answer", question, answer @ ..] if !answer.is_empty() => {
                Command::Answer((*question).to_owned(), answer.join(" "))
            }
            _ => Command::Help,
        }
    }

    /// Does it; what there is to say about it is returned.
    ///
    /// # Errors
    /// There is no such task or question; in words for people.
    pub fn run(&self, session: &mut Session, lang: Lang) -> Result<String, String> {
        let failed = |error: crate::session::InputError| error.to_string();
        match self {
            Command::Text => Ok(instructions(session, lang)),
            Command::Status => Ok(status(session, lang)),
            Command::Hint(task) => Ok(match session.take_hint(task).map_err(failed)? {
                Some(hint) => format!("{}\n", say(&hint, lang)),
                None => format!("{}\n", lang.pick("There is no further hint.", "Es gibt keinen weiteren Tipp.")),
            }),
            Command::Answer(question, text) => {
                session.apply(Input::Reply { question: question.clone(), text: text.clone() }).map_err(failed)?;
                Ok(foreseen(session, question, text, lang))
            }
            Command::Back(task) => back(session, task, lang),
            Command::Submit => {
                if session.hides_answers() {
                    session.apply(Input::HandIn).map_err(failed)?;
                }
                Ok(status(session, lang))
            }
            Command::Help => Ok(lang.pick(HELP.0, HELP.1).to_owned()),
        }
    }
}

const HELP: (&str, &str) = (
    "\
  lab                     the story and the tasks
  lab status              how every task stands
  lab hint TASK           the next hint (the first is free)
  lab answer QUESTION …   answer a question of a task
  lab back TASK           go back to where the task was done
  lab submit              see how everything stands; an exam ends with it
",
    "\
  lab                     die Geschichte und die Aufgaben
  lab status              wie jede Aufgabe steht
  lab hint AUFGABE        der nächste Tipp (der erste ist frei)
  lab answer FRAGE …      eine Frage einer Aufgabe beantworten
  lab back AUFGABE        zurück an die Stelle, an der die Aufgabe erledigt war
  lab submit              sehen, wie alles steht; eine Prüfung endet damit
",
);

/// Goes back to the stage at which a task was done.
///
/// # Errors
/// It never was done, or an exam is going on.
pub fn back(session: &mut Session, task: &str, lang: Lang) -> Result<String, String> {
    if session.exam().is_some() {
        return Err(lang.pick("there is no way back in an exam", "in einer Prüfung geht es nicht zurück").to_owned());
    }
    if session.return_to(task) {
        Ok(status(session, lang))
    } else {
        Err(match lang {
            Lang::En => format!("task {task} was not done at any moment; `lab status` shows how the tasks stand"),
            Lang::De => format!("Aufgabe {task} war in keinem Moment erledigt; `lab status` zeigt, wie es steht"),
        })
    }
}

/// What is said about the answer to a question before the fact; nothing about others.
pub fn foreseen(session: &Session, question: &str, answer: &str, lang: Lang) -> String {
    let asked = session.lab().and_then(|lab| lab.lab.predict.iter().find(|known| known.id == question));
    let Some(asked) = asked.filter(|_| session.exam().is_none()) else { return String::new() };
    let right = asked.choices.get((asked.right as usize).saturating_sub(1));
    let verdict = match answer.trim().parse::<u64>() {
        Ok(number) if number == asked.right => lang.pick("Right.", "Richtig.").to_owned(),
        _ => format!("{} {}.", lang.pick("It will be:", "Es kommt so:"), right.map_or("", |text| say(text, lang))),
    };
    format!("{verdict} {}\n", say(&asked.why, lang))
}

fn say(text: &Text, lang: Lang) -> &str {
    lang.pick(&text.en, &text.de)
}

/// The story, the instructions, and the questions with the names to answer them by.
pub fn instructions(session: &Session, lang: Lang) -> String {
    let Some(lab) = session.lab() else { return String::new() };
    let mut out = say(&lab.story, lang).trim_end().to_owned() + "\n";
    // Guesses help nobody in an exam.
    for question in lab.lab.predict.iter().filter(|_| session.exam().is_none()) {
        let words = lang.pick("What do you think?", "Was meinst du?");
        out.push_str(&format!("\n{words} {}\n", say(&question.ask, lang)));
        for (number, choice) in (1..).zip(&question.choices) {
            out.push_str(&format!("  {number} {}\n", say(choice, lang)));
        }
        out.push_str(&format!("  lab answer {} {}\n", question.id, lang.pick("NUMBER", "NUMMER")));
    }
    for task in &lab.lab.tasks {
        if let Some(text) = lab.instructions.get(&task.id) {
            out.push_str(&format!("\n{}\n", say(text, lang).trim_end()));
        }
        for answer in task.parts.iter().flat_map(|part| part.check.answers()) {
            out.push_str(&format!("  lab answer {} …   {}\n", answer.id, say(&answer.ask, lang)));
        }
    }
    out
}

/// How every task stands.
pub fn status(session: &Session, lang: Lang) -> String {
    match session.progress() {
        Some(report) => report::tell(&report, lang),
        None => exam_status(session, lang),
    }
}

/// How an exam stands: the time, and what was answered.
pub fn exam_status(session: &Session, lang: Lang) -> String {
    let Some(standing) = session.exam() else { return String::new() };
    let mut out = match lang {
        Lang::En => format!("Exam: {} of {} minutes left.\n", standing.minutes_left(), standing.exam.minutes),
        Lang::De => format!("Prüfung: noch {} von {} Minuten.\n", standing.minutes_left(), standing.exam.minutes),
    };
    for (question, given) in session.replies() {
        let words = lang.pick("answered", "beantwortet");
        out.push_str(&format!("  {words}: {question} {}\n", given.last().map_or("", String::as_str)));
    }
    out.push_str(lang.pick(
        "How the tasks stand is told when it is handed in: lab submit\n",
        "Wie die Aufgaben stehen, steht nach der Abgabe da: lab submit\n",
    ));
    out
}

/// Tasks that were done when somebody looked last.
#[derive(Clone, Debug, Default)]
pub struct Ticks(BTreeSet<String>);

impl Ticks {
    /// What has changed since: tasks that are done now, or no longer.
    pub fn news(&mut self, session: &Session, lang: Lang) -> String {
        let Some(report) = session.progress() else { return String::new() };
        let mut out = String::new();
        for task in &report.tasks {
            let title = say(&task.title, lang);
            let done = matches!(task.outcome, Outcome::Done);
            if done && self.0.insert(task.id.clone()) {
                out.push_str(&format!("[x] {} {title}\n", task.id));
            } else if !done && self.0.remove(&task.id) {
                out.push_str(&format!("[ ] {} {title}\n", task.id));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_after_lab_are_read_or_the_help_is_shown() {
        assert_eq!(Command::parse(&[]), Command::Text);
        assert_eq!(Command::parse(&["hint", "3"]), Command::Hint("3".into()));
        assert_eq!(Command::parse(&["answer", "size", "10", "000"]), Command::Answer("size".into(), "10 000".into()));
        assert_eq!(Command::parse(&["answer", "size"]), Command::Help);
        assert_eq!(Command::parse(&["dance"]), Command::Help);
    }
}
