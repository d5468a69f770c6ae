//! Inside a connection: both state diagrams with the present states lit, and the dialogue with its octets.

use egui::{Align2, Color32, Painter, Rect, Stroke, StrokeKind, pos2, vec2};

use super::map::fitted;
use super::theme::{self, Theme};
use crate::session::Session;
use crate::session::words::Words;
use crate::sim::Socket;
use crate::smtp::diagram::{ClientState, SERVER_STATES, SERVER_TRANSITIONS, ServerState, Trigger};
use crate::trace::EventId;
use crate::view::dialogue::{Speaker, Spoken, dialogue};
use crate::view::{Index, Scene, state};

/// The client's states in the order in which a normal session sees them.
const CLIENT_STATES: [ClientState; 11] = [
    ClientState::Connected,
    ClientState::Hello,
    ClientState::Ready,
    ClientState::StartTls,
    ClientState::Authenticating,
    ClientState::Mail,
    ClientState::Rcpt,
    ClientState::Data,
    ClientState::Content,
    ClientState::Quit,
    ClientState::Closed,
];

/// A connection at a moment.
pub struct Talk {
    title: String,
    /// The states that both sides have been in, the present ones last.
    server: Vec<ServerState>,
    client: Vec<ClientState>,
    lines: Vec<Spoken>,
}

impl Talk {
    /// A connection in a picture.
    pub fn new(session: &Session, index: &Index, words: &Words, scene: &Scene, socket: Socket) -> Talk {
        let beat = scene.beat.and_then(|number| index.director.beats().get(number as usize));
        let upto = beat.map_or(EventId(index.set_up()), |beat| EventId(beat.end.0.saturating_sub(1)));
        let trace = session.world().trace();
        let (server, client) = state::both(trace, index.session_events(socket), upto);
        let (from, to) = index.facts.ends(socket).cloned().unwrap_or_default();
        let title = words.say("session", &[("client", (&from).into()), ("server", (&to).into())]);
        Talk { title, server, client, lines: dialogue(session, index, words, socket, upto) }
    }
}

