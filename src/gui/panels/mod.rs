//! The window's panels: each reads shared data and pushes intents.

pub mod accounts;
pub mod ask;
pub mod bar;
pub mod chooser;
pub mod compare;
pub mod config;
pub mod details;
pub mod events;
pub mod faults;
pub mod files;
pub mod help;
pub mod inspector;
pub mod lab;
pub mod letter;
pub mod log;
pub mod mails;
pub mod program;
pub mod sockets;
pub mod story;
pub mod terminal;
pub mod timeline;
pub mod why;

use egui::{Response, Ui, WidgetInfo};

use super::intent::Intent;
use super::theme::Theme;
use crate::session::words::Words;

/// What every panel gets.
pub struct Desk<'a> {
    /// Colours and type.
    pub theme: &'a Theme,
    /// The language.
    pub words: &'a Words,
    /// What was wanted so far in this frame.
    pub intents: &'a mut Vec<Intent>,
}

impl Desk<'_> {
    /// A text of the language.
    pub fn word(&self, id: &str) -> String {
        self.words.word(id)
    }

    /// Wants something.
    pub fn want(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// A button with a sign on it, whose name readers of the screen and the tip say.
    pub fn sign(&mut self, ui: &mut Ui, sign: &str, name: &str, intent: Intent) -> Response {
        let response = ui.button(sign);
        let label = self.words.word(name);
        let enabled = response.enabled();
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, &label));
        let response = response.on_hover_text(label);
        if response.clicked() {
            self.want(intent);
        }
        response
    }
}
