//! Results written down: for students, for tables, and for the systems that collect grades.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::submission::{Graded, Remark};
use crate::lab::judge::{Outcome, PartResult, Report, TaskResult};
use crate::lab::written::Text;
use crate::session::story::Lang;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A report that a student understands.
    #[default]
    Text,
    /// All there is, as one JSON document.
    Json,
    /// One line per submission and task.
    Csv,
    /// JUnit XML: GitHub Classroom, GitLab and others read it.
    Junit,
    /// Test Anything Protocol, version 13.
    Tap,
    /// Gradescope's `results.json`; one submission.
    Gradescope,
}

/// Points from hundredths: `2`, `1.5`, `0.33`.
pub fn points(hundredths: u64) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => whole.to_string(),
        rest if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        rest => format!("{whole}.{rest:02}"),
    }
}

fn say(text: &Text, lang: Lang) -> &str {
    if lang == Lang::De { &text.de } else { &text.en }
}

/// Words of the reports in both languages.
fn word(lang: Lang, en: &'static str, de: &'static str) -> &'static str {
    if lang == Lang::De { de } else { en }
}

/// Writes results in a format.
pub fn write(results: &[Graded], lab: &str, format: Format, lang: Lang) -> String {
    match format {
        Format::Text => results.iter().map(|graded| text(graded, lab, lang)).collect(),
        Format::Json => to_text(&json!({ "lab": lab, "submissions": results.iter().map(whole).collect::<Vec<_>>() })),
        Format::Csv => csv(results),
        Format::Junit => junit(results, lab, lang),
        Format::Tap => tap(results, lang),
        Format::Gradescope => results.first().map_or(String::new(), |graded| to_text(&gradescope(graded, lang))),
    }
}

fn to_text(value: &Value) -> String {
    format!("{value:#}\n")
}

fn text(graded: &Graded, lab: &str, lang: Lang) -> String {
    let mut out = format!("{lab}: {}", graded.name);
    if !graded.student.id.is_empty() {
        let _ = write!(out, " ({})", graded.student.id);
    }
    out.push('\n');
    match &graded.result {
        Ok(report) => out.push_str(&tell(report, lang)),
        Err(error) => {
            let _ = writeln!(out, "  {}: {error}", word(lang, "not graded", "nicht bewertet"));
        }
    }
    for remark in &graded.remarks {
        let _ = writeln!(out, "  ! {}", remark_text(remark, lang));
    }
    out
}

/// A report for the student: every task, what was expected and what was found.
pub fn tell(report: &Report, lang: Lang) -> String {
    let mut out = String::new();
    for task in &report.tasks {
        let mark = match task.outcome {
            Outcome::Done => "[x]",
            Outcome::NotYet => "[ ]",
            Outcome::Stuck(_) => "[~]",
            Outcome::Waiting(_) => "[.]",
            Outcome::Lost(_) => "[!]",
        };
        let _ =
            writeln!(out, "  {mark} {} {}  {}/{}", task.id, say(&task.title, lang), points(task.earned), task.points);
        for line in details(task, lang) {
            let _ = writeln!(out, "        {line}");
        }
    }
    for guard in report.guards.iter().filter(|guard| !guard.finding.ok) {
        let broken = word(lang, "no longer works", "geht nicht mehr");
        let _ = writeln!(out, "  [!] {broken}: {}", say(&guard.name, lang));
        let _ = writeln!(out, "        {}", say(&guard.finding.actual, lang));
    }
    let verdict =
        if report.passed { word(lang, "passed", "bestanden") } else { word(lang, "not passed", "nicht bestanden") };
    let _ = writeln!(out, "  {} / {}: {verdict}", points(report.earned), report.points);
    out
}

