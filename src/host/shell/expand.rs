//! Words to arguments: tilde, parameters, command substitution, arithmetic, field splitting and
//! file names.
//!
//! An expansion that meets a command substitution whose output is not known yet stops with
//! [`Stop::Command`]. The executor runs the command and expands again from the start, with the
//! output. Assignments made on the way are kept aside until an expansion has come to its end, so
//! nothing happens twice.

use std::sync::Arc;

use super::arith;
use super::array;
use super::ast::{Anchor, Index, Node, Param, ParamOp, Part, UnsetAction, Word};
use super::pattern::{self, Pattern, PatternChar};
use super::state::{Dialect, State};
use crate::host::Host;

/// Why an expansion did not come to its end.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The output of this command is needed.
    Command {
        /// The command.
        node: Arc<Node>,
        /// Whether as a file, whose name is used (`<(…)`).
        to_file: bool,
    },
    /// It failed; the message says why. Leaves a shell that is not interactive.
    Fail(String),
}

/// One expansion of the words of a command.
pub struct Expander<'a> {
    state: &'a State,
    host: &'a Host,
    /// Outputs of the command substitutions and names of the files of process substitutions met so far, in order.
    outputs: &'a [String],
    used: usize,
    /// Assignments of `${x:=…}` and `$((x=…))`, to be made when all is expanded.
    pub assigned: Vec<(String, String)>,
}

/// A character on its way to a field.
#[derive(Clone, Copy, Debug)]
enum Item {
    Char {
        c: char,
        quoted: bool,
        /// Whether it came from an unquoted expansion: then `IFS` splits at it.
        split: bool,
    },
    /// Between the fields of `"$@"`.
    Break,
    /// There is a field here, even if it is empty.
    Mark,
}

enum Value {
    Unset,
    Text(String),
    /// `$@` and `$*`.
    List(Vec<String>),
}

/// Longest result of an expansion, in characters.
const MAX_LENGTH: usize = 1 << 22;

type Expanded<T> = Result<T, Stop>;

impl<'a> Expander<'a> {
    /// An expansion in this shell, with the outputs known so far.
    pub fn new(state: &'a State, host: &'a Host, outputs: &'a [String]) -> Expander<'a> {
        Expander { state, host, outputs, used: 0, assigned: Vec::new() }
    }

    /// Expands words to arguments.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn fields(&mut self, words: &[Word]) -> Expanded<Vec<String>> {
        let mut fields = Vec::new();
        for word in words {
            if self.state.dialect == Dialect::Bash {
                for word in super::braces::expand(word) {
                    self.word_fields(&word, &mut fields)?;
                }
            } else {
                self.word_fields(word, &mut fields)?;
            }
        }
        Ok(fields)
    }

    fn word_fields(&mut self, word: &Word, fields: &mut Vec<String>) -> Expanded<()> {
        if let Some(text) = word.plain().filter(|text| !text.contains(['*', '?', '[', '~'])) {
            fields.push(text.to_owned());
            return Ok(());
        }
        let mut items = Vec::new();
        self.tilde_and_parts(word, false, &mut items)?;
        for field in self.split(&items) {
            let names = if self.state.options.noglob {
                Vec::new()
            } else {
                pattern::file_names(&field, &self.host.vfs, &self.state.cwd, &self.state.cred)
            };
            if names.is_empty() {
                fields.push(field.iter().map(|p| p.c).collect());
            } else {
                fields.extend(names);
            }
        }
        Ok(())
    }

