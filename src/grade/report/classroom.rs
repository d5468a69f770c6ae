//! GitHub Classroom: the output `result` of a step, as its autograding reporter reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{details, number, say, ungraded_text};
use crate::grade::submission::Graded;
use crate::lab::judge::Outcome;
use crate::session::story::Lang;

/// A line for the file that `$GITHUB_OUTPUT` names.
pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    format!("result={}\n", STANDARD.encode(value(graded, lab, lang).to_string()))
}

fn value(graded: &Graded, lab: &str, lang: Lang) -> Value {
    let test = |name: &str, status: &str, score: Value, message: String| {
        json!({
            "name": name, "status": status, "score": score, "message": message,
            "test_code": format!("mxlab grade {lab}"), "filename": graded.name, "line_no": 0, "duration": 0,
        })
    };
    match &graded.result {
        Err(error) => json!({
            "version": 1, "status": "error", "max_score": 0,
            "tests": [test(lab, "error", json!(0), ungraded_text(error, lang))],
        }),
        Ok(report) => {
            let tests: Vec<Value> = report
                .tasks
                .iter()
                .map(|task| {
                    let status = if task.outcome == Outcome::Done { "pass" } else { "fail" };
                    let name = format!("{} {}", task.id, say(&task.title, lang));
                    test(&name, status, number(task.earned), details(task, lang).join("\n"))
                })
                .collect();
            let status = if report.passed { "pass" } else { "fail" };
            json!({ "version": 1, "status": status, "max_score": report.points, "tests": tests })
        }
    }
}
