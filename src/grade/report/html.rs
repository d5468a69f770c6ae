//! One page for a class: who has how many points, how each task went, what was foreseen, and what
//! looks copied. It holds everything that it shows, and prints well.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markup::escape;
use super::{Grading, gist, plain, points, remark_text, say, text, ungraded_text, votes};
use crate::grade::submission::{Graded, Ungraded};
use crate::lab::judge::{Outcome, Report, TaskResult};
use crate::lab::written::{Question, Text};
use crate::session::recording::ENGINE;
use crate::session::story::Lang;

const STYLE: &str = include_str!("html.css");
/// Difficulties of a task that are named.
const MAX_GISTS: usize = 3;

/// The page.
pub fn page(grading: &Grading, lang: Lang) -> String {
    let title = escape(&format!("{} {}", grading.lab, say(&grading.title, lang)));
    let code = lang.pick("en", "de");
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    let graded: Vec<&Report> = grading.results.iter().filter_map(|graded| graded.result.as_ref().ok()).collect();
    figures(&mut out, grading, &graded, lang);
    table(&mut out, grading, lang);
    tasks(&mut out, &graded, lang);
    predictions(&mut out, grading, lang);
    suspicions(&mut out, grading, lang);
    reports(&mut out, grading, lang);
    let key = lang.pick("Key of the probes", "Schlüssel der Proben");
    let _ = write!(
        out,
        "<footer>mxlab {ENGINE} · {key}: <code>{}</code> · <code>{}</code></footer>\n</body>\n</html>\n",
        escape(&grading.key),
        escape(&grading.digest)
    );
    out
}

fn heading(out: &mut String, lang: Lang, en: &str, de: &str) {
    let _ = writeln!(out, "<h2>{}</h2>", lang.pick(en, de));
}

fn figures(out: &mut String, grading: &Grading, graded: &[&Report], lang: Lang) {
    let mut earned: Vec<u64> = graded.iter().map(|report| report.earned).collect();
    earned.sort_unstable();
    let count = earned.len() as u64;
    let passed = graded.iter().filter(|report| report.passed).count();
    let most = graded.first().map_or(0, |report| report.points);
    let mean = earned.iter().sum::<u64>().checked_div(count).unwrap_or_default();
    let median = earned.get(earned.len() / 2).copied().unwrap_or_default();
    let all = grading.results.len();
    let figure = |value: String, en, de| format!("<li><b>{value}</b><span>{}</span></li>\n", lang.pick(en, de));
    out.push_str("<ul class=\"figures\">\n");
    out.push_str(&figure(all.to_string(), "handed in", "abgegeben"));
    out.push_str(&figure(format!("{passed} / {all}"), "passed", "bestanden"));
    out.push_str(&figure(format!("{} / {most}", points(mean)), "points on average", "Punkte im Mittel"));
    out.push_str(&figure(format!("{} / {most}", points(median)), "points in the middle", "Punkte im Median"));
    out.push_str(&figure(format!("{} %", grading.pass), "needed to pass", "zum Bestehen nötig"));
    out.push_str("</ul>\n");
}

/// The class of a cell by the share of points.
fn shade(task: &TaskResult) -> &'static str {
    match task.earned {
        _ if matches!(task.outcome, Outcome::Waiting(_)) => "none",
        0 => "bad",
        earned if earned >= task.points * 100 => "good",
        _ => "part",
    }
}

