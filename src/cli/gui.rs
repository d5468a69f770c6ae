//! `mxlab` and `mxlab gui`: the window.

use std::path::PathBuf;

use super::{Outcome, files, open};
use crate::gui::run::{Twin, run};
#[cfg(feature = "live")]
use crate::gui::shared::Shared;
use crate::gui::shelf::{Entry, EntryKind, Settings, Shelf};
use crate::gui::window::Window;
use crate::lab::Student;
use crate::lab::written::Text;
use crate::scenario::Scenario;
use crate::session::Session;

/// Arguments of `mxlab gui`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// A built-in scenario's name, a scenario file or a recording; the chooser if missing
    name: Option<String>,
    /// Keep what is shown in this file, in words: for readers of the screen
    #[arg(long, value_name = "FILE")]
    twin: Option<PathBuf>,
}

/// Opens the window.
pub fn main(args: &Args) -> Outcome {
    let mut window = match window() {
        Ok(window) => window,
        Err(outcome) => return outcome,
    };
    if let Some(name) = &args.name {
        // What cannot be opened is said where the command was typed.
        if let Err(error) = open::session(name) {
            eprintln!("mxlab: {error}");
            return Outcome::Invalid;
        }
        window.open(name);
    }
    stay(window, args.twin.clone())
}

/// Opens the window on a session that is driven elsewhere.
#[cfg(feature = "live")]
pub fn share(name: &str, shared: Box<dyn Shared>) -> Outcome {
    match window() {
        Ok(mut window) => {
            window.share(name, shared);
            stay(window, None)
        }
        Err(outcome) => outcome,
    }
}

fn window() -> Result<Window, Outcome> {
    if !has_display() {
        eprintln!(
            "mxlab: there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set).\n\
             Without one:\n  \
             mxlab run SCENARIO             tells the story as text\n  \
             mxlab shot SCENARIO -o x.png   draws a picture of a moment\n  \
             mxlab film SCENARIO -o x.gif   draws an animation\n  \
             mxlab list                     shows what there is"
        );
        return Err(Outcome::Invalid);
    }
    Ok(Window::new(Box::new(Disk)).with_pictures(picture))
}

fn stay(window: Window, twin: Option<PathBuf>) -> Outcome {
    let size = window.settings().size;
    let twin = twin.map(|file| -> Twin {
        // A file that cannot be written is told once; the window works without.
        let mut told = false;
        Box::new(move |text| {
            if let Err(error) = files::write_atomically(&file, text.as_bytes())
                && !std::mem::replace(&mut told, true)
            {
                eprintln!("mxlab: {}: {error}", file.display());
            }
        })
    });
    match run(window, size, twin) {
        Ok(()) => Outcome::Good,
        Err(error) => {
            eprintln!("mxlab: the window cannot be opened: {error}");
            Outcome::Invalid
        }
    }
}

/// Whether there is a screen. Other systems always have one.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn picture(name: &str) -> Option<Scenario> {
    if files::is_lab(name) {
        let lab = super::lab::variant(name, &Student::default()).ok()?;
        return Some((*lab.scenario).clone());
    }
    files::scenario(name).ok()
}

/// The real machine's disk.
struct Disk;

/// The folder for what is remembered.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base =
        set("XDG_STATE_HOME").or_else(|| set("LOCALAPPDATA")).or_else(|| Some(set("HOME")?.join(".local/state")));
    Some(base?.join("mxlab"))
}

/// Extension of recordings.
const EXTENSION: &str = "mxlab";
/// Most recordings that are offered.
const MOST_RECORDINGS: usize = 12;

/// A text as a part of a file's name.
fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

/// What was done in earlier sittings, newest first.
fn recordings() -> Vec<Entry> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == EXTENSION));
    let mut dated: Vec<(std::time::SystemTime, PathBuf)> =
        files.filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).collect();
    dated.sort_unstable_by(|one, other| other.cmp(one));
    let entry = |(time, path): (std::time::SystemTime, PathBuf)| {
        let title = path.file_stem()?.to_string_lossy().into_owned();
        let when = jiff::Timestamp::try_from(time).ok()?.to_zoned(jiff::tz::TimeZone::system());
        let when = when.strftime("%Y-%m-%d %H:%M").to_string();
        let same = |text: String| crate::scenario::written::Text { en: text.clone(), de: text };
        let name = path.to_string_lossy().into_owned();
        Some(Entry { name, title: same(title), summary: same(when), kind: EntryKind::Recording })
    };
    dated.into_iter().take(MOST_RECORDINGS).filter_map(entry).collect()
}

impl Shelf for Disk {
    fn now(&self) -> u64 {
        super::lab::seconds_now()
    }

    fn demonstrations(&self) -> Vec<Entry> {
        let entry = |name: String| {
            let scenario = files::scenario(&name).ok()?;
            Some(Entry { name, title: scenario.title, summary: scenario.summary, kind: EntryKind::Demonstration })
        };
        let lab = |name: String| {
            let lab = files::load_lab(&name)?;
            let text = |text: &Text| crate::scenario::written::Text { en: text.en.clone(), de: text.de.clone() };
            let written = lab.written();
            let (title, summary) = (text(&written.title), text(&written.summary));
            Some(Entry { name, title, summary, kind: EntryKind::Lab })
        };
        let scenarios = files::built_in_names().into_iter().filter_map(entry);
        scenarios.chain(files::built_in_labs().into_iter().filter_map(lab)).chain(recordings()).collect()
    }

    fn remark(&self, name: &str) -> Option<String> {
        open::damage(name)
    }

    fn sitting(&self, session: &Session) -> String {
        match session.lab() {
            Some(lab) => lab.name.clone(),
            None => {
                let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::system());
                format!("{}-{}", session.scenario().name, now.strftime("%Y%m%d-%H%M%S"))
            }
        }
    }

    fn open(&self, name: &str) -> Result<Session, String> {
        // Work on a lab goes on where it was left.
        let kept = folder().map(|folder| folder.join(format!("{name}.mxlab")));
        if let Some(kept) = kept.filter(|kept| files::is_lab(name) && kept.is_file()) {
            match super::lab::resume(&kept) {
                Ok(session) => return Ok(session),
                Err(error) => eprintln!("mxlab: {error}"),
            }
        }
        open::session(name)
    }

    fn keep(&self, sitting: &str, branch: Option<&str>, session: &Session) -> Result<(), String> {
        let Some(folder) = folder() else { return Ok(()) };
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let name = match branch {
            Some(branch) => format!("{sitting}.{}", file_name(branch)),
            None => sitting.to_owned(),
        };
        let file = folder.join(format!("{}.{EXTENSION}", file_name(&name)));
        files::write_atomically(&file, session.recording().to_text().as_bytes()).map_err(failed)
    }

    #[cfg(feature = "live")]
    fn open_sockets(&self, session: Session) -> Result<Box<dyn Shared>, String> {
        Ok(Box::new(super::wire::Wire::open(session)?))
    }

    fn settings(&self) -> Settings {
        let text = folder().and_then(|folder| std::fs::read_to_string(folder.join("settings.json")).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn remember(&self, settings: &Settings) {
        let (Some(folder), Ok(text)) = (folder(), serde_json::to_string_pretty(settings)) else { return };
        // Only comfort: without it the window works as well.
        let _ = std::fs::create_dir_all(&folder)
            .and_then(|()| files::write_atomically(&folder.join("settings.json"), text.as_bytes()));
    }
}
