//! Expressions and variables.

use regex::bytes::Regex;

use super::ast::{Expr, Script};
use super::value::Value;
use super::{Done, Flow, MAX_DEPTH, Machine};
use crate::host::tools::posix_regex::{Syntax, compile};

impl Machine {
    pub(super) fn regex(&mut self, text: &str) -> Done<Regex> {
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

    pub(super) fn array_name(&self, name: &str) -> String {
        self.locals.last().and_then(|(_, arrays)| arrays.get(name)).cloned().unwrap_or_else(|| name.to_owned())
    }

    pub(super) fn key(&mut self, index: &[Expr], script: &Script) -> Done<String> {
        let mut parts = Vec::new();
        for expr in index {
            parts.push(self.eval(expr, script)?.text());
        }
        Ok(parts.join(&self.text_of("SUBSEP")))
    }

    pub(super) fn get_var(&mut self, name: &str) -> Done<Value> {
        if name == "NF" {
            self.split_record()?;
            return Ok(Value::Number(self.fields.len() as f64));
        }
        if let Some(value) = self.locals.last().and_then(|(vars, _)| vars.get(name)) {
            return Ok(value.clone());
        }
        Ok(self.vars.get(name).cloned().unwrap_or(Value::Unset))
    }

    pub(super) fn assign(&mut self, target: &Expr, value: Value, script: &Script) -> Done<()> {
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

    pub(super) fn eval(&mut self, expr: &Expr, script: &Script) -> Done<Value> {
        self.depth += 1;
        let value = match self.depth > MAX_DEPTH {
            true => Err(Flow::Error("expression nested too deeply".into())),
            false => self.value(expr, script),
        };
        self.depth -= 1;
        value
    }

    pub(super) fn value(&mut self, expr: &Expr, script: &Script) -> Done<Value> {
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
    pub(super) fn pattern(&mut self, expr: &Expr, script: &Script) -> Done<Regex> {
        let text = match expr {
            Expr::Regex(text) => text.clone(),
            expr => self.eval(expr, script)?.text(),
        };
        self.regex(&text)
    }
}

pub(super) fn arithmetic(op: &str, left: f64, right: f64) -> Done<Value> {
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
