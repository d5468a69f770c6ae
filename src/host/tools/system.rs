//! Small commands about values and the system.

use bytes::Bytes;

use crate::host::program::Env;
use crate::host::shell::{DEFAULT_PATH, builtins, launch};

/// `true`.
pub fn r#true(_: &mut Env<'_, '_>, _: Bytes) -> u8 {
    0
}

/// `false`.
pub fn r#false(_: &mut Env<'_, '_>, _: Bytes) -> u8 {
    1
}

/// `clear`.
pub fn clear(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    env.stdout.extend_from_slice(b"\x1b[H\x1b[2J\x1b[3J");
    0
}

/// Backslash sequences, for `tr` and `paste`.
pub fn unescape(text: &str) -> String {
    builtins::printf(&text.replace('%', "%%"), &[]).text
}

/// `echo` as a program.
pub fn echo(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let text = builtins::echo(&env.args[1..], true);
    env.stdout.extend_from_slice(text.as_bytes());
    0
}

/// `printf` as a program.
pub fn printf(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let Some(format) = env.args.get(1) else {
        env.errln("printf: missing operand");
        return 1;
    };
    let printed = builtins::printf(format, &env.args[2..]);
    env.stdout.extend_from_slice(printed.text.as_bytes());
    for error in &printed.errors {
        env.errln(format!("printf: {error}"));
    }
    u8::from(!printed.errors.is_empty())
}

fn condition(env: &mut Env<'_, '_>, words: &[String]) -> u8 {
    match builtins::evaluate_test(words, env.cwd, env.cred, env.ctx.host) {
        Ok(status) => status,
        Err(text) => {
            env.errln(format!("test: {text}"));
            2
        }
    }
}

/// `test` as a program.
pub fn test(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let words = env.args[1..].to_vec();
    condition(env, &words)
}

/// `[` as a program.
pub fn bracket(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    match env.args.split_last() {
        Some((last, words)) if last == "]" => {
            let words = words[1..].to_vec();
            condition(env, &words)
        }
        _ => {
            env.errln("[: missing ‘]’");
            2
        }
    }
}

/// `pwd` as a program.
pub fn pwd(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    env.outln(env.cwd);
    0
}

/// `printenv`.
pub fn printenv(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    match env.args.get(1) {
        Some(name) => match env.vars.get(name.as_str()) {
            Some(value) => {
                env.outln(value);
                0
            }
            None => 1,
        },
        None => {
            for (name, value) in env.vars {
                env.outln(format!("{name}={value}"));
            }
            0
        }
    }
}

/// `which`.
pub fn which(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let path = env.vars.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let mut status = 0;
    for name in env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')) {
        match launch::path_of(name, path, env.cwd, env.cred, env.ctx.host) {
            Some(path) => env.outln(path),
            None => status = 1,
        }
    }
    status
}

/// `seq`.
pub fn seq(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut joint = "\n".to_owned();
    let mut wide = false;
    let mut operands = Vec::new();
    let mut args = env.args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-s" => joint = args.next().cloned().unwrap_or_default(),
            "-w" => wide = true,
            arg if arg.starts_with("-s") => arg[2..].clone_into(&mut joint),
            arg => operands.push(arg.to_owned()),
        }
    }
    let mut numbers = Vec::new();
    for text in &operands {
        match text.parse::<i64>() {
            Ok(number) => numbers.push(number),
            Err(_) => {
                env.errln(format!("seq: invalid floating point argument: ‘{text}’"));
                return 1;
            }
        }
    }
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => {
            env.errln("seq: missing operand");
            env.errln("Try 'seq --help' for more information.");
            return 1;
        }
    };
    if step == 0 {
        env.errln("seq: invalid Zero increment value: ‘0’");
        return 1;
    }
    let width = if wide { first.to_string().len().max(last.to_string().len()) } else { 0 };
    let mut all = Vec::new();
    let mut number = first;
    while (if step > 0 { number <= last } else { number >= last }) && all.len() < 1_000_000 {
        all.push(format!("{number:0width$}"));
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    if !all.is_empty() {
        env.outln(all.join(&joint));
    }
    0
}

/// `expr`, for the arithmetic, comparisons and string functions of scripts.
pub fn expr(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let words: Vec<&str> = env.args.iter().skip(1).map(String::as_str).collect();
    let result = match words.as_slice() {
        ["length", text] => Ok(text.chars().count().to_string()),
        [text, ":", pattern] => super::posix_regex::compile(&format!("^\\(\\)*{pattern}"), super::Syntax::Basic, false)
            .or_else(|_| super::posix_regex::compile(&format!("^{pattern}"), super::Syntax::Basic, false))
            .map(|regex| match regex.captures(text.as_bytes()) {
                Some(found) if found.len() > 2 => {
                    found.get(2).map_or(String::new(), |group| String::from_utf8_lossy(group.as_bytes()).into_owned())
                }
                Some(found) => found.get(0).map_or(0, |whole| whole.len()).to_string(),
                None => "0".into(),
            }),
        [only] => Ok((*only).to_owned()),
        [left, op @ ("=" | "!=" | "<" | ">" | "<=" | ">="), right] => {
            let order = match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.cmp(right),
            };
            let holds = match *op {
                "=" => order.is_eq(),
                "!=" => order.is_ne(),
                "<" => order.is_lt(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                _ => order.is_ge(),
            };
            Ok(u8::from(holds).to_string())
        }
        words => arithmetic(&words.join(" ")),
    };
    match result {
        Ok(text) => {
            let empty = text.is_empty() || text == "0";
            env.outln(text);
            u8::from(empty)
        }
        Err(text) => {
            env.errln(format!("expr: {text}"));
            2
        }
    }
}

struct NoVariables;

impl crate::host::shell::Variables for NoVariables {
    fn get(&mut self, _: &str) -> String {
        String::new()
    }
    fn set(&mut self, _: &str, _: i64) {}
}

fn arithmetic(text: &str) -> Result<String, String> {
    if text.contains(|c: char| c.is_alphabetic()) {
        return Err("non-integer argument".into());
    }
    match crate::host::shell::evaluate(text, &mut NoVariables) {
        Ok(value) => Ok(value.to_string()),
        Err(error) if error.starts_with("division") => Err("division by zero".into()),
        Err(_) => Err("syntax error".into()),
    }
}

/// `uptime`.
pub fn uptime(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let up = env.ctx.now.since(env.ctx.host.booted).as_secs() / 60;
    let clock = env.ctx.now.zoned(&env.ctx.host.zone).strftime("%H:%M:%S").to_string();
    let span = if up < 60 { format!("{up} min") } else { format!("{}:{:02}", up / 60, up % 60) };
    let users = env.ctx.host.processes.values().filter(|process| process.command == "-bash").count();
    let noun = if users == 1 { "user" } else { "users" };
    env.outln(format!(" {clock} up {span},  {users} {noun},  load average: 0.00, 0.00, 0.00"));
    0
}
