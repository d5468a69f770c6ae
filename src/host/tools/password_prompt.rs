//! Asking for passwords: at the terminal, unseen, or from standard input where there is none.

use crate::host::console::Typing;
use crate::host::program::Env;

/// What came so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing yet.
    Nothing,
    /// A line.
    Line(String),
    /// There will be none.
    End,
}

/// Shows a prompt and has what is typed next not shown.
pub fn ask(env: &mut Env<'_, '_>, prompt: &str) {
    env.stderr.extend_from_slice(prompt.as_bytes());
    if let Some(tty) = &mut env.stdin.tty {
        tty.typing = Typing::Hidden;
    }
}

/// The line that was typed; the terminal shows again what is typed after it.
pub fn typed(env: &mut Env<'_, '_>) -> Typed {
    let Some(tty) = &mut env.stdin.tty else {
        return match env.stdin.take_line() {
            Some(line) => Typed::Line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()),
            None if env.stdin.eof => Typed::End,
            None => Typed::Nothing,
        };
    };
    let line = match tty.take_line() {
        Some(line) => Typed::Line(line),
        None if env.stdin.eof && tty.is_stdin => Typed::End,
        None => return Typed::Nothing,
    };
    tty.typing = Typing::Lines;
    env.stderr.push(b'\n');
    line
}
