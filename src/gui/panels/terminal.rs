//! A terminal of a host: what appeared, a line to type on, and what a program asks.

use egui::{Key, RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::host::console::Request;
use crate::host::shell::Doing;
use crate::session::terminal::{Key as TerminalKey, Reply, TerminalId};

/// Octets of the transcript that are shown.
const SHOWN: u64 = 60_000;

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
}

/// The terminal that an ssh led to, if it has ended: the last one that was opened after it.
fn logged_out(stage: &Stage, from: TerminalId) -> Option<TerminalId> {
    let last = stage.session.terminals().ids().last().filter(|last| *last > from)?;
    let ended = matches!(stage.session.terminal(last)?.doing(), Doing::Ended(_));
    ended.then_some(last)
}

impl Terminal {
    /// Draws a terminal.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, id: TerminalId) {
        let theme = *desk.theme;
        let Some(view) = stage.session.terminal(id) else {
            ui.label(desk.word("terminal-gone"));
            return;
        };
        if let Doing::Asking(Request::Edit { path, text, .. }) = view.doing() {
            return self.editor(ui, desk, id, &path, &text);
        }
        if let Doing::Asking(Request::LogIn { .. }) = view.doing() {
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
        let transcript = view.transcript();
        let mark = transcript.end().saturating_sub(SHOWN);
        let spans = transcript.since(mark);
        let text: String = spans.iter().map(|span| String::from_utf8_lossy(&span.bytes).replace('\r', "")).collect();
        let room = (ui.available_height() - 34.0 * theme.scale).max(30.0);
        ScrollArea::vertical()
            .id_salt(("terminal", id.0))
            .auto_shrink(false)
            .max_height(room)
            .stick_to_bottom(true)
            .show(ui, |ui| {
                ui.add(egui::Label::new(RichText::new(text).font(theme.mono(13.0))).wrap());
            });
        if let Doing::Ended(status) = view.doing() {
            ui.label(RichText::new(desk.words.say("exit", &[("status", u64::from(status).into())])).color(theme.dim));
            return;
        }
        let host = view.host().name.to_string();
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new(format!("{host} $")).font(theme.mono(13.0)).color(theme.selected));
            let edit = egui::TextEdit::singleline(&mut self.line)
                .font(theme.mono(13.0))
                .lock_focus(true)
                .desired_width(ui.available_width() - 60.0);
            let response = ui.add(edit).labelled_by(label.id);
            if response.has_focus() {
                self.recall(ui);
                let interrupted = ui.input(|input| input.modifiers.ctrl && input.key_pressed(Key::C));
                let ended = ui.input(|input| input.modifiers.ctrl && input.key_pressed(Key::D));
                if interrupted {
                    desk.want(Intent::Press(id, TerminalKey::Interrupt));
                }
                if ended {
                    desk.want(Intent::Press(id, TerminalKey::EndOfInput));
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
        });
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