    /// Expands a word to one text without splitting: assignments, redirections, here-documents.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn text(&mut self, word: &Word) -> Expanded<String> {
        Ok(self.pattern_chars(word, false)?.iter().map(|p| p.c).collect())
    }

    /// As [`Expander::text`], with tildes after colons too.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn assignment(&mut self, word: &Word) -> Expanded<String> {
        Ok(self.pattern_chars(word, true)?.iter().map(|p| p.c).collect())
    }

    /// Expands a word to a pattern.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn pattern(&mut self, word: &Word) -> Expanded<Pattern> {
        Ok(Pattern::new(&self.pattern_chars(word, false)?))
    }

    fn pattern_chars(&mut self, word: &Word, colons: bool) -> Expanded<Vec<PatternChar>> {
        let mut items = Vec::new();
        self.tilde_and_parts(word, colons, &mut items)?;
        let joint = self.get("IFS").map_or(Some(' '), |ifs| ifs.chars().next());
        Ok(items
            .into_iter()
            .filter_map(|item| match item {
                Item::Char { c, quoted, .. } => Some(PatternChar { c, quoted }),
                Item::Break => joint.map(|c| PatternChar { c, quoted: true }),
                Item::Mark => None,
            })
            .collect())
    }

    /// Evaluates an arithmetic expression.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn arithmetic(&mut self, word: &Word) -> Expanded<i64> {
        let text = self.text(word)?;
        arith::evaluate(text.trim(), &mut Overlay(self))
            .map_err(|error| Stop::Fail(format!("arithmetic expression: {error}")))
    }

    fn get(&self, name: &str) -> Option<String> {
        let assigned = self.assigned.iter().rev().find(|(own, _)| own == name);
        assigned.map(|(_, value)| value.clone()).or_else(|| self.state.get(name).map(str::to_owned))
    }

    fn tilde_and_parts(&mut self, word: &Word, colons: bool, items: &mut Vec<Item>) -> Expanded<()> {
        let quoted = |text: &str, items: &mut Vec<Item>| {
            items.extend(text.chars().map(|c| Item::Char { c, quoted: true, split: false }));
        };
        let mut first = true;
        for part in &word.0 {
            if let Part::Literal(text) = part {
                let mut rest = text.as_str();
                let mut at_start = first;
                loop {
                    if at_start && rest.starts_with('~') {
                        let end = rest.find(|c| c == '/' || (colons && c == ':')).unwrap_or(rest.len());
                        let whole = end < rest.len() || word.0.len() == 1;
                        if let Some(home) = self.tilde(&rest[1..end]).filter(|_| whole) {
                            quoted(&home, items);
                            rest = &rest[end..];
                        }
                    }
                    let end = if colons { rest.find(':').map_or(rest.len(), |at| at + 1) } else { rest.len() };
                    let (piece, after) = rest.split_at(end);
                    items.extend(piece.chars().map(|c| Item::Char { c, quoted: false, split: false }));
                    if after.is_empty() {
                        break;
                    }
                    rest = after;
                    at_start = true;
                }
            } else {
                self.part(part, false, items)?;
            }
            first = false;
        }
        Ok(())
    }

    fn tilde(&self, user: &str) -> Option<String> {
        if user.is_empty() {
            return self.get("HOME");
        }
        self.host.accounts.user(user).map(|user| user.home.to_string())
    }

    fn part(&mut self, part: &Part, quoted: bool, items: &mut Vec<Item>) -> Expanded<()> {
        match part {
            Part::Literal(text) => {
                items.extend(text.chars().map(|c| Item::Char { c, quoted, split: false }));
            }
            Part::Quoted(text) => {
                items.push(Item::Mark);
                items.extend(text.chars().map(|c| Item::Char { c, quoted: true, split: false }));
            }
            Part::Double(parts) => {
                let only_list = matches!(parts.as_slice(),
                    [Part::Param(param)] if (param.name == "@" || param.index == Some(Index::Each))
                        && !matches!(param.op, ParamOp::Length));
                if !only_list {
                    items.push(Item::Mark);
                }
                for part in parts {
                    self.part(part, true, items)?;
                }
            }
            Part::Param(param) => self.param(param, quoted, items)?,
            Part::Command(node) => {
                let Some(output) = self.outputs.get(self.used) else {
                    return Err(Stop::Command { node: Arc::clone(node), to_file: false });
                };
                self.used += 1;
                push_value(output, quoted, items);
            }
            Part::Process(node) => {
                let Some(name) = self.outputs.get(self.used) else {
                    return Err(Stop::Command { node: Arc::clone(node), to_file: true });
                };
                self.used += 1;
                push_value(name, true, items);
            }
            Part::Arith(word) => {
                let value = self.arithmetic(word)?;
                push_value(&value.to_string(), quoted, items);
            }
        }
        if items.len() > MAX_LENGTH {
            return Err(Stop::Fail("expansion too long".into()));
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Value {
        let state = self.state;
        let text = match name {
            "?" => state.status.to_string(),
            "#" => state.positional.len().to_string(),
            "$" => state.pid.to_string(),
            "-" => state.options.letters(),
            "!" => match state.last_background {
                Some(pid) => pid.to_string(),
                None => return Value::Unset,
            },
            "0" => state.arg0.clone(),
            "@" | "*" if state.positional.is_empty() => return Value::Unset,
            "@" | "*" => return Value::List(state.positional.to_vec()),
            "LINENO" => state.line.to_string(),
            "UID" | "EUID" if state.dialect == Dialect::Bash => state.cred.uid.to_string(),
            "HOSTNAME" if state.dialect == Dialect::Bash && self.get(name).is_none() => self.host.hostname.to_string(),
            "BASH_VERSION" if state.dialect == Dialect::Bash => "5.2.15(1)-release".to_owned(),
            "SHLVL" if state.dialect == Dialect::Bash && self.get(name).is_none() => "1".to_owned(),
            _ => {
                let value = match name.parse::<usize>() {
                    Ok(number) => state.positional.get(number.wrapping_sub(1)).cloned(),
                    Err(_) => self.get(name),
                };
                return value.map_or(Value::Unset, Value::Text);
            }
        };
        Value::Text(text)
    }

    /// The elements of an array, or its keys where those are asked for.
    fn elements(&self, name: &str, op: &ParamOp) -> Value {
        let elements = self.state.elements(name);
        if elements.is_empty() {
            return Value::Unset;
        }
        Value::List(match op {
            ParamOp::Indirect => elements.into_iter().map(|(key, _)| key.to_string()).collect(),
            _ => elements.into_iter().map(|(_, value)| value).collect(),
        })
    }

    /// The key that a word between brackets means for this array: text, or the value of an expression.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn key(&mut self, name: &str, word: &Word) -> Expanded<String> {
        if self.state.is_named(name) { self.text(word) } else { self.arithmetic(word).map(|key| key.to_string()) }
    }

    fn param(&mut self, param: &Param, quoted: bool, items: &mut Vec<Item>) -> Expanded<()> {
        let name = param.name.as_str();
        // How the elements of a list are put together follows from this.
        let (name, value) = match &param.index {
            None => (name, self.value(name)),
            Some(Index::Each) => ("@", self.elements(name, &param.op)),
            Some(Index::Joined) => ("*", self.elements(name, &param.op)),
            Some(Index::At(word)) => {
                let key = self.key(name, word)?;
                let element = array::join(name, &key);
                return self.param(&Param { name: element, index: None, op: param.op.clone() }, quoted, items);
            }
        };
        let is_list = name == "@" || name == "*";
        if matches!(param.op, ParamOp::Indirect) && param.index.is_some() {
            self.push(value, name, quoted, items);
            return Ok(());
        }
        if let ParamOp::Unset { colon, action, word } = &param.op {
            let unset = match &value {
                Value::Unset => true,
                Value::Text(text) => *colon && text.is_empty(),
                Value::List(list) => *colon && list.iter().all(String::is_empty),
            };
            return match (action, unset) {
                (UnsetAction::Alternative, true) => Ok(()),
                (UnsetAction::Default, true) | (UnsetAction::Alternative, false) => {
                    for part in &word.0 {
                        self.operand_part(part, quoted, items)?;
                    }
                    Ok(())
                }
                (UnsetAction::Assign, true) => {
                    let text = self.text(word)?;
                    if is_list || name.parse::<u32>().is_ok() {
                        return Err(Stop::Fail(format!("{name}: bad variable name")));
                    }
                    self.assigned.push((name.to_owned(), text.clone()));
                    push_value(&text, quoted, items);
                    Ok(())
                }
                (UnsetAction::Fail, true) => {
                    let text = self.text(word)?;
                    let usual = match (self.state.dialect, colon) {
                        (_, false) => "parameter not set",
                        (Dialect::Dash, true) => "parameter not set or null",
                        (Dialect::Bash, true) => "parameter null or not set",
                    };
                    let text = if text.is_empty() { usual.to_owned() } else { text };
                    Err(Stop::Fail(format!("{name}: {text}")))
                }
                _ => {
                    self.push(value, name, quoted, items);
                    Ok(())
                }
            };
        }
        if matches!(value, Value::Unset) && self.state.options.nounset && !is_list {
            let words = match self.state.dialect {
                Dialect::Dash => "parameter not set",
                Dialect::Bash => "unbound variable",
            };
            return Err(Stop::Fail(format!("{name}: {words}")));
        }
        match &param.op {
            ParamOp::Length => {
                let length = match &value {
                    Value::Unset => 0,
                    Value::Text(text) => text.chars().count(),
                    Value::List(list) => list.len(),
                };
                push_value(&length.to_string(), quoted, items);
            }
            ParamOp::Trim { suffix, longest, pattern } => {
                let pattern = self.pattern(pattern)?;
                let value = map(value, |text| trim(&text, &pattern, *suffix, *longest));
                self.push(value, name, quoted, items);
            }
            ParamOp::Replace { all, anchor, pattern, with } => {
                let pattern = self.pattern(pattern)?;
                let with = self.text(with)?;
                let value = map(value, |text| replace(&text, &pattern, &with, *all, *anchor));
                self.push(value, name, quoted, items);
            }
            ParamOp::Case { upper, all } => {
                let value = map(value, |text| change_case(&text, *upper, *all));
                self.push(value, name, quoted, items);
            }
            ParamOp::Indirect => {
                let target = match value {
                    Value::Text(target) => self.value(&target),
                    _ => return Err(Stop::Fail(format!("{name}: invalid indirect expansion"))),
                };
                self.push(target, name, quoted, items);
            }
            ParamOp::Slice { offset, length } => {
                let offset = self.arithmetic(offset)?;
                let length = length.as_ref().map(|length| self.arithmetic(length)).transpose()?;
                let value = match value {
                    Value::List(list) => {
                        // Positional parameters are counted from `$0`.
                        let zeroth = param.index.is_none().then(|| self.state.arg0.clone());
                        let list: Vec<String> = zeroth.into_iter().chain(list).collect();
                        Value::List(slice(&list, offset, length).to_vec())
                    }
                    value => map(value, |text| {
                        let chars: Vec<char> = text.chars().collect();
                        slice(&chars, offset, length).iter().collect()
                    }),
                };
                self.push(value, name, quoted, items);
            }
            ParamOp::Plain | ParamOp::Unset { .. } => self.push(value, name, quoted, items),
        }
        Ok(())
    }

    /// A part of the word of `${x:-word}`: unquoted literal text there is split like a value.
    fn operand_part(&mut self, part: &Part, quoted: bool, items: &mut Vec<Item>) -> Expanded<()> {
        match part {
            Part::Literal(text) if text == "~" && !quoted => {
                push_value(&self.tilde("").unwrap_or_default(), true, items);
                Ok(())
            }
            Part::Literal(text) => {
                items.extend(text.chars().map(|c| Item::Char { c, quoted, split: !quoted }));
                Ok(())
            }
            part => self.part(part, quoted, items),
        }
    }

    fn push(&self, value: Value, name: &str, quoted: bool, items: &mut Vec<Item>) {
        match value {
            Value::Unset => {}
            Value::Text(text) => push_value(&text, quoted, items),
            Value::List(list) if name == "*" && quoted => {
                let joint: String = self.get("IFS").map_or(" ".into(), |ifs| ifs.chars().take(1).collect());
                push_value(&list.join(&joint), true, items);
            }
            Value::List(list) => {
                for (nth, text) in list.iter().enumerate() {
                    if nth > 0 {
                        items.push(Item::Break);
                    }
                    if quoted {
                        items.push(Item::Mark);
                    }
                    push_value(text, quoted, items);
                }
            }
        }
    }

    /// Splits at `IFS` what came from unquoted expansions.
    fn split(&self, items: &[Item]) -> Vec<Vec<PatternChar>> {
        let ifs = self.get("IFS").unwrap_or_else(|| " \t\n".into());
        let mut fields = Vec::new();
        let mut current: Option<Vec<PatternChar>> = None;
        // Whether a field was just ended by white space: a separator after it belongs to it.
        let mut after_blank = false;
        for item in items {
            match *item {
                Item::Mark => {
                    current.get_or_insert_default();
                    after_blank = false;
                }
                Item::Break => {
                    fields.extend(current.take());
                    after_blank = false;
                }
                Item::Char { c, split: true, .. } if ifs.contains(c) => {
                    if c.is_ascii_whitespace() {
                        after_blank |= current.is_some();
                        fields.extend(current.take());
                    } else {
                        if !after_blank {
                            fields.push(current.take().unwrap_or_default());
                        }
                        after_blank = false;
                    }
                }
                Item::Char { c, quoted, .. } => {
                    current.get_or_insert_default().push(PatternChar { c, quoted });
                    after_blank = false;
                }
            }
        }
        fields.extend(current);
        fields
    }
}

