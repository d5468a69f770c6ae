//! Statements, and where they write to and read from.

use super::ast::{Expr, Script, Stmt, Target};
use super::value::Value;
use super::{Done, Flow, Machine, Place};

impl Machine {
    pub(super) fn exec(&mut self, statement: &Stmt, script: &Script) -> Done<()> {
        self.tick()?;
        match statement {
            Stmt::Expr(expr) => drop(self.eval(expr, script)?),
            Stmt::Block(all) => {
                for statement in all {
                    self.exec(statement, script)?;
                }
            }
            Stmt::Print(arguments, target) => {
                let mut parts = Vec::new();
                for argument in arguments {
                    parts.push(self.eval(argument, script)?.text());
                }
                let text = if arguments.is_empty() { self.record() } else { parts.join(&self.text_of("OFS")) };
                let line = format!("{text}{}", self.text_of("ORS"));
                self.write(&line, target.as_ref(), script)?;
            }
            Stmt::Printf(arguments, target) => {
                let text = self.format(arguments, script)?;
                self.write(&text, target.as_ref(), script)?;
            }
            Stmt::If(cond, yes, no) => {
                if self.eval(cond, script)?.truth() {
                    self.exec(yes, script)?;
                } else if let Some(no) = no {
                    self.exec(no, script)?;
                }
            }
            Stmt::While(cond, body, first) => {
                let mut go = *first || self.eval(cond, script)?.truth();
                while go {
                    match self.exec(body, script) {
                        Err(Flow::Break) => break,
                        Ok(()) | Err(Flow::Continue) => {}
                        other => return other,
                    }
                    self.tick()?;
                    go = self.eval(cond, script)?.truth();
                }
            }
            Stmt::For(first, cond, step, body) => {
                if let Some(first) = first {
                    self.exec(first, script)?;
                }
                loop {
                    self.tick()?;
                    if let Some(cond) = cond
                        && !self.eval(cond, script)?.truth()
                    {
                        break;
                    }
                    match self.exec(body, script) {
                        Err(Flow::Break) => break,
                        Ok(()) | Err(Flow::Continue) => {}
                        other => return other,
                    }
                    if let Some(step) = step {
                        self.exec(step, script)?;
                    }
                }
            }
            Stmt::ForIn(var, array, body) => {
                let array = self.array_name(array);
                let keys: Vec<String> = self.arrays.get(&array).map_or(Vec::new(), |all| all.keys().cloned().collect());
                for key in keys {
                    self.assign(&Expr::Var(var.clone()), Value::Input(key), script)?;
                    match self.exec(body, script) {
                        Err(Flow::Break) => break,
                        Ok(()) | Err(Flow::Continue) => {}
                        other => return other,
                    }
                }
            }
            Stmt::Delete(array, index) => {
                let key = self.key(index, script)?;
                let array = self.array_name(array);
                let all = self.arrays.entry(array).or_default();
                if index.is_empty() {
                    all.clear();
                } else {
                    all.remove(&key);
                }
            }
            Stmt::Next => return Err(Flow::Next),
            Stmt::Exit(status) => {
                if let Some(status) = status {
                    self.status = (self.eval(status, script)?.number() as i64 & 255) as u8;
                }
                return Err(Flow::Exit);
            }
            Stmt::Break => return Err(Flow::Break),
            Stmt::Continue => return Err(Flow::Continue),
            Stmt::Return(value) => {
                let value = match value {
                    Some(value) => self.eval(value, script)?,
                    None => Value::Unset,
                };
                return Err(Flow::Return(value));
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, text: &str, target: Option<&Target>, script: &Script) -> Done<()> {
        let (name, append) = match target {
            Some(Target::Pipe(command)) => {
                let command = self.eval(command, script)?.text();
                match self.pipes.iter_mut().find(|(own, _)| *own == command) {
                    Some((_, content)) => content.extend_from_slice(text.as_bytes()),
                    None => self.pipes.push((command, text.as_bytes().to_vec())),
                }
                return Ok(());
            }
            None => {
                self.out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
            Some(Target::Write(name)) => (self.eval(name, script)?.text(), false),
            Some(Target::Append(name)) => (self.eval(name, script)?.text(), true),
        };
        match self.files.iter_mut().find(|(own, ..)| *own == name) {
            Some((.., content)) => content.extend_from_slice(text.as_bytes()),
            None => self.files.push((name, append, text.as_bytes().to_vec())),
        }
        Ok(())
    }

    /// Reads the next line of a file: 1, or 0 at its end, or -1 if there is none.
    pub(super) fn getline(&mut self, target: Option<&Expr>, file: &str, script: &Script) -> Done<Value> {
        if !self.reading.contains_key(file) {
            let Some(Place { vfs, cwd, cred }) = &self.source else { return Ok(Value::Number(-1.0)) };
            let path = crate::host::shell::pattern::absolute(cwd, file);
            let Ok(content) = vfs.read(&path, cred) else { return Ok(Value::Number(-1.0)) };
            self.reading.insert(file.to_owned(), crate::host::tools::lines(&content.to_vec()).into_iter());
        }
        let Some(line) = self.reading.get_mut(file).and_then(Iterator::next) else { return Ok(Value::Number(0.0)) };
        match target {
            Some(target) => self.assign(target, Value::Input(line), script)?,
            None => self.set_record(line),
        }
        Ok(Value::Number(1.0))
    }
}
