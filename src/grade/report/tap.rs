//! Test Anything Protocol, version 13.

use super::{details, plain, say, ungraded_text};
use crate::grade::submission::Graded;
use crate::lab::judge::Outcome;
use crate::session::story::Lang;

pub(super) fn write(results: &[Graded], lang: Lang) -> String {
    let mut lines = Vec::new();
    for graded in results {
        let mut line = |ok: bool, name: &str, why: &[String]| {
            let number = lines.len() + 1;
            let not = if ok { "" } else { "not " };
            // A number sign would begin a directive.
            let mut text = format!("{not}ok {number} - {}", plain(name).replace('#', "\\#"));
            if !why.is_empty() {
                text.push_str("\n  ---\n  message: |\n");
                text.extend(why.iter().map(|why| format!("    {}\n", plain(why))));
                text.push_str("  ...");
            }
            lines.push(text);
        };
        match &graded.result {
            Err(error) => line(false, &graded.name, &[ungraded_text(error, lang)]),
            Ok(report) => {
                for task in &report.tasks {
                    let name = format!("{} {} {}", graded.name, task.id, say(&task.title, lang));
                    let done = task.outcome == Outcome::Done;
                    line(done, &name, &if done { Vec::new() } else { details(task, lang) });
                }
            }
        }
    }
    let mut out = format!("TAP version 13\n1..{}\n", lines.len());
    out.extend(lines.into_iter().map(|line| line + "\n"));
    out
}
