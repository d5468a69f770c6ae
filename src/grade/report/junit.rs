//! JUnit XML, as Jenkins, GitLab and others read it. It knows no points: they stand in properties.

use std::fmt::Write as _;

use super::markup::escape;
use super::{details, points, say, ungraded_text};
use crate::grade::submission::Graded;
use crate::lab::judge::Outcome;
use crate::session::story::Lang;

pub(super) fn write(results: &[Graded], lab: &str, lang: Lang) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for graded in results {
        suite(&mut out, graded, lab, lang);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, graded: &Graded, lab: &str, lang: Lang) {
    let tasks = graded.result.as_ref().map(|report| report.tasks.as_slice()).unwrap_or_default();
    let failures = tasks.iter().filter(|task| task.outcome != Outcome::Done).count();
    let errors = usize::from(graded.result.is_err());
    let (name, class, count) = (escape(&graded.name), escape(lab), tasks.len() + errors);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">"
    );
    let mut properties = vec![("student", escape(&graded.student.id))];
    if let Ok(report) = &graded.result {
        properties.extend([("points", points(report.earned)), ("max_points", report.points.to_string())]);
    }
    out.push_str("    <properties>\n");
    for (name, value) in properties {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>");
    }
    out.push_str("    </properties>\n");
    if let Err(error) = &graded.result {
        let message = escape(&ungraded_text(error, lang));
        let _ = writeln!(
            out,
            "    <testcase classname=\"{class}\" name=\"{class}\"><error message=\"{message}\" type=\"ungraded\"/></testcase>"
        );
    }
    for task in tasks {
        let name = escape(&format!("{} {}", task.id, say(&task.title, lang)));
        let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\"");
        if task.outcome == Outcome::Done {
            out.push_str("/>\n");
        } else {
            let message = format!("{}/{}", points(task.earned), task.points);
            let (kind, body) = (super::outcome_name(&task.outcome), escape(&details(task, lang).join("\n")));
            let _ = writeln!(out, "><failure message=\"{message}\" type=\"{kind}\">{body}</failure></testcase>");
        }
    }
    out.push_str("  </testsuite>\n");
}
