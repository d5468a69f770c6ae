//! awk(1), as far as people filter logs and listings with it; without `system`, and `getline` only
//! from files. What is printed to a command reaches it when the program has ended.

mod parse;
mod value;

use std::collections::{BTreeMap, VecDeque};

use regex::bytes::Regex;

use self::parse::{Expr, Script, Stmt, Target, When, parse};
use self::value::Value;
use super::posix_regex::{Syntax, compile};
use super::read_file;
use crate::host::program::{Env, Program, Progress, Resume, Run};
use crate::host::vfs::{Cred, Vfs};

/// Steps of one program: an endless loop is ended.
const MAX_STEPS: u64 = 5_000_000;
/// Depth of function calls.
const MAX_CALLS: u32 = 50;
/// Depth of expressions within each other, over all calls.
const MAX_DEPTH: u32 = 150;

/// Why the normal flow ends.
enum Flow {
    Next,
    Exit,
    Break,
    Continue,
    Return(Value),
    Error(String),
}

type Done<T> = Result<T, Flow>;

#[derive(Default)]
struct Machine {
    vars: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    /// Variables and array names of the function calls that are going on.
    locals: Vec<(BTreeMap<String, Value>, BTreeMap<String, String>)>,
    record: String,
    fields: Vec<String>,
    split_done: bool,
    active: Vec<bool>,
    regexes: BTreeMap<String, Regex>,
    out: Vec<u8>,
    files: Vec<(String, bool, Vec<u8>)>,
    /// What was printed to commands.
    pipes: Vec<(String, Vec<u8>)>,
    /// The files as they were at the start, and the lines of those that are being read.
    source: Option<Place>,
    reading: BTreeMap<String, std::vec::IntoIter<String>>,
    status: u8,
    steps: u64,
    depth: u32,
    temporary: u64,
}

/// Where names of files lead.
struct Place {
    vfs: Vfs,
    cwd: String,
    cred: Cred,
}

/// `awk`.
#[derive(Clone, Debug, Default)]
pub struct Awk {
    /// The status that the program ended with, and the commands that get what it printed to them.
    ended: Option<(u8, VecDeque<Fed>)>,
}

/// A command, and what it is to read.
type Fed = (String, Vec<u8>);

impl Awk {
    /// The command, about to be started.
    pub fn make() -> Box<dyn Program> {
        Box::new(Awk::default())
    }
}

