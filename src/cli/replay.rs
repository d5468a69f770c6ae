//! `mxlab replay`: plays a recording again.

use std::path::PathBuf;
use std::sync::Arc;

use super::run::{Show, show};
use super::{Outcome, files};
use crate::session::{Drift, Recording, Session};

/// Arguments of `mxlab replay`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The recording
    recording: PathBuf,
    /// The scenario or lab, if it is not a built-in one
    #[arg(long)]
    scenario: Option<String>,
    #[command(flatten)]
    show: Show,
}

/// Replays; digests that are not reproduced are told, and fail if the engine is the same.
pub fn main(args: &Args) -> Outcome {
    let path = args.recording.display();
    let text = match std::fs::read_to_string(&args.recording) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("mxlab: {path}: {error}");
            return Outcome::Invalid;
        }
    };
    let (recording, intact) = match Recording::parse(&text) {
        Ok(recording) => (recording, true),
        Err(damage) => {
            eprintln!("mxlab: {path}: {damage}");
            let Some(readable) = damage.readable else { return Outcome::Invalid };
            eprintln!("mxlab: {path}: playing the {} lines before it", readable.entries.len() + 1);
            (*readable, false)
        }
    };
    match replayed(args, &recording) {
        Ok((session, drift)) => {
            show(&session, &args.show);
            for drift in &drift {
                let why = if drift.comparable { "differs" } else { "is not comparable: another engine version" };
                eprintln!("mxlab: the digest at {} {why}", drift.time);
            }
            match (intact, drift.iter().any(|drift| drift.comparable)) {
                (false, _) => Outcome::Invalid,
                (true, true) => Outcome::Failed,
                (true, false) => Outcome::Good,
            }
        }
        Err(Some(error)) => {
            eprintln!("mxlab: {path}: {error}");
            Outcome::Invalid
        }
        Err(None) => Outcome::Invalid,
    }
}

/// The session at the recording's end; an error without words was told already.
fn replayed(args: &Args, recording: &Recording) -> Result<(Session, Vec<Drift>), Option<String>> {
    if let Some(lab) = &recording.header.lab {
        let name = args.scenario.as_deref().unwrap_or(&lab.name);
        let variant = super::lab::variant(name, &lab.student)?;
        let replayed = Session::replay_lab(variant, recording).map_err(|error| error.to_string())?;
        return Ok((super::lab::shown_whole(replayed.session)?, replayed.drift));
    }
    let name = args.scenario.as_deref().unwrap_or(&recording.header.scenario);
    let scenario = files::load(name).ok_or(None)?;
    Session::replay(Arc::new(scenario), recording).map_err(|error| Some(error.to_string()))
}
