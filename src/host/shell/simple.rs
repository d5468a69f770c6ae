//! Simple commands: their words are expanded, then a function, a builtin or a program is run.

use std::sync::Arc;

use super::array;
use super::ast::{Assigned, Kind, Node, Word};
use super::builtins::{self, Outcome};
use super::exec::{Frame, Shell};
use super::expand::{Expander, Stop};
use super::files::{Fd, FileId, Open};
use super::launch::{self, Exec, Found};
use super::machine::{Machine, TaskId};
use super::redirect::{self, Target};
use super::state::{DEFAULT_PATH, Dialect};
use crate::host::process::Ctx;
use crate::host::vfs::{Cred, Vfs};

/// What the words of a command became.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) assigned: Vec<(String, String)>,
    pub(super) assigns: Vec<(String, String)>,
    pub(super) lists: Vec<List>,
    pub(super) argv: Vec<String>,
    pub(super) redirs: Vec<(u32, Target)>,
    pub(super) number: i64,
    pub(super) arm: Option<usize>,
}

/// An array that is assigned as a whole.
#[derive(Debug)]
pub(super) struct List {
    name: String,
    append: bool,
    elements: Vec<(Option<String>, String)>,
}

/// A free name for the output of a process substitution, as bash chooses them.
fn process_file(vfs: &Vfs) -> String {
    let name = |number: u32| format!("/dev/fd/{number}");
    (0..=63).rev().map(name).find(|path| vfs.stat(path, &Cred::ROOT).is_err()).unwrap_or_else(|| name(63))
}

impl Shell {
    /// Takes the output of a command substitution once the command has ended.
    pub(super) fn substitution(
        &mut self,
        task: TaskId,
        file: FileId,
        to_file: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        let Some(status) = machine.reap(task) else {
            self.frames.push(Frame::Substitution { task, file, to_file });
            return false;
        };
        let mut data = match machine.files.get_mut(file) {
            Some(Open::Capture { data, .. }) => std::mem::take(data),
            _ => Vec::new(),
        };
        if to_file {
            // Complete before it is read: what asks for it would have to wait otherwise.
            let vfs = &mut ctx.host.vfs;
            let path = process_file(vfs);
            let _ = vfs.mkdir_all("/dev/fd").and_then(|()| vfs.write(&path, data, 0o600, &self.state.cred));
            if let Some(Frame::Prepare { outputs, files, .. }) = self.frames.last_mut() {
                outputs.push(path.clone());
                files.push(path);
            }
            return true;
        }
        self.state.status = status;
        data.retain(|octet| *octet != 0);
        let mut text = String::from_utf8_lossy(&data).into_owned();
        text.truncate(text.trim_end_matches('\n').len());
        if let Some(Frame::Prepare { outputs, .. }) = self.frames.last_mut() {
            outputs.push(text);
        }
        true
    }

    /// Expands the words of a command and goes on with it.
    pub(super) fn prepare(
        &mut self,
        id: TaskId,
        node: Arc<Node>,
        outputs: Vec<String>,
        files: Vec<String>,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let substituted = !outputs.is_empty();
        match self.expand(&node, &outputs, ctx) {
            Ok(done) => {
                for (name, value) in &done.assigned {
                    let _ = self.state.set(name, value.clone());
                }
                if !files.is_empty() {
                    self.frames.push(Frame::Unlink(files));
                }
                self.execute(id, &node, done, substituted, machine, ctx);
            }
            Err(Stop::Command { node: command, to_file }) => {
                let file = machine.files.add(Open::Capture { data: Vec::new(), tty: false });
                let mut fds = self.fds(id, machine);
                fds.insert(1, Fd { file, write: true });
                let pid = ctx.host.next_proc().0;
                self.frames.push(Frame::Prepare { node, outputs, files });
                match machine.add_shell(self.subshell(command), fds, pid, self.state.arg0.clone()) {
                    Ok(task) => self.frames.push(Frame::Substitution { task, file, to_file }),
                    Err(_) => self.cannot_fork(id, machine, ctx),
                }
            }
            Err(Stop::Fail(text)) => {
                self.complain(id, &text, machine, ctx);
                self.fail_hard(id, machine);
            }
        }
    }

    /// An error that ends a shell unless a person types.
    pub(super) fn fail_hard(&mut self, id: TaskId, machine: &mut Machine) {
        let status = if self.is_bash() { 1 } else { 2 };
        if self.state.interactive {
            while self.frames.len() > 1 {
                self.pop_undoing(id, machine);
            }
            self.state.status = status;
        } else {
            self.leave(id, status, machine);
        }
    }

