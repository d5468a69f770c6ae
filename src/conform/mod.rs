//! Golden cases: little worlds with a script and a recording of what Postfix 3.7 did there.
//!
//! [`Case`] is the file without its recording, [`run`] plays it, [`normalise()`] and
//! [`differences`] compare the result with a recording. A run never sees the recording.

mod build;
pub mod case;
mod collect;
pub mod compare;
mod name_server;
pub mod normalise;
pub mod recording;
pub mod report;
mod run;
pub mod sink;
pub mod text;

use serde_json::Value;

pub use case::Case;
pub use compare::{Difference, differences};
pub use normalise::normalise;
pub use recording::Recording;
pub use run::{ConformError, run};

/// The recording of a case file, if it has one.
///
/// # Errors
/// The text is not JSON.
pub fn expectation(text: &str) -> Result<Option<Value>, serde_json::Error> {
    let mut case: Value = serde_json::from_str(&text::unescape_surrogates(text))?;
    Ok(case.get_mut("expect").map(Value::take).filter(|expect| !expect.is_null()))
}

/// What became of one case.
#[derive(Debug)]
pub enum Verdict {
    /// The result agrees with the recording.
    Passed,
    /// It was played, but the file holds no recording to compare with.
    Played,
    /// The result differs.
    Differs(Vec<Difference>),
    /// It could not be played.
    Failed(String),
}

/// Plays the case in `text` and compares; also returns the raw result.
pub fn check(text: &str) -> (Verdict, Option<Recording>) {
    let case = match Case::parse(text) {
        Ok(case) => case,
        Err(error) => return (Verdict::Failed(error.to_string()), None),
    };
    let recording = match run(&case) {
        Ok(recording) => recording,
        Err(error) => return (Verdict::Failed(error.to_string()), None),
    };
    let verdict = match expectation(text) {
        Err(error) => Verdict::Failed(error.to_string()),
        Ok(None) => Verdict::Played,
        Ok(Some(expected)) => {
            let found = differences(&expected, &normalise(&recording.to_json()), &case.volatile);
            if found.is_empty() { Verdict::Passed } else { Verdict::Differs(found) }
        }
    };
    (verdict, Some(recording))
}
