//! All there is, as one JSON document.

use serde_json::{Value, json};

use super::{Grading, both, number, outcome_name, pretty, remark_text};
use crate::grade::submission::Graded;
use crate::lab::judge::{Outcome, TaskResult};
use crate::session::recording::ENGINE;
use crate::session::story::Lang;

pub(super) fn write(grading: &Grading) -> String {
    pretty(&json!({
        "lab": grading.lab,
        "lab_digest": grading.digest,
        "engine": ENGINE,
        "key": grading.key,
        "submissions": grading.results.iter().map(whole).collect::<Vec<_>>(),
        "missing": grading.missing.iter().map(|member| json!({ "id": member.id, "name": member.name })).collect::<Vec<_>>(),
        "suspicions": grading.suspicions.iter().map(crate::grade::similar::Suspicion::to_json).collect::<Vec<_>>(),
    }))
}

fn whole(graded: &Graded) -> Value {
    let remarks: Vec<String> = graded.remarks.iter().map(|remark| remark_text(remark, Lang::En)).collect();
    let mut value = json!({
        "name": graded.name, "student": graded.student.id, "class": graded.student.class, "person": graded.person,
        "remarks": remarks,
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
            let predictions = graded.predictions.iter();
            let predictions = predictions
                .map(|given| json!({ "question": given.question, "choice": given.choice, "right": given.is_right }));
            object.insert("predictions".into(), predictions.collect());
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
        "reduced": task.reduced.iter().map(both).collect::<Vec<_>>(),
    })
}
