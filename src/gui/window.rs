//! The window as a whole: where panels stand, and what happens to what they want.
//!
//! [`Window::show`] knows nothing of the machine that it runs on: the same code draws in a real window, in a
//! test and into a picture.

use egui::{CentralPanel, Color32, Frame, Panel, Pos2, Rect, Sense, Stroke, Ui, vec2};

use super::intent::{Bench, Intent, Tab};
use super::map::{Camera, Map, Target};
use super::panels::chooser::{Choice, Chooser};
use super::panels::events::Events;
use super::panels::inspector::Inspector;
use super::panels::lab::Lab;
use super::panels::terminal::Terminal;
use super::panels::{Desk, bar, help, mails, sockets, story, timeline};
use super::shared::Shared;
use super::shelf::{Settings, Shelf};
use super::stage::{Depth, Selection, Stage};
use super::theme::{self, Theme};
use super::{inside, keys, poster, talk};
use crate::scenario::Scenario;
use crate::session::terminal::Device;
use crate::session::words::{Lang, Words};
use crate::view::layout::Layout;
use crate::view::{Scene, scene};

/// How often a session that is driven elsewhere is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);
/// How many names are remembered.
const MOST_RECENT: usize = 8;

/// The window.
pub struct Window {
    shelf: Box<dyn Shelf>,
    settings: Settings,
    words: Words,
    theme: Theme,
    presenter: bool,
    black: bool,
    laser: bool,
    help: bool,
    /// Whether the table of real sockets is shown.
    sockets: bool,
    bench: Option<Bench>,
    choices: Vec<Choice>,
    chooser: Chooser,
    inspector: Inspector,
    events: Events,
    terminal: Terminal,
    lab: Lab,
    bindings: Vec<keys::Binding>,
    error: Option<String>,
    stage: Option<Stage>,
    /// Whether colours and fonts are to be given to the window again.
    restyle: bool,
    has_fonts: bool,
    /// Parts of a millisecond of real time that have not been played yet.
    rest: f64,
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
            bench: settings.bench.then_some(Bench::Events),
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
            lab: Lab::default(),
            bindings: keys::bindings(),
            error: None,
            stage: None,
            restyle: true,
            has_fonts: false,
            rest: 0.0,
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
                self.stage = Some(Stage::new(name, session));
                self.events.forget();
                self.lab.forget();
                self.inspector.files.open("");
                self.error = None;
                self.settings.recent.retain(|recent| recent != name);
                self.settings.recent.insert(0, name.to_owned());
                self.settings.recent.truncate(MOST_RECENT);
                self.shelf.remember(&self.settings);
                if let Some(Bench::Terminal(_)) = self.bench {
                    self.bench = None;
                }
            }
            Err(error) => self.error = Some(error),
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
        self.time(ui);
        if self.black {
            let rect = ui.max_rect();
            ui.painter().rect_filled(rect, 0.0, Color32::BLACK);
            if ui.interact(rect, ui.scope_id().with("black"), Sense::click()).clicked() {
                intents.push(Intent::Black);
            }
        } else if self.stage.is_some() {
            self.session(ui, &mut intents);
        } else {
            self.choose(ui, &mut intents);
        }
        if self.help && !self.black {
            self.sheet(ui, &mut intents);
        }
        if self.laser {
            laser(ui, &self.theme);
        }
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
        stage.playhead.tick(passed as u64, &stage.index);
        ui.ctx().request_repaint();
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
        if let Some(bench) = bench.filter(|_| roomy) {
            let height = (size.y * 0.36).clamp(140.0, 420.0);
            Panel::bottom("bench").default_size(height).resizable(true).frame(bars).show(ui, |ui| {
                ui.set_min_height(ui.available_height());
                match bench {
                    Bench::Events => self.events.table(ui, &mut desk, stage),
                    Bench::Sequence => self.events.sequence(ui, &mut desk, stage),
                    Bench::Mails => mails::show(ui, &mut desk, stage),
                    Bench::Text => self.events.text(ui, &mut desk, stage),
                    Bench::Terminal(id) => self.terminal.show(ui, &mut desk, stage, id),
                }
            });
        }
        let sides = Frame::new().fill(theme.panel).inner_margin(10);
        if roomy && !self.settings.hide_story {
            // A lab's text is read, a story is glanced at.
            let part = if stage.session.lab().is_some() { 0.25 } else { 0.19 };
            let width = (size.x * part).clamp(200.0, 420.0);
            Panel::left("story").default_size(width).resizable(true).frame(sides).show(ui, |ui| {
                if stage.session.lab().is_some() {
                    self.lab.show(ui, &mut desk, stage);
                } else {
                    story::show(ui, &mut desk, stage);
                }
            });
        }
        if roomy && !self.settings.hide_inspector {
            let width = (size.x * 0.265).clamp(260.0, 460.0);
            Panel::right("inspector").default_size(width).resizable(true).frame(sides).show(ui, |ui| {
                self.inspector.show(ui, &mut desk, stage);
            });
        }
        CentralPanel::default().frame(Frame::new().fill(theme.paper)).show(ui, |ui| {
            picture(ui, &mut desk, stage, &scene, self.presenter);
        });
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

    fn carry_out(&mut self, intent: Intent) {
        match intent {
            Intent::Open(name) => self.open(&name),
            Intent::Language => {
                self.settings.german = !self.settings.german;
                self.words = Words::new(if self.settings.german { Lang::De } else { Lang::En });
                self.shelf.remember(&self.settings);
            }
            Intent::Dark => {
                self.settings.dark = !self.settings.dark;
                self.style();
                self.shelf.remember(&self.settings);
            }
            Intent::Presenter => {
                self.presenter = !self.presenter;
                self.style();
            }
            Intent::Black => self.black = !self.black,
            Intent::Laser => self.laser = !self.laser,
            Intent::Help => self.help = !self.help,
            Intent::Story => {
                self.settings.hide_story = !self.settings.hide_story;
                self.shelf.remember(&self.settings);
            }
            Intent::Inspector => {
                self.settings.hide_inspector = !self.settings.hide_inspector;
                self.shelf.remember(&self.settings);
            }
            Intent::Tab(tab) => self.inspector.tab = tab,
            Intent::Bench(bench) => {
                self.bench = if self.bench == Some(bench) { None } else { Some(bench) };
                self.settings.bench = self.bench.is_some();
                self.shelf.remember(&self.settings);
            }
            Intent::File(path) => {
                self.inspector.files.open(&path);
                self.inspector.tab = Tab::Files;
                self.settings.hide_inspector = false;
            }
            Intent::Out if self.help => self.help = false,
            Intent::Out if self.presenter && self.stage.as_ref().is_none_or(|stage| stage.depth == Depth::Internet) => {
                self.presenter = false;
                self.style();
            }
            intent => self.on_stage(intent),
        }
    }

    fn style(&mut self) {
        self.theme = Theme::new(self.settings.dark, self.presenter);
        self.restyle = true;
    }

    /// What concerns the session that is shown.
    fn on_stage(&mut self, intent: Intent) {
        let Some(stage) = &mut self.stage else { return };
        let inputs = stage.session.recording().entries.len();
        match intent {
            Intent::Close => {
                self.stage = None;
                return;
            }
            Intent::Sockets if stage.shared.is_some() => self.sockets = !self.sockets,
            Intent::Sockets => match self.shelf.open_sockets(stage.session.clone()) {
                Ok(shared) => {
                    // What comes in is seen where time goes on.
                    stage.playhead.seek(stage.index.director.length(), &stage.index);
                    (stage.shared, self.sockets) = (Some(shared), true);
                }
                Err(error) => stage.error = Some(error),
            },
            Intent::CloseSockets => {
                stage.close_sockets();
                self.sockets = false;
            }
            Intent::Toggle => stage.playhead.toggle(&stage.index),
            Intent::Step(stride, forward) => {
                let moved = stage.playhead.step(stride, forward, &stage.index);
                let host = |selection: &Selection| matches!(selection, Selection::Host(_));
                stage.selection = stage.selection.filter(|selection| !moved || host(selection));
            }
            Intent::Seek(at) => stage.playhead.seek(at, &stage.index),
            Intent::Show(event) => stage.playhead.show(event, &stage.index),
            Intent::Select(selection) => {
                stage.select(selection);
                self.inspector.tab = match (selection, self.inspector.tab) {
                    (Selection::Session(..), Tab::Why | Tab::Event) => self.inspector.tab,
                    (Selection::Session(..), _) => Tab::Dialogue,
                    (Selection::Event(_), Tab::Event | Tab::Dialogue | Tab::Log) => self.inspector.tab,
                    (Selection::Event(_), _) => Tab::Why,
                    (Selection::Host(_), Tab::Why | Tab::Event | Tab::Dialogue) => Tab::Mail,
                    (Selection::Host(_), tab) => tab,
                };
            }
            Intent::Dive(depth) => stage.depth = depth,
            Intent::Out if stage.depth != Depth::Internet => stage.depth = Depth::Internet,
            Intent::Out if stage.selection.is_some() => stage.selection = None,
            Intent::Out => self.bench = None,
            Intent::Speed(faster) => stage.playhead.change_speed(faster),
            Intent::Fit => stage.camera = None,
            Intent::Move(host, point) => stage.index.layout.move_to(host, point),
            Intent::Input(input) => {
                stage.act(move |session| session.apply(input));
            }
            Intent::OpenTerminal(host) => {
                if let Some(id) = stage.open_terminal(&host) {
                    self.bench = Some(Bench::Terminal(id));
                }
            }
            Intent::Type(id, text) => {
                stage.act(move |session| session.type_text(id, &text));
            }
            Intent::Press(id, key) => {
                stage.act(move |session| session.press(id, key));
            }
            Intent::LogIn(id) => {
                let followed = stage.act(move |session| session.follow_login(id, Device::Terminal));
                if let Some(login) = followed.flatten().filter(|login| !login.is_command) {
                    self.bench = Some(Bench::Terminal(login.terminal));
                }
            }
            Intent::Answer(id, answer) => {
                stage.act(move |session| session.answer(id, answer));
            }
            Intent::Switch(number) => stage.switch(number),
            Intent::Name(name) => stage.branch = name,
            _ => {}
        }
        // What was entered survives a crash.
        if stage.session.recording().entries.len() != inputs {
            self.events.forget();
            if let Err(error) = self.shelf.keep(&stage.session) {
                stage.error = Some(error);
            }
        }
    }
}

