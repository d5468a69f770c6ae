//! What swaks prints about a session.

use super::options::Show;
use crate::host::Env;

/// Kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// `===`: about the session.
    Info,
    /// `***`: an error.
    Error,
    /// `->`: what swaks says.
    Send,
    /// `<-`: what was expected of the server.
    Receive,
    /// `<*`: what was not.
    Unexpected,
}

/// The transcript's settings and state.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// What is shown.
    pub show: Show,
    /// Whether TLS is active.
    pub tls: bool,
    error_seen: bool,
}

impl Transcript {
    /// Prints lines of text with their arrow, as far as they are wanted.
    pub fn print(&mut self, line: Line, text: &str, env: &mut Env<'_, '_>) {
        let show = &self.show;
        let is_error = matches!(line, Line::Error | Line::Unexpected);
        let hidden = match line {
            Line::Send => show.hide_send,
            Line::Receive | Line::Unexpected => show.hide_receive,
            Line::Info => show.hide_info,
            Line::Error => false,
        };
        let silenced = match show.silent {
            0 => false,
            1 => !is_error && !self.error_seen,
            2 => !is_error,
            _ => true,
        };
        self.error_seen |= is_error;
        if hidden || show.hide_all || silenced {
            return;
        }
        let arrow = match (line, self.tls) {
            (Line::Info, _) if !show.plain_info => "=== ",
            (Line::Error, _) if !show.plain_info => "*** ",
            (Line::Send, false) if !show.plain_send => " -> ",
            (Line::Send, true) if !show.plain_send => " ~> ",
            (Line::Receive, false) if !show.plain_receive => "<-  ",
            (Line::Receive, true) if !show.plain_receive => "<~  ",
            (Line::Unexpected, false) if !show.plain_receive => "<** ",
            (Line::Unexpected, true) if !show.plain_receive => "<~* ",
            _ => "",
        };
        for text in text.split('\n') {
            let text = text.trim_end_matches('\r');
            match line {
                Line::Error => env.errln(format!("{arrow}{text}")),
                _ => env.outln(format!("{arrow}{text}")),
            }
        }
    }
}
