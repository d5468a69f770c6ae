//! `mxlab film`: a stretch of time as an animation or as single pictures, without a display.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage};

use super::shot::Looks;
use super::{Outcome, files, open};
use crate::gui::still::Still;
use crate::gui::studio;
use crate::session::Session;
use crate::view::{Index, Screen};

/// Most pictures of a film.
const MOST_FRAMES: u64 = 20_000;

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
    let mut still = Still::new(look, &session, &index);
    let mut sink = Sink::open(&args.output, args.rate)?;
    for number in 0..count {
        let drawn = still.draw(&session, &index, Screen(from.0 + number * step))?;
        sink.frame(number, &still.pixels(drawn))?;
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
    Gif { encoder: Box<GifEncoder<std::io::BufWriter<std::fs::File>>>, delay: Delay, path: PathBuf, part: PathBuf },
    Folder(PathBuf),
}

impl Sink {
    fn open(path: &Path, rate: u64) -> Result<Sink, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.extension().is_some_and(|extension| extension == "gif") {
            // A film that is not complete does not stand under its name.
            let part = path.with_extension("gif.part");
            let file = std::io::BufWriter::new(std::fs::File::create(&part).map_err(failed)?);
            let mut encoder = Box::new(GifEncoder::new_with_speed(file, 20));
            encoder.set_repeat(Repeat::Infinite).map_err(|error| error.to_string())?;
            let delay = Delay::from_numer_denom_ms(1000, rate as u32);
            return Ok(Sink::Gif { encoder, delay, path: path.to_owned(), part });
        }
        if path.extension().is_some() {
            return Err(format!("{}: a film is a .gif file, or a folder for single pictures", path.display()));
        }
        std::fs::create_dir_all(path).map_err(failed)?;
        Ok(Sink::Folder(path.to_owned()))
    }

    fn frame(&mut self, number: u64, image: &studio::ColorImage) -> Result<(), String> {
        match self {
            Sink::Gif { encoder, delay, .. } => {
                let (width, height) = (image.size[0] as u32, image.size[1] as u32);
                let pixels = RgbaImage::from_raw(width, height, studio::rgba(image)).unwrap_or_default();
                let frame = Frame::from_parts(pixels, 0, 0, *delay);
                encoder.encode_frame(frame).map_err(|error| error.to_string())
            }
            Sink::Folder(folder) => {
                let file = folder.join(format!("{number:05}.png"));
                let content = studio::png(image).map_err(|error| error.to_string())?;
                files::write_atomically(&file, &content).map_err(|error| format!("{}: {error}", file.display()))
            }
        }
    }

    fn close(self) -> Result<(), String> {
        let Sink::Gif { encoder, path, part, .. } = self else { return Ok(()) };
        drop(encoder);
        std::fs::rename(&part, &path).map_err(|error| format!("{}: {error}", path.display()))?;
        std::io::stderr().flush().map_err(|error| error.to_string())
    }
}
