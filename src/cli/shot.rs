//! `mxlab shot`: a picture of a moment, without a display.

use std::path::PathBuf;

use super::{Outcome, files, open};
use crate::gui::still::{Look, Still, What};
use crate::gui::studio;
use crate::session::Session;
use crate::session::words::Lang;
use crate::trace::EventId;
use crate::view::{Index, Screen};

/// How pictures look; the same for `shot` and `film`.
#[derive(clap::Args, Debug)]
pub struct Looks {
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: String,
    /// Light text on a dark ground
    #[arg(long)]
    dark: bool,
    /// Language of narration and captions
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// What is shown: map, host:NAME, session:NUMBER, sequence or window
    #[arg(long, value_name = "VIEW", default_value = "map")]
    view: String,
}

/// Arguments of `mxlab shot`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A built-in scenario's name, a scenario file or a recording
    scenario: String,
    /// So long after the beginning: 300ms, 90s, 2h; the end if neither this nor an event is given
    #[arg(long, value_name = "TIME", conflicts_with = "event")]
    at: Option<String>,
    /// When this event has happened, by its number in `mxlab run --format json`
    #[arg(long, value_name = "NUMBER")]
    event: Option<u64>,
    /// How far the step is at that moment, from 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 1.0)]
    part: f32,
    /// The picture: a file that ends in .png or .svg
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    looks: Looks,
}

impl Looks {
    /// What they mean for a session.
    ///
    /// # Errors
    /// A size or a view that there is not, in words for people.
    pub fn look(&self, session: &Session) -> Result<Look, String> {
        let size = self.size.split_once('x').and_then(|(width, height)| {
            let side = |text: &str| text.parse::<u32>().ok().filter(|side| (64..=8192).contains(side));
            Some([side(width)?, side(height)?])
        });
        let size = size.ok_or_else(|| format!("--size {}: write 1280x720; sides from 64 to 8192", self.size))?;
        Ok(Look { size, dark: self.dark, lang: self.lang, what: what(&self.view, session)? })
    }
}

fn what(view: &str, session: &Session) -> Result<What, String> {
    match view.split_once(':') {
        None if view == "map" => Ok(What::Map),
        None if view == "sequence" => Ok(What::Sequence),
        None if view == "window" => Ok(What::Window),
        Some(("host", name)) => {
            let names: Vec<&str> = session.world().hosts().map(|host| host.name.as_str()).collect();
            let unknown = || format!("--view {view}: no host `{name}`; there are {}", names.join(", "));
            session.world().find(name).map(What::Host).ok_or_else(unknown)
        }
        Some(("session", number)) => {
            let number: usize = number.parse().map_err(|_| format!("--view {view}: write session:1"))?;
            Ok(What::Session(number))
        }
        _ => Err(format!("--view {view}: write map, host:NAME, session:NUMBER, sequence or window")),
    }
}

/// Draws the picture.
pub fn main(args: &Args) -> Outcome {
    match shoot(args) {
        Ok(()) => Outcome::Good,
        Err(error) => {
            eprintln!("mxlab: {error}");
            Outcome::Invalid
        }
    }
}

fn shoot(args: &Args) -> Result<(), String> {
    let session = open::session(&args.scenario)?;
    let look = args.looks.look(&session)?;
    let index = Index::new(&session);
    let at = moment(args, &session, &index)?;
    let mut still = Still::new(look, &session, &index);
    let drawn = still.draw(&session, &index, at)?;
    let failed = |error: String| format!("{}: {error}", args.output.display());
    let content = match args.output.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => drawn.svg().into_bytes(),
        Some("png") => studio::png(&still.pixels(drawn)).map_err(|error| failed(error.to_string()))?,
        _ => return Err(failed("the name of a picture ends in .png or .svg".into())),
    };
    files::write_atomically(&args.output, &content).map_err(|error| failed(error.to_string()))
}

/// The moment of the screen that is meant.
fn moment(args: &Args, session: &Session, index: &Index) -> Result<Screen, String> {
    let end = match (&args.at, args.event) {
        (Some(text), _) => {
            let time = crate::scenario::parse_duration(text)
                .ok_or_else(|| format!("--at {text}: not a stretch of time; write 300ms, 90s or 2h30m"))?;
            index.director.moment_at(session.scenario().start + time)
        }
        (None, Some(number)) if number == 0 || number > index.len() => {
            return Err(format!("--event {number}: there are events 1 to {}", index.len()));
        }
        (None, Some(number)) => index.director.moment_of(EventId(number)),
        (None, None) => index.director.length(),
    };
    if args.part >= 1.0 {
        return Ok(end);
    }
    let beat = index.director.beat_at(end).and_then(|number| index.director.beats().get(number));
    let within = beat.map(|beat| beat.at.0 + (f64::from(beat.millis) * f64::from(args.part.max(0.0))) as u64);
    Ok(within.map_or(end, Screen))
}