fn table(out: &mut String, grading: &Grading, lang: Lang) {
    heading(out, lang, "Points", "Punkte");
    let first = grading.results.iter().find_map(|graded| graded.result.as_ref().ok());
    let heads: Vec<&TaskResult> = first.iter().flat_map(|report| &report.tasks).collect();
    let _ = write!(out, "<div class=\"wide\"><table>\n<thead><tr><th>{}</th>", lang.pick("Who", "Wer"));
    for task in &heads {
        let (id, title) = (escape(&task.id), escape(say(&task.title, lang)));
        let _ = write!(out, "<th class=\"t\"><span title=\"{title}\">{id}</span></th>");
    }
    let (sum, remarks) = (lang.pick("Sum", "Summe"), lang.pick("Remarks", "Bemerkungen"));
    let _ = writeln!(out, "<th class=\"n\">{sum}</th><th></th><th>{remarks}</th></tr></thead>\n<tbody>");
    for graded in &grading.results {
        let _ = write!(out, "<tr><td class=\"w\" title=\"{}\">{}</td>", escape(&graded.name), escape(&graded.who()));
        match &graded.result {
            Ok(report) => {
                for task in &report.tasks {
                    let _ = write!(out, "<td class=\"t {}\">{}</td>", shade(task), points(task.earned));
                }
                let (class, verdict) = match report.passed {
                    true => ("good", lang.pick("passed", "bestanden")),
                    false => ("bad", lang.pick("not passed", "nicht bestanden")),
                };
                let sum = format!("{} / {}", points(report.earned), report.points);
                let _ = write!(out, "<td class=\"n\">{sum}</td><td class=\"{class}\">{verdict}</td>");
            }
            Err(error) => ungraded_row(out, heads.len(), error, lang),
        }
        let remarks: Vec<String> = graded.remarks.iter().map(|remark| escape(&remark_text(remark, lang))).collect();
        let _ = writeln!(out, "<td>{}</td></tr>", remarks.join("<br>"));
    }
    for member in &grading.missing {
        let nothing = lang.pick("nothing handed in", "nichts abgegeben");
        let empty = "<td class=\"t none\">–</td>".repeat(heads.len());
        let name = escape(&plain(&member.to_string()));
        let _ = writeln!(
            out,
            "<tr><td class=\"w\">{name}</td>{empty}<td class=\"n none\">–</td><td class=\"none\">{nothing}</td><td></td></tr>"
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn ungraded_row(out: &mut String, columns: usize, error: &Ungraded, lang: Lang) {
    let empty = "<td class=\"t none\">–</td>".repeat(columns);
    let _ = write!(out, "{empty}<td class=\"n\">0</td><td class=\"bad\">{}</td>", escape(&ungraded_text(error, lang)));
}

fn bar(percent: u64) -> String {
    format!("<span class=\"bar\"><i style=\"width:{}%\"></i></span> {percent} %", percent.min(100))
}

fn tasks(out: &mut String, graded: &[&Report], lang: Lang) {
    let Some(first) = graded.first() else { return };
    heading(out, lang, "Tasks", "Aufgaben");
    let heads = [
        lang.pick("Task", "Aufgabe"),
        lang.pick("Points earned", "Erreichte Punkte"),
        lang.pick("Done by", "Erledigt von"),
        lang.pick("Hints", "Tipps"),
        lang.pick("Where it got stuck", "Woran es hing"),
    ];
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let _ = writeln!(out, "<div class=\"wide\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>");
    for (index, task) in first.tasks.iter().enumerate() {
        let all: Vec<&TaskResult> = graded.iter().filter_map(|report| report.tasks.get(index)).collect();
        let earned: u64 = all.iter().map(|task| task.earned).sum();
        let percent = earned.checked_div(task.points * all.len() as u64).unwrap_or_default();
        let done = all.iter().filter(|task| task.outcome == Outcome::Done).count();
        let hints: u64 = all.iter().map(|task| task.hints).sum();
        let title = escape(&format!("{} {}", task.id, say(&task.title, lang)));
        let _ = writeln!(
            out,
            "<tr><td>{title}</td><td class=\"b\">{}</td><td class=\"n\">{done} / {}</td><td>{hints}</td><td>{}</td></tr>",
            bar(percent),
            all.len(),
            stuck(&all, lang)
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
}

/// What was said most often about a task that was not done.
fn stuck(all: &[&TaskResult], lang: Lang) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let open = all.iter().filter(|task| !matches!(task.outcome, Outcome::Done | Outcome::Waiting(_)));
    for task in open {
        *counts.entry(gist(task, lang)).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().filter(|(gist, _)| !gist.is_empty()).collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let items: String =
        counts.iter().take(MAX_GISTS).map(|(gist, count)| format!("<li>{count} × {}</li>", escape(gist))).collect();
    if items.is_empty() { String::new() } else { format!("<ul class=\"plain\">{items}</ul>") }
}

fn predictions(out: &mut String, grading: &Grading, lang: Lang) {
    let asked = grading.questions.iter().map(|question| (question, votes(&grading.results, question)));
    let asked: Vec<(&Question, Vec<usize>)> = asked.filter(|(_, votes)| votes.iter().any(|count| *count > 0)).collect();
    if asked.is_empty() {
        return;
    }
    heading(out, lang, "Foreseen before it happened", "Vorhergesagt, bevor es geschah");
    for (question, votes) in asked {
        let sum: usize = votes.iter().sum();
        let _ = writeln!(out, "<p>{}</p>\n<div class=\"wide\"><table><tbody>", escape(say(&question.ask, lang)));
        for (number, (choice, count)) in (1..).zip(question.choices.iter().zip(votes)) {
            let (class, mark) = if number == question.right { ("good", "✓") } else { ("", "") };
            let percent = (count * 100).checked_div(sum).unwrap_or_default() as u64;
            let choice: &Text = choice;
            let _ = writeln!(
                out,
                "<tr><td class=\"{class}\">{mark} {}</td><td class=\"b\">{}</td><td class=\"n\">{count}</td></tr>",
                escape(say(choice, lang)),
                bar(percent)
            );
        }
        out.push_str("</tbody></table></div>\n");
    }
}

fn suspicions(out: &mut String, grading: &Grading, lang: Lang) {
    if grading.suspicions.is_empty() {
        return;
    }
    heading(out, lang, "To look at", "Zum Ansehen");
    let note = lang.pick(
        "What looks copied. It is no proof, and has changed no points: talk to those it names.",
        "Was abgeschrieben aussieht. Es ist kein Beweis und hat keine Punkte verändert: Sprich mit den Genannten.",
    );
    let _ = writeln!(out, "<p class=\"note\">{note}</p>\n<ul>");
    for suspicion in &grading.suspicions {
        let _ = writeln!(out, "<li>{}</li>", escape(&plain(&suspicion.tell(lang))));
    }
    out.push_str("</ul>\n");
}

fn reports(out: &mut String, grading: &Grading, lang: Lang) {
    heading(out, lang, "Reports", "Berichte");
    for graded in &grading.results {
        let (who, report) = (escape(&graded.who()), escape(&text::one(graded, &grading.lab, lang)));
        let _ = writeln!(out, "<details><summary>{who}: {}</summary>\n<pre>{report}</pre></details>", sum(graded));
    }
}

fn sum(graded: &Graded) -> String {
    graded.result.as_ref().map_or("–".into(), |report| format!("{} / {}", points(report.earned), report.points))
}
