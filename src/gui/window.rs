//! The window as a whole: where panels stand, and what happens to what they want.
//!
//! [`Window::show`] knows nothing of the machine that it runs on: the same code draws in a real window, in a
//! test and into a picture.

use egui::{CentralPanel, Color32, Frame, Panel, Rect, Sense, Stroke, Ui, vec2};

use super::intent::{Bench, Intent};
use super::panels::chooser::{Choice, Chooser};
use super::panels::events::Events;
use super::panels::inspector::Inspector;
use super::panels::lab::Lab;
use super::panels::program::Program;
use super::panels::terminal::Terminal;
use super::panels::{Desk, ask, bar, compare, help, mails, sockets, story, timeline};
use super::shared::Shared;
use super::shelf::{Settings, Shelf};
use super::stage::Stage;
use super::theme::{self, Theme};
use super::{exam, keys, picture};
use crate::scenario::Scenario;
use crate::session::errors;
use crate::session::words::{Lang, Words};
use crate::view::layout::Layout;
use crate::view::scene;

/// How often a session that is driven elsewhere is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);
/// How many names are remembered.
const MOST_RECENT: usize = 8;

/// The window.
pub struct Window {
    pub(super) shelf: Box<dyn Shelf>,
    pub(super) settings: Settings,
    pub(super) words: Words,
    pub(super) theme: Theme,
    pub(super) presenter: bool,
    pub(super) black: bool,
    pub(super) laser: bool,
    pub(super) help: bool,
    /// Whether the table of real sockets is shown.
    pub(super) sockets: bool,
    pub(super) bench: Option<Bench>,
    choices: Vec<Choice>,
    chooser: Chooser,
    pub(super) inspector: Inspector,
    pub(super) events: Events,
    pub(super) terminal: Terminal,
    program: Program,
    pub(super) lab: Lab,
    bindings: Vec<keys::Binding>,
    error: Option<String>,
    pub(super) stage: Option<Stage>,
    /// Whether colours and fonts are to be given to the window again.
    pub(super) restyle: bool,
    has_fonts: bool,
    /// Parts of a millisecond of real time that have not been played yet.
    rest: f64,
    /// How large everything is drawn, if that is known.
    zoom: Option<f32>,
    remembered: Remembered,
}

/// What was remembered of the window last.
#[derive(Clone, Copy, Default, PartialEq)]
struct Remembered {
    size: Option<[f32; 2]>,
    zoom: Option<f32>,
}

impl Window {
    /// A window that shows the chooser.
    pub fn new(shelf: Box<dyn Shelf>) -> Window {
        let settings = shelf.settings();
        let lang = if settings.german { Lang::De } else { Lang::En };
        let choices = shelf.demonstrations().into_iter().map(|entry| Choice { entry, layout: None }).collect();
        Window {
            theme: Theme::new(settings.dark, false),
            words: Words::new(lang),
            bench: settings.view.as_deref().and_then(Bench::named),
            settings,
            shelf,
            presenter: false,
            black: false,
            laser: false,
            help: false,
            sockets: false,
            choices,
            chooser: Chooser::default(),
            inspector: Inspector::default(),
            events: Events::default(),
            terminal: Terminal::default(),
            program: Program::default(),
            lab: Lab::default(),
            bindings: keys::bindings(),
            error: None,
            stage: None,
            restyle: true,
            has_fonts: false,
            rest: 0.0,
            zoom: None,
            remembered: Remembered::default(),
        }
    }

    /// Gives the chooser the pictures of what can be chosen.
    #[must_use]
    pub fn with_pictures(mut self, picture: impl Fn(&str) -> Option<Scenario>) -> Window {
        for choice in &mut self.choices {
            choice.layout = picture(&choice.entry.name).map(|scenario| Layout::of(&scenario));
        }
        self
    }