impl Program for Awk {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        if self.ended.is_none() {
            let reads = reads(env.args);
            if reads && !env.stdin.eof {
                return Progress::Wait;
            }
            let input = if reads { std::mem::take(&mut env.stdin.buffer) } else { Vec::new() };
            let (status, pipes) = awk(env, &input);
            self.ended = Some((status, pipes.into()));
        }
        let Some((status, pipes)) = &mut self.ended else { return Progress::Wait };
        match pipes.pop_front() {
            Some((command, text)) => {
                let argv = ["sh", "-c", &command].map(str::to_owned).to_vec();
                Progress::Run(Box::new(Run { argv, stdin: Some(text.into()), ..Run::default() }))
            }
            None => Progress::Exit(*status),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Whether a command line has awk read standard input. A program of `BEGIN` alone reads nothing.
fn reads(args: &[String]) -> bool {
    let mut rest = args.iter().skip(1);
    let mut from_file = false;
    let text = loop {
        match rest.next() {
            None => break None,
            Some(arg) if arg == "--" => break if from_file { None } else { rest.next() },
            Some(arg) if arg.len() == 2 && matches!(arg.as_str(), "-F" | "-v" | "-f") => {
                from_file |= arg == "-f";
                rest.next();
            }
            Some(arg) if arg.starts_with("-f") => from_file = true,
            Some(arg) if arg.starts_with('-') && arg.len() > 1 => {}
            Some(arg) if from_file => {
                let files = std::iter::once(arg).chain(rest);
                return is_stdin(files);
            }
            Some(arg) => break Some(arg),
        }
    };
    let only_begin = |text: &String| {
        parse(text).is_ok_and(|script| script.rules.iter().all(|(when, _)| matches!(when, When::Begin)))
    };
    match text {
        Some(text) => !only_begin(text) && is_stdin(rest),
        None => from_file,
    }
}

/// Whether these operands leave awk with standard input.
fn is_stdin<'a>(operands: impl Iterator<Item = &'a String>) -> bool {
    let files: Vec<&String> = operands.filter(|name| !is_assignment(name)).collect();
    files.is_empty() || files.iter().any(|name| *name == "-")
}

fn is_assignment(operand: &str) -> bool {
    operand.split_once('=').is_some_and(|(name, _)| crate::host::shell::parser::is_identifier(name))
}

/// Runs a command line: its status, and what it printed to commands.
fn awk(env: &mut Env<'_, '_>, stdin: &[u8]) -> (u8, Vec<(String, Vec<u8>)>) {
    let mut machine = Machine::default();
    let status = execute(&mut machine, env, stdin);
    (status, machine.pipes)
}

fn execute(machine: &mut Machine, env: &mut Env<'_, '_>, stdin: &[u8]) -> u8 {
    machine.source = Some(Place { vfs: env.ctx.host.vfs.clone(), cwd: env.cwd.to_owned(), cred: env.cred.clone() });
    for (name, value) in [
        ("FS", " "),
        ("OFS", " "),
        ("ORS", "\n"),
        ("RS", "\n"),
        ("SUBSEP", "\u{1c}"),
        ("CONVFMT", "%.6g"),
        ("OFMT", "%.6g"),
    ] {
        machine.vars.insert(name.into(), Value::Text(value.into()));
    }
    let mut text = None;
    let mut operands = Vec::new();
    let mut args = env.args[1..].iter().cloned();
    while let Some(arg) = args.next() {
        let mut value = |letters: &str| match &arg[letters.len()..] {
            "" => args.next().unwrap_or_default(),
            rest => rest.to_owned(),
        };
        match arg.as_str() {
            "--" => {
                operands.extend(args);
                break;
            }
            arg if arg.starts_with("-F") => {
                let separator = value("-F");
                let separator = if separator == "t" { "\t".into() } else { super::system::unescape(&separator) };
                machine.vars.insert("FS".into(), Value::Text(separator));
            }
            arg if arg.starts_with("-v") => {
                let pair = value("-v");
                machine.assign_operand(&pair);
            }
            arg if arg.starts_with("-f") => {
                let name = value("-f");
                match read_file(env, &env.path(&name)) {
                    Ok(octets) => text = Some(String::from_utf8_lossy(&octets).into_owned()),
                    Err(_) => {
                        env.errln(format!("awk: cannot open {name} (No such file or directory)"));
                        return 2;
                    }
                }
            }
            arg => operands.push(arg.to_owned()),
        }
        if text.is_none() && operands.len() == 1 {
            text = operands.pop();
            operands.extend(args);
            break;
        }
    }
    let Some(text) = text else {
        env.errln("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]");
        return 2;
    };
    let script = match parse(&text) {
        Ok(script) => script,
        Err(error) => {
            env.errln(format!("awk: line 1: {error}"));
            return 2;
        }
    };
    machine.active = vec![false; script.ranges];
    let environ = env.vars.iter().map(|(name, value)| (name.to_string(), Value::Input(value.clone()))).collect();
    machine.arrays.insert("ENVIRON".into(), environ);
    let arguments = std::iter::once("awk").chain(operands.iter().map(String::as_str)).enumerate();
    let arguments: BTreeMap<String, Value> =
        arguments.map(|(nth, word)| (nth.to_string(), Value::Input(word.to_owned()))).collect();
    machine.vars.insert("ARGC".into(), Value::Number(arguments.len() as f64));
    machine.arrays.insert("ARGV".into(), arguments);
    let result = machine.run(&script, &operands, stdin, env);
    let (out, files) = (std::mem::take(&mut machine.out), std::mem::take(&mut machine.files));
    env.stdout.extend(out);
    for (name, append, content) in files {
        let path = env.path(&name);
        match name.as_str() {
            "/dev/stderr" => env.stderr.extend(content),
            "/dev/stdout" => env.stdout.extend(content),
            _ if append => drop(env.ctx.host.vfs.append(&path, content, 0o644, env.cred)),
            _ => drop(env.ctx.host.vfs.write(&path, content, 0o644, env.cred)),
        }
    }
    if let Err(Flow::Error(text)) = result {
        env.errln(format!("awk: {text}"));
        return 2;
    }
    machine.status
}

impl Machine {
    fn assign_operand(&mut self, pair: &str) -> bool {
        match pair.split_once('=') {
            Some((name, value)) if crate::host::shell::parser::is_identifier(name) => {
                self.vars.insert(name.to_owned(), Value::Input(super::system::unescape(value)));
                true
            }
            _ => false,
        }
    }

