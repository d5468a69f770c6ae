//! awk(1), as far as people filter logs and listings with it; without `system`, and `getline` only
//! from files. What is printed to a command reaches it when the program has ended.

mod ast;
mod call;
mod expression;
mod lexer;
mod parse;
mod record;
mod statement;
mod value;

use std::collections::{BTreeMap, VecDeque};

use regex::bytes::Regex;

use self::ast::{Script, When};
use self::parse::parse;
use self::value::Value;
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

    fn tick(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > 1 << 26 {
            return Err(Flow::Error("program ran too long".into()));
        }
        Ok(())
    }
}