    /// Opens something by name; what went wrong is shown.
    pub fn open(&mut self, name: &str) {
        match self.shelf.open(name) {
            Ok(session) => {
                let mut stage = Stage::new(name, session);
                stage.error = self.shelf.remark(name);
                self.stage = Some(stage);
                self.events.forget();
                self.lab.forget();
                self.program.forget();
                self.inspector.files.open("");
                self.error = None;
                self.settings.recent.retain(|recent| recent != name);
                self.settings.recent.insert(0, name.to_owned());
                self.settings.recent.truncate(MOST_RECENT);
                self.shelf.remember(&self.settings);
                self.bench = self.bench.filter(|bench| bench.name().is_some());
            }
            Err(error) => {
                // It is read in the chooser; over a session it would be overlooked.
                match &mut self.stage {
                    Some(stage) => stage.error = Some(error),
                    None => self.error = Some(error),
                }
            }
        }
    }

    /// Shows a session that is driven elsewhere, at its present moment.
    pub fn share(&mut self, name: &str, mut shared: Box<dyn Shared>) {
        let Some(session) = shared.look() else { return };
        let mut stage = Stage::new(name, session);
        stage.playhead.seek(stage.index.director.length(), &stage.index);
        stage.shared = Some(shared);
        self.stage = Some(stage);
    }

    /// Whether whoever drives the session wants the window to close.
    pub fn is_over(&self) -> bool {
        self.stage.as_ref().and_then(|stage| stage.shared.as_ref()).is_some_and(|shared| shared.is_over())
    }

    /// Back to the chooser, with what has been recorded meanwhile.
    pub(super) fn close(&mut self) {
        self.stage = None;
        let mut layouts: std::collections::BTreeMap<String, Option<Layout>> =
            self.choices.drain(..).map(|choice| (choice.entry.name, choice.layout)).collect();
        let entries = self.shelf.demonstrations().into_iter();
        self.choices = entries.map(|entry| Choice { layout: layouts.remove(&entry.name).flatten(), entry }).collect();
    }

    /// What is remembered.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What can be chosen.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// What could not be opened.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What is on the stage, if anything.
    pub fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// The same, to be changed: what a picture or a test wants to be shown.
    pub fn stage_mut(&mut self) -> Option<&mut Stage> {
        self.stage.as_mut()
    }

