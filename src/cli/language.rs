//! Which language the command line speaks, and its help and errors in German.
//!
//! English texts are the doc comments beside the arguments; `locale/de.ftl` has the German ones by
//! command and argument: `run`, `run--until`, `any--lang` for an argument that many commands share.

use std::ffi::OsString;

use clap::builder::{PossibleValue, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use fluent_bundle::{FluentBundle, FluentResource};
use unic_langid::langid;

use crate::session::errors;
use crate::session::story::Lang;

const GERMAN: &str = include_str!("locale/de.ftl");
/// How clap lays help out, with the word for usage in German.
const TEMPLATE: &str = "{before-help}{about-with-newline}\nAufruf: {usage}\n\n{all-args}{after-help}";

/// The language of this call: `--lang` if it is there, else that of the environment.
pub fn of_call(args: &[OsString]) -> Lang {
    let mut words = args.iter().map(|arg| arg.to_string_lossy());
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--lang") {
            Some("") => words.next().map(|value| value.into_owned()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        match value.as_deref() {
            Some("de") => return Lang::De,
            Some("en") => return Lang::En,
            _ => {}
        }
    }
    of_environment(|name| std::env::var(name).ok())
}

/// The language of the call that is being carried out.
pub fn current() -> Lang {
    of_call(&std::env::args_os().collect::<Vec<_>>())
}

/// An error in the language of this call.
pub fn told(error: &impl std::fmt::Display) -> String {
    errors::tell(current(), error)
}

/// The language of an environment: the first of `MXLAB_LANG`, `LC_ALL`, `LC_MESSAGES` and `LANG`
/// that is set counts, as in setlocale(3).
fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let locale = ["MXLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match locale {
        Some(locale) if locale.to_ascii_lowercase().starts_with("de") => Lang::De,
        _ => Lang::En,
    }
}

/// The command line in a language: its defaults for `--lang`, its help.
pub fn speak(command: Command, lang: Lang) -> Command {
    match lang {
        Lang::En => command,
        Lang::De => German::new().command(command, ""),
    }
}

/// The German texts.
struct German(FluentBundle<FluentResource>);

impl German {
    fn new() -> German {
        let mut bundle = FluentBundle::new(vec![langid!("de")]);
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(GERMAN.to_owned()).unwrap_or_else(|(readable, _)| readable);
        bundle.add_resource_overriding(resource);
        German(bundle)
    }

    fn text(&self, id: &str) -> Option<String> {
        let pattern = self.0.get_message(id)?.value()?;
        Some(self.0.format_pattern(pattern, None, &mut Vec::new()).into_owned())
    }

    /// The text about an argument of a command, or about the same argument of any command.
    fn about(&self, path: &str, arg: &str) -> Option<String> {
        self.text(&format!("{path}--{arg}")).or_else(|| self.text(&format!("any--{arg}")))
    }

    fn command(&self, mut command: Command, path: &str) -> Command {
        let subcommands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        for name in subcommands {
            let below = if path.is_empty() { name.clone() } else { format!("{path}-{name}") };
            command = command.mut_subcommand(name, |sub| self.command(sub, &below));
        }
        let root = if path.is_empty() { "mxlab" } else { path };
        if let Some(about) = self.text(root) {
            command = command.about(about.clone()).long_about(about);
        }
        let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Diese Hilfe zeigen");
        command = command
            .mut_args(|arg| self.argument(arg, root))
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .arg(help.help_heading("Optionen"))
            .help_template(TEMPLATE)
            .subcommand_help_heading("Kommandos")
            .subcommand_value_name("KOMMANDO");
        if command.get_version().is_some() {
            let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
            command =
                command.disable_version_flag(true).arg(version.help("Die Version zeigen").help_heading("Optionen"));
        }
        command
    }

    fn argument(&self, mut arg: Arg, path: &str) -> Arg {
        if arg.get_id() == "lang" {
            arg = arg.default_value("de");
        }
        let heading = if arg.is_positional() { "Argumente" } else { "Optionen" };
        let Some(mut help) = self.about(path, arg.get_id().as_str()) else { return arg.help_heading(heading) };
        let values = if arg.is_hide_possible_values_set() || !arg.get_action().takes_values() {
            Vec::new()
        } else {
            arg.get_possible_values()
        };
        if !values.is_empty() {
            help.push_str(&format!(" [möglich: {}]", self.values(path, &arg, &values)));
        }
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if arg.get_action().takes_values() && defaults.iter().any(|value| !value.is_empty()) {
            help.push_str(&format!(" [sonst: {}]", defaults.join(" ")));
        }
        let help = StyledStr::from(help);
        let takes_values = arg.get_action().takes_values();
        arg.help(help.clone())
            .long_help(help)
            .hide_possible_values(takes_values)
            .hide_default_value(takes_values)
            .help_heading(heading)
    }

