//! One picture of a session at a moment: what `shot` and `film` draw.

use egui::epaint::ColorImage;

use super::map::Map;
use super::shelf::{Settings, Single};
use super::stage::Selection;
use super::studio::{Drawn, Studio};
use super::theme::{self, Theme};
use super::window::Window;
use super::{inside, poster, sequence, talk};
use crate::session::Session;
use crate::session::words::{Lang, Words};
use crate::sim::HostId;
use crate::view::layout::Layout;
use crate::view::{Index, Screen, scene};

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The internet.
    Map,
    /// Inside a host.
    Host(HostId),
    /// Inside a connection, by its number from 1.
    Session(usize),
    /// The sequence diagram.
    Sequence,
    /// The whole window.
    Window,
}

/// How it looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Whether it is dark.
    pub dark: bool,
    /// The language.
    pub lang: Lang,
    /// What is shown.
    pub what: What,
}

/// Draws pictures of one session.
pub struct Still {
    studio: Studio,
    look: Look,
    theme: Theme,
    words: Words,
    title: String,
    rows: Vec<crate::trace::EventId>,
    /// Where hosts stand in a picture of this shape.
    layout: Layout,
    window: Option<Window>,
}

impl Still {
    /// Gets ready for pictures of a session.
    pub fn new(look: Look, session: &Session, index: &Index) -> Still {
        let theme = Theme::new(look.dark, false);
        let title = &session.scenario().title;
        let rows = if look.what == What::Sequence { crate::view::sequence::rows(session, index) } else { Vec::new() };
        Still {
            studio: studio(look, theme),
            look,
            theme,
            words: Words::new(look.lang),
            title: look.lang.pick(&title.en, &title.de).to_owned(),
            rows,
            layout: layout(look, session, index),
            window: (look.what == What::Window).then(|| window(look, session)),
        }
    }

    /// Draws a moment.
    ///
    /// # Errors
    /// There is no such connection, in words for people.
    pub fn draw(&mut self, session: &Session, index: &Index, at: Screen) -> Result<Drawn, String> {
        let scene = scene(session, index, &self.words, at);
        let (theme, words, title) = (self.theme, &self.words, &self.title);
        let socket = match self.look.what {
            What::Session(number) => {
                let found = number.checked_sub(1).and_then(|skipped| index.sessions().nth(skipped));
                let count = index.sessions().count();
                Some(found.ok_or_else(|| format!("there is no session {number}; there are {count}"))?)
            }
            _ => None,
        };
        let (what, rows, layout) = (self.look.what, &self.rows, &self.layout);
        if let Some(window) = &mut self.window {
            if let Some(stage) = window.stage_mut() {
                stage.playhead.seek(at, index);
                stage.selection = scene.event.map(Selection::Event);
            }
            return Ok(self.studio.draw(|ui| window.show(ui)));
        }
        Ok(self.studio.paint(|painter, rect| match (what, socket) {
            (What::Host(host), _) => {
                inside::paint(painter, rect, &inside::Inside::new(session, index, &scene, host), &theme, words);
            }
            (What::Session(_), Some(socket)) => {
                talk::paint(painter, rect, &talk::Talk::new(session, index, words, &scene, socket), &theme, words);
            }
            (What::Sequence, _) => {
                sequence::page(painter, rect, session, index, words, rows, &scene, &theme);
            }
            _ => {
                let map = Map { layout, scene: &scene, theme: &theme, words, host: None, event: None };
                poster::paint(painter, rect, &map, title, None);
            }
        }))
    }

    /// What was drawn, as pixels.
    pub fn pixels(&self, drawn: Drawn) -> ColorImage {
        self.studio.pixels(drawn)
    }
}

/// The studio for a look. In a window type grows with the screen; other pictures see to that themselves.
fn studio(look: Look, theme: Theme) -> Studio {
    let studio = Studio::new(look.size, theme);
    if look.what == What::Window { studio.enlarged(theme::enlargement(look.size[1] as f32)) } else { studio }
}

/// The map in the shape of the picture, of which the words above and below it take some.
fn layout(look: Look, session: &Session, index: &Index) -> Layout {
    let [width, height] = look.size.map(|side| side as f32);
    index.layout.fitted(session.cast(), width, height * 0.85).unwrap_or_else(|| index.layout.clone())
}

/// A window that shows a session.
fn window(look: Look, session: &Session) -> Window {
    let settings = Settings { german: look.lang == Lang::De, dark: look.dark, ..Settings::default() };
    let mut window = Window::new(Box::new(Single { session: session.clone(), settings }));
    window.open(&session.scenario().name);
    window
}
