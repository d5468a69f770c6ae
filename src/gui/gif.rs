//! Pictures as an animated GIF: each picture holds only what differs from the one before.

use std::collections::HashMap;
use std::io::Write;

use egui::epaint::ColorImage;
use gif::{DisposalMethod, EncodingError, Frame, Repeat};

/// Colours of one picture.
const COLOURS: usize = 256;

/// An animation that is being written; it repeats for ever.
pub struct Animation<W: Write> {
    encoder: gif::Encoder<W>,
    /// The last picture, which may be shown for longer.
    pending: Option<Frame<'static>>,
    /// How long a picture is shown, in hundredths of a second.
    delay: u16,
}

/// The part of a picture that differs from the one before, ready to be written; nothing if they are the same.
pub struct Changed(Option<Frame<'static>>);

impl<W: Write> Animation<W> {
    /// Begins an animation of a size, with so many hundredths of a second per picture.
    ///
    /// # Errors
    /// The picture is larger than the format allows, or nothing can be written.
    pub fn new(writer: W, size: [u32; 2], delay: u16) -> Result<Animation<W>, EncodingError> {
        let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
        let mut encoder = gif::Encoder::new(writer, side(size[0]), side(size[1]), &[])?;
        encoder.set_repeat(Repeat::Infinite)?;
        Ok(Animation { encoder, pending: None, delay })
    }

    /// Adds a picture.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn add(&mut self, changed: Changed) -> Result<(), EncodingError> {
        match (changed.0, &mut self.pending) {
            (None, Some(pending)) if pending.delay <= u16::MAX - self.delay => pending.delay += self.delay,
            (None, _) => {}
            (Some(mut frame), pending) => {
                frame.delay = self.delay;
                if let Some(last) = pending.replace(frame) {
                    self.encoder.write_lzw_pre_encoded_frame(&last)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the animation.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn finish(mut self) -> Result<(), EncodingError> {
        if let Some(last) = self.pending.take() {
            self.encoder.write_lzw_pre_encoded_frame(&last)?;
        }
        self.encoder.into_inner()?.flush()?;
        Ok(())
    }
}

impl Changed {
    /// What differs from the picture before; everything if there is none.
    pub fn between(before: Option<&ColorImage>, image: &ColorImage) -> Changed {
        let [width, height] = image.size;
        let area = match before.filter(|before| before.size == image.size) {
            None => Some([0, 0, width, height]),
            Some(before) => difference(before, image),
        };
        Changed(area.map(|area| frame(image, area)))
    }
}

/// The smallest rectangle around all that differs: left, top, width, height.
fn difference(before: &ColorImage, image: &ColorImage) -> Option<[usize; 4]> {
    let width = image.size[0].max(1);
    let rows = || before.pixels.chunks(width).zip(image.pixels.chunks(width)).enumerate();
    let differs = |(_, (old, new)): &(usize, (&[egui::Color32], &[egui::Color32]))| old != new;
    let (mut top, mut bottom, mut left, mut right) = (usize::MAX, 0, usize::MAX, 0);
    for (y, (old, new)) in rows().filter(differs) {
        (top, bottom) = (top.min(y), y + 1);
        let first = old.iter().zip(new).position(|(old, new)| old != new).unwrap_or(0);
        let last = old.iter().zip(new).rposition(|(old, new)| old != new).unwrap_or(0);
        (left, right) = (left.min(first), right.max(last + 1));
    }
    (bottom > 0).then(|| [left, top, right - left, bottom - top])
}

fn frame(image: &ColorImage, [left, top, width, height]: [usize; 4]) -> Frame<'static> {
    let row = |y: usize| &image.pixels[(top + y) * image.size[0] + left..][..width];
    let key = |pixel: &egui::Color32| u32::from_be_bytes([0, pixel.r(), pixel.g(), pixel.b()]);
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for y in 0..height {
        for run in row(y).chunk_by(|one, other| one == other) {
            *counts.entry(key(&run[0])).or_default() += run.len() as u32;
        }
    }
    // The most frequent colours; what is left over are shades at the edges of letters.
    let mut colours: Vec<(u32, u32)> = counts.into_iter().map(|(colour, count)| (count, colour)).collect();
    colours.sort_unstable_by(|one, other| other.cmp(one));
    let palette: Vec<u32> = colours.iter().take(COLOURS).map(|(_, colour)| *colour).collect();
    let place = |(number, (_, colour)): (usize, &(u32, u32))| {
        let index = if number < COLOURS { number } else { nearest(&palette, *colour) };
        (*colour, index as u8)
    };
    let places: HashMap<u32, u8> = colours.iter().enumerate().map(place).collect();
    let mut buffer = Vec::with_capacity(width * height);
    for y in 0..height {
        for run in row(y).chunk_by(|one, other| one == other) {
            let index = places.get(&key(&run[0])).copied().unwrap_or(0);
            buffer.resize(buffer.len() + run.len(), index);
        }
    }
    let octets = palette.iter().flat_map(|colour| colour.to_be_bytes().into_iter().skip(1)).collect();
    let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let mut frame = Frame {
        dispose: DisposalMethod::Keep,
        left: side(left),
        top: side(top),
        width: side(width),
        height: side(height),
        palette: Some(octets),
        buffer: buffer.into(),
        ..Frame::default()
    };
    frame.make_lzw_pre_encoded();
    frame
}

/// The colour of a palette that is most like another one.
fn nearest(palette: &[u32], colour: u32) -> usize {
    let distance = |other: &u32| -> i32 {
        let channels = colour.to_be_bytes().into_iter().zip(other.to_be_bytes());
        channels.map(|(one, other)| (i32::from(one) - i32::from(other)).pow(2)).sum()
    };
    let best = palette.iter().enumerate().min_by_key(|(_, other)| distance(other));
    best.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use egui::Color32;

    use super::*;

    fn picture(spot: Option<(usize, usize)>) -> ColorImage {
        let mut image = ColorImage::filled([8, 6], Color32::WHITE);
        if let Some((x, y)) = spot {
            image.pixels[y * 8 + x] = Color32::from_rgb(10, 20, 30);
        }
        image
    }

    #[test]
    fn only_what_differs_is_written_and_the_same_picture_stays_for_longer() {
        let pictures = [picture(None), picture(Some((3, 2))), picture(Some((3, 2)))];
        let mut file = Vec::new();
        let mut animation = Animation::new(&mut file, [8, 6], 10).unwrap();
        let mut before = None;
        for image in &pictures {
            animation.add(Changed::between(before, image)).unwrap();
            before = Some(image);
        }
        animation.finish().unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(file.as_slice()).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            frames.push((frame.left, frame.top, frame.width, frame.height, frame.delay, frame.buffer[..3].to_vec()));
        }
        assert_eq!(frames, [(0, 0, 8, 6, 10, vec![255; 3]), (3, 2, 1, 1, 20, vec![10, 20, 30])]);
    }

    #[test]
    fn more_colours_than_there_is_room_for_become_their_neighbours() {
        assert_eq!(nearest(&[0x00ff_ffff, 0x0010_2030], 0x0011_2233), 1);
    }
}