    /// The values of an argument, each with what it means where a text says so.
    fn values(&self, path: &str, arg: &Arg, values: &[PossibleValue]) -> String {
        let each = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
            let id = format!("{}--{}", arg.get_id(), value.get_name());
            match self.about(path, &id) {
                Some(meaning) => format!("{} ({meaning})", value.get_name()),
                None => value.get_name().to_owned(),
            }
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// What is wrong with the arguments, in German; what clap says where there are no better words.
pub fn german_error(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        Some(ContextValue::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let arg = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let said = match error.kind() {
        ErrorKind::UnknownArgument => format!("unbekanntes Argument »{arg}«"),
        ErrorKind::InvalidSubcommand => {
            format!("unbekanntes Kommando »{}«", context(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("es fehlt: {arg}"),
        ErrorKind::MissingSubcommand => "es fehlt ein Kommando".to_owned(),
        ErrorKind::InvalidValue if value.is_empty() => format!("zu {arg} gehört ein Wert"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("»{value}« ist kein gültiger Wert von {arg}"),
        ErrorKind::ArgumentConflict => match context(ContextKind::PriorArg) {
            Some(prior) if prior != arg => format!("{arg} geht nicht zusammen mit {prior}"),
            _ => format!("{arg} darf nur einmal stehen"),
        },
        ErrorKind::NoEquals => format!("zwischen {arg} und dem Wert muss ein = stehen"),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("zu viele oder zu wenige Werte für {arg}")
        }
        _ => return error.to_string(),
    };
    let mut text = format!("Fehler: {said}\n");
    let valid = context(ContextKind::ValidValue).or_else(|| context(ContextKind::ValidSubcommand));
    if let Some(valid) = valid.filter(|valid| !valid.is_empty()) {
        text.push_str(&format!("  [möglich: {valid}]\n"));
    }
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    if let Some(near) = near.into_iter().find_map(context) {
        text.push_str(&format!("\n  Meintest du »{near}«?\n"));
    }
    text + "\nMehr sagt »--help«.\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    /// Names of all texts that the command line needs, each with those that stand for it.
    fn needed(command: &Command, path: &str, needed: &mut Vec<Vec<String>>) {
        let root = if path.is_empty() { "mxlab" } else { path };
        needed.push(vec![root.to_owned()]);
        for arg in command.get_arguments() {
            let id = arg.get_id();
            needed.push(vec![format!("{root}--{id}"), format!("any--{id}")]);
        }
        for sub in command.get_subcommands() {
            let below = if path.is_empty() { sub.get_name().to_owned() } else { format!("{path}-{}", sub.get_name()) };
            self::needed(sub, &below, needed);
        }
    }

    #[test]
    fn every_command_and_argument_has_a_german_text_and_no_text_is_left_over() {
        let german = German::new();
        let mut all = Vec::new();
        needed(&Cli::command(), "", &mut all);
        let missing: Vec<_> =
            all.iter().filter(|ids| ids.iter().all(|id| german.text(id).is_none())).map(|ids| &ids[0]).collect();
        assert!(missing.is_empty(), "texts missing in src/cli/locale/de.ftl: {missing:#?}");
        let known: BTreeSet<&String> = all.iter().flatten().collect();
        let left: Vec<&str> = GERMAN
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_lowercase()))
            .filter_map(|line| line.split_once(" = ").map(|(id, _)| id))
            .filter(|id| !known.iter().any(|known| *known == id || id.starts_with(&format!("{known}--"))))
            .collect();
        assert!(left.is_empty(), "texts of nothing in src/cli/locale/de.ftl: {left:#?}");
    }

    #[test]
    fn german_help_has_no_english_headings() {
        let mut command = speak(Cli::command(), Lang::De);
        let help = command.render_long_help().to_string();
        assert!(help.contains("Aufruf:") && help.contains("Kommandos:"), "{help}");
        let run = command.find_subcommand_mut("run").unwrap().render_long_help().to_string();
        for english in ["Usage", "Arguments:", "Options:", "Possible values", "[default"] {
            assert!(!run.contains(english), "{run}");
        }
        assert!(run.contains("[sonst: de]"), "{run}");
    }

    #[test]
    fn the_environment_decides_unless_the_call_does() {
        let of = |set: &[(&str, &str)]| {
            of_environment(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), Lang::En);
        assert_eq!(of(&[("LANG", "de_CH.UTF-8")]), Lang::De);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C.UTF-8")]), Lang::En);
        assert_eq!(of(&[("LANG", "en_GB"), ("MXLAB_LANG", "de")]), Lang::De);
        assert_eq!(of_call(&["run".into(), "x".into(), "--lang".into(), "de".into()]), Lang::De);
        assert_eq!(of_call(&["run".into(), "x".into(), "--lang=de".into()]), Lang::De);
    }

    #[test]
    fn wrong_arguments_are_explained_in_german() {
        let said = |args: &[&str]| {
            let command = speak(Cli::command(), Lang::De);
            german_error(&command.try_get_matches_from(args).unwrap_err())
        };
        assert!(said(&["mxlab", "fly"]).contains("unbekanntes Kommando »fly«"));
        let missing = said(&["mxlab", "run"]);
        assert!(missing.contains("es fehlt: <SCENARIO>"), "{missing}");
        let value = said(&["mxlab", "run", "x", "--format", "xml"]);
        assert!(value.contains("»xml« ist kein gültiger Wert") && value.contains("mermaid"), "{value}");
        let near = said(&["mxlab", "run", "x", "--recrd", "y"]);
        assert!(near.contains("Meintest du »--record«?"), "{near}");
    }
}
