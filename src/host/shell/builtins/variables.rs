//! Builtins about variables, options and positional parameters.

use std::sync::Arc;

use super::{Call, Outcome};
use crate::host::shell::arith::{self, Variables};
use crate::host::shell::array::{self, Key};
use crate::host::shell::exec::Frame;
use crate::host::shell::parser::is_identifier;
use crate::host::shell::state::{State, Variable};

impl Call<'_, '_> {
    pub(super) fn export(&mut self, readonly: bool) -> Outcome {
        let command = if readonly { "readonly" } else { "export" };
        let args: Vec<String> = self.args.iter().filter(|arg| *arg != "-p").cloned().collect();
        if args.is_empty() {
            let text: String = self
                .shell
                .state
                .vars
                .iter()
                .filter(|(_, variable)| if readonly { variable.readonly } else { variable.exported })
                .map(|(name, variable)| match &variable.value {
                    Some(value) => format!("{command} {name}={}\n", quoted(value)),
                    None => format!("{command} {name}\n"),
                })
                .collect();
            return self.out(&text);
        }
        for arg in args {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            if !is_identifier(name) {
                return self.fail_special(&format!("{command}: {name}: bad variable name"));
            }
            if let Some(value) = value
                && let Err(text) = self.shell.state.set(name, value)
            {
                return self.fail_special(&format!("{command}: {text}"));
            }
            let variable = Arc::make_mut(&mut self.shell.state.vars).entry(name.into()).or_default();
            variable.exported |= !readonly;
            variable.readonly |= readonly;
        }
        Outcome::Status(0)
    }

    pub(super) fn local(&mut self, must_be_in_function: bool) -> Outcome {
        let (options, args): (Vec<String>, Vec<String>) =
            self.args.iter().cloned().partition(|arg| arg.starts_with('-'));
        let has = |letter: char| options.iter().any(|option| option.contains(letter));
        if has('p') && self.is_bash() {
            return self.show(&args);
        }
        for arg in args {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            if !is_identifier(name) {
                return self.fail(&format!("local: {name}: bad variable name"), 2);
            }
            let old = self.shell.state.vars.get(name).cloned();
            let bash = self.is_bash();
            let frame = self.shell.frames.iter_mut().rev().find_map(|frame| match frame {
                Frame::Function { locals, .. } => Some(locals),
                _ => None,
            });
            match frame {
                Some(locals) => locals.push((name.to_owned(), old)),
                None if must_be_in_function && bash => {
                    return self.fail("local: can only be used in a function", 1);
                }
                None if must_be_in_function => return self.fail_special("local: not in a function"),
                None => {}
            }
            if let Some(value) = value
                && let Err(text) = self.shell.state.set(name, value)
            {
                return self.fail(&format!("local: {text}"), 2);
            }
            if self.is_bash() && options.iter().any(|option| option.contains(['A', 'a', 'x', 'r'])) {
                let variable = Arc::make_mut(&mut self.shell.state.vars).entry(name.into()).or_default();
                variable.exported |= has('x');
                variable.readonly |= has('r');
                if has('A') || has('a') {
                    variable.become_array().named |= has('A');
                }
            }
        }
        Outcome::Status(0)
    }

    /// `declare -p`: variables as they could be declared again.
    fn show(&mut self, names: &[String]) -> Outcome {
        let mut text = String::new();
        for name in names {
            let Some(variable) = self.shell.state.vars.get(name.as_str()) else {
                return self.fail(&format!("declare: {name}: not found"), 1);
            };
            let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
            let mut flags = String::new();
            let value = match &variable.array {
                Some(array) => {
                    flags.push(if array.named { 'A' } else { 'a' });
                    let element = |(key, value): (&Key, &String)| format!("[{key}]=\"{}\"", escaped(value));
                    let end = if array.named { " " } else { "" };
                    format!("=({}{end})", array.elements.iter().map(element).collect::<Vec<_>>().join(" "))
                }
                None => variable.value.as_ref().map_or(String::new(), |value| format!("=\"{}\"", escaped(value))),
            };
            flags.extend(variable.readonly.then_some('r'));
            flags.extend(variable.exported.then_some('x'));
            let flags = if flags.is_empty() { "-".to_owned() } else { flags };
            text += &format!("declare -{flags} {name}{value}\n");
        }
        self.out(&text)
    }

    pub(super) fn unset(&mut self) -> Outcome {
        let mut functions = false;
        for arg in self.args {
            match arg.as_str() {
                "-f" => functions = true,
                "-v" => functions = false,
                name if functions => {
                    Arc::make_mut(&mut self.shell.state.functions).remove(name);
                }
                name if !is_identifier(array::split(name).filter(|_| self.is_bash()).map_or(name, |(own, _)| own)) => {
                    return self.fail_special(&format!("unset: {name}: bad variable name"));
                }
                name => {
                    if !self.shell.state.unset(name) {
                        return self.fail_special(&format!("unset: {name}: is read only"));
                    }
                }
            }
        }
        Outcome::Status(0)
    }