    /// Draws everything, and carries out what is wanted.
    pub fn show(&mut self, ui: &mut Ui) {
        if !std::mem::replace(&mut self.has_fonts, true) {
            ui.ctx().set_fonts(theme::fonts());
        }
        if std::mem::take(&mut self.restyle) {
            self.theme.apply(ui.ctx());
        }
        let mut intents = keys::pressed(ui.ctx(), &self.bindings);
        if self.stage.as_ref().is_some_and(|stage| stage.questions.asked.is_some()) {
            // The digits are the choices.
            intents.retain(|intent| !matches!(intent, Intent::Tab(_)));
        }
        let dropped = ui.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_path_buf()));
        if let Some(path) = dropped {
            intents.push(Intent::Open(path.display().to_string()));
        }
        self.time(ui);
        if self.black {
            let rect = ui.max_rect();
            ui.painter().rect_filled(rect, 0.0, Color32::BLACK);
            if ui.interact(rect, ui.scope_id().with("black"), Sense::click()).clicked() {
                intents.push(Intent::Black);
            }
        } else if self.stage.as_ref().is_some_and(|stage| stage.session.hides_answers()) {
            self.exam(ui, &mut intents);
            intents.retain(exam::permits);
        } else if self.stage.is_some() {
            self.session(ui, &mut intents);
        } else {
            self.choose(ui, &mut intents);
        }
        if self.help && !self.black {
            self.sheet(ui, &mut intents);
        }
        if self.laser {
            picture::laser(ui, &self.theme);
        }
        self.remember_size(ui);
        if !intents.is_empty() {
            ui.ctx().request_repaint();
        }
        for intent in intents {
            self.carry_out(intent);
        }
    }

    /// Lets time pass if it plays. A window that stands still asks for no frames.
    fn time(&mut self, ui: &Ui) {
        let Some(stage) = &mut self.stage else { return };
        stage.tell_clock(self.shelf.now());
        if stage.shared.is_some() {
            stage.follow();
            ui.ctx().request_repaint_after(LOOK_EVERY);
        }
        if !stage.playhead.playing {
            self.rest = 0.0;
            return;
        }
        let passed = f64::from(ui.input(|input| input.stable_dt).min(0.1)) * 1000.0 + self.rest;
        self.rest = passed.fract();
        stage.tick(passed as u64);
        ui.ctx().request_repaint();
    }

    /// Draws everything larger on a large screen, and as a person has zoomed it.
    pub(super) fn enlarge(&mut self, ctx: &egui::Context) {
        let zoom = ctx.zoom_factor();
        let usual = theme::enlargement(ctx.content_rect().height() * zoom);
        if self.zoom.is_some_and(|given| (given - zoom).abs() > 0.01) {
            // A person has changed it.
            self.settings.zoom = Some((zoom / usual).clamp(0.5, 3.0));
        }
        let wanted = usual * self.settings.zoom.filter(|zoom| (0.5..=3.0).contains(zoom)).unwrap_or(1.0);
        if (wanted - zoom).abs() > 0.01 {
            ctx.set_zoom_factor(wanted);
        }
        self.zoom = Some(wanted);
    }

    /// Remembers the window's size and zoom once nobody drags it any more.
    fn remember_size(&mut self, ui: &Ui) {
        let size = ui.ctx().content_rect().size() * ui.ctx().zoom_factor();
        let now = Remembered { size: Some([size.x.round(), size.y.round()]), zoom: self.settings.zoom };
        if self.remembered != now && !ui.input(|input| input.pointer.any_down()) {
            self.settings.size = now.size;
            self.remembered = now;
            self.shelf.remember(&self.settings);
        }
    }

    fn choose(&mut self, ui: &mut Ui, intents: &mut Vec<Intent>) {
        let mut desk = Desk { theme: &self.theme, words: &self.words, intents };
        let frame = Frame::new().fill(self.theme.paper).inner_margin(16);
        let error = self.error.as_deref();
        CentralPanel::default().frame(frame).show(ui, |ui| {
            self.chooser.show(ui, &mut desk, &self.choices, &self.settings.recent, error);
        });
    }

    fn session(&mut self, ui: &mut Ui, intents: &mut Vec<Intent>) {
        let Some(stage) = &mut self.stage else { return };
        let theme = self.theme;
        let mut desk = Desk { theme: &theme, words: &self.words, intents };
        let bars = Frame::new().fill(theme.panel).inner_margin(egui::Margin::symmetric(10, 4));
        let size = ui.available_size();
        // On a small window only the map is left.
        let roomy = size.x >= 900.0 && size.y >= 480.0 && !self.presenter;
        if !self.presenter {
            Panel::top("bar")
                .exact_size(40.0)
                .resizable(false)
                .frame(bars)
                .show(ui, |ui| bar::show(ui, &mut desk, stage));
        }
        let tall = if self.presenter { 42.0 } else { 70.0 };
        let bench = self.bench;
        Panel::bottom("timeline").exact_size(tall).resizable(false).frame(bars).show(ui, |ui| {
            timeline::show(ui, &mut desk, stage, bench);
        });
        let scene = scene(&stage.session, &stage.index, &self.words, stage.playhead.at);
        let mut sides = self.settings.sides;
        let frame = Frame::new().fill(theme.panel).inner_margin(10);
        if roomy && !self.settings.hide_story {
            // A lab's text is read, a story is glanced at.
            let part = if stage.session.lab().is_some() { 0.25 } else { 0.19 };
            let width = (size.x * part).clamp(200.0, 420.0);
            // It has the whole height: tasks are read while a terminal is worked at.
            let panel = Panel::left("story").default_size(sides.story.unwrap_or(width)).resizable(true).frame(frame);
            let response = panel.show(ui, |ui| {
                if stage.session.lab().is_some() {
                    self.lab.show(ui, &mut desk, stage);
                } else {
                    story::show(ui, &mut desk, stage);
                }
            });
            resized(&mut sides.story, width, response.response.rect.width());
        }
        if let Some(bench) = bench.filter(|_| roomy) {
            let height = (size.y * 0.36).clamp(140.0, 420.0);
            let panel = Panel::bottom("bench").default_size(sides.bench.unwrap_or(height)).resizable(true).frame(bars);
            let response = panel.show(ui, |ui| {
                ui.set_min_height(ui.available_height());
                match bench {
                    Bench::Events => self.events.table(ui, &mut desk, stage),
                    Bench::Sequence => self.events.sequence(ui, &mut desk, stage),
                    Bench::Mails => mails::show(ui, &mut desk, stage),
                    Bench::Text => self.events.text(ui, &mut desk, stage),
                    Bench::Program => self.program.show(ui, &mut desk, stage),
                    Bench::Terminal(id) => self.terminal.show(ui, &mut desk, stage, id),
                    Bench::Compare(number) => compare::show(ui, &mut desk, stage, number),
                }
            });
            resized(&mut sides.bench, height, response.response.rect.height());
        }
        if roomy && !self.settings.hide_inspector {
            let width = (size.x * 0.265).clamp(260.0, 460.0);
            let panel =
                Panel::right("inspector").default_size(sides.inspector.unwrap_or(width)).resizable(true).frame(frame);
            let response = panel.show(ui, |ui| self.inspector.show(ui, &mut desk, stage));
            resized(&mut sides.inspector, width, response.response.rect.width());
        }
        CentralPanel::default().frame(Frame::new().fill(theme.paper)).show(ui, |ui| {
            let rect = ui.max_rect();
            picture::show(ui, &mut desk, stage, &scene, self.presenter, bench.filter(|_| roomy));
            told(ui, &desk, stage, rect);
            ask::show(ui, &mut desk, stage, rect, self.presenter);
        });
        let dragged = ui.input(|input| input.pointer.any_down());
        if sides != self.settings.sides && !dragged {
            self.settings.sides = sides;
            self.shelf.remember(&self.settings);
        }
        if let Some(shared) = stage.shared.as_ref().filter(|_| self.sockets) {
            sockets::show(ui, &mut desk, shared.table());
        }
    }

    fn sheet(&self, ui: &mut Ui, intents: &mut Vec<Intent>) {
        let screen = ui.max_rect();
        let size = vec2((screen.width() - 40.0).min(940.0), (screen.height() - 40.0).min(560.0));
        let rect = Rect::from_center_size(screen.center(), size);
        ui.painter().rect_filled(screen, 0.0, Color32::from_black_alpha(120));
        ui.painter().rect(
            rect,
            f32::from(theme::RADIUS),
            self.theme.card,
            Stroke::new(1.0, self.theme.line),
            egui::StrokeKind::Inside,
        );
        let desk = Desk { theme: &self.theme, words: &self.words, intents };
        let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink(20.0)));
        inner.set_clip_rect(rect);
        egui::ScrollArea::vertical().id_salt("help").show(&mut inner, |ui| help::show(ui, &desk, &self.bindings));
        if ui.interact(screen, ui.scope_id().with("sheet"), Sense::click()).clicked() {
            desk.intents.push(Intent::Help);
        }
    }
}

