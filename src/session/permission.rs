//! What a lab lets its student do.

use super::input::{Input, InputError};
use crate::lab::written::Lab;

/// Longest answer to a question.
const MAX_ANSWER: usize = 4096;

/// Refuses what the lab does not permit; while playing and while replaying.
pub(super) fn check(lab: &Lab, input: &Input) -> Result<(), InputError> {
    let permits = &lab.permits;
    let work_as = |host: &str, user: &str| match permits.hosts.get(host) {
        Some(users) if users.iter().any(|known| known == user) => Ok(()),
        _ => Err(InputError::NotPermitted(format!("work on {host} as {user}"))),
    };
    match input {
        Input::Command { host, user, .. } | Input::Open { host, user, .. } | Input::Fetch { host, user, .. } => {
            work_as(host, user)
        }
        // The editor of files is root's.
        Input::Write { host, .. } => work_as(host, "root"),
        Input::Interrupt { host, .. } if !permits.hosts.contains_key(host) => {
            Err(InputError::NotPermitted(format!("work on {host}")))
        }
        Input::Connect { from, .. } | Input::Ask { from, .. } if !permits.hosts.contains_key(from) => {
            Err(InputError::NotPermitted(format!("connect from {from}")))
        }
        Input::Power { host, .. } if !permits.power.contains(host) => {
            Err(InputError::NotPermitted(format!("switch {host} off or on")))
        }
        Input::Join { .. } | Input::Enrol { .. } => Err(InputError::NotPermitted("add hosts".into())),
        Input::Fault { .. } | Input::Rehearse { .. } | Input::Refuse { .. } | Input::Repair { .. }
            if !permits.faults =>
        {
            Err(InputError::NotPermitted("disturb links".into()))
        }
        Input::Reply { question, text } => {
            let mut answers = lab.tasks.iter().flat_map(|task| &task.parts).flat_map(|part| part.check.answers());
            if text.len() > MAX_ANSWER {
                Err(InputError::TooMany("octets of an answer", MAX_ANSWER))
            } else if answers.any(|answer| answer.id == *question) || lab.predict.iter().any(|q| q.id == *question) {
                Ok(())
            } else {
                Err(InputError::UnknownPart("question", question.clone()))
            }
        }
        Input::Hint { task } | Input::CatchUp { task } if !lab.tasks.iter().any(|known| known.id == *task) => {
            Err(InputError::UnknownPart("task", task.clone()))
        }
        // A terminal or a process was opened with a permission.
        _ => Ok(()),
    }
}