    fn run(&mut self, script: &Script, operands: &[String], stdin: &[u8], env: &mut Env<'_, '_>) -> Done<()> {
        let begins = |when: &When| matches!(when, When::Begin);
        let ends = |when: &When| matches!(when, When::End);
        let mut ended = self.rules(script, begins)?;
        let has_main = script.rules.iter().any(|(when, _)| !begins(when));
        let mut files: Vec<&String> = operands.iter().collect();
        let dash = "-".to_owned();
        if files.iter().all(|operand| operand.contains('=') && !operand.contains('/')) {
            files.push(&dash);
        }
        let mut number = 0_u64;
        for name in files {
            if ended || !has_main {
                break;
            }
            if self.assign_operand(name) {
                continue;
            }
            let content = if name == "-" {
                stdin.to_vec()
            } else {
                match read_file(env, &env.path(name)) {
                    Ok(content) => content,
                    Err(error) => {
                        env.errln(format!("awk: cannot open {name} ({error})"));
                        self.status = 2;
                        continue;
                    }
                }
            };
            self.vars.insert("FILENAME".into(), Value::Text(if name == "-" { String::new() } else { name.clone() }));
            let separator = self.text_of("RS");
            let records: Vec<String> = if separator.is_empty() {
                let text = String::from_utf8_lossy(&content).into_owned();
                text.split("\n\n").map(|part| part.trim_matches('\n').to_owned()).filter(|p| !p.is_empty()).collect()
            } else if separator == "\n" {
                super::lines(&content)
            } else {
                let text = String::from_utf8_lossy(&content).into_owned();
                text.trim_end_matches('\n').split(&separator).map(str::to_owned).collect()
            };
            for (nth, record) in records.into_iter().enumerate() {
                number += 1;
                self.vars.insert("NR".into(), Value::Number(number as f64));
                self.vars.insert("FNR".into(), Value::Number((nth + 1) as f64));
                self.set_record(record);
                if self.rules(script, |when| !begins(when) && !ends(when))? {
                    ended = true;
                    break;
                }
            }
        }
        self.rules(script, ends)?;
        Ok(())
    }

