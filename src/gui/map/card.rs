//! Host cards and the stamps on them.

use egui::{Align2, Rect, Stroke, pos2, vec2};

use super::{Canvas, FAR, Target, icon};
use crate::gui::theme::{self, mix};
use crate::view::layout::{Place, Role};
use crate::view::scene::{Card, Stamp};
use crate::view::timing::clock;

impl Canvas<'_> {
    pub(super) fn cards(&mut self) {
        let map = self.map;
        for place in &map.layout.places {
            let rect = self.area(place.area);
            self.taken.push(rect);
            if !self.sees(rect) {
                continue;
            }
            let card = map.scene.cards.get(place.host.0 as usize).cloned().unwrap_or_default();
            self.card(place, &card, rect);
            let name = describe(place, &card);
            self.targets.push((rect, Target::Host(place.host), name));
        }
    }

    fn card(&self, place: &Place, card: &Card, rect: Rect) {
        let theme = self.theme();
        let role = theme.role(place.role);
        let selected = self.map.host == Some(place.host);
        let stroke = if selected {
            Stroke::new(2.5, theme.selected)
        } else if card.active {
            Stroke::new(2.0, role)
        } else {
            Stroke::new(1.0, theme.line)
        };
        let fill = if card.down { theme.region } else { theme.card };
        self.frame(rect, fill, stroke);
        if card.down {
            self.hatch(rect);
        }
        if self.zoom() < FAR {
            return self.far_card(place, card, rect);
        }
        let zoom = self.zoom();
        let pad = 9.0 * zoom;
        let ink = if card.down { theme.dim } else { theme.ink };
        let square = Rect::from_min_size(rect.min + vec2(pad, pad), vec2(22.0, 22.0) * zoom.min(1.2));
        icon::role(self.painter, square, place.role, role);
        let word_font = theme.text(theme::NOTE);
        let word = match place.role {
            Role::Outsider => self.map.words.word("card-outside"),
            known => known.word().to_owned(),
        };
        let word = self.painter.layout_no_wrap(word, word_font, role);
        let word_width = word.size().x;
        self.painter.galley(pos2(rect.right() - pad - word_width, rect.top() + pad), word, role);
        let font = theme.text(self.text_size(theme::NAME));
        let left = square.right() + 7.0 * zoom;
        let name = self.fitted(&place.name, &font, rect.right() - left - word_width - pad - 8.0);
        self.painter.text(pos2(left, square.center().y), Align2::LEFT_CENTER, name, font, ink);
        // Three lines under the name, evenly.
        let row = (rect.bottom() - square.bottom() - pad * 0.7) / 3.0;
        let line = |number: f32| square.bottom() + row * (number + 0.5);
        let mono = theme.mono(self.text_size(13.0).min(row * 0.95));
        if let Some(addr) = place.addr {
            let addr = self.fitted(&addr.to_string(), &mono, rect.width() - 2.0 * pad);
            let place = pos2(rect.left() + pad, line(0.0));
            let written = self.painter.text(place, Align2::LEFT_CENTER, addr, mono, theme.dim);
            self.services(card, pos2(rect.right() - pad, line(0.0)), written.right() + 8.0);
        }
        self.chips(card, pos2(rect.left() + pad, line(1.0)), rect.right() - pad);
        if !card.log.is_empty() {
            let small = theme.mono(theme::NOTE);
            let log = self.fitted(&without_pid(&card.log), &small, rect.width() - 2.0 * pad);
            self.painter.text(pos2(rect.left() + pad, line(2.0)), Align2::LEFT_CENTER, log, small, theme.dim);
        }
    }

    /// Services from the right: a full point runs, a hollow one does not. Names where there is room.
    fn services(&self, card: &Card, at: egui::Pos2, left: f32) {
        let theme = self.theme();
        let mut right = at.x;
        for (name, runs) in card.services.iter().rev() {
            let colour = if *runs { theme.good } else { theme.bad };
            let galley = self.painter.layout_no_wrap((*name).to_owned(), theme.text(theme::NOTE), theme.dim);
            let named = right - galley.size().x - 12.0 >= left;
            let width = if named { galley.size().x + 12.0 } else { 10.0 };
            if right - width < left {
                return;
            }
            let dot = pos2(right - width + 4.0, at.y);
            if *runs {
                self.painter.circle_filled(dot, 3.5, colour);
            } else {
                self.painter.circle_stroke(dot, 3.0, Stroke::new(1.5, colour));
            }
            if named {
                self.painter.galley(pos2(dot.x + 8.0, at.y - galley.size().y / 2.0), galley, theme.dim);
            }
            right -= width + 6.0;
        }
    }

    /// Counts: mails in mailboxes, mails in work, mails that wait.
    fn chips(&self, card: &Card, at: egui::Pos2, right: f32) {
        let theme = self.theme();
        let words = self.map.words;
        let font = theme.text(theme::NOTE);
        let mut x = at.x;
        let mut chip = |symbol: &dyn Fn(egui::Pos2), text: String, colour: egui::Color32| {
            let galley = self.painter.layout_no_wrap(text, font.clone(), colour);
            let width = galley.size().x;
            if x + 18.0 + width > right + 2.0 {
                return;
            }
            symbol(pos2(x + 7.0, at.y));
            self.painter.galley(pos2(x + 18.0, at.y - galley.size().y / 2.0), galley, colour);
            x += 18.0 + width + 9.0;
        };
        if card.down {
            let text = words.word("card-down");
            return chip(&|at| icon::cross(self.painter, at, 4.0, theme.bad), text, theme.bad);
        }
        let (rest, paper) = (theme.rest, theme.card);
        if card.delivered > 0 {
            let text = words.say("card-mailbox", &[("count", card.delivered.into())]);
            chip(&|at| icon::envelope(self.painter, at, vec2(14.0, 10.0), paper, rest), text, rest);
        }
        if card.deferred > 0 {
            let text = match card.next_attempt {
                Some(time) => format!("{} · {}", card.deferred, &clock(time)[..8]),
                None => card.deferred.to_string(),
            };
            chip(&|at| icon::clock(self.painter, at, 6.0, theme.later), text, theme.later);
        }
        if card.queued > 0 {
            let text = words.say("card-queue", &[("count", card.queued.into())]);
            chip(&|at| queue_icon(self.painter, at, theme.selected), text, theme.selected);
        }
    }

    /// Name and icon only, for maps of many hosts.
    fn far_card(&self, place: &Place, card: &Card, rect: Rect) {
        let theme = self.theme();
        let role = theme.role(place.role);
        let side = (rect.height() * 0.42).clamp(5.0, 18.0);
        let square = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(side, side));
        icon::role(self.painter, square, place.role, role);
        if rect.height() >= 20.0 {
            let font = theme.text(theme::NOTE);
            let left = square.right() + 4.0;
            let name = self.fitted(&place.name, &font, rect.right() - left - 2.0);
            self.painter.text(pos2(left, square.center().y), Align2::LEFT_CENTER, name, font, theme.ink);
        }
        if rect.height() >= 36.0 {
            self.chips(card, pos2(rect.left() + 4.0, rect.bottom() - 11.0), rect.right() - 4.0);
        } else if card.deferred > 0 {
            self.painter.circle_filled(rect.right_top() + vec2(-4.0, 4.0), 3.0, theme.later);
        }
    }

    fn hatch(&self, rect: Rect) {
        let theme = self.theme();
        let painter = self.painter.with_clip_rect(rect.shrink(1.0).intersect(self.painter.clip_rect()));
        let stroke = Stroke::new(1.0, mix(theme.region, theme.line, 0.8));
        let mut x = rect.left() - rect.height();
        while x < rect.right() {
            painter.line_segment([pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())], stroke);
            x += 9.0;
        }
    }

    pub(super) fn stamps(&mut self) {
        let map = self.map;
        for stamp in &map.scene.stamps {
            self.stamp(stamp);
        }
    }

    /// A word with a thick edge across the lower edge of the card.
    fn stamp(&mut self, stamp: &Stamp) {
        let Some(card) = self.card_rect(stamp.host) else { return };
        let theme = *self.theme();
        let colour = theme.tone(stamp.verdict.tone());
        // It fades, but not beyond what can be read.
        let fade = mix(colour, theme.dim, (stamp.age * 0.6).clamp(0.0, 0.6));
        let font = theme.text(self.text_size(theme::TEXT));
        let text = self.map.words.word(stamp.verdict.word());
        let galley = self.painter.layout_no_wrap(text.clone(), font, fade);
        let size = galley.size() + vec2(26.0, 6.0);
        let rect = Rect::from_center_size(pos2(card.right() - size.x / 2.0 + 8.0, card.bottom() + 2.0), size);
        self.frame(rect, theme.tint(colour), Stroke::new(2.0, fade));
        let mark = pos2(rect.left() + 11.0, rect.center().y);
        match stamp.verdict.tone() {
            crate::session::story::Tone::Good => {
                let tick = [vec2(-4.0, 0.0), vec2(-1.0, 4.0), vec2(5.0, -4.0)].map(|offset| mark + offset);
                self.painter.line(tick.to_vec(), Stroke::new(2.0, fade));
            }
            crate::session::story::Tone::Waiting => icon::clock(self.painter, mark, 5.0, fade),
            _ => icon::cross(self.painter, mark, 4.0, fade),
        }
        self.painter.galley(pos2(rect.left() + 20.0, rect.center().y - galley.size().y / 2.0), galley, fade);
        self.targets.push((rect, Target::Event(stamp.event), text));
    }
}

