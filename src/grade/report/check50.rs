//! What `check50 -o json` writes, so that whatever shows its results shows these.

use serde_json::{Value, json};

use super::{details, gist, pretty, say, ungraded_text};
use crate::grade::submission::Graded;
use crate::lab::judge::{Outcome, TaskResult};
use crate::session::recording::ENGINE;
use crate::session::story::Lang;

pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    let slug = format!("mxlab/{}", lab.to_lowercase());
    let value = match &graded.result {
        Err(error) => json!({
            "slug": slug,
            "error": {
                "type": "Ungraded", "value": ungraded_text(error, lang), "traceback": [], "data": {},
            },
            "version": ENGINE,
        }),
        Ok(report) => json!({
            "slug": slug,
            "results": report.tasks.iter().map(|task| result(task, lang)).collect::<Vec<_>>(),
            "version": ENGINE,
        }),
    };
    pretty(&value)
}

fn result(task: &TaskResult, lang: Lang) -> Value {
    // A task that waits for another one is what check50 calls skipped.
    let (passed, dependency) = match &task.outcome {
        Outcome::Done => (json!(true), Value::Null),
        Outcome::Waiting(other) => (Value::Null, json!(name(other))),
        _ => (json!(false), Value::Null),
    };
    let cause = match &task.outcome {
        Outcome::Done => Value::Null,
        _ => {
            let missing = task.parts.iter().find(|part| part.percent < 100);
            let mut cause = json!({ "rationale": gist(task, lang), "help": Value::Null });
            if let (Some(part), Some(cause)) = (missing, cause.as_object_mut()) {
                cause.insert("expected".into(), say(&part.finding.expected, lang).into());
                cause.insert("actual".into(), say(&part.finding.actual, lang).into());
            }
            cause
        }
    };
    json!({
        "name": name(&task.id),
        "description": say(&task.title, lang),
        "passed": passed,
        "log": if task.outcome == Outcome::Done { Vec::new() } else { details(task, lang) },
        "cause": cause,
        "data": { "points": super::number(task.earned), "max_points": task.points },
        "dependency": dependency,
    })
}

/// A task as the name of a check: an identifier.
fn name(id: &str) -> String {
    let word: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("task_{word}")
}