    /// Runs the rules of one kind; whether `exit` was met.
    fn rules(&mut self, script: &Script, kind: impl Fn(&When) -> bool) -> Done<bool> {
        for (when, action) in script.rules.iter().filter(|(when, _)| kind(when)) {
            let selected = match when {
                When::If(cond) => self.eval(cond, script)?.truth(),
                When::Range(from, to, nth) => {
                    let on = self.active[*nth] || self.eval(from, script)?.truth();
                    if on {
                        self.active[*nth] = !self.eval(to, script)?.truth();
                    }
                    on
                }
                _ => true,
            };
            if !selected {
                continue;
            }
            let result = match action {
                Some(action) => self.exec(action, script),
                None => {
                    let line = format!("{}{}", self.record(), self.text_of("ORS"));
                    self.out.extend_from_slice(line.as_bytes());
                    Ok(())
                }
            };
            match result {
                Ok(()) => {}
                Err(Flow::Next) => return Ok(false),
                Err(Flow::Exit) => return Ok(true),
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }

    fn text_of(&self, name: &str) -> String {
        self.vars.get(name).map_or(String::new(), |value| value.text())
    }

    fn set_record(&mut self, record: String) {
        self.record = record;
        self.split_done = false;
    }

    fn record(&mut self) -> String {
        self.record.clone()
    }

    fn split_record(&mut self) -> Done<()> {
        if !self.split_done {
            let separator = self.text_of("FS");
            self.fields = self.split(&self.record.clone(), &separator)?;
            self.split_done = true;
        }
        Ok(())
    }

    fn regex(&mut self, text: &str) -> Done<Regex> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        let regex = compile(text, Syntax::Extended, false)
            .map_err(|error| Flow::Error(format!("regular expression compile failed: {error}: {text}")))?;
        if self.regexes.len() < 256 {
            self.regexes.insert(text.to_owned(), regex.clone());
        }
        Ok(regex)
    }

    fn split(&mut self, text: &str, separator: &str) -> Done<Vec<String>> {
        if separator == " " {
            return Ok(text.split_whitespace().map(str::to_owned).collect());
        }
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if separator.is_empty() {
            return Ok(text.chars().map(String::from).collect());
        }
        if separator.chars().count() == 1 && separator != "\\" {
            return Ok(text.split(separator).map(str::to_owned).collect());
        }
        let regex = self.regex(separator)?;
        Ok(regex.split(text.as_bytes()).map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    fn field(&mut self, number: f64) -> Done<Value> {
        if number < 0.0 {
            return Err(Flow::Error(format!("negative field index ${number}")));
        }
        let number = number as usize;
        if number == 0 {
            return Ok(Value::Input(self.record()));
        }
        self.split_record()?;
        Ok(self.fields.get(number - 1).map_or(Value::Unset, |text| Value::Input(text.clone())))
    }

    fn set_field(&mut self, number: f64, value: &Value) -> Done<()> {
        let number = number.max(0.0) as usize;
        if number > 10_000 {
            return Err(Flow::Error("field index too large".into()));
        }
        if number == 0 {
            self.set_record(value.text());
            return Ok(());
        }
        self.split_record()?;
        if self.fields.len() < number {
            self.fields.resize(number, String::new());
        }
        self.fields[number - 1] = value.text();
        self.join();
        Ok(())
    }

    fn join(&mut self) {
        self.record = self.fields.join(&self.text_of("OFS"));
    }

    fn array_name(&self, name: &str) -> String {
        self.locals.last().and_then(|(_, arrays)| arrays.get(name)).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn key(&mut self, index: &[Expr], script: &Script) -> Done<String> {
        let mut parts = Vec::new();
        for expr in index {
            parts.push(self.eval(expr, script)?.text());
        }
        Ok(parts.join(&self.text_of("SUBSEP")))
    }

    fn get_var(&mut self, name: &str) -> Done<Value> {
        if name == "NF" {
            self.split_record()?;
            return Ok(Value::Number(self.fields.len() as f64));
        }
        if let Some(value) = self.locals.last().and_then(|(vars, _)| vars.get(name)) {
            return Ok(value.clone());
        }
        Ok(self.vars.get(name).cloned().unwrap_or(Value::Unset))
    }

    fn assign(&mut self, target: &Expr, value: Value, script: &Script) -> Done<()> {
        match target {
            Expr::Var(name) if name == "NF" => {
                self.split_record()?;
                self.fields.resize((value.number().max(0.0) as usize).min(10_000), String::new());
                self.join();
            }
            Expr::Var(name) => match self.locals.last_mut().and_then(|(vars, _)| vars.get_mut(name)) {
                Some(local) => *local = value,
                None => drop(self.vars.insert(name.clone(), value)),
            },
            Expr::Index(array, index) => {
                let key = self.key(index, script)?;
                let array = self.array_name(array);
                self.arrays.entry(array).or_default().insert(key, value);
            }
            Expr::Field(number) => {
                let number = self.eval(number, script)?.number();
                self.set_field(number, &value)?;
            }
            _ => return Err(Flow::Error("assignment to something that is no variable".into())),
        }
        Ok(())
    }

    fn tick(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > 1 << 26 {
            return Err(Flow::Error("program ran too long".into()));
        }
        Ok(())
    }

    fn exec(&mut self, statement: &Stmt, script: &Script) -> Done<()> {
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

    fn write(&mut self, text: &str, target: Option<&Target>, script: &Script) -> Done<()> {
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
    fn getline(&mut self, target: Option<&Expr>, file: &str, script: &Script) -> Done<Value> {
        if !self.reading.contains_key(file) {
            let Some(Place { vfs, cwd, cred }) = &self.source else { return Ok(Value::Number(-1.0)) };
            let path = crate::host::shell::pattern::absolute(cwd, file);
            let Ok(content) = vfs.read(&path, cred) else { return Ok(Value::Number(-1.0)) };
            self.reading.insert(file.to_owned(), super::lines(&content.to_vec()).into_iter());
        }
        let Some(line) = self.reading.get_mut(file).and_then(Iterator::next) else { return Ok(Value::Number(0.0)) };
        match target {
            Some(target) => self.assign(target, Value::Input(line), script)?,
            None => self.set_record(line),
        }
        Ok(Value::Number(1.0))
    }

    fn format(&mut self, arguments: &[Expr], script: &Script) -> Done<String> {
        let Some((format, rest)) = arguments.split_first() else { return Ok(String::new()) };
        let format = self.eval(format, script)?.text();
        let mut values = Vec::new();
        for argument in rest {
            values.push(self.eval(argument, script)?);
        }
        Ok(value::sprintf(&format, &values))
    }

    fn eval(&mut self, expr: &Expr, script: &Script) -> Done<Value> {
        self.depth += 1;
        let value = match self.depth > MAX_DEPTH {
            true => Err(Flow::Error("expression nested too deeply".into())),
            false => self.value(expr, script),
        };
        self.depth -= 1;
        value
    }

    fn value(&mut self, expr: &Expr, script: &Script) -> Done<Value> {
        self.tick()?;
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => {
                let regex = self.regex(regex)?;
                Value::from(regex.is_match(self.record.as_bytes()))
            }
            Expr::Var(name) => self.get_var(name)?,
            Expr::Index(array, index) => {
                let key = self.key(index, script)?;
                let array = self.array_name(array);
                self.arrays.entry(array).or_default().entry(key).or_insert(Value::Unset).clone()
            }
            Expr::Field(number) => {
                let number = self.eval(number, script)?.number();
                self.field(number)?
            }
            Expr::Getline(target, file) => {
                let file = self.eval(file, script)?.text();
                self.getline(target.as_deref(), &file, script)?
            }
            Expr::Assign(target, op, right) => {
                let mut value = self.eval(right, script)?;
                if !op.is_empty() {
                    let old = self.eval(target, script)?.number();
                    value = arithmetic(op, old, value.number())?;
                }
                self.assign(target, value.clone(), script)?;
                value
            }
            Expr::Step(target, step, before) => {
                let old = self.eval(target, script)?.number();
                self.assign(target, Value::Number(old + step), script)?;
                Value::Number(if *before { old + step } else { old })
            }
            Expr::Unary('!', inner) => Value::from(!self.eval(inner, script)?.truth()),
            Expr::Unary(op, inner) => {
                let number = self.eval(inner, script)?.number();
                Value::Number(if *op == '-' { -number } else { number })
            }
            Expr::Binary("&&", left, right) => {
                Value::from(self.eval(left, script)?.truth() && self.eval(right, script)?.truth())
            }
            Expr::Binary("||", left, right) => {
                Value::from(self.eval(left, script)?.truth() || self.eval(right, script)?.truth())
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.eval(left, script)?, self.eval(right, script)?);
                match *op {
                    " " => {
                        let text = left.text() + &right.text();
                        // Copying costs time, too.
                        self.steps += text.len() as u64 / 256;
                        Value::Text(text)
                    }
                    "==" | "!=" | "<" | ">" | "<=" | ">=" => Value::from(left.compare(op, &right)),
                    op => arithmetic(op, left.number(), right.number())?,
                }
            }
            Expr::Match(positive, left, right) => {
                let text = self.eval(left, script)?.text();
                let regex = self.pattern(right, script)?;
                Value::from(regex.is_match(text.as_bytes()) == *positive)
            }
            Expr::In(index, array) => {
                let key = self.key(index, script)?;
                let array = self.array_name(array);
                Value::from(self.arrays.get(&array).is_some_and(|all| all.contains_key(&key)))
            }
            Expr::Cond(cond, yes, no) => {
                if self.eval(cond, script)?.truth() {
                    self.eval(yes, script)?
                } else {
                    self.eval(no, script)?
                }
            }
            Expr::Call(name, arguments) => self.call(name, arguments, script)?,
        })
    }

    /// An expression as a pattern: a regex literal is one itself.
    fn pattern(&mut self, expr: &Expr, script: &Script) -> Done<Regex> {
        let text = match expr {
            Expr::Regex(text) => text.clone(),
            expr => self.eval(expr, script)?.text(),
        };
        self.regex(&text)
    }

    fn call(&mut self, name: &str, arguments: &[Expr], script: &Script) -> Done<Value> {
        if let Some(function) = script.functions.iter().find(|function| function.name == name) {
            return self.call_function(function, arguments, script);
        }
        if name == "length"
            && let Some(Expr::Var(array)) = arguments.first()
            && let Some(all) = self.arrays.get(&self.array_name(array))
        {
            return Ok(Value::Number(all.len() as f64));
        }
        if matches!(name, "sub" | "gsub") {
            return self.substitute(name == "gsub", arguments, script);
        }
        if name == "split" {
            let [text, Expr::Var(array), rest @ ..] = arguments else {
                return Err(Flow::Error("split needs an array".into()));
            };
            let text = self.eval(text, script)?.text();
            let separator = match rest.first() {
                Some(Expr::Regex(regex)) => regex.clone(),
                Some(expr) => self.eval(expr, script)?.text(),
                None => self.text_of("FS"),
            };
            let parts = self.split(&text, &separator)?;
            let count = parts.len();
            let all = parts.into_iter().enumerate().map(|(nth, part)| ((nth + 1).to_string(), Value::Input(part)));
            let array = self.array_name(array);
            self.arrays.insert(array, all.collect());
            return Ok(Value::Number(count as f64));
        }
        if name == "match" {
            let [text, pattern, ..] = arguments else { return Err(Flow::Error("match needs two arguments".into())) };
            let text = self.eval(text, script)?.text();
            let regex = self.pattern(pattern, script)?;
            let (start, length) = match regex.find(text.as_bytes()) {
                Some(found) => {
                    let before = String::from_utf8_lossy(&text.as_bytes()[..found.start()]).chars().count();
                    (before as f64 + 1.0, String::from_utf8_lossy(found.as_bytes()).chars().count() as f64)
                }
                None => (0.0, -1.0),
            };
            self.vars.insert("RSTART".into(), Value::Number(start));
            self.vars.insert("RLENGTH".into(), Value::Number(length));
            return Ok(Value::Number(start));
        }
        if name == "sprintf" {
            return Ok(Value::Text(self.format(arguments, script)?));
        }
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.eval(argument, script)?);
        }
        let text = |nth: usize| values.get(nth).map_or(String::new(), Value::text);
        let number = |nth: usize| values.get(nth).map_or(0.0, Value::number);
        Ok(match name {
            "length" => {
                let text = if values.is_empty() { self.record() } else { text(0) };
                Value::Number(text.chars().count() as f64)
            }
            "substr" => {
                // Positions are rounded, as POSIX says; what lies outside is left out.
                let chars: Vec<char> = text(0).chars().collect();
                let from = number(1).round();
                let to = if values.len() > 2 { from + number(2).round() } else { f64::INFINITY };
                let (from, to) = (from.max(1.0), to.min(chars.len() as f64 + 1.0));
                let count = (to - from).max(0.0) as usize;
                Value::Text(chars.into_iter().skip(from as usize - 1).take(count).collect())
            }
            "index" => {
                let (text, part) = (text(0), text(1));
                Value::Number(text.find(&part).map_or(0.0, |at| text[..at].chars().count() as f64 + 1.0))
            }
            "toupper" => Value::Text(text(0).to_uppercase()),
            "tolower" => Value::Text(text(0).to_lowercase()),
            "int" => Value::Number(number(0).trunc()),
            "sqrt" => Value::Number(number(0).sqrt()),
            "exp" => Value::Number(number(0).exp()),
            "log" => Value::Number(number(0).ln()),
            "systime" => Value::Number(0.0),
            "close" => {
                self.reading.remove(&text(0));
                Value::Number(0.0)
            }
            "fflush" | "srand" | "rand" => Value::Number(0.0),
            other => return Err(Flow::Error(format!("function {other} never defined"))),
        })
    }

    fn call_function(&mut self, function: &parse::Function, arguments: &[Expr], script: &Script) -> Done<Value> {
        if self.locals.len() as u32 >= MAX_CALLS {
            return Err(Flow::Error("function calls nested too deeply".into()));
        }
        let (mut vars, mut arrays) = (BTreeMap::new(), BTreeMap::new());
        for (nth, param) in function.params.iter().enumerate() {
            match arguments.get(nth) {
                Some(Expr::Var(name)) if self.arrays.contains_key(&self.array_name(name)) => {
                    arrays.insert(param.clone(), self.array_name(name));
                }
                Some(expr) => {
                    let value = self.eval(expr, script)?;
                    vars.insert(param.clone(), value);
                }
                None => {
                    // A local: it may turn out to be a variable or an array.
                    self.temporary += 1;
                    arrays.insert(param.clone(), format!("{param} {}", self.temporary));
                    vars.insert(param.clone(), Value::Unset);
                }
            }
        }
        self.locals.push((vars, arrays));
        let result = self.exec(&function.body, script);
        self.locals.pop();
        match result {
            Ok(()) => Ok(Value::Unset),
            Err(Flow::Return(value)) => Ok(value),
            Err(other) => Err(other),
        }
    }

    fn substitute(&mut self, all: bool, arguments: &[Expr], script: &Script) -> Done<Value> {
        let [pattern, with, rest @ ..] = arguments else { return Err(Flow::Error("sub needs two arguments".into())) };
        let regex = self.pattern(pattern, script)?;
        let with = self.eval(with, script)?.text();
        let whole = Expr::Field(Box::new(Expr::Number(0.0)));
        let target = rest.first().unwrap_or(&whole);
        let text = self.eval(target, script)?.text();
        let mut out = Vec::new();
        let (mut at, mut count) = (0, 0_u64);
        for found in regex.find_iter(text.as_bytes()) {
            out.extend_from_slice(&text.as_bytes()[at..found.start()]);
            let mut chars = with.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '&' => out.extend_from_slice(found.as_bytes()),
                    '\\' if matches!(chars.peek(), Some('&' | '\\')) => {
                        out.extend(chars.next().map(String::from).unwrap_or_default().bytes());
                    }
                    c => out.extend(c.to_string().bytes()),
                }
            }
            at = found.end();
            count += 1;
            if !all {
                break;
            }
        }
        out.extend_from_slice(&text.as_bytes()[at..]);
        if count > 0 {
            self.assign(target, Value::Text(String::from_utf8_lossy(&out).into_owned()), script)?;
        }
        Ok(Value::Number(count as f64))
    }
}

fn arithmetic(op: &str, left: f64, right: f64) -> Done<Value> {
    Ok(Value::Number(match op {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right == 0.0 => return Err(Flow::Error("division by zero".into())),
        "%" if right == 0.0 => return Err(Flow::Error("division by zero in %".into())),
        "/" => left / right,
        "%" => left % right,
        _ => left.powf(right),
    }))
}
