//! Reports for people.

use std::fmt::Write as _;

use super::{Grading, details, plain, points, remark_text, say, ungraded_text};
use crate::grade::submission::Graded;
use crate::lab::judge::{Outcome, Report};
use crate::session::story::Lang;

/// A report per submission; for a class, who is missing and what looks copied.
pub(super) fn write(grading: &Grading, lang: Lang) -> String {
    let mut out: String = grading.results.iter().map(|graded| one(graded, &grading.lab, lang)).collect();
    if !grading.missing.is_empty() {
        let _ = writeln!(out, "{}", lang.pick("Handed nothing in:", "Nichts abgegeben:"));
        for member in &grading.missing {
            let _ = writeln!(out, "  {}", plain(&member.to_string()));
        }
    }
    if !grading.suspicions.is_empty() {
        let title = lang.pick(
            "For the teacher, to look at (no proof of anything):",
            "Für die Lehrkraft, zum Ansehen (kein Beweis für irgendetwas):",
        );
        let _ = writeln!(out, "{title}");
        for suspicion in &grading.suspicions {
            let _ = writeln!(out, "  {}", plain(&suspicion.tell(lang)));
        }
    }
    out
}

/// The report of one submission.
pub(super) fn one(graded: &Graded, lab: &str, lang: Lang) -> String {
    let mut out = format!("{lab}: {}", plain(&graded.name));
    if !graded.student.id.is_empty() {
        let _ = write!(out, " ({})", plain(&graded.who()));
    }
    out.push('\n');
    match &graded.result {
        Ok(report) => out.push_str(&tell(report, lang)),
        Err(error) => {
            let words = lang.pick("not graded", "nicht bewertet");
            let _ = writeln!(out, "  {words}: {}", ungraded_text(error, lang));
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
        let title = say(&task.title, lang);
        let _ = writeln!(out, "  {mark} {} {title}  {}/{}", task.id, points(task.earned), task.points);
        for line in details(task, lang) {
            let _ = writeln!(out, "        {line}");
        }
    }
    for guard in report.guards.iter().filter(|guard| !guard.finding.ok) {
        let broken = lang.pick("does not work", "geht nicht");
        let _ = writeln!(out, "  [!] {broken}: {}", say(&guard.name, lang));
        let _ = writeln!(out, "        {}", plain(say(&guard.finding.actual, lang)));
    }
    let verdict =
        if report.passed { lang.pick("passed", "bestanden") } else { lang.pick("not passed", "nicht bestanden") };
    let _ = writeln!(out, "  {} / {}: {verdict}", points(report.earned), report.points);
    out
}