    pub(super) fn expand(&self, node: &Node, outputs: &[String], ctx: &Ctx<'_>) -> Result<Prepared, Stop> {
        let mut expander = Expander::new(&self.state, ctx.host, outputs);
        let mut done = Prepared::default();
        match &node.kind {
            Kind::Simple { words, .. } => done.argv = expander.fields(words)?,
            Kind::For { words: Some(words), .. } => done.argv = expander.fields(words)?,
            Kind::For { words: None, .. } => done.argv = self.state.positional.to_vec(),
            Kind::Case { word, arms } => {
                let text = expander.text(word)?;
                'arms: for (nth, (patterns, _)) in arms.iter().enumerate() {
                    for pattern in patterns {
                        if expander.pattern(pattern)?.matches(&text) {
                            done.arm = Some(nth);
                            break 'arms;
                        }
                    }
                }
            }
            Kind::Arith(word) => done.number = expander.arithmetic(word)?,
            Kind::Test(words) => {
                for word in words {
                    done.argv.push(expander.text(word)?);
                }
            }
            _ => {}
        }
        for redir in &node.redirs {
            done.redirs.push((redir.fd, redirect::prepare(&redir.kind, &mut expander)?));
        }
        if let Kind::Simple { assigns, .. } = &node.kind {
            for assign in assigns {
                let text = match &assign.value {
                    Assigned::Text(text) => text,
                    Assigned::List(elements) => {
                        let list = self.array(&assign.name, assign.append, elements, &mut expander)?;
                        done.lists.push(list);
                        continue;
                    }
                };
                let name = match &assign.key {
                    None => assign.name.clone(),
                    Some(key) => array::join(&assign.name, &expander.key(&assign.name, key)?),
                };
                let mut value = expander.assignment(text)?;
                if assign.append {
                    value.insert_str(0, self.state.get(&name).unwrap_or_default());
                }
                // Later assignments see the earlier ones.
                expander.assigned.push((name.clone(), value.clone()));
                done.assigns.push((name, value));
            }
            let own = done.assigns.len();
            let keep = expander.assigned.len() - own;
            done.assigned = expander.assigned.into_iter().take(keep).collect();
        } else {
            done.assigned = expander.assigned;
        }
        Ok(done)
    }

    /// The elements that `name=(…)` gives an array.
    fn array(
        &self,
        name: &str,
        append: bool,
        elements: &[(Option<Word>, Word)],
        expander: &mut Expander<'_>,
    ) -> Result<List, Stop> {
        let mut list = List { name: name.to_owned(), append, elements: Vec::new() };
        for (key, word) in elements {
            match key {
                Some(key) => list.elements.push((Some(expander.text(key)?), expander.assignment(word)?)),
                None => {
                    let fields = expander.fields(std::slice::from_ref(word))?;
                    list.elements.extend(fields.into_iter().map(|field| (None, field)));
                }
            }
        }
        Ok(list)
    }

    pub(super) fn execute(
        &mut self,
        id: TaskId,
        node: &Arc<Node>,
        done: Prepared,
        substituted: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        if !matches!(node.kind, Kind::Simple { .. }) {
            match redirect::apply(id, &done.redirs, &self.state, machine, ctx) {
                Ok(saved) => {
                    if !saved.is_empty() {
                        self.frames.push(Frame::Restore { fds: saved, vars: Vec::new() });
                    }
                    self.begin(id, node, &done, machine, ctx);
                }
                Err(text) => {
                    self.complain(id, &text, machine, ctx);
                    self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
                }
            }
            return;
        }
        if self.state.options.xtrace {
            let mut words: Vec<String> = done.assigns.iter().map(|(name, value)| format!("{name}={value}")).collect();
            words.extend(done.argv.iter().cloned());
            let text = format!("+ {}\n", words.join(" "));
            self.write(id, 2, text.as_bytes(), machine, ctx);
        }
        if done.argv.is_empty() {
            let status = if substituted { self.state.status } else { 0 };
            match redirect::apply(id, &done.redirs, &self.state, machine, ctx) {
                Ok(saved) => self.restore(id, saved, Vec::new(), machine),
                Err(text) => {
                    self.complain(id, &text, machine, ctx);
                    return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
                }
            }
            let texts = done.assigns.into_iter().try_for_each(|(name, value)| self.state.set(&name, value));
            if let Err(text) = texts.and_then(|()| self.set_lists(done.lists)) {
                self.complain(id, &text, machine, ctx);
                return self.fail_hard(id, machine);
            }
            return self.completed(id, status, machine);
        }
        // `declare` and `local` say first whose array it is and of what kind.
        let declared = matches!(done.argv[0].as_str(), "declare" | "typeset" | "local");
        let (before, after) = if declared { (Vec::new(), done.lists) } else { (done.lists, Vec::new()) };
        if let Err(text) = self.set_lists(before) {
            self.complain(id, &text, machine, ctx);
            return self.fail_hard(id, machine);
        }
        self.command(id, done.argv, done.assigns, done.redirs, machine, ctx);
        if let Err(text) = self.set_lists(after) {
            self.complain(id, &text, machine, ctx);
            self.fail_hard(id, machine);
        }
    }

    fn set_lists(&mut self, lists: Vec<List>) -> Result<(), String> {
        lists.into_iter().try_for_each(|list| self.state.set_list(&list.name, list.elements, list.append))
    }

    /// Runs a simple command: function, builtin or program.
    pub(super) fn command(
        &mut self,
        id: TaskId,
        argv: Vec<String>,
        assigns: Vec<(String, String)>,
        redirs: Vec<(u32, Target)>,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let name = argv.first().cloned().unwrap_or_default();
        let function = self.state.functions.get(&name).cloned();
        if function.is_none() && !builtins::is_builtin(&name) {
            return self.external(id, argv, assigns, redirs, false, machine, ctx);
        }
        let saved = match redirect::apply(id, &redirs, &self.state, machine, ctx) {
            Ok(saved) => saved,
            Err(text) => {
                self.complain(id, &text, machine, ctx);
                if builtins::is_special(&name) && !self.is_bash() && !self.state.interactive {
                    return self.leave(id, 2, machine);
                }
                return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
            }
        };
        if name == "exec" && function.is_none() {
            for (name, value) in assigns {
                self.state.export(&name, &value);
            }
            if argv.len() > 1 {
                return self.external(id, argv[1..].to_vec(), Vec::new(), Vec::new(), true, machine, ctx);
            }
            self.state.status = 0;
            return;
        }
        let mut vars = Vec::new();
        for (name, value) in assigns {
            vars.push((name.clone(), self.state.vars.get(name.as_str()).cloned()));
            self.state.export(&name, &value);
        }
        if !saved.is_empty() || !vars.is_empty() {
            self.frames.push(Frame::Restore { fds: saved, vars });
        }
        if let Some(body) = function {
            let positional = std::mem::replace(&mut self.state.positional, Arc::new(argv[1..].to_vec()));
            self.frames.push(Frame::Function { positional, locals: Vec::new() });
            self.frames.push(Frame::Run(body));
            return;
        }
        match builtins::run(self, id, &argv, machine, ctx) {
            Outcome::Status(status) => self.completed(id, status, machine),
            Outcome::Pushed => {}
            Outcome::Command(argv) => self.external(id, argv, Vec::new(), Vec::new(), false, machine, ctx),
            Outcome::Control(control) => self.control(id, control, machine),
        }
    }

    /// Runs a program or script as a child.
    #[allow(clippy::too_many_arguments, reason = "one place where all parts of a command meet")]
    pub(super) fn external(
        &mut self,
        id: TaskId,
        argv: Vec<String>,
        assigns: Vec<(String, String)>,
        redirs: Vec<(u32, Target)>,
        replace: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let name = argv.first().cloned().unwrap_or_default();
        let saved = match redirect::apply(id, &redirs, &self.state, machine, ctx) {
            Ok(saved) => saved,
            Err(text) => {
                self.complain(id, &text, machine, ctx);
                return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
            }
        };
        let mut vars = self.state.environment();
        for (name, value) in assigns {
            vars.insert(name.into(), value);
        }
        let path_var = vars.get("PATH").map(String::as_str).or(self.state.get("PATH")).unwrap_or(DEFAULT_PATH);
        let found = launch::find(&name, path_var, &self.state.cwd, &self.state.cred, ctx.host);
        let (status, text) = match found {
            Found::Missing => {
                let text = self.not_found(&name);
                self.complain(id, &text, machine, ctx);
                self.comfort(id, &name, machine, ctx);
                self.restore(id, saved, Vec::new(), machine);
                if replace {
                    return self.leave(id, 127, machine);
                }
                return self.completed(id, 127, machine);
            }
            Found::Denied => (126, format!("{name}: Permission denied")),
            Found::Directory if self.is_bash() => (126, format!("{name}: Is a directory")),
            Found::Directory => (126, format!("{name}: Permission denied")),
            Found::NoInterpreter(interpreter) => (127, format!("{name}: {interpreter}: not available on this host")),
            found => {
                let exec = Exec {
                    argv,
                    vars,
                    cwd: self.state.cwd.clone(),
                    cred: self.state.cred.clone(),
                    umask: self.state.umask,
                    fds: self.fds(id, machine),
                    caller: self.state.arg0.clone(),
                };
                match launch::start(machine, found, exec, ctx) {
                    Ok(task) => {
                        self.restore(id, saved, Vec::new(), machine);
                        self.frames.push(Frame::Wait { task, exec: replace });
                        return;
                    }
                    Err(text) => (126, text),
                }
            }
        };
        self.complain(id, &text, machine, ctx);
        self.restore(id, saved, Vec::new(), machine);
        if replace {
            return self.leave(id, status, machine);
        }
        self.completed(id, status, machine);
    }

    /// Says once to a person that a command is real, and what to use instead.
    fn comfort(&mut self, id: TaskId, name: &str, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let Some(instead) = super::missing::instead_of(name).filter(|_| self.told) else { return };
        if !self.missed.insert(name.to_owned()) {
            return;
        }
        let after = if instead.is_empty() { String::new() } else { format!("; {instead}") };
        let text = format!("({name} is a real command that these hosts do not have{after})\n");
        self.write(id, 2, text.as_bytes(), machine, ctx);
    }

    pub(super) fn not_found(&self, name: &str) -> String {
        match self.state.dialect {
            Dialect::Dash => format!("{name}: not found"),
            Dialect::Bash if name.contains('/') => format!("{name}: No such file or directory"),
            Dialect::Bash => format!("{name}: command not found"),
        }
    }
}