/// The variables that arithmetic sees: those of the shell with what this expansion assigned.
struct Overlay<'e, 'a>(&'e mut Expander<'a>);

impl arith::Variables for Overlay<'_, '_> {
    fn get(&mut self, name: &str) -> String {
        self.0.get(name).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: i64) {
        self.0.assigned.push((name.to_owned(), value.to_string()));
    }
}

fn push_value(text: &str, quoted: bool, items: &mut Vec<Item>) {
    items.extend(text.chars().map(|c| Item::Char { c, quoted, split: !quoted }));
}

fn map(value: Value, change: impl Fn(String) -> String) -> Value {
    match value {
        Value::Unset => Value::Unset,
        Value::Text(text) => Value::Text(change(text)),
        Value::List(list) => Value::List(list.into_iter().map(change).collect()),
    }
}

fn trim(text: &str, pattern: &Pattern, suffix: bool, longest: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut cuts: Vec<usize> = (0..=chars.len()).collect();
    if suffix != longest {
        cuts.reverse();
    }
    for cut in cuts {
        let (head, tail) = chars.split_at(cut);
        if suffix && pattern.matches_chars(tail) {
            return head.iter().collect();
        }
        if !suffix && pattern.matches_chars(head) {
            return tail.iter().collect();
        }
    }
    text.to_owned()
}