    pub(super) fn set(&mut self) -> Outcome {
        if self.args.is_empty() {
            let text: String = self
                .shell
                .state
                .vars
                .iter()
                .filter_map(|(name, variable)| Some((name, variable.value.as_ref()?)))
                .map(|(name, value)| format!("{name}={}\n", quoted(value)))
                .collect();
            return self.out(&text);
        }
        let mut args = self.args.iter();
        let mut positional = None;
        while let Some(arg) = args.next() {
            let on = arg.starts_with('-');
            let letters = match arg.strip_prefix(['-', '+']) {
                Some("-") => {
                    positional = Some(args.cloned().collect());
                    break;
                }
                Some(letters) if !letters.is_empty() => letters,
                _ => {
                    positional = Some(std::iter::once(arg).chain(args).cloned().collect());
                    break;
                }
            };
            if letters == "o" {
                let Some(name) = args.next() else { continue };
                let bash = self.is_bash();
                match self.shell.state.options.by_name(name) {
                    Some(option) => *option = on,
                    None if name == "pipefail" && bash => self.shell.state.options.pipefail = on,
                    None if matches!(name.as_str(), "history" | "emacs" | "vi" | "monitor" | "notify") => {}
                    None => return self.fail_special(&format!("set: Illegal option -o {name}")),
                }
                continue;
            }
            for letter in letters.chars() {
                match self.shell.state.options.by_letter(letter) {
                    Some(option) => *option = on,
                    None if "abhmvCBo".contains(letter) => {}
                    None => return self.fail_special(&format!("set: Illegal option -{letter}")),
                }
            }
        }
        if let Some(positional) = positional {
            self.shell.state.positional = Arc::new(positional);
        }
        Outcome::Status(0)
    }

    pub(super) fn shift(&mut self) -> Outcome {
        let count = match self.args.first().map_or(Ok(1), |text| text.parse::<usize>()) {
            Ok(count) => count,
            Err(_) => return self.fail_special("shift: Illegal number"),
        };
        if count > self.shell.state.positional.len() {
            return if self.is_bash() { Outcome::Status(1) } else { self.fail_special("shift: can't shift that many") };
        }
        Arc::make_mut(&mut self.shell.state.positional).drain(..count);
        Outcome::Status(0)
    }

    pub(super) fn getopts(&mut self) -> Outcome {
        let [spec, name, rest @ ..] = self.args else {
            return self.fail("getopts: Usage: getopts optstring var [arg...]", 2);
        };
        let words = if rest.is_empty() { self.shell.state.positional.to_vec() } else { rest.to_vec() };
        // Where the next option is: word in OPTIND, letter within the word in a private variable.
        let index: usize = self.shell.state.get("OPTIND").and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
        let letter: usize = self.shell.state.get("_OPTPOS").and_then(|text| text.parse().ok()).unwrap_or(1);
        let word = words.get(index - 1).filter(|word| word.len() > 1 && word.starts_with('-') && *word != "--");
        let Some(option) = word.and_then(|word| word.chars().nth(letter)) else {
            let _ = self.shell.state.set(name, "?");
            return Outcome::Status(1);
        };
        let last = word.is_some_and(|word| word.chars().count() == letter + 1);
        let (mut next, mut position) = if last { (index + 1, 1) } else { (index, letter + 1) };
        let takes = spec.split_once(option).map(|(_, after)| after.starts_with(':'));
        let mut value = option.to_string();
        let state = &mut self.shell.state;
        let mut problem = None;
        match takes.filter(|_| option != ':') {
            None => {
                problem = Some(format!("Illegal option -{option}"));
                value = "?".into();
            }
            Some(false) => {}
            Some(true) => {
                let attached: Option<String> =
                    word.filter(|_| !last).map(|word| word.chars().skip(letter + 1).collect());
                let argument = attached.clone().or_else(|| words.get(index).cloned());
                next = if attached.is_some() { index + 1 } else { index + 2 };
                position = 1;
                match argument {
                    Some(argument) => {
                        let _ = state.set("OPTARG", argument);
                    }
                    None => {
                        problem = Some(format!("No arg for -{option} option"));
                        value = "?".into();
                    }
                }
            }
        }
        let _ = state.set("OPTIND", next.to_string());
        let _ = state.set("_OPTPOS", position.to_string());
        let _ = state.set(name, value);
        if let Some(problem) = problem.filter(|_| !spec.starts_with(':')) {
            return match self.fail(&problem, 0) {
                Outcome::Status(_) => Outcome::Status(0),
                other => other,
            };
        }
        Outcome::Status(0)
    }

    pub(super) fn let_(&mut self) -> Outcome {
        let mut last = 0;
        for arg in self.args {
            match arith::evaluate(arg, &mut Own(&mut self.shell.state)) {
                Ok(value) => last = value,
                Err(text) => return self.fail(&format!("let: {text}"), 1),
            }
        }
        Outcome::Status(u8::from(last == 0))
    }
}

struct Own<'a>(&'a mut State);

impl Variables for Own<'_> {
    fn get(&mut self, name: &str) -> String {
        self.0.get(name).unwrap_or_default().to_owned()
    }

    fn set(&mut self, name: &str, value: i64) {
        let _ = self.0.set(name, value.to_string());
    }
}

/// A value in single quotes, as `set` and `export` print it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\"'\"'"))
}

impl Variable {
    /// An exported variable.
    pub fn exported(value: &str) -> Variable {
        Variable { value: Some(value.to_owned()), exported: true, ..Variable::default() }
    }
}
