//! What a person wants is carried out: once per frame, after everything was drawn.

use super::intent::{Bench, Intent, Tab};
use super::stage::{Depth, Selection};
use super::theme::Theme;
use super::window::Window;
use crate::session::terminal::Device;
use crate::session::words::{Lang, Words};
use crate::view::playhead::Stride;

impl Window {
    /// Carries out what was wanted.
    pub fn carry_out(&mut self, intent: Intent) {
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
            Intent::Tab(tab) => {
                self.inspector.tab = tab;
                self.settings.hide_inspector = false;
            }
            Intent::Bench(bench) => {
                self.bench = if self.bench == Some(bench) { None } else { Some(bench) };
                self.settings.view = self.bench.and_then(Bench::name).map(str::to_owned);
                self.shelf.remember(&self.settings);
            }
            Intent::File(path) => {
                self.inspector.files.open(&path);
                self.inspector.tab = Tab::Files;
                self.settings.hide_inspector = false;
            }
            Intent::Out if self.help => self.help = false,
            Intent::Out if self.black => self.black = false,
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
        let (inputs, branch) = (stage.session.recording().entries.len(), stage.branch.clone());
        let futures = stage.futures.len();
        stage.note = None;
        match intent {
            Intent::Close => return self.close(),
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
            Intent::Toggle => {
                // Going on from a question is still on the way to now.
                if stage.playhead.playing || stage.is_at_end() {
                    stage.leave_now();
                }
                stage.questions.asked = None;
                stage.playhead.toggle(&stage.index);
            }
            Intent::Step(stride, forward) => {
                stage.leave_now();
                stage.questions.asked = None;
                let from = stage.playhead.at;
                let moved = stage.playhead.step(stride, forward, &stage.index);
                let host = |selection: &Selection| matches!(selection, Selection::Host(_));
                stage.selection = stage.selection.filter(|selection| !moved || host(selection));
                if !moved {
                    stage.note = nothing_there(stride, forward);
                }
                if forward && stride == Stride::Beat {
                    stage.ask_between(from);
                }
            }
            Intent::Seek(at) => {
                stage.leave_now();
                stage.questions.asked = None;
                stage.playhead.seek(at, &stage.index);
            }
            Intent::Show(event) => {
                stage.leave_now();
                stage.playhead.show(event, &stage.index);
            }
            Intent::ShowIn(number, event) => {
                stage.switch(number);
                stage.playhead.show(event, &stage.index);
                stage.select(Selection::Event(event));
            }
            Intent::Vote(question, choice) => {
                let choices = stage.session.lab().and_then(|lab| lab.lab.predict.get(question));
                if let Some(choices) = choices.map(|question| question.choices.len()) {
                    stage.questions.vote(question, choice, choices);
                }
            }
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
            Intent::Input(input) => stage.input(input),
            Intent::Wait(time) => stage.wait(time),
            Intent::Exam(minutes) => {
                stage.begin_exam(minutes, self.shelf.now());
                self.bench = None;
                self.lab.forget();
            }
            Intent::HandIn => stage.input(crate::session::Input::HandIn),
            Intent::BackTo(task) => stage.back_to(&task),
            Intent::CatchUp(task) => stage.catch_up(&task),
            // Who drives the session elsewhere has one future only.
            Intent::Without(..) if stage.shared.is_some() => {}
            Intent::Without(event, source) => {
                stage.without(event, &source);
                if stage.futures.len() > futures {
                    self.bench = Some(Bench::Compare(futures));
                }
            }
            Intent::OpenTerminal { host, user, first } => {
                if let Some(id) = stage.open_terminal(&host, &user) {
                    self.bench = Some(Bench::Terminal(id));
                    if let Some(line) = first {
                        stage.type_line(id, line);
                    }
                }
            }
            Intent::Type(id, text) => stage.type_line(id, text),
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
            Intent::NextFuture if stage.futures.is_empty() => stage.note = Some("note-no-future"),
            Intent::NextFuture => {
                // The oldest comes first, so that all are seen in turn.
                stage.switch(0);
                stage.futures.rotate_left(1);
            }
            Intent::Compare if stage.futures.is_empty() => stage.note = Some("note-no-future"),
            Intent::Compare => {
                let last = stage.futures.len() - 1;
                self.bench = match self.bench {
                    Some(Bench::Compare(_)) => None,
                    _ => Some(Bench::Compare(last)),
                };
            }
            Intent::Name(name) => stage.branch = name,
            _ => {}
        }
        let gone = matches!(self.bench, Some(Bench::Compare(number)) if number >= stage.futures.len());
        if gone {
            self.bench = None;
        }
        let entries = stage.session.recording().entries.len();
        if (entries, &stage.branch) != (inputs, &branch) {
            self.events.forget();
        }
        // What was entered survives a crash, in all futures.
        if entries != inputs || futures != stage.futures.len() {
            if stage.sitting.is_empty() {
                stage.sitting = self.shelf.sitting(&stage.session);
            }
            let new = stage.futures.get(futures..).unwrap_or_default();
            let left = new.iter().map(|future| (Some(future.name.as_str()), &future.session));
            for (branch, session) in left.chain([(None, &stage.session)]) {
                if let Err(error) = self.shelf.keep(&stage.sitting, branch, session) {
                    stage.error = Some(error);
                }
            }
        }
    }
}

/// What to say when there is nothing to jump to.
fn nothing_there(stride: Stride, forward: bool) -> Option<&'static str> {
    Some(match (stride, forward) {
        (Stride::Beat, true) => "note-end",
        (Stride::Beat, false) => "note-beginning",
        (Stride::Command, _) => "note-no-command",
        (Stride::Hop, _) => "note-no-hop",
        (Stride::Refusal, _) => "note-no-refusal",
        (Stride::Bounce, _) => "note-no-bounce",
        (Stride::Decision, _) => "note-no-decision",
        (Stride::Narration, _) => "note-no-narration",
    })
}
