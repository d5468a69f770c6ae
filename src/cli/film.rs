//! `mxlab film`: a stretch of time as an animation or as single pictures, without a display.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::shot::Looks;
use super::{Outcome, files, open};
use crate::gui::gif::{Animation, Changed};
use crate::gui::still::{Still, What};
use crate::gui::studio::{self, ColorImage};
use crate::session::Session;
use crate::view::{Index, Screen};

/// Most pictures of a film.
const MOST_FRAMES: u64 = 20_000;
/// Pictures that a core draws in a row.
const BATCH: usize = 16;
/// Pictures that are held in memory before they are written.
const MOST_AT_ONCE: u64 = 64;

/// Arguments of `mxlab film`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A built-in scenario's name, a scenario file or a recording
    scenario: String,
    /// Begin so long after the scenario's beginning
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End so long after the scenario's beginning
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Pictures per second
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=50))]
    rate: u64,
    /// Speed, 2 for twice as quick
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// A file that ends in .gif, or a folder for single pictures (frames/)
    #[arg(long, short, value_name = "FILE|FOLDER/")]
    output: PathBuf,
    #[command(flatten)]
    looks: Looks,
}

/// Draws the film.
pub fn main(args: &Args) -> Outcome {
    match film(args) {
        Ok(count) => {
            eprintln!("mxlab: {count} pictures in {}", args.output.display());
            Outcome::Good
        }
        Err(error) => {
            eprintln!("mxlab: {error}");
            Outcome::Invalid
        }
    }
}

fn film(args: &Args) -> Result<u64, String> {
    if !(0.01..=1000.0).contains(&args.speed) {
        return Err(format!("--speed {}: between 0.01 and 1000", args.speed));
    }
    let session = open::session(&args.scenario)?;
    let look = args.looks.look(&session)?;
    let index = Index::new(&session);
    let from = edge("--from", args.from.as_deref(), &session, &index)?.unwrap_or(Screen(0));
    let to = edge("--to", args.to.as_deref(), &session, &index)?.unwrap_or(index.director.length());
    let step = ((1000.0 * args.speed / args.rate as f64) as u64).max(1);
    let count = to.0.saturating_sub(from.0) / step + 1;
    if count > MOST_FRAMES {
        return Err(format!("{count} pictures are too many; raise --speed, lower --rate, or set --from and --to"));
    }
    let mut sink = Sink::open(&args.output, look.size, args.rate)?;
    // A window remembers its sizes from one picture to the next; other views are drawn by all cores.
    let together = if look.what == What::Window { usize::MAX } else { BATCH };
    let mut before: Option<ColorImage> = None;
    let mut next = 0;
    while next < count {
        let end = (next + MOST_AT_ONCE).min(count);
        let draw = |still: &mut Still, number: usize| -> Result<ColorImage, String> {
            let at = Screen(from.0 + (next + number as u64) * step);
            let drawn = still.draw(&session, &index, at)?;
            Ok(still.pixels(drawn))
        };
        let numbers = (0..(end - next) as usize).into_par_iter().with_min_len(together);
        let drawn: Result<Vec<ColorImage>, String> =
            numbers.map_init(|| Still::new(look, &session, &index), draw).collect();
        let images = drawn?;
        sink.frames(next, before.as_ref(), &images)?;
        before = images.into_iter().next_back();
        next = end;
    }
    sink.close()?;
    Ok(count)
}

fn edge(name: &str, text: Option<&str>, session: &Session, index: &Index) -> Result<Option<Screen>, String> {
    let Some(text) = text else { return Ok(None) };
    let time = crate::scenario::parse_duration(text)
        .ok_or_else(|| format!("{name} {text}: not a stretch of time; write 90s or 2h30m"))?;
    Ok(Some(index.director.moment_at(session.scenario().start + time)))
}

/// Where the pictures go.
enum Sink {
    Gif { animation: Box<Animation<std::io::BufWriter<std::fs::File>>>, path: PathBuf, part: PathBuf },
    Folder(PathBuf),
}

impl Sink {
    fn open(path: &Path, size: [u32; 2], rate: u64) -> Result<Sink, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.extension().is_some_and(|extension| extension == "gif") {
            // A film that is not complete does not stand under its name.
            let part = path.with_extension("gif.part");
            let file = std::io::BufWriter::new(std::fs::File::create(&part).map_err(failed)?);
            let delay = (100 / rate.max(1)).max(1) as u16;
            let animation = Animation::new(file, size, delay).map_err(|error| error.to_string())?;
            return Ok(Sink::Gif { animation: Box::new(animation), path: path.to_owned(), part });
        }
        if path.extension().is_some() {
            return Err(format!("{}: a film is a .gif file, or a folder for single pictures", path.display()));
        }
        std::fs::create_dir_all(path).map_err(failed)?;
        Ok(Sink::Folder(path.to_owned()))
    }

    /// Takes pictures, of which the first has a number.
    fn frames(&mut self, first: u64, before: Option<&ColorImage>, images: &[ColorImage]) -> Result<(), String> {
        match self {
            Sink::Gif { animation, .. } => {
                let change = |place: usize| {
                    let before = place.checked_sub(1).map_or(before, |place| images.get(place));
                    Changed::between(before, &images[place])
                };
                let changes: Vec<Changed> = (0..images.len()).into_par_iter().map(change).collect();
                changes.into_iter().try_for_each(|change| animation.add(change)).map_err(|error| error.to_string())
            }
            Sink::Folder(folder) => {
                let write = |(place, image): (usize, &ColorImage)| {
                    let file = folder.join(format!("{:05}.png", first + place as u64));
                    let content = studio::png(image).map_err(|error| error.to_string())?;
                    files::write_atomically(&file, &content).map_err(|error| format!("{}: {error}", file.display()))
                };
                images.par_iter().enumerate().try_for_each(write)
            }
        }
    }

    fn close(self) -> Result<(), String> {
        let Sink::Gif { animation, path, part } = self else { return Ok(()) };
        animation.finish().map_err(|error| error.to_string())?;
        std::fs::rename(&part, &path).map_err(|error| format!("{}: {error}", path.display()))
    }
}
