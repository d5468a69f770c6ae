//! The line editor at the prompt: history across starts, completion, several lines.

use std::borrow::Cow;
use std::path::PathBuf;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Hinter};

use crate::host::Host;
use crate::host::shell::{State, needs_more};
use crate::session::terminal::{TerminalView, complete_with};

/// Lines that are remembered.
const MAX_HISTORY: usize = 5_000;

/// What came from the keyboard.
#[derive(Debug)]
pub enum Typed {
    /// One or several lines.
    Text(String),
    /// `^C`.
    Interrupt,
    /// `^D`.
    End,
}

/// The line editor with its history.
pub struct LineEditor {
    editor: Editor<Assistant, FileHistory>,
    file: Option<PathBuf>,
}

impl LineEditor {
    /// An editor with the history of earlier times.
    ///
    /// # Errors
    /// The terminal cannot be used; in words for people.
    pub fn new() -> Result<LineEditor, String> {
        let config = Config::builder()
            .max_history_size(MAX_HISTORY)
            .map_err(|error| error.to_string())?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(|error| error.to_string())?;
        editor.set_helper(Some(Assistant::default()));
        let file = super::journal::state_dir().map(|dir| dir.join("shell_history"));
        if let Some(file) = &file {
            // There is none at the first start.
            let _ = editor.load_history(file);
        }
        Ok(LineEditor { editor, file })
    }

    /// Reads a command, which may have several lines.
    ///
    /// # Errors
    /// The terminal is gone; in words for people.
    pub fn read(&mut self, prompt: &Prompt, view: Option<TerminalView<'_>>, hosts: &[String]) -> Result<Typed, String> {
        if let Some(helper) = self.editor.helper_mut() {
            let state = view.and_then(|view| view.state().cloned().map(|state| (view.host().clone(), state)));
            helper.place = state;
            helper.hosts = hosts.to_vec();
            helper.whole_commands = prompt.whole_commands;
        }
        let read = self.editor.readline(&(prompt.plain.clone(), prompt.coloured.clone()));
        match read {
            Ok(text) => {
                self.save();
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Interrupt),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Columns and rows of the real terminal.
    pub fn dimensions(&mut self) -> Option<(u16, u16)> {
        self.editor.dimensions()
    }

    fn save(&mut self) {
        if let Some(file) = &self.file {
            if let Some(parent) = file.parent() {
                let _ = std::fs::create_dir_all(parent);
            }
            // A history that cannot be written is no reason to stop; it works until the end.
            let _ = self.editor.append_history(file);
        }
    }
}

/// A prompt with and without colours.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Without.
    pub plain: String,
    /// With.
    pub coloured: String,
    /// Whether unfinished commands are taken on to the next line.
    pub whole_commands: bool,
}

/// What helps while a line is typed.
#[derive(Default, Helper, Hinter)]
struct Assistant {
    place: Option<(Host, State)>,
    hosts: Vec<String>,
    whole_commands: bool,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if line.starts_with(':') {
            return Ok(super::meta::complete(&line[..pos]));
        }
        let Some((host, state)) = &self.place else { return Ok((pos, Vec::new())) };
        let found = complete_with(host, state, &self.hosts, line, pos);
        let pair = |candidate: crate::host::shell::complete::Candidate| Pair {
            display: candidate.label,
            replacement: candidate.text,
        };
        Ok((found.start, found.candidates.into_iter().map(pair).collect()))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let goes_on = self.whole_commands && !text.starts_with(':') && needs_more(text);
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Highlighter for Assistant {
    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        if candidate.ends_with('/') { Cow::Owned(format!("\x1b[1;34m{candidate}\x1b[0m")) } else { candidate.into() }
    }
}
