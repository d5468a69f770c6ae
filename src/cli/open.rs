//! What a name on the command line stands for: a scenario played to its end, a lab, or a recording.

use std::path::Path;
use std::sync::Arc;

use super::files;
use crate::lab::variation::Student;
use crate::session::{Recording, Session};

/// A session of a built-in scenario, a lab, a scenario file or a recording.
///
/// # Errors
/// There is nothing of this name, it is not valid, or it has no world; in words for people.
pub fn session(name: &str) -> Result<Session, String> {
    if let Some(text) = recording_text(Path::new(name)) {
        return replay(name, &text);
    }
    if files::is_lab(name) {
        return super::lab::begin(name, &Student::default(), None).map_err(|error| format!("{name}: {error}"));
    }
    let scenario = Arc::new(files::scenario(name)?);
    let mut session = Session::new(scenario, None, None).map_err(|error| format!("{name}: {error}"))?;
    session.run_script(None);
    Ok(session)
}

/// What is wrong with a recording of which a part can be read all the same.
pub fn damage(name: &str) -> Option<String> {
    let damage = Recording::parse(&recording_text(Path::new(name))?).err()?;
    damage.readable.is_some().then(|| format!("{name}: {damage}"))
}

/// The text of a file that begins like a recording: with a checksum and a JSON object.
fn recording_text(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let (sum, json) = text.split_once(' ')?;
    (sum.bytes().all(|octet| octet.is_ascii_hexdigit()) && json.starts_with('{')).then_some(text)
}

fn replay(name: &str, text: &str) -> Result<Session, String> {
    let recording = match Recording::parse(text) {
        Ok(recording) => recording,
        // What can be read is shown; the rest is told.
        Err(damage) => {
            let told = format!("{name}: {damage}");
            let Some(readable) = damage.readable else { return Err(told) };
            eprintln!("mxlab: {told}");
            *readable
        }
    };
    if recording.header.lab.is_some() {
        let session = super::lab::resume(Path::new(name))?;
        return super::lab::shown_whole(session).map_err(|error| format!("{name}: {error}"));
    }
    let scenario = Arc::new(files::scenario(&recording.header.scenario)?);
    match Session::replay(scenario, &recording) {
        Ok((session, _)) => Ok(session),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
