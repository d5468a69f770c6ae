//! Functions: those of awk and those of the script.

use std::collections::BTreeMap;

use super::ast::{Expr, Function, Script};
use super::value::{self, Value};
use super::{Done, Flow, MAX_CALLS, Machine};

impl Machine {
    pub(super) fn format(&mut self, arguments: &[Expr], script: &Script) -> Done<String> {
        let Some((format, rest)) = arguments.split_first() else { return Ok(String::new()) };
        let format = self.eval(format, script)?.text();
        let mut values = Vec::new();
        for argument in rest {
            values.push(self.eval(argument, script)?);
        }
        Ok(value::sprintf(&format, &values))
    }

    pub(super) fn call(&mut self, name: &str, arguments: &[Expr], script: &Script) -> Done<Value> {
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

    pub(super) fn call_function(&mut self, function: &Function, arguments: &[Expr], script: &Script) -> Done<Value> {
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

    pub(super) fn substitute(&mut self, all: bool, arguments: &[Expr], script: &Script) -> Done<Value> {
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