/// A log line by its program and message: on a card the process number takes the room of the message.
fn without_pid(line: &str) -> String {
    let named = line.split_once('[').and_then(|(program, rest)| Some((program, rest.split_once("]: ")?)));
    match named {
        Some((program, (pid, message))) if pid.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}: {message}", program.strip_prefix("postfix/").unwrap_or(program))
        }
        _ => line.to_owned(),
    }
}

fn queue_icon(painter: &egui::Painter, at: egui::Pos2, colour: egui::Color32) {
    for row in [-4.0, 0.0, 4.0] {
        painter.line_segment([at + vec2(-6.0, row), at + vec2(6.0, row)], Stroke::new(1.5, colour));
    }
}

/// What a reader of the screen says for a card.
fn describe(place: &Place, card: &Card) -> String {
    let addr = place.addr.map_or(String::new(), |addr| format!(" {addr}"));
    let mut text = format!("host {}, {}{addr}", place.name, place.role.word());
    if card.down {
        text.push_str(", off");
    }
    for (count, word) in [(card.delivered, "mailbox"), (card.queued, "queue"), (card.deferred, "deferred")] {
        if count > 0 {
            text.push_str(&format!(", {word} {count}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_on_cards_name_the_program_without_its_process_number() {
        assert_eq!(without_pid("postfix/smtpd[726]: connect from a[192.0.2.1]"), "smtpd: connect from a[192.0.2.1]");
        assert_eq!(without_pid("dovecot[5]: master: up"), "dovecot: master: up");
        for odd in ["odd", "a[b]: c", "a[1] b", "from a[192.0.2.1]: x"] {
            assert_eq!(without_pid(odd), odd);
        }
    }
}