/// The picture in the middle, at the depth that is wanted.
fn picture(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, scene: &Scene, presenter: bool) {
    let rect = ui.max_rect();
    let painter = ui.painter().clone();
    let caption =
        Rect::from_min_max(egui::pos2(rect.left(), rect.bottom() - poster::caption_height(desk.theme)), rect.max);
    let body = Rect::from_min_max(rect.min, egui::pos2(rect.right(), caption.top()));
    match stage.depth {
        Depth::Internet => {
            map(ui, desk, stage, scene, if presenter { rect } else { body }, presenter);
            if presenter {
                return;
            }
        }
        Depth::Host(host) => {
            let inside = inside::Inside::new(&stage.session, &stage.index, scene, host);
            inside::paint(&painter, body, &inside, desk.theme, desk.words);
        }
        Depth::Session(socket) => {
            let talk = talk::Talk::new(&stage.session, &stage.index, desk.words, scene, socket);
            talk::paint(&painter, body, &talk, desk.theme, desk.words);
        }
    }
    poster::caption(&painter, caption, scene, desk.theme);
    if let Some(said) = &scene.caption {
        let response = ui.interact(caption, ui.scope_id().with("caption"), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &said.text));
        if response.clicked() {
            desk.want(Intent::Select(Selection::Event(said.event)));
        }
    }
}

