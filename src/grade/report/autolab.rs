//! Autolab: what a student reads, and the scores as JSON in the last line.

use serde_json::{Map, json};

use super::{number, text};
use crate::grade::submission::Graded;
use crate::session::story::Lang;

/// The keys of the scores are the tasks' ids: the assessment's problems must be called so.
pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    let tasks = graded.result.as_ref().map(|report| report.tasks.as_slice()).unwrap_or_default();
    let scores: Map<_, _> = tasks.iter().map(|task| (task.id.clone(), number(task.earned))).collect();
    format!("{}{}\n", text::one(graded, lab, lang), json!({ "scores": scores }))
}
