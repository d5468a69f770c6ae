//! What one shell (or subshell) knows: variables, functions, options, place and rights.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::array::{self, Array, Key};
use super::ast::Node;
use crate::host::vfs::Cred;

/// Whose messages and extensions a shell has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Debian's `/bin/sh`.
    Dash,
    /// `/bin/bash`, also for people at a terminal.
    Bash,
}

/// A variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its value; `None` if it has attributes only, or is an array.
    pub value: Option<String>,
    /// Its elements, if it is an array (bash).
    pub array: Option<Array>,
    /// Whether children get it.
    pub exported: bool,
    /// Whether it may not change.
    pub readonly: bool,
}

impl Variable {
    /// The array that it is, or becomes with its value as first element.
    pub fn become_array(&mut self) -> &mut Array {
        let value = self.value.take();
        self.array.get_or_insert_with(|| Array {
            named: false,
            elements: value.map(|value| (Key::Number(0), value)).into_iter().collect(),
        })
    }
}

/// Options of `set`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-e`: leave at the first failure.
    pub errexit: bool,
    /// `-u`: unset variables are errors.
    pub nounset: bool,
    /// `-x`: show commands.
    pub xtrace: bool,
    /// `-f`: no file names from patterns.
    pub noglob: bool,
    /// `-n`: read commands only.
    pub noexec: bool,
    /// `-o pipefail` (bash): a pipeline fails if one of its commands does.
    pub pipefail: bool,
}

impl Options {
    /// The option of a letter.
    pub fn by_letter(&mut self, letter: char) -> Option<&mut bool> {
        Some(match letter {
            'e' => &mut self.errexit,
            'u' => &mut self.nounset,
            'x' => &mut self.xtrace,
            'f' => &mut self.noglob,
            'n' => &mut self.noexec,
            _ => return None,
        })
    }

    /// The option of a name, for `set -o`.
    pub fn by_name(&mut self, name: &str) -> Option<&mut bool> {
        self.by_letter(match name {
            "errexit" => 'e',
            "nounset" => 'u',
            "xtrace" => 'x',
            "noglob" => 'f',
            "noexec" => 'n',
            _ => return None,
        })
    }

    /// The letters that are on, for `$-`.
    pub fn letters(mut self) -> String {
        "eufxn".chars().filter(|letter| self.by_letter(*letter).is_some_and(|on| *on)).collect()
    }
}

/// What one shell knows. A subshell starts with a clone, which shares the tables.
#[derive(Clone, Debug)]
pub struct State {
    /// Variables.
    pub vars: Arc<BTreeMap<SmolStr, Variable>>,
    /// Functions.
    pub functions: Arc<BTreeMap<String, Arc<Node>>>,
    /// Aliases.
    pub aliases: Arc<BTreeMap<String, String>>,
    /// `$1`, `$2`, …
    pub positional: Arc<Vec<String>>,
    /// `$0`.
    pub arg0: String,
    /// `$?`.
    pub status: u8,
    /// Working directory, absolute.
    pub cwd: SmolStr,
    /// With whose rights.
    pub cred: Cred,
    /// Permission bits that new files do not get.
    pub umask: u16,
    /// Options.
    pub options: Options,
    /// `$$`.
    pub pid: u32,
    /// `$!`.
    pub last_background: Option<u32>,
    /// Whose messages and extensions.
    pub dialect: Dialect,
    /// Whether a person types the commands.
    pub interactive: bool,
    /// Whether the commands come from a file, whose name then is `$0`.
    pub script: bool,
    /// Commands of `trap`, by the name of the signal (`EXIT` too).
    pub traps: BTreeMap<String, String>,
    /// The line that is being executed.
    pub line: u32,
}

impl State {
    /// A shell with this environment.
    pub fn new(env: &[(SmolStr, String)], cwd: SmolStr, cred: Cred, pid: u32) -> State {
        let mut vars: BTreeMap<SmolStr, Variable> = env
            .iter()
            .map(|(name, value)| {
                (name.clone(), Variable { value: Some(value.clone()), exported: true, ..Variable::default() })
            })
            .collect();
        let plain = |value: &str| Variable { value: Some(value.to_owned()), ..Variable::default() };
        vars.insert("IFS".into(), plain(" \t\n"));
        vars.entry("PATH".into()).or_insert_with(|| plain(DEFAULT_PATH));
        vars.insert("PWD".into(), Variable { exported: true, ..plain(&cwd) });
        vars.insert("OPTIND".into(), plain("1"));
        vars.entry("PS4".into()).or_insert_with(|| plain("+ "));
        State {
            vars: Arc::new(vars),
            functions: Arc::default(),
            aliases: Arc::default(),
            positional: Arc::default(),
            arg0: "sh".into(),
            status: 0,
            cwd,
            cred,
            umask: 0o022,
            options: Options::default(),
            pid,
            last_background: None,
            dialect: Dialect::Dash,
            interactive: false,
            script: false,
            traps: BTreeMap::new(),
            line: 1,
        }
    }

