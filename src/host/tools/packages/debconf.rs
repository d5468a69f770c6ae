//! debconf(7): questions of packages, asked line by line, and the answers that were given.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::host::program::Env;
use crate::host::vfs::{Cred, Vfs};

/// The file with the answers.
const DATABASE: &str = "/var/cache/debconf/config.dat";

/// How important a question is; less important ones are asked only by `dpkg-reconfigure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in debconf(7)")]
pub enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    /// The level of this name.
    pub fn from_name(name: &str) -> Option<Level> {
        Some(match name {
            "low" => Level::Low,
            "medium" => Level::Medium,
            "high" => Level::High,
            "critical" => Level::Critical,
            _ => return None,
        })
    }
}

/// What kind of answer a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these.
    Select(&'static [&'static str]),
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name: `postfix/mailname`.
    pub name: &'static str,
    /// How important it is.
    pub level: Level,
    /// What kind of answer it wants.
    pub kind: Kind,
    /// The question itself.
    pub prompt: &'static str,
    /// What is said before it.
    pub text: &'static str,
    /// The answer if nothing is typed.
    pub default: String,
}

impl Question {
    /// What is written before the answer is read.
    pub fn show(&self) -> String {
        let mut shown = format!("{}\n\n", self.text);
        let default = match self.kind {
            Kind::Select(choices) => {
                let numbered = choices.iter().zip(1..).map(|(choice, number)| format!("  {number}. {choice}"));
                shown.push_str(&numbered.collect::<String>());
                shown.push('\n');
                choices.iter().position(|choice| *choice == self.default).map(|place| (place + 1).to_string())
            }
            Kind::Boolean => Some(if self.default == "true" { "yes".into() } else { "no".into() }),
            Kind::Text => Some(self.default.clone()).filter(|text| !text.is_empty()),
        };
        shown.push_str(self.prompt);
        if self.kind == Kind::Boolean {
            shown.push_str(" [yes/no]");
        }
        shown.push(' ');
        shown.push_str(&default.map(|default| format!("[{default}] ")).unwrap_or_default());
        shown
    }

    /// The value that a typed line means; `None` if it is none of the choices.
    pub fn value(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if line.is_empty() {
            return Some(self.default.clone());
        }
        match self.kind {
            Kind::Text => Some(line.to_owned()),
            Kind::Boolean => match line.to_ascii_lowercase().as_str() {
                "y" | "yes" | "true" => Some("true".into()),
                "n" | "no" | "false" => Some("false".into()),
                _ => None,
            },
            Kind::Select(choices) => {
                let number = line.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
                let lower = line.to_lowercase();
                let named = || choices.iter().find(|choice| choice.to_lowercase().starts_with(&lower));
                number.or_else(named).map(|choice| (*choice).to_owned())
            }
        }
    }
}

/// The answers of a host by the names of the questions.
pub type Answers = BTreeMap<String, String>;

/// Reads the answers that a host has.
pub fn answers(vfs: &Vfs) -> Answers {
    let text = vfs.read_text(DATABASE, &Cred::ROOT).unwrap_or_default();
    let mut answers = Answers::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(name), Some(value)) = (field("Name: "), field("Value:")) {
            answers.insert(name.to_owned(), value.trim_start().to_owned());
        }
    }
    answers
}

/// Keeps the answers of a host.
pub fn keep(vfs: &mut Vfs, answers: &Answers) {
    let stanza = |(name, value): (&String, &String)| {
        let owner = name.split('/').next().unwrap_or_default();
        format!("Name: {name}\nTemplate: {name}\nValue: {value}\nOwners: {owner}\nFlags: seen\n")
    };
    let text = answers.iter().map(stanza).collect::<Vec<_>>().join("\n");
    // On a full disk the questions will be asked again.
    let _ = vfs.mkdir_all("/var/cache/debconf");
    let _ = vfs.write(DATABASE, text, 0o644, &Cred::ROOT);
}

/// Forgets the answers about a package, as its purge does.
pub fn forget(vfs: &mut Vfs, package: &str) {
    let prefix = format!("{package}/");
    let mut answers = answers(vfs);
    answers.retain(|name, _| !name.starts_with(&prefix));
    keep(vfs, &answers);
}

/// `debconf-set-selections`: lines `OWNER QUESTION TYPE VALUE` from files or standard input.
pub fn debconf_set_selections(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    if env.cred.uid != 0 {
        env.errln("debconf: DbDriver \"passwords\" warning: could not open /var/cache/debconf/passwords.dat: Permission denied");
        return 1;
    }
    let operands: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    let mut text = String::new();
    if operands.is_empty() {
        text.push_str(&String::from_utf8_lossy(&stdin));
    }
    for operand in operands {
        match super::super::input(env, &stdin, "debconf-set-selections", &operand) {
            Some(content) => text.push_str(&String::from_utf8_lossy(&content)),
            None => return 1,
        }
    }
    let mut answers = answers(&env.ctx.host.vfs);
    let mut status = 0;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.splitn(4, char::is_whitespace);
        match (words.next(), words.next(), words.next()) {
            (Some(_), Some(question), Some(_)) => {
                answers.insert(question.to_owned(), words.next().unwrap_or_default().trim().to_owned());
            }
            _ => {
                env.errln(format!("error: Cannot parse line {number}: {line}"));
                status = 1;
            }
        }
    }
    keep(&mut env.ctx.host.vfs, &answers);
    status
}

/// `debconf-show PACKAGE`.
pub fn debconf_show(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let answers = answers(&env.ctx.host.vfs);
    for package in env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect::<Vec<_>>() {
        let prefix = format!("{package}/");
        for (name, value) in answers.iter().filter(|(name, _)| name.starts_with(&prefix)) {
            env.outln(format!("* {name}: {value}"));
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    fn question(kind: Kind, default: &str) -> Question {
        Question { name: "x/y", level: Level::High, kind, prompt: "Which?", text: "Choose.", default: default.into() }
    }

    #[test]
    fn answers_are_numbers_names_or_nothing() {
        let select = question(Kind::Select(&["No configuration", "Internet Site"]), "Internet Site");
        assert!(select.show().ends_with("  1. No configuration  2. Internet Site\nWhich? [2] "));
        for (line, value) in [
            ("1", Some("No configuration")),
            ("", Some("Internet Site")),
            ("inter", Some("Internet Site")),
            ("3", None),
            ("0", None),
        ] {
            assert_eq!(select.value(line).as_deref(), value, "{line}");
        }
        assert_eq!(question(Kind::Boolean, "false").value("Y").as_deref(), Some("true"));
        assert_eq!(question(Kind::Text, "").value(" a b ").as_deref(), Some("a b"));
    }

    #[test]
    fn answers_are_kept_in_the_database() {
        let mut host = harness::host();
        let answers =
            Answers::from([("postfix/relayhost".to_owned(), String::new()), ("a/b".to_owned(), "c d".into())]);
        keep(&mut host.vfs, &answers);
        assert_eq!(super::answers(&host.vfs), answers);
    }
}
