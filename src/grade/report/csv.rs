//! One line per submission and task, for spreadsheets.

use super::{outcome_name, points, ungraded_text};
use crate::grade::submission::Graded;
use crate::session::story::Lang;

pub(super) fn write(results: &[Graded]) -> String {
    let mut out = String::from("name,student,person,task,points,earned,outcome\n");
    let mut row = |cells: [&str; 7]| {
        out.push_str(&cells.map(cell).join(","));
        out.push('\n');
    };
    for graded in results {
        let (name, student, person) = (graded.name.as_str(), graded.student.id.as_str(), graded.person.as_str());
        match &graded.result {
            Err(error) => row([name, student, person, "total", "", "0", &ungraded_text(error, Lang::En)]),
            Ok(report) => {
                for task in &report.tasks {
                    let (most, earned) = (task.points.to_string(), points(task.earned));
                    row([name, student, person, &task.id, &most, &earned, outcome_name(&task.outcome)]);
                }
                let verdict = if report.passed { "passed" } else { "not passed" };
                let (most, earned) = (report.points.to_string(), points(report.earned));
                row([name, student, person, "total", &most, &earned, verdict]);
            }
        }
    }
    out
}

fn cell(text: &str) -> String {
    // A leading sign would make a spreadsheet compute.
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_students_compute_nothing_and_stay_in_their_column() {
        assert_eq!(cell("=cmd(),\"x\""), "\"'=cmd(),\"\"x\"\"\"");
        assert_eq!(cell("plain"), "plain");
    }
}