    /// The value of a variable that is set; of an array its first element, of `name[key]` that one.
    pub fn get(&self, name: &str) -> Option<&str> {
        if let Some(variable) = self.vars.get(name) {
            return match &variable.array {
                Some(array) => array.elements.get(&array.key("0")).map(String::as_str),
                None => variable.value.as_deref(),
            };
        }
        let (name, key) = array::split(name)?;
        let variable = self.vars.get(name)?;
        match &variable.array {
            Some(array) => array.elements.get(&array.key(key)).map(String::as_str),
            None => variable.value.as_deref().filter(|_| key == "0"),
        }
    }

    /// The elements of an array, in order; of another variable its value alone.
    pub fn elements(&self, name: &str) -> Vec<(Key, String)> {
        let Some(variable) = self.vars.get(name) else { return Vec::new() };
        match &variable.array {
            Some(array) => array.elements.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            None => variable.value.iter().map(|value| (Key::Number(0), value.clone())).collect(),
        }
    }

    /// Whether a variable is an array whose keys are names.
    pub fn is_named(&self, name: &str) -> bool {
        self.vars.get(name).and_then(|variable| variable.array.as_ref()).is_some_and(|array| array.named)
    }

    /// A variable that may be changed.
    fn writable(&mut self, name: &str) -> Result<&mut Variable, String> {
        let words = if self.dialect == Dialect::Dash { "is read only" } else { "readonly variable" };
        let variable = Arc::make_mut(&mut self.vars).entry(name.into()).or_default();
        if variable.readonly { Err(format!("{name}: {words}")) } else { Ok(variable) }
    }

    /// Assigns a variable, or an element (`name[key]`).
    ///
    /// # Errors
    /// It is read-only.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), String> {
        let (name, key) = array::split(name).map_or((name, None), |(name, key)| (name, Some(key)));
        let variable = self.writable(name)?;
        if key.is_none() && variable.array.is_none() {
            variable.value = Some(value.into());
            return Ok(());
        }
        let array = variable.become_array();
        let key = array.key(key.unwrap_or("0"));
        array.set(key, value.into()).map_err(|text| format!("{name}: {text}"))
    }

    /// Makes a variable an array with these elements, behind those it has if they are appended.
    ///
    /// # Errors
    /// It is read-only.
    pub fn set_list(
        &mut self,
        name: &str,
        elements: Vec<(Option<String>, String)>,
        append: bool,
    ) -> Result<(), String> {
        let array = self.writable(name)?.become_array();
        if !append {
            array.elements.clear();
        }
        for (key, value) in elements {
            let key = key.map_or_else(|| Key::Number(array.next()), |key| array.key(&key));
            array.set(key, value).map_err(|text| format!("{name}: {text}"))?;
        }
        Ok(())
    }

    /// Forgets a variable or an element; false if it may not change.
    pub fn unset(&mut self, name: &str) -> bool {
        let (own, key) = array::split(name).map_or((name, None), |(name, key)| (name, Some(key)));
        let Some(variable) = self.vars.get(own) else { return true };
        if variable.readonly {
            return false;
        }
        let vars = Arc::make_mut(&mut self.vars);
        match (key, vars.get_mut(own).and_then(|variable| variable.array.as_mut())) {
            (Some(key), Some(array)) => {
                let key = array.key(key);
                array.elements.remove(&key);
            }
            _ => {
                vars.remove(own);
            }
        }
        true
    }

    /// Assigns a variable that children get.
    pub fn export(&mut self, name: &str, value: &str) {
        let variable = Variable { value: Some(value.to_owned()), exported: true, ..Variable::default() };
        Arc::make_mut(&mut self.vars).insert(name.into(), variable);
    }

    /// The environment of children.
    pub fn environment(&self) -> BTreeMap<SmolStr, String> {
        self.vars
            .iter()
            .filter(|(_, variable)| variable.exported)
            .filter_map(|(name, variable)| Some((name.clone(), variable.value.clone()?)))
            .collect()
    }

    /// An error message as this shell words it.
    pub fn message(&self, text: &str) -> String {
        match self.dialect {
            Dialect::Dash => format!("{}: {}: {text}", self.arg0, self.line),
            Dialect::Bash if self.interactive => format!("{}: {text}", self.arg0),
            Dialect::Bash => format!("{}: line {}: {text}", self.arg0, self.line),
        }
    }

    /// The home directory.
    pub fn home(&self) -> &str {
        self.get("HOME").unwrap_or("/")
    }
}

/// Where commands are looked for when nothing else is said.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
