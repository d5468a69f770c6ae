//! Scripts of labs: model solutions, and ways to go wrong.
//!
//! A script is a shell script with directives in comments, so that every editor shows it well:
//!
//! ```sh
//! #@ on mx1 as root
//! postconf -e 'mydestination = $myhostname, localhost'
//! postfix reload
//! #@ wait 10m
//! #@ answer queue-id from mx1: postqueue -j | jq -r .queue_id
//! #@ answer code: 550
//! #@ task 3
//! ```
//!
//! `#@ task 3` says that all before it is what the tasks before 3 need: a stage to catch up to.

use crate::scenario::parse_duration;
use crate::sim::Duration;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Runs lines of a script.
    Run {
        /// Where.
        host: String,
        /// As whom.
        user: String,
        /// The lines.
        lines: String,
    },
    /// Writes a file with an editor, as root.
    Write {
        /// Where.
        host: String,
        /// Absolute path.
        path: String,
        /// Content.
        text: String,
    },
    /// Here the work for a task begins.
    Task(String),
    /// Lets time pass.
    Wait(Duration),
    /// Switches a host off or on.
    Power {
        /// Which.
        host: String,
        /// On.
        up: bool,
    },
    /// Answers a question.
    Answer {
        /// Its name.
        id: String,
        /// The answer.
        text: String,
    },
    /// Answers a question with what a command prints, as if read off the screen.
    AnswerFrom {
        /// Its name.
        id: String,
        /// Where the command runs.
        host: String,
        /// The command line.
        run: String,
    },
}

/// A line of a script that is no directive although it begins like one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}`: {help}")]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What would be right.
    pub help: &'static str,
}

/// The steps of a script.
///
/// # Errors
/// A directive is not one, or commands stand before the first `#@ on`.
pub fn parse(script: &str) -> Result<Vec<Step>, ScriptError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut place: Option<(String, String)> = None;
    for (number, line) in script.lines().enumerate() {
        let wrong = |help| ScriptError { line: number + 1, text: line.to_owned(), help };
        if let Some(directive) = line.strip_prefix("#@") {
            let words: Vec<&str> = directive.split_whitespace().collect();
            match words.as_slice() {
                ["on", host] => place = Some(((*host).to_owned(), "root".to_owned())),
                ["on", host, "as", user] => place = Some(((*host).to_owned(), (*user).to_owned())),
                ["wait", time] => {
                    let time = parse_duration(time).ok_or_else(|| wrong("write `#@ wait 10m`"))?;
                    steps.push(Step::Wait(time));
                }
                ["task", id] => steps.push(Step::Task((*id).to_owned())),
                ["power", host, state @ ("on" | "off")] => {
                    steps.push(Step::Power { host: (*host).to_owned(), up: *state == "on" });
                }
                ["answer", ..] => steps.push(
                    answer(directive)
                        .ok_or_else(|| wrong("write `#@ answer ID: TEXT` or `#@ answer ID from HOST: COMMAND`"))?,
                ),
                _ => {
                    return Err(wrong(
                        "known are `on HOST [as USER]`, `wait TIME`, `power HOST on|off`, `answer ID: TEXT`, `task ID`",
                    ));
                }
            }
            // A directive ends the block before it.
            if matches!(words.first(), Some(&"on")) {
                let (host, user) = place.clone().unwrap_or_default();
                steps.push(Step::Run { host, user, lines: String::new() });
            }
            continue;
        }
        match steps.last_mut() {
            Some(Step::Run { lines, .. }) => {
                lines.push_str(line);
                lines.push('\n');
            }
            _ if line.trim().is_empty() || line.starts_with('#') => {}
            _ => match &place {
                Some((host, user)) => {
                    let (host, user) = (host.clone(), user.clone());
                    steps.push(Step::Run { host, user, lines: format!("{line}\n") });
                }
                None => return Err(wrong("say first where: `#@ on HOST as USER`")),
            },
        }
    }
    steps.retain(|step| !matches!(step, Step::Run { lines, .. } if is_idle(lines)));
    Ok(steps)
}

/// A place in a script from which one can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// The task that is done next.
    pub task: &'a String,
    /// What comes before.
    pub steps: &'a [Step],
}

impl<'a> Stage<'a> {
    /// The tasks whose work comes before.
    pub fn tasks_before(self) -> impl Iterator<Item = &'a String> {
        tasks(self.steps).map(|(_, task)| task)
    }
}

/// The stages of a script in order; the first has nothing before it.
pub fn stages(steps: &[Step]) -> impl Iterator<Item = Stage<'_>> {
    tasks(steps).map(|(at, task)| Stage { task, steps: &steps[..at] })
}

fn tasks(steps: &[Step]) -> impl Iterator<Item = (usize, &String)> {
    steps.iter().enumerate().filter_map(|(at, step)| match step {
        Step::Task(task) => Some((at, task)),
        _ => None,
    })
}

/// Whether lines do nothing.
fn is_idle(lines: &str) -> bool {
    lines.lines().all(|line| line.trim().is_empty() || line.starts_with('#'))
}

fn answer(directive: &str) -> Option<Step> {
    let (head, text) = directive.split_once(':')?;
    let text = text.trim().to_owned();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["answer", id] => Some(Step::Answer { id: (*id).to_owned(), text }),
        ["answer", id, "from", host] => {
            Some(Step::AnswerFrom { id: (*id).to_owned(), host: (*host).to_owned(), run: text })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_directives_and_comments_become_steps() {
        let script = "# the model\n#@ on mx1\nnewaliases\n\ncat <<X\n# kept\nX\n#@ wait 10m\n#@ answer id from mx1: mailq | head\n#@ answer code: 550\nls\n";
        let run = |lines: &str| Step::Run { host: "mx1".into(), user: "root".into(), lines: lines.into() };
        assert_eq!(
            parse(script).unwrap(),
            [
                run("newaliases\n\ncat <<X\n# kept\nX\n"),
                Step::Wait(Duration::from_secs(600)),
                Step::AnswerFrom { id: "id".into(), host: "mx1".into(), run: "mailq | head".into() },
                Step::Answer { id: "code".into(), text: "550".into() },
                run("ls\n"),
            ]
        );
    }

    #[test]
    fn stages_have_what_comes_before_them() {
        let steps = parse("#@ task 1\n#@ on mx1\nls\n#@ task 2\ndate\n#@ task 3\n").unwrap();
        let found: Vec<(String, usize, Vec<&String>)> = stages(&steps)
            .map(|stage| (stage.task.clone(), stage.steps.len(), stage.tasks_before().collect()))
            .collect();
        let one = |id: &str| id.to_owned();
        assert_eq!(
            found,
            [(one("1"), 0, vec![]), (one("2"), 2, vec![&one("1")]), (one("3"), 4, vec![&one("1"), &one("2")])]
        );
    }

    #[test]
    fn what_is_no_directive_is_told_with_its_line() {
        let error = parse("#@ on mx1\nls\n#@ walt 3m\n").unwrap_err();
        assert_eq!((error.line, error.text.as_str()), (3, "#@ walt 3m"));
        assert!(parse("ls\n").is_err());
    }
}
