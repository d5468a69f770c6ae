//! Moodle's CodeRunner: the JSON that a combinator template grader prints.

use serde_json::{Value, json};

use super::{details, markup, points, say, text};
use crate::grade::submission::Graded;
use crate::lab::judge::Outcome;
use crate::session::story::Lang;

pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    // What Moodle shows as HTML is escaped here; the table's cells are escaped there.
    let report = || format!("<pre>{}</pre>", markup::escape(&text::one(graded, lab, lang)));
    let value = match &graded.result {
        Err(_) => json!({ "fraction": 0, "prologuehtml": report(), "testresults": [], "epiloguehtml": "" }),
        Ok(result) => {
            let heads = [lang.pick("Task", "Aufgabe"), lang.pick("Points", "Punkte"), lang.pick("Found", "Gefunden")];
            let mut rows = vec![json!(["iscorrect", heads[0], heads[1], heads[2]])];
            rows.extend(result.tasks.iter().map(|task| {
                let name = format!("{} {}", task.id, say(&task.title, lang));
                let score = format!("{}/{}", points(task.earned), task.points);
                json!([u8::from(task.outcome == Outcome::Done), name, score, details(task, lang).join("\n")])
            }));
            let total = format!("{} / {}", points(result.earned), result.points);
            json!({
                "fraction": fraction(result.earned, result.points),
                "prologuehtml": format!("<p>{}</p>", markup::escape(&total)),
                "testresults": rows,
                "columnformats": ["%s", "%s", "%s"],
                "epiloguehtml": report(),
                "showdifferences": false,
                "instructorhtml": "",
            })
        }
    };
    format!("{value}\n")
}

/// The share of the points, rounded down to four places so that less than all is never 1.
fn fraction(earned: u64, points: u64) -> Value {
    let share = (earned * 100).checked_div(points).unwrap_or_default();
    if share >= 10_000 { json!(1) } else { json!(share as f64 / 10_000.0) }
}
