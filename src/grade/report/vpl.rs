//! Moodle's Virtual Programming Lab: a block of comments, and the grade.

use super::{number, text};
use crate::grade::submission::Graded;
use crate::session::story::Lang;

/// The marks that VPL looks for, wherever they stand.
const MARKS: [(&str, &str); 3] = [(":=>>", ": =>>"), ("<|--", "<| --"), ("--|>", "-- |>")];

/// The grade is in the lab's points: so must be the activity's maximum.
pub(super) fn write(graded: &Graded, lab: &str, lang: Lang) -> String {
    let mut comments = text::one(graded, lab, lang);
    // A student's words could hold a grade.
    for (mark, harmless) in MARKS {
        comments = comments.replace(mark, harmless);
    }
    // A line after `>` is shown as it is.
    let comments: String = comments.lines().map(|line| format!(">{line}\n")).collect();
    let earned = graded.result.as_ref().map_or(0, |report| report.earned);
    format!("<|--\n{comments}--|>\nGrade :=>> {}\n", number(earned))
}
