//! The envelope beside the letter: whom the servers name, and whom the letter names.

use egui::{Color32, Rect, Stroke, pos2, vec2};

use super::{Canvas, Piece, Target, Way, icon};
use crate::view::scene::{Letter, Mover};

/// Widest sheet.
const WIDEST: f32 = 250.0;

/// A line of a sheet, and its colour.
type Row = (String, Color32);

impl Canvas<'_> {
    /// The envelope on its way, and beside the way what stands on it and in it.
    pub(super) fn letter(&mut self, mover: &Mover, way: Way, part: f32, opened: bool) {
        let theme = *self.theme();
        let at = way.at(part);
        let size = vec2(42.0, 29.0) * self.zoom().clamp(0.35, 1.4);
        let report = mover.letter.as_ref().is_some_and(|letter| letter.sender.is_empty());
        let colour = if report { theme.bad } else { theme.rest };
        let rect = Rect::from_center_size(at, size);
        if let Some(letter) = mover.letter.as_ref().filter(|_| opened) {
            self.taken.push(rect.expand(4.0));
            self.sheets(letter, mover, way, colour);
        }
        icon::envelope(self.painter, at, size, theme.card, colour);
        if report {
            let font = self.speech_text(13.0);
            self.painter.text(at + vec2(0.0, size.y * 0.16), egui::Align2::CENTER_CENTER, "!", font, colour);
        }
        let name = mover.letter.as_ref().map_or(String::new(), |letter| format!("{} {}", letter.sender, letter.rcpts));
        self.targets.push((rect, Target::Event(mover.event), name));
    }

    fn sheets(&mut self, letter: &Letter, mover: &Mover, way: Way, colour: Color32) {
        let theme = *self.theme();
        let words = self.map.words;
        let envelope: Vec<Row> = vec![
            (format!("MAIL FROM:<{}>", letter.sender), theme.ink),
            (format!("RCPT TO:{}", bracketed(&letter.rcpts)), theme.ink),
        ];
        let same = |header: &str, path: &str| path.split(' ').all(|path| header.contains(path));
        let field = |name: &str, value: &str, path: &str| {
            // That both may differ is half of the course.
            let differs = !path.is_empty() && !value.is_empty() && !same(value, path);
            let sign = if differs { "≠ " } else { "" };
            (format!("{sign}{name}: {value}"), if differs { theme.later } else { theme.ink })
        };
        let mut inside: Vec<Row> = vec![field("From", &letter.from, &letter.sender)];
        if !letter.to.is_empty() {
            inside.push(field("To", &letter.to, &letter.rcpts));
        }
        if !letter.subject.is_empty() {
            inside.push((format!("Subject: {}", letter.subject), theme.dim));
        }
        inside.extend(letter.hops.iter().rev().map(|hop| (format!("Received: by {hop}"), theme.dim)));
        let head = words.word(if letter.sender.is_empty() { "mover-report" } else { "mover-envelope" });
        let sheets = [(head, envelope, colour), (words.word("mover-letter"), inside, theme.dim)];
        let scale = self.loudness();
        let mono = self.speech_mono(13.0);
        let small = self.speech_text(12.0);
        let (pad, gap) = (9.0 * scale, 8.0);
        let room = (WIDEST * scale).min((self.rect.width() - 40.0) / 2.0 - 2.0 * pad);
        let laid: Vec<_> = sheets
            .into_iter()
            .map(|(head, rows, edge)| {
                let head = self.painter.layout_no_wrap(head, small.clone(), edge);
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(text, colour)| {
                        let text = self.fitted(&text, &mono, room);
                        (self.painter.layout_no_wrap(text, mono.clone(), colour), colour)
                    })
                    .collect();
                let width = rows.iter().map(|(row, _)| row.size().x).fold(head.size().x, f32::max) + 2.0 * pad;
                let height = head.size().y + rows.iter().map(|(row, _)| row.size().y).sum::<f32>() + 1.4 * pad;
                (head, rows, edge, vec2(width, height))
            })
            .collect();
        let width = laid.iter().map(|(.., size)| size.x).sum::<f32>() + gap;
        let height = laid.iter().map(|(.., size)| size.y).fold(0.0, f32::max);
        let (middle, away) = (way.at(0.5), height / 2.0 + 30.0 * scale);
        let aside = width / 2.0 + 40.0 * scale;
        let wishes = [
            middle + vec2(0.0, away),
            middle - vec2(0.0, away),
            middle + vec2(aside, 0.0),
            middle - vec2(aside, 0.0),
            middle + vec2(aside, away),
            middle + vec2(-aside, away),
        ];
        let Some(rect) = self.place_box(Piece::Tag, vec2(width, height), &wishes, f32::INFINITY) else { return };
        self.leader(rect, middle, colour);
        let mut left = rect.left();
        for (number, (head, rows, edge, size)) in laid.into_iter().enumerate() {
            let sheet = Rect::from_min_size(pos2(left, rect.top()), vec2(size.x, height));
            let fill = if number == 0 { theme.tint(edge) } else { theme.card };
            self.frame(sheet, fill, Stroke::new(if number == 0 { 2.0 } else { 1.0 }, edge));
            let mut y = sheet.top() + 0.5 * pad;
            let size_of_head = head.size().y;
            self.painter.galley(pos2(left + pad, y), head, edge);
            y += size_of_head + 0.2 * pad;
            for (row, colour) in rows {
                let tall = row.size().y;
                self.painter.galley(pos2(left + pad, y), row, colour);
                y += tall;
            }
            left += size.x + gap;
        }
        let name = format!("MAIL FROM:<{}> RCPT TO:{}", letter.sender, bracketed(&letter.rcpts));
        self.targets.push((rect, Target::Event(mover.event), name));
    }
}

/// Addresses in the brackets of an envelope.
fn bracketed(addresses: &str) -> String {
    addresses.split(' ').map(|address| format!("<{address}>")).collect::<Vec<_>>().join(" ")
}