/// The name of a state as it is written in the code and in JSON.
fn name_of(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What the server would understand next.
fn possible(state: ServerState) -> String {
    let triggers = SERVER_TRANSITIONS.iter().filter(|arrow| arrow.from == state).map(|arrow| match arrow.on {
        Trigger::Command(verb) => verb.as_str(),
        Trigger::Greeting => "220",
        Trigger::EndOfData => ".",
        Trigger::TlsEstablished => "TLS",
        Trigger::AuthDone => "235",
        Trigger::Lost => "421",
    });
    let mut all: Vec<&str> = triggers.collect();
    all.dedup();
    all.join("  ")
}

/// Draws a connection into a rectangle.
pub fn paint(painter: &Painter, rect: Rect, talk: &Talk, theme: &Theme, words: &Words) {
    painter.rect_filled(rect, 0.0, theme.paper);
    let scale = theme.scale.min(1.2) * (rect.height() / 620.0).clamp(0.8, 2.0);
    let theme = &Theme { scale, ..*theme };
    let title_at = rect.left_top() + vec2(14.0, 10.0);
    painter.text(title_at, Align2::LEFT_TOP, &talk.title, theme.text(theme::HEAD), theme.ink);
    let row = |number: f32| {
        let top = rect.top() + (44.0 + number * 46.0) * scale;
        Rect::from_min_max(pos2(rect.left() + 14.0, top), pos2(rect.right() - 14.0, top + 38.0 * scale))
    };
    let server: Vec<String> = SERVER_STATES.iter().map(name_of).collect();
    let now = talk.server.last().copied().unwrap_or_default();
    let lit = SERVER_STATES.iter().position(|state| *state == now);
    let passed = SERVER_STATES.map(|state| talk.server.contains(&state));
    states(painter, row(0.0), &words.word("talk-server"), &server, (lit, &passed), theme.good, theme);
    let client: Vec<String> = CLIENT_STATES.iter().map(name_of).collect();
    let lit = CLIENT_STATES.iter().position(|state| Some(state) == talk.client.last());
    let passed = CLIENT_STATES.map(|state| talk.client.contains(&state));
    states(painter, row(1.0), &words.word("talk-client"), &client, (lit, &passed), theme.selected, theme);
    // A server that has closed understands nothing any more.
    let commands = possible(now);
    let next = match commands.as_str() {
        "" => String::new(),
        commands => words.say("talk-next", &[("commands", commands.into())]),
    };
    let at = pos2(rect.left() + 14.0, row(2.0).top());
    painter.text(at, Align2::LEFT_TOP, next, theme.text(theme::TEXT), theme.dim);
    let body = Rect::from_min_max(pos2(rect.left() + 14.0, at.y + 26.0 * scale), rect.max - vec2(14.0, 8.0));
    lines(painter, body, &talk.lines, theme);
}

/// States in a row with the present one lit.
fn states(
    painter: &Painter,
    rect: Rect,
    title: &str,
    names: &[String],
    (lit, passed): (Option<usize>, &[bool]),
    colour: Color32,
    theme: &Theme,
) {
    let font = theme.text(theme::TEXT);
    let label = 58.0 * theme.scale;
    painter.text(rect.left_center(), Align2::LEFT_CENTER, title, font, theme.dim);
    let gap = 6.0;
    let small = theme.text(theme::NOTE + 1.0);
    let names: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let wide = |name: &String| painter.layout_no_wrap(name.clone(), small.clone(), theme.ink).size().x;
    let widths: Vec<f32> = names.iter().map(wide).collect();
    let room = rect.width() - label - gap * (names.len() as f32 - 1.0);
    // Each has the room of its name, and the same share of what is left.
    let share = (room - widths.iter().sum::<f32>()) / names.len() as f32;
    let mut left = rect.left() + label;
    for (number, (name, width)) in names.iter().zip(widths).enumerate() {
        let width = width + share;
        let pill = Rect::from_min_size(pos2(left, rect.top() + 3.0 * theme.scale), vec2(width, 32.0 * theme.scale));
        let on = lit == Some(number);
        let been = passed.get(number).copied().unwrap_or(false);
        let fill = if on { colour } else { theme.card };
        let stroke = Stroke::new(if on { 2.0 } else { 1.0 }, if on || been { colour } else { theme.line });
        painter.rect(pill, pill.height() / 2.0, fill, stroke, StrokeKind::Inside);
        let text = fitted(painter, name, &small, width - 4.0);
        painter.text(
            pill.center(),
            Align2::CENTER_CENTER,
            text,
            small.clone(),
            if on {
                theme.card
            } else if been {
                theme.ink
            } else {
                theme.dim
            },
        );
        if number > 0 {
            let (from, to) = (pos2(left - gap, pill.center().y), pos2(left, pill.center().y));
            painter.line_segment([from, to], Stroke::new(1.0, theme.line));
        }
        left += width + gap;
    }
}

/// The dialogue, the newest lines last; as many as there is room for.
fn lines(painter: &Painter, rect: Rect, lines: &[Spoken], theme: &Theme) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let column = rect.width() * 0.62;
    let mut blocks = Vec::new();
    let mut height = 0.0;
    for line in lines.iter().rev() {
        let colour = match line.speaker {
            Speaker::Client => theme.selected,
            Speaker::Server if line.refused => theme.bad,
            Speaker::Server => theme.good,
            Speaker::Note => theme.dim,
        };
        let text = line.octets.as_deref().unwrap_or(&line.text).trim_end();
        let galley = painter.layout(text.to_owned(), theme.mono(theme::TEXT), theme.ink, column - 30.0);
        let note = match (line.meaning.as_str(), line.section) {
            ("", section) => section.to_owned(),
            (meaning, "") => meaning.to_owned(),
            (meaning, section) => format!("{meaning} ({section})"),
        };
        let note = painter.layout(note, theme.text(theme::TEXT - 1.0), theme.dim, rect.width() - column - 12.0);
        let size = galley.size().y.max(note.size().y) + 7.0;
        if height + size > rect.height() {
            break;
        }
        height += size;
        blocks.push((galley, note, colour, line.speaker, size));
    }
    let mut y = rect.top();
    for (galley, note, colour, speaker, size) in blocks.into_iter().rev() {
        let mark = match speaker {
            Speaker::Client => "→",
            Speaker::Server => "←",
            Speaker::Note => "·",
        };
        painter.text(pos2(rect.left(), y), Align2::LEFT_TOP, mark, theme.mono(theme::TEXT), colour);
        painter.vline(rect.left() + 20.0, y..=y + size - 5.0, Stroke::new(2.0, colour));
        painter.galley(pos2(rect.left() + 28.0, y), galley, theme.ink);
        painter.galley(pos2(rect.left() + column + 8.0, y), note, theme.dim);
        y += size;
    }
}
