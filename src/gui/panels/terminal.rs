//! A terminal of a host: what appeared, a line to type on, and what a program asks.

use egui::{Key, RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::host::console::Request;
use crate::host::shell::Doing;
use crate::host::shell::complete::Completion;
use crate::session::coach;
use crate::session::story::connection;
use crate::session::terminal::{Key as TerminalKey, Reply, TerminalId};
use crate::trace::{Event, Kind};
use crate::view::index::session_of;

/// Octets of the transcript that are shown.
const SHOWN: u64 = 60_000;
/// Events among which the last refusal is looked for.
const RECENT: u64 = 300;

/// The line that is being typed, and the lines before it.
#[derive(Default)]
pub struct Terminal {
    line: String,
    history: Vec<String>,
    back: usize,
    /// A text that a program gave to edit.
    draft: Option<(String, String)>,
    /// The terminal whose ssh has led to another one.
    followed: Option<TerminalId>,
    /// The terminal that was shown last.
    opened: Option<TerminalId>,
}

/// Where a terminal is typed at.
fn field_id(id: TerminalId) -> egui::Id {
    egui::Id::unique(("terminal-line", id.0))
}

/// What a coach says to the last refusal that somebody at a host has got in a dialogue by hand.
fn hint(desk: &Desk<'_>, stage: &Stage, host: &str) -> Option<String> {
    let trace = stage.session.world().trace();
    let recent = trace.since(trace.len().saturating_sub(RECENT));
    let events: Vec<&Event> = recent.filter(|event| session_of(event).is_some()).collect();
    let last = events.iter().rev().find(|event| matches!(event.kind, Kind::SmtpReply { .. }))?;
    let Kind::SmtpReply { session, code, text, .. } = &last.kind else { return None };
    let (client, _) = stage.index.facts.ends(connection(*session))?;
    let line = events.iter().rev().find_map(|event| match &event.kind {
        Kind::SmtpCmd { session: other, line } if connection(*other) == connection(*session) => Some(line),
        _ => None,
    })?;
    let hint = coach::smtp(line, *code, text).filter(|_| client == host)?;
    let mut said = desk.word(hint.id);
    if let Some(word) = hint.meant {
        said.push(' ');
        said.push_str(&desk.words.say("coach-meant", &[("word", word.into())]));
    }
    Some(said)
}

/// The terminal that an ssh led to, if it has ended: the last one that was opened after it.
fn logged_out(stage: &Stage, from: TerminalId) -> Option<TerminalId> {
    let last = stage.session.terminals().ids().last().filter(|last| *last > from)?;
    let ended = matches!(stage.session.terminal(last)?.doing(), Doing::Ended(_));
    ended.then_some(last)
}

impl Terminal {
    /// Draws a terminal as it is at the moment shown.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, id: TerminalId) {
        let theme = *desk.theme;
        let names = crate::session::terminal::host_names(stage.session.world());
        let now = stage.is_now();
        let Some(view) = stage.terminal(id) else {
            ui.label(desk.word("terminal-gone"));
            return;
        };
        let doing = view.doing();
        let transcript = view.transcript();
        let mark = transcript.end().saturating_sub(SHOWN);
        let spans = transcript.since(mark);
        let text: String = spans.iter().map(|span| String::from_utf8_lossy(&span.bytes).replace('\r', "")).collect();
        let host = view.host().name.to_string();
        let talks = view.foreground().is_some_and(|line| line.starts_with("telnet") || line.starts_with("nc "));
        if ui.memory(|memory| memory.has_focus(field_id(id))) && ui.input(|input| input.key_pressed(Key::Tab)) {
            let done = view.complete(&names, &self.line, self.line.len());
            self.complete(&done);
        }
        if let Doing::Asking(Request::Edit { path, text, .. }) = &doing {
            return self.editor(ui, desk, id, path, text);
        }
        self.follow(desk, stage, id, &doing);
        let hint = if talks { hint(desk, stage, &host) } else { None };
        let below = if hint.is_some() { 60.0 } else { 34.0 };
        let room = (ui.available_height() - below * theme.scale).max(30.0);
        ScrollArea::vertical()
            .id_salt(("terminal", id.0))
            .auto_shrink(false)
            .max_height(room)
            .stick_to_bottom(true)
            .show(ui, |ui| {
                ui.add(egui::Label::new(RichText::new(text).font(theme.mono(13.0))).wrap());
            });
        if let Doing::Ended(status) = doing {
            ui.label(RichText::new(desk.words.say("exit", &[("status", u64::from(status).into())])).color(theme.dim));
            return;
        }
        if let Some(hint) = hint {
            ui.add(egui::Label::new(RichText::new(hint).color(theme.later)).wrap());
        }
        self.typing(ui, desk, id, &host, now);
    }

    /// Goes where an ssh leads, and comes back.
    fn follow(&mut self, desk: &mut Desk<'_>, stage: &Stage, id: TerminalId, doing: &Doing) {
        if let Doing::Asking(Request::LogIn { .. }) = doing {
            match logged_out(stage, id) {
                Some(there) => desk.want(Intent::Answer(id, Reply::LoggedOut(there))),
                None if self.followed != Some(id) => {
                    self.followed = Some(id);
                    desk.want(Intent::LogIn(id));
                }
                None => {}
            }
        } else if self.followed == Some(id) {
            self.followed = None;
        }
    }

    /// The line that is typed on.
    fn typing(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, id: TerminalId, host: &str, now: bool) {
        let theme = *desk.theme;
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new(format!("{host} $")).font(theme.mono(13.0)).color(theme.selected));
            let room = if now { 60.0 } else { 330.0 * theme.scale };
            let edit = egui::TextEdit::singleline(&mut self.line)
                .id(field_id(id))
                .font(theme.mono(13.0))
                .lock_focus(true)
                .desired_width((ui.available_width() - room).max(80.0));
            let response = ui.add(edit).labelled_by(label.id);
            if self.opened != Some(id) {
                self.opened = Some(id);
                response.request_focus();
            }
            if response.has_focus() {
                self.recall(ui);
                let pressed = |key| ui.input(|input| input.modifiers.ctrl && input.key_pressed(key));
                for (key, meant) in [
                    (Key::C, TerminalKey::Interrupt),
                    (Key::D, TerminalKey::EndOfInput),
                    (Key::Z, TerminalKey::Suspend),
                ] {
                    if pressed(key) {
                        desk.want(Intent::Press(id, meant));
                    }
                }
            }
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if entered {
                let line = std::mem::take(&mut self.line);
                if !line.trim().is_empty() {
                    self.history.push(line.clone());
                }
                self.back = 0;
                desk.want(Intent::Type(id, line + "\n"));
                response.request_focus();
            }
            if ui.button("^C").on_hover_text(desk.word("terminal-interrupt")).clicked() {
                desk.want(Intent::Press(id, TerminalKey::Interrupt));
            }
            if !now {
                let text = RichText::new(desk.word("past-notice")).color(theme.later).font(theme.text(theme::NOTE));
                ui.add(egui::Label::new(text).truncate());
            }
        });
    }

    /// Puts what all candidates have in common in place of the word before the cursor.
    fn complete(&mut self, found: &Completion) {
        let Some(first) = found.candidates.first() else { return };
        let common = |text: &str, other: &str| {
            let same = text.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
            same.map_or(text.len().min(other.len()), |((at, _), _)| at)
        };
        let length = found.candidates.iter().map(|other| common(&first.text, &other.text)).min().unwrap_or(0);
        if found.start <= self.line.len() && self.line.is_char_boundary(found.start) {
            self.line.truncate(found.start);
            self.line.push_str(&first.text[..length]);
        }
    }

    /// Goes through the lines that were typed before.
    fn recall(&mut self, ui: &Ui) {
        let (up, down) = ui.input(|input| (input.key_pressed(Key::ArrowUp), input.key_pressed(Key::ArrowDown)));
        if up {
            self.back = (self.back + 1).min(self.history.len());
        } else if down {
            self.back = self.back.saturating_sub(1);
        } else {
            return;
        }
        let line = self.history.len().checked_sub(self.back).and_then(|at| self.history.get(at));
        self.line = line.cloned().unwrap_or_default();
    }

    /// The text that an editor program wants edited.
    fn editor(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, id: TerminalId, path: &str, text: &str) {
        if self.draft.as_ref().is_none_or(|(of, _)| of != path) {
            self.draft = Some((path.to_owned(), text.to_owned()));
        }
        let Some((_, draft)) = &mut self.draft else { return };
        let label = desk.words.say("files-editor", &[("path", path.into())]);
        let mut done = None;
        ui.horizontal(|ui| {
            ui.label(RichText::new(path).font(desk.theme.mono(theme::TEXT)));
            if ui.button(desk.word("files-save")).clicked() {
                done = Some(Reply::Edited(Some(draft.clone())));
            }
            if ui.button(desk.word("files-discard")).clicked() {
                done = Some(Reply::Edited(None));
            }
        });
        ScrollArea::vertical().id_salt("terminal-editor").auto_shrink(false).show(ui, |ui| {
            let response = ui.add(egui::TextEdit::multiline(draft).code_editor().desired_width(f32::INFINITY));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::MultilineTextInput, true, &label));
        });
        if let Some(answer) = done {
            self.draft = None;
            desk.want(Intent::Answer(id, answer));
        }
    }
}
