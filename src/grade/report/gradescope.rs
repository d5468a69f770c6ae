//! Gradescope's `results.json`.

use serde_json::{Value, json};

use super::{details, number, pretty, say, text};
use crate::grade::submission::Graded;
use crate::lab::judge::Outcome;
use crate::session::story::Lang;

pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    // Remarks and errors are in the report, too.
    let output = text::one(graded, lab, lang);
    let value = match &graded.result {
        Err(_) => json!({ "score": 0, "output": output, "output_format": "text", "tests": [] }),
        Ok(report) => {
            let tests: Vec<Value> = report
                .tasks
                .iter()
                .map(|task| {
                    json!({
                        "name": say(&task.title, lang), "number": task.id,
                        "score": number(task.earned), "max_score": task.points,
                        "status": if task.outcome == Outcome::Done { "passed" } else { "failed" },
                        "output": details(task, lang).join("\n"), "output_format": "text",
                    })
                })
                .collect();
            json!({ "score": number(report.earned), "output": output, "output_format": "text", "tests": tests })
        }
    };
    pretty(&value)
}