/// A panel's size, if a person has given it another one than it would have.
fn resized(size: &mut Option<f32>, default: f32, found: f32) {
    let was = size.unwrap_or(default);
    if (found - was).abs() > 24.0 {
        *size = Some(found.round());
    }
}

/// What a person is told over the map: why a jump went nowhere, what could not be done.
fn told(ui: &Ui, desk: &Desk<'_>, stage: &Stage, rect: Rect) {
    let (text, colour) = match (&stage.error, stage.note) {
        (Some(error), _) => (errors::tell(desk.words.lang(), error), desk.theme.bad),
        (None, Some(note)) => (desk.word(note), desk.theme.ink),
        (None, None) => return,
    };
    let painter = ui.painter();
    let galley = painter.layout(text.clone(), desk.theme.text(theme::TEXT), colour, (rect.width() - 60.0).max(80.0));
    let place =
        Rect::from_min_size(egui::pos2(rect.center().x - galley.size().x / 2.0, rect.top() + 14.0), galley.size());
    let frame = place.expand2(vec2(12.0, 6.0));
    painter.rect(
        frame,
        f32::from(theme::RADIUS),
        desk.theme.card,
        Stroke::new(1.0, desk.theme.line),
        egui::StrokeKind::Inside,
    );
    painter.galley(place.min, galley, colour);
    let response = ui.interact(frame, ui.scope_id().with("told"), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Status, true, &text));
}
