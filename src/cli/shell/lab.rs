//! A lab in the shell: `lab status`, `lab hint`, `lab answer`, and ticks as tasks get done.

use std::collections::BTreeSet;

use crate::grade::report;
use crate::lab::judge::{Outcome, Report, TaskResult};
use crate::lab::written::Text;
use crate::session::story::Lang;
use crate::session::story::wrap::wrap;
use crate::session::{Input, Session};

/// Letters of a task's id at most, so that a line of a letter is not taken for one.
const LONGEST_TASK: usize = 2;
/// Columns of what is shown; less than any terminal has.
const WIDTH: usize = 78;

/// What is asked of the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The story, how far one is, and what is next.
    Here,
    /// The story and all instructions.
    Text,
    /// The instruction of one task.
    Task(String),
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

/// Whether a line typed into a running command speaks to the lab instead.
pub fn is_aside(line: &str, session: &Session) -> bool {
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    is_lab(line, session) && line.ends_with('\n') && Command::parse(&words) != Command::Help
}

impl Command {
    /// Reads one: what stands after the word `lab`.
    pub fn parse(words: &[&str]) -> Command {
        match words {
            [] => Command::Here,
            ["all" | "text"] => Command::Text,
            [task] if task.len() <= LONGEST_TASK => Command::Task((*task).to_owned()),
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
            Command::Here => Ok(beginning(session, lang)),
            Command::Text => Ok(instructions(session, lang)),
            Command::Task(id) => match task_text(session, id, lang) {
                text if text.is_empty() => Ok(lang.pick(HELP.0, HELP.1).to_owned()),
                text => Ok(text),
            },
            Command::Status => Ok(status(session, lang)),
            Command::Hint(task) => Ok(match session.take_hint(task).map_err(failed)? {
                Some(hint) => format!("{}\n", say(&hint, lang)),
                None => format!("{}\n", lang.pick("There is no further hint.", "Es gibt keinen weiteren Tipp.")),
            }),
            Command::Answer(question, text) => {
                session.apply(Input::Reply { question: question.clone(), text: text.clone() }).map_err(failed)?;
                Ok(answered(session, question, text, lang))
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
  lab                     the story, and what is next
  lab TASK                what a task asks for
  lab all                 all tasks, and the questions to predict
  lab status              how every task stands
  lab hint TASK           the next hint (the first is free)
  lab answer QUESTION …   answer a question of a task
  lab back TASK           go back to where the task was done
  lab submit              see how everything stands; an exam ends with it
",
    "\
  lab                     die Geschichte, und was dran ist
  lab AUFGABE             was eine Aufgabe verlangt
  lab all                 alle Aufgaben, und die Fragen zum Vorhersagen
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

/// What is said to an answer: whether it is right, or what a prediction comes to; nothing in an
/// exam.
pub fn answered(session: &Session, question: &str, answer: &str, lang: Lang) -> String {
    if session.hides_answers() {
        return String::new();
    }
    match session.answered(question) {
        Some(finding) if finding.ok => format!("{}\n", lang.pick("That is right.", "Das stimmt.")),
        Some(finding) => format!("{}\n", say(&finding.actual, lang)),
        None => foreseen(session, question, answer, lang),
    }
}

/// What a prediction comes to.
fn foreseen(session: &Session, question: &str, answer: &str, lang: Lang) -> String {
    let asked = session.lab().and_then(|lab| lab.lab.predict.iter().find(|known| known.id == question));
    let Some(asked) = asked else { return String::new() };
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

/// The questions to answer before a decisive moment; once answered, with what is right and why.
fn predictions(session: &Session, lang: Lang) -> String {
    // Guesses help nobody in an exam.
    let asks = |lab: &&std::sync::Arc<crate::lab::Instance>| !lab.lab.predict.is_empty() && session.exam().is_none();
    let Some(lab) = session.lab().filter(asks) else { return String::new() };
    let given = session.replies();
    let mut out = format!("\n## {}\n", lang.pick("Predict, then look", "Sag voraus, dann sieh hin"));
    for question in &lab.lab.predict {
        out.push_str(&format!("\n{}\n", paragraphs(say(&question.ask, lang))));
        for (number, choice) in (1..).zip(&question.choices) {
            let mark = if given.contains_key(&question.id) && number == question.right { '*' } else { ' ' };
            out.push_str(&format!("{mark} {number}  {}\n", say(choice, lang)));
        }
        match given.get(&question.id).and_then(|given| given.first()) {
            Some(said) => {
                let (you, right) = (lang.pick("You said", "Du sagtest"), lang.pick("Right is", "Richtig ist"));
                let told = format!("{you} {said}. {right} {}. {}", question.right, say(&question.why, lang));
                out.push_str(&format!("  {}\n", wrap(&told, WIDTH - 2).join("\n  ")));
            }
            None => out.push_str(&format!("  lab answer {} …\n", question.id)),
        }
    }
    out
}

/// A text with its paragraphs broken anew; headings, lists and examples stay as they are.
fn paragraphs(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    for line in text.trim_end().lines().chain([""]) {
        if line.starts_with(|c: char| c.is_alphanumeric() || "`*\"(«".contains(c)) {
            paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line);
            continue;
        }
        if !paragraph.is_empty() {
            lines.extend(wrap(&std::mem::take(&mut paragraph), WIDTH));
        }
        lines.push(line.to_owned());
    }
    lines.join("\n").trim_end().to_owned()
}

/// The story, the instructions, and the questions with the names to answer them by.
pub fn instructions(session: &Session, lang: Lang) -> String {
    let Some(lab) = session.lab() else { return String::new() };
    let mut out = paragraphs(say(&lab.story, lang)) + "\n";
    for task in &lab.lab.tasks {
        out.push_str(&task_text(session, &task.id, lang));
    }
    out + &predictions(session, lang)
}

/// The instruction of a task, with its questions; nothing if there is no such task.
fn task_text(session: &Session, id: &str, lang: Lang) -> String {
    let Some(lab) = session.lab() else { return String::new() };
    let Some(task) = lab.lab.tasks.iter().find(|task| task.id == id) else { return String::new() };
    let mut out = String::new();
    if let Some(text) = lab.instructions.get(&task.id) {
        out.push_str(&format!("\n{}\n", paragraphs(say(text, lang))));
    }
    for answer in task.parts.iter().flat_map(|part| part.check.answers()) {
        let asked = wrap(say(&answer.ask, lang), WIDTH - 4).join("\n    ");
        out.push_str(&format!("  lab answer {} …\n    {asked}\n", answer.id));
    }
    out
}

/// What somebody who sits down needs: the story, the tasks by name, and the one that is next.
pub fn beginning(session: &Session, lang: Lang) -> String {
    let Some(lab) = session.lab() else { return String::new() };
    let progress = session.progress();
    let mut out = paragraphs(say(&lab.story, lang)) + "\n\n";
    for (at, task) in lab.lab.tasks.iter().enumerate() {
        let mark = match &progress {
            Some(report) if report.tasks.get(at).is_some_and(|task| task.outcome == Outcome::Done) => "[x]",
            _ => "[ ]",
        };
        out.push_str(&format!("{mark} {} {}\n", task.id, say(&task.title, lang)));
    }
    let next = match &progress {
        Some(report) => next_task(report).map(|task| task.id.clone()),
        None => lab.lab.tasks.first().map(|task| task.id.clone()),
    };
    let ahead = lab.lab.predict.iter().filter(|question| !session.replies().contains_key(&question.id)).count();
    if ahead > 0 && session.exam().is_none() {
        out.push_str(lang.pick(
            "\nThere are questions to predict what will happen: `lab all` asks them.\n",
            "\nEs gibt Fragen, um vorherzusagen, was geschieht: `lab all` stellt sie.\n",
        ));
    }
    out + &next.map_or(String::new(), |id| task_text(session, &id, lang))
}

/// The first task that can be done now.
fn next_task(report: &Report) -> Option<&TaskResult> {
    report.tasks.iter().find(|task| !matches!(task.outcome, Outcome::Done | Outcome::Waiting(_)))
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

/// What was told of the tasks when somebody looked last.
#[derive(Clone, Debug, Default)]
pub struct Ticks {
    done: BTreeSet<String>,
    /// Words that help, by task; told once.
    told: BTreeSet<(String, String)>,
}

impl Ticks {
    /// What is known of the tasks at this moment, with nothing to tell.
    pub fn at(session: &Session, lang: Lang) -> Ticks {
        let mut ticks = Ticks::default();
        ticks.news(session, lang);
        ticks
    }

    /// What has changed since: tasks that are done now, with the next one, or no longer; and what went
    /// wrong in a way that is known.
    pub fn news(&mut self, session: &Session, lang: Lang) -> String {
        let Some(report) = session.progress() else { return String::new() };
        let (mut out, mut is_further) = (String::new(), false);
        for task in &report.tasks {
            let title = say(&task.title, lang);
            let done = matches!(task.outcome, Outcome::Done);
            if done && self.done.insert(task.id.clone()) {
                is_further = true;
                out.push_str(&format!("[x] {} {title}\n", task.id));
            } else if !done && self.done.remove(&task.id) {
                out.push_str(&format!("[ ] {} {title}\n", task.id));
            }
            if let Outcome::Stuck(words) | Outcome::Lost(words) = &task.outcome {
                let words = say(words, lang);
                if self.told.insert((task.id.clone(), words.to_owned())) {
                    let words = wrap(words, WIDTH - 4).join("\n    ");
                    out.push_str(&format!("[!] {} {title}\n    {words}\n", task.id));
                }
            }
        }
        if let Some(next) = next_task(&report).filter(|_| is_further) {
            out.push_str(&task_text(session, &next.id, lang));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_fit_and_examples_stay() {
        let text = format!("# Title\n\n{}\nend.\n\n    HELO  you\n", "word ".repeat(30).trim());
        let shown = paragraphs(&text);
        assert!(shown.lines().all(|line| line.len() <= WIDTH), "{shown}");
        assert!(shown.starts_with("# Title\n\nword word") && shown.ends_with("end.\n\n    HELO  you"), "{shown}");
    }

    #[test]
    fn words_after_lab_are_read_or_the_help_is_shown() {
        assert_eq!(Command::parse(&[]), Command::Here);
        assert_eq!(Command::parse(&["all"]), Command::Text);
        assert_eq!(Command::parse(&["3"]), Command::Task("3".into()));
        assert_eq!(Command::parse(&["hint", "3"]), Command::Hint("3".into()));
        assert_eq!(Command::parse(&["answer", "size", "10", "000"]), Command::Answer("size".into(), "10 000".into()));
        assert_eq!(Command::parse(&["answer", "size"]), Command::Help);
        assert_eq!(Command::parse(&["dance"]), Command::Help);
    }
}