fn change_case(text: &str, upper: bool, all: bool) -> String {
    let change = |c: char| if upper { c.to_uppercase().to_string() } else { c.to_lowercase().to_string() };
    let place = |(nth, c): (usize, char)| if all || nth == 0 { change(c) } else { c.to_string() };
    text.chars().enumerate().map(place).collect()
}

fn replace(text: &str, pattern: &Pattern, with: &str, all: bool, anchor: Option<Anchor>) -> String {
    let chars: Vec<char> = text.chars().collect();
    match anchor {
        Some(Anchor::Start) => {
            let end = (0..=chars.len()).rev().find(|end| pattern.matches_chars(&chars[..*end]));
            return end.map_or(text.to_owned(), |end| {
                chars[end..].iter().fold(with.to_owned(), |out, c| out + &c.to_string())
            });
        }
        Some(Anchor::End) => {
            let start = (0..=chars.len()).find(|start| pattern.matches_chars(&chars[*start..]));
            return start.map_or(text.to_owned(), |start| chars[..start].iter().collect::<String>() + with);
        }
        None => {}
    }
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at < chars.len() {
        let end = (at + 1..=chars.len()).rev().find(|end| pattern.matches_chars(&chars[at..*end]));
        match end.filter(|_| !done) {
            Some(end) => {
                out.push_str(with);
                at = end;
                done = !all;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

fn slice<T>(all: &[T], offset: i64, length: Option<i64>) -> &[T] {
    let size = all.len() as i64;
    let from = if offset < 0 { size.saturating_add(offset).max(0) } else { offset.min(size) };
    let to = match length {
        None => size,
        Some(length) if length < 0 => size.saturating_add(length),
        Some(length) => from.saturating_add(length).min(size),
    };
    all.get(from as usize..to.max(from) as usize).unwrap_or_default()
}
