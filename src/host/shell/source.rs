//! Where a shell's commands come from: a text, or lines that are typed.

use std::sync::Arc;

use super::exec::{Frame, Shell};
use super::files::Read;
use super::machine::{Machine, TaskId};
use super::parser::{ParseError, Parser, is_continued};
use super::state::Dialect;
use crate::host::process::Ctx;
use crate::trace::Kind as Event;

/// Where commands come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) parser: Parser,
    /// Whether further lines are read from standard input.
    pub(super) stdin: bool,
    /// Text of an unfinished command.
    pub(super) buffer: String,
    pub(super) eof: bool,
    /// Whether the prompt was shown since the last line.
    pub(super) prompted: bool,
    /// Whether there was nothing to read.
    pub(super) waits: bool,
    /// Whether `return` ends it (`.`).
    pub(super) returns: bool,
}

impl Shell {
    /// Has it execute a text.
    pub fn run_text(&mut self, text: &str) {
        self.push_text(text, false);
    }

    pub(super) fn push_text(&mut self, text: &str, returns: bool) {
        let parser = Parser::new(text.chars().collect(), self.is_bash());
        self.push_source(parser, false, returns);
    }

    pub(super) fn push_source(&mut self, parser: Parser, stdin: bool, returns: bool) {
        let source =
            Source { parser, stdin, buffer: String::new(), eof: false, prompted: false, waits: false, returns };
        self.frames.push(Frame::Source(Box::new(source)));
    }

    /// Has it execute what it reads from standard input.
    pub fn run_stdin(&mut self, parser: Parser) {
        self.push_source(parser, true, false);
    }

    /// Whether it waits for a person to type a command.
    pub fn at_prompt(&self) -> bool {
        matches!(self.frames.as_slice(), [Frame::Source(source)] if source.waits && source.buffer.is_empty())
    }

    /// Whether it waits for the rest of a command that was typed in part.
    pub fn wants_more(&self) -> bool {
        matches!(self.frames.as_slice(), [Frame::Source(source)] if source.waits && !source.buffer.is_empty())
    }

    /// Whether it reads a line that is not to be shown (`read -s`).
    pub fn hides_input(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Read(read)) if read.silent)
    }

    /// Ends what it reads from standard input.
    pub(super) fn end_input(&mut self) {
        match self.frames.last_mut() {
            Some(Frame::Read(read)) => read.ended = true,
            Some(Frame::Source(source)) if source.stdin => source.eof = true,
            _ => {}
        }
    }

    pub(super) fn source(
        &mut self,
        id: TaskId,
        mut source: Box<Source>,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        if source.stdin {
            return self.stdin_source(id, source, machine, ctx);
        }
        source.parser.set_aliases(Arc::clone(&self.state.aliases));
        match source.parser.next_line() {
            Ok(None) => {}
            Ok(Some(node)) => {
                self.frames.push(Frame::Source(source));
                self.frames.push(Frame::Run(node));
            }
            Err(error) => {
                self.state.line = source.parser.line;
                self.syntax_error(id, &error, machine, ctx);
            }
        }
        true
    }

    pub(super) fn syntax_error(&mut self, id: TaskId, error: &ParseError, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let text = match (self.state.dialect, error) {
            (Dialect::Dash, ParseError::BadSubstitution) => error.to_string(),
            (Dialect::Dash, _) => format!("Syntax error: {error}"),
            (Dialect::Bash, ParseError::Unexpected { token, .. }) => {
                format!("syntax error near unexpected token `{}'", token.trim_matches('"'))
            }
            (Dialect::Bash, ParseError::Eof { .. }) => "syntax error: unexpected end of file".into(),
            (Dialect::Bash, ParseError::Unterminated) => "unexpected EOF while looking for matching quote".into(),
            (Dialect::Bash, _) => error.to_string().to_lowercase(),
        };
        self.complain(id, &text, machine, ctx);
        if self.state.interactive {
            self.state.status = 2;
        } else {
            self.leave(id, 2, machine);
        }
    }

    /// Reads commands from standard input, line by line.
    pub(super) fn stdin_source(
        &mut self,
        id: TaskId,
        mut source: Box<Source>,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let complete = (source.buffer.ends_with('\n') && (source.eof || !is_continued(&source.buffer)))
            || (source.eof && !source.buffer.is_empty());
        if complete {
            let mut parser = Parser::new(source.buffer.chars().collect(), self.is_bash())
                .with_aliases(Arc::clone(&self.state.aliases));
            parser.line = source.parser.line;
            if !source.eof {
                parser = parser.interactive();
            }
            match parser.next_line() {
                Err(error) if error.is_incomplete() && !source.eof && source.buffer.len() < 1 << 20 => {}
                result => {
                    self.state.line = parser.line;
                    let rest: String = source.buffer.chars().skip(parser.position()).collect();
                    if result.is_ok() {
                        self.tell_command(&source.buffer[..source.buffer.len() - rest.len()], ctx);
                    }
                    source.parser.line = parser.line;
                    source.buffer = if result.is_ok() { rest } else { String::new() };
                    source.prompted = false;
                    self.frames.push(Frame::Source(source));
                    match result {
                        Ok(Some(node)) => self.frames.push(Frame::Run(node)),
                        Ok(None) => {}
                        Err(error) => self.syntax_error(id, &error, machine, ctx),
                    }
                    return true;
                }
            }
        }
        if source.eof {
            self.say_goodbye(id, machine, ctx);
            return true;
        }
        if self.state.interactive && !source.prompted && source.buffer.is_empty() {
            self.report_jobs(id, machine, ctx);
            self.check_mail(id, machine, ctx);
            let prompt = super::prompt(&self.state, ctx.host);
            self.write(id, 2, prompt.as_bytes(), machine, ctx);
            source.prompted = true;
        }
        source.waits = false;
        let fd = machine.task(id).and_then(|task| task.fds.get(&0)).copied();
        let mut line = Vec::new();
        let waits = loop {
            match fd.map_or(Read::Eof, |fd| machine.read(fd, 1, ctx)) {
                Read::Data(data) => {
                    line.extend(data);
                    if line.ends_with(b"\n") {
                        break false;
                    }
                }
                Read::Eof => {
                    source.eof = true;
                    break false;
                }
                Read::Wait => break true,
            }
        };
        if waits {
            if let (Some(fd), false) = (fd, line.is_empty()) {
                machine.files.unread(fd, &line);
            }
            if self.state.interactive && !source.prompted {
                self.write(id, 2, b"> ", machine, ctx);
                source.prompted = true;
            }
            source.waits = true;
            self.frames.push(Frame::Source(source));
            return false;
        }
        let text = String::from_utf8_lossy(&line);
        if self.state.interactive && !text.trim().is_empty() {
            self.history.push(text.trim_end().to_owned());
        }
        source.prompted = false;
        source.buffer.push_str(&text);
        self.frames.push(Frame::Source(source));
        true
    }

    /// What a shell says to a person who leaves it.
    pub(super) fn say_goodbye(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        if self.state.interactive {
            let word: &[u8] = if self.state.arg0.starts_with('-') { b"logout\n" } else { b"exit\n" };
            self.write(id, 2, word, machine, ctx);
        }
    }

    /// Notes a command that was typed.
    pub(super) fn tell_command(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let line = text.trim();
        if line.is_empty() {
            return;
        }
        self.commands += 1;
        if self.told {
            let uid = self.state.cred.uid;
            let user = ctx.host.accounts.by_uid(uid).map_or_else(|| uid.to_string().into(), |user| user.name.clone());
            ctx.emit(Event::ShellCommand { user, line: line.into() });
        }
    }
}