/// What there is to say about a task that is not all done.
fn details(task: &TaskResult, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    match &task.outcome {
        Outcome::Waiting(other) => {
            lines.push(format!("{} {other}", word(lang, "cannot be checked until task", "prüfbar nach Aufgabe")));
        }
        Outcome::Stuck(words) | Outcome::Lost(words) => lines.push(say(words, lang).to_owned()),
        Outcome::Done | Outcome::NotYet => {}
    }
    for part in task.parts.iter().filter(|part| part.percent < 100) {
        lines.extend(part_lines(part, lang));
    }
    for reduced in &task.reduced {
        let line = say(reduced, lang).to_owned();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn part_lines(part: &PartResult, lang: Lang) -> Vec<String> {
    let mut lines = vec![
        format!("- {}", say(&part.name, lang)),
        format!("  {}: {}", word(lang, "expected", "erwartet"), say(&part.finding.expected, lang)),
        format!("  {}: {}", word(lang, "found", "gefunden"), say(&part.finding.actual, lang)),
    ];
    lines.extend(part.finding.why.iter().map(|why| format!("  | {why}")));
    lines
}

fn remark_text(remark: &Remark, lang: Lang) -> String {
    match remark {
        Remark::Damaged(why) => format!("{}: {why}", word(lang, "the file is damaged", "die Datei ist beschädigt")),
        Remark::Altered(moment) => {
            let words = word(
                lang,
                "what the file claims differs from the replay from",
                "die Datei weicht vom Nachspielen ab seit",
            );
            format!("{words} {moment}")
        }
        Remark::OtherEngine(version) => {
            format!("{} {version}", word(lang, "recorded with mxlab", "aufgenommen mit mxlab"))
        }
        Remark::Refused { seq, why } => {
            format!("{} {seq}: {why}", word(lang, "does not count: input", "zählt nicht: Eingabe"))
        }
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::NotYet => "not yet",
        Outcome::Stuck(_) => "stuck",
        Outcome::Waiting(_) => "waiting",
        Outcome::Lost(_) => "lost",
    }
}

fn both(text: &Text) -> Value {
    json!({ "en": text.en, "de": text.de })
}

fn number(hundredths: u64) -> Value {
    serde_json::from_str(&points(hundredths)).unwrap_or_default()
}

fn whole(graded: &Graded) -> Value {
    let remarks: Vec<String> = graded.remarks.iter().map(|remark| remark_text(remark, Lang::En)).collect();
    let mut value = json!({
        "name": graded.name, "student": graded.student.id, "class": graded.student.class, "remarks": remarks,
    });
    let Some(object) = value.as_object_mut() else { return value };
    match &graded.result {
        Err(error) => {
            object.insert("error".into(), error.to_string().into());
        }
        Ok(report) => {
            object.insert("points".into(), report.points.into());
            object.insert("earned".into(), number(report.earned));
            object.insert("passed".into(), report.passed.into());
            object.insert("tasks".into(), report.tasks.iter().map(task_value).collect());
            let broken = report.guards.iter().filter(|guard| !guard.finding.ok);
            object.insert("broken".into(), broken.map(|guard| both(&guard.name)).collect());
        }
    }
    value
}

fn task_value(task: &TaskResult) -> Value {
    let parts: Vec<Value> = task
        .parts
        .iter()
        .map(|part| {
            json!({
                "name": both(&part.name), "percent": part.percent,
                "expected": both(&part.finding.expected), "actual": both(&part.finding.actual),
                "event": part.finding.event.map(|event| event.0), "why": part.finding.why,
            })
        })
        .collect();
    let said = match &task.outcome {
        Outcome::Stuck(words) | Outcome::Lost(words) => both(words),
        _ => Value::Null,
    };
    json!({
        "id": task.id, "title": both(&task.title), "points": task.points, "earned": number(task.earned),
        "outcome": outcome_name(&task.outcome), "said": said, "hints": task.hints, "parts": parts,
    })
}

fn csv(results: &[Graded]) -> String {
    let mut out = String::from("name,student,task,points,earned,outcome\n");
    let mut row = |cells: [&str; 6]| {
        let quoted = cells.map(|cell| {
            // A leading sign would make a spreadsheet compute.
            let cell = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() };
            if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
        });
        out.push_str(&quoted.join(","));
        out.push('\n');
    };
    for graded in results {
        let (name, student) = (graded.name.as_str(), graded.student.id.as_str());
        match &graded.result {
            Err(error) => row([name, student, "total", "", "0", &error.to_string()]),
            Ok(report) => {
                for task in &report.tasks {
                    let (most, earned) = (task.points.to_string(), points(task.earned));
                    row([name, student, &task.id, &most, &earned, outcome_name(&task.outcome)]);
                }
                let passed = if report.passed { "passed" } else { "not passed" };
                row([name, student, "total", &report.points.to_string(), &points(report.earned), passed]);
            }
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML 1.0.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn junit(results: &[Graded], lab: &str, lang: Lang) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for graded in results {
        let tasks = graded.result.as_ref().map(|report| report.tasks.as_slice()).unwrap_or_default();
        let failures = tasks.iter().filter(|task| task.outcome != Outcome::Done).count();
        let errors = usize::from(graded.result.is_err());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
            escape(&graded.name),
            tasks.len() + errors
        );
        if let Err(error) = &graded.result {
            let message = escape(&error.to_string());
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"{lab}\"><error message=\"{message}\"/></testcase>",
                escape(lab)
            );
        }
        for task in tasks {
            let name = escape(&format!("{} {}", task.id, say(&task.title, lang)));
            let _ = write!(out, "    <testcase classname=\"{}\" name=\"{name}\"", escape(lab));
            if task.outcome == Outcome::Done {
                out.push_str("/>\n");
            } else {
                let message = format!("{}/{}", points(task.earned), task.points);
                let body = escape(&details(task, lang).join("\n"));
                let _ = writeln!(out, "><failure message=\"{message}\">{body}</failure></testcase>");
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn tap(results: &[Graded], lang: Lang) -> String {
    let mut lines = Vec::new();
    for graded in results {
        let mut line = |ok: bool, name: &str, why: &[String]| {
            let number = lines.len() + 1;
            let not = if ok { "" } else { "not " };
            // A number sign would begin a directive.
            let mut text = format!("{not}ok {number} - {}", name.replace('#', "\\#"));
            if !why.is_empty() {
                text.push_str("\n  ---\n  message: |\n");
                text.extend(why.iter().map(|why| format!("    {}\n", why.replace('\n', " "))));
                text.push_str("  ...");
            }
            lines.push(text);
        };
        match &graded.result {
            Err(error) => line(false, &graded.name, &[error.to_string()]),
            Ok(report) => {
                for task in &report.tasks {
                    let name = format!("{} {} {}", graded.name, task.id, say(&task.title, lang));
                    let done = task.outcome == Outcome::Done;
                    line(done, &name, &if done { Vec::new() } else { details(task, lang) });
                }
            }
        }
    }
    let mut out = format!("TAP version 13\n1..{}\n", lines.len());
    out.extend(lines.into_iter().map(|line| line + "\n"));
    out
}

fn gradescope(graded: &Graded, lang: Lang) -> Value {
    match &graded.result {
        Err(error) => json!({ "score": 0, "output": error.to_string(), "tests": [] }),
        Ok(report) => {
            let tests: Vec<Value> = report
                .tasks
                .iter()
                .map(|task| {
                    json!({
                        "name": say(&task.title, lang), "number": task.id,
                        "score": number(task.earned), "max_score": task.points,
                        "status": if task.outcome == Outcome::Done { "passed" } else { "failed" },
                        "output": details(task, lang).join("\n"),
                    })
                })
                .collect();
            json!({ "score": number(report.earned), "output": tell(report, lang), "tests": tests })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_written_as_people_write_points() {
        assert_eq!([200, 150, 33, 5].map(points), ["2", "1.5", "0.33", "0.05"]);
    }

    #[test]
    fn texts_of_students_cannot_break_the_formats() {
        assert_eq!(escape("<a & \"b\">\u{1}"), "&lt;a &amp; &quot;b&quot;&gt;\u{fffd}");
        let graded = Graded {
            name: "=cmd(),\"x\"".into(),
            student: crate::lab::Student::default(),
            result: Err(crate::grade::submission::Ungraded::TooLarge),
            remarks: Vec::new(),
        };
        let csv = csv(&[graded]);
        assert!(csv.lines().nth(1).is_some_and(|line| line.starts_with("\"'=cmd(),\"\"x\"\"\",")), "{csv}");
    }
}