/// The map with its dragging, zooming and clicking.
fn map(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, scene: &Scene, rect: Rect, presenter: bool) {
    let response = ui.interact(rect, ui.scope_id().with("map"), Sense::click_and_drag());
    let mut camera = stage.camera.unwrap_or_else(|| Camera::fit(&stage.index.layout, rect.shrink(8.0)));
    if let Some(pointer) = response.hover_pos() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = pinch * (scroll / 300.0).exp();
        if (factor - 1.0).abs() > 0.001 {
            camera.zoom_at(factor, pointer, rect);
            stage.camera = Some(camera);
        }
    }
    let host = match stage.selection {
        Some(Selection::Host(host)) => Some(host),
        _ => None,
    };
    let event = stage.selected_event();
    let map = Map { layout: &stage.index.layout, scene, theme: desk.theme, words: desk.words, host, event };
    let painter = ui.painter().clone();
    let targets = if presenter {
        let title = &stage.session.scenario().title;
        poster::paint(&painter, rect, &map, desk.words.lang().pick(&title.en, &title.de), stage.camera)
    } else {
        map.paint(&painter, rect, camera)
    };
    let mut dragged = false;
    for (number, (area, target, name)) in targets.iter().enumerate() {
        let area = area.intersect(rect);
        if !area.is_positive() {
            continue;
        }
        let id = match target {
            Target::Host(host) => ui.scope_id().with(("card", host.0)),
            _ => ui.scope_id().with(("target", number)),
        };
        let sense = if matches!(target, Target::Host(_)) { Sense::click_and_drag() } else { Sense::click() };
        let response = ui.interact(area, id, sense);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
        if response.has_focus() {
            ui.painter().rect_stroke(
                area.expand(2.0),
                6.0,
                Stroke::new(2.0, desk.theme.selected),
                egui::StrokeKind::Outside,
            );
        }
        match target {
            Target::Host(host) => {
                if response.dragged() && response.drag_delta() != egui::Vec2::ZERO {
                    dragged = true;
                    let delta = response.drag_delta() / camera.zoom;
                    if let Some(place) = stage.index.layout.place(*host) {
                        let centre = place.area.centre();
                        let point = crate::view::geometry::Point::new(centre.x + delta.x, centre.y + delta.y);
                        // What is dragged must not change the scale under the hand.
                        stage.camera = Some(camera);
                        desk.want(Intent::Move(*host, point));
                    }
                }
                if response.double_clicked() {
                    desk.want(Intent::Dive(Depth::Host(*host)));
                } else if response.clicked() {
                    desk.want(Intent::Select(Selection::Host(*host)));
                }
            }
            Target::Session(socket, event) => {
                if response.double_clicked() {
                    desk.want(Intent::Dive(Depth::Session(*socket)));
                } else if response.clicked() {
                    desk.want(Intent::Select(Selection::Session(*socket, *event)));
                }
            }
            Target::Event(event) => {
                if response.clicked() {
                    desk.want(Intent::Select(Selection::Event(*event)));
                }
            }
        }
    }
    if response.dragged() && !dragged {
        let delta = response.drag_delta() / camera.zoom;
        camera.centre.x -= delta.x;
        camera.centre.y -= delta.y;
        stage.camera = Some(camera);
    }
}

/// A red point that follows the pointer.
fn laser(ui: &Ui, theme: &Theme) {
    let Some(at) = ui.input(|input| input.pointer.hover_pos()) else { return };
    let ring = |radius: f32, alpha: u8| {
        let colour = Color32::from_rgba_unmultiplied(theme.bad.r(), theme.bad.g(), theme.bad.b(), alpha);
        ui.painter().circle_filled(Pos2::new(at.x, at.y), radius, colour);
    };
    ring(18.0, 60);
    ring(7.0, 230);
}
