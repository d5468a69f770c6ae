//! postconf(1): shows and changes `main.cf` and `master.cf`.

mod edit_main;
mod edit_master;
mod lines;
mod malformed;
mod print;
mod show_main;
mod show_master;
mod templates;
mod unused;

use bytes::Bytes;

use super::console::Console;
use super::getopt::getopt;
use crate::host::Env;
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::master_cf::{RawEntry, raw_entries};
use crate::mta::postfix::config::{Config, DIRECTORY, Facts, MainCf};
use crate::mta::postfix::maps::TYPES;

const LETTERS: &str = "aAbc:C:deEfFhHlmMno:pPtT:vxX#";

const USAGE: &str = "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] \
    [-c config_dir] [-c param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] \
    [-F (master.cf fields)] [-h (no names)] [-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] \
    [-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] \
    [-P (master.cf parameters)] [-t (bounce templates)] [-T compile-version|run-version|public-key-algorithms] \
    [-v (verbose)] [-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]";

/// What is shown or changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Subject {
    /// Parameters of `main.cf`.
    #[default]
    Main,
    /// Entries of `master.cf` (`-M`).
    Entries,
    /// Fields of entries (`-F`).
    Fields,
    /// `-o` parameters of entries (`-P`).
    Overrides,
}

/// What is done with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Action {
    /// Show.
    #[default]
    Show,
    /// Set (`-e`, or an argument with `=`).
    Edit,
    /// Remove (`-X`).
    Exclude,
    /// Comment out (`-#`).
    CommentOut,
}

/// Which parameters are shown (`-C`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Classes {
    builtin: bool,
    service: bool,
    user: bool,
}

#[derive(Debug)]
struct Options {
    subject: Subject,
    action: Action,
    classes: Classes,
    defaults: bool,
    non_default: bool,
    fold: bool,
    hide_name: bool,
    hide_value: bool,
    expand: bool,
}

/// Everything that showing needs.
struct Postconf<'a> {
    console: &'a Console,
    options: &'a Options,
    config: Config,
    entries: Vec<RawEntry>,
}

/// Runs the command.
pub(super) fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let name = env.args.first().map_or("postconf", String::as_str).to_owned();
    let console = Console::new(&name, None);
    match start(env, &console) {
        Ok(status) => status,
        Err(text) => console.fatal(env, &text),
    }
}

fn start(env: &mut Env<'_, '_>, console: &Console) -> Result<u8, String> {
    let (letters, names) = match getopt(env.args, LETTERS) {
        Ok(split) => split,
        Err(error) => return Ok(console.usage(env, &error, USAGE)),
    };
    let mut options = Options {
        subject: Subject::Main,
        action: Action::Show,
        classes: Classes { builtin: true, service: true, user: true },
        defaults: false,
        non_default: false,
        fold: false,
        hide_name: false,
        hide_value: false,
        expand: false,
    };
    let mut directory = env.vars.get("MAIL_CONFIG").cloned().unwrap_or_else(|| DIRECTORY.to_owned());
    let mut given = None;
    let mut overrides = Vec::new();
    let mut exclusive: Vec<char> = Vec::new();
    for option in letters {
        exclusive.push(option.letter);
        match option.letter {
            'b' | 't' => {}
            'a' => return Ok(print_all(env, &["cyrus", "dovecot"])),
            'A' => return Ok(print_all(env, &["cyrus"])),
            'l' => return Ok(print_all(env, &["flock", "fcntl", "dotlock"])),
            'm' => return Ok(print_all(env, TYPES)),
            'T' => return Ok(tls_facts(env, console, &option.value)),
            'c' => {
                directory.clone_from(&option.value);
                given = Some(option.value);
            }
            'C' => options.classes = classes(&option.value)?,
            'd' => options.defaults = true,
            'n' => options.non_default = true,
            'e' => options.action = Action::Edit,
            'X' => options.action = Action::Exclude,
            '#' => options.action = Action::CommentOut,
            'f' => options.fold = true,
            'h' => options.hide_name = true,
            'H' => options.hide_value = true,
            'x' => options.expand = true,
            'M' => options.subject = Subject::Entries,
            'F' => options.subject = Subject::Fields,
            'P' => options.subject = Subject::Overrides,
            'p' => options.subject = Subject::Main,
            'o' => {
                let pair = split_nameval(&option.value);
                let (name, value) =
                    pair.map_err(|error| format!("invalid parameter override: {}: {error}", option.value))?;
                overrides.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    // `postconf name=value` edits without `-e`.
    if names.first().is_some_and(|name| name.contains('=')) {
        exclusive.push('e');
        if options.action == Action::Show {
            options.action = Action::Edit;
        }
    }
    if let Some(letter) = exclusive.iter().find(|letter| matches!(letter, 'b' | 't')) {
        return templates::run(env, *letter == 'b', &directory, names.first().map(String::as_str));
    }
    for group in ["eX#", "MFPp"] {
        let given: Vec<String> =
            group.chars().filter(|letter| exclusive.contains(letter)).map(|letter| format!("-{letter}")).collect();
        if given.len() > 1 {
            return Err(format!("specify one of {}", given.join(" ")));
        }
    }
    check_usage(&options)?;
    if options.action != Action::Show {
        return edit(env, console, &options, &directory, &names);
    }
    show(env, console, &options, (&directory, given.as_deref()), &overrides, &names)
}

/// `-T`: what the TLS library is and can do.
fn tls_facts(env: &mut Env<'_, '_>, console: &Console, mode: &str) -> u8 {
    match mode {
        "compile-version" => print_all(env, &["OpenSSL 3.0.11 19 Sep 2023"]),
        "run-version" => print_all(env, &["OpenSSL 3.0.15 3 Sep 2024"]),
        "public-key-algorithms" => print_all(env, &["dsa", "ecdsa", "rsa"]),
        _ => {
            console.warning(env, &format!("unknown 'postconf -T' mode: {mode}"));
            1
        }
    }
}

fn check_usage(options: &Options) -> Result<(), String> {
    if options.defaults && options.non_default {
        return Err("specify one of -d -n".to_owned());
    }
    if options.action == Action::Edit && options.defaults {
        return Err("specify one of -d -e".to_owned());
    }
    if options.action == Action::Edit && options.non_default {
        return Err("specify one of -e -n".to_owned());
    }
    let letter = match options.subject {
        Subject::Main => return Ok(()),
        Subject::Entries => 'M',
        Subject::Fields => 'F',
        Subject::Overrides => 'P',
    };
    let hides = letter == 'M';
    let others = [
        (options.defaults, 'd'),
        (options.hide_name && hides, 'h'),
        (options.hide_value && hides, 'H'),
        (options.non_default, 'n'),
    ];
    for (set, other) in others {
        if set {
            return Err(format!("with option -{letter}, do not specify -{other}"));
        }
    }
    Ok(())
}

fn classes(list: &str) -> Result<Classes, String> {
    let mut classes = Classes { builtin: false, service: false, user: false };
    for word in list.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word {
            "builtin" => classes.builtin = true,
            "service" => classes.service = true,
            "user" => classes.user = true,
            "all" => classes = Classes { builtin: true, service: true, user: true },
            _ => return Err(format!("unknown -C option value \"{word}\" in \"{list}\"")),
        }
    }
    Ok(classes)
}

fn print_all(env: &mut Env<'_, '_>, lines: &[&str]) -> u8 {
    lines.iter().for_each(|line| env.outln(line));
    0
}

fn edit(
    env: &mut Env<'_, '_>,
    console: &Console,
    options: &Options,
    directory: &str,
    names: &[String],
) -> Result<u8, String> {
    if names.iter().any(|name| name.contains('\n')) {
        return Err("-e, -X, or -# accepts no multi-line input".to_owned());
    }
    if options.subject == Subject::Main {
        edit_main::run(env, console, options.action, directory, names)
    } else {
        edit_master::run(env, console, options, directory, names)
    }
}

fn show(
    env: &mut Env<'_, '_>,
    console: &Console,
    options: &Options,
    (directory, given): (&str, Option<&str>),
    overrides: &[(String, String)],
    names: &[String],
) -> Result<u8, String> {
    let absolute = env.path(directory);
    let mut notes = Vec::new();
    let path = format!("{directory}/main.cf");
    let mut main = MainCf::default();
    if !options.defaults {
        let text = env.ctx.host.vfs.read_text(&format!("{absolute}/main.cf"), env.cred);
        let text = text.map_err(|errno| format!("open {path}: {errno}"))?;
        let parsed = MainCf::parse(&path, &text, &mut notes);
        notes.drain(..).for_each(|note| console.note(env, &note));
        main = parsed.map_err(|error| error.0)?;
        if let Some(given) = given {
            main.set("config_directory", given);
        }
    }
    overrides.iter().for_each(|(name, value)| main.set(name, value));
    let path = format!("{directory}/master.cf");
    let entries = match env.ctx.host.vfs.read_text(&format!("{absolute}/master.cf"), env.cred) {
        Ok(text) => {
            let entries = raw_entries(&path, &text, &mut notes);
            notes.drain(..).for_each(|note| console.note(env, &note));
            let entries = entries.map_err(|error| error.0)?;
            malformed::check_master(env, console, &entries);
            entries
        }
        Err(errno) => {
            console.warning(env, &format!("open {path}: {errno}"));
            Vec::new()
        }
    };
    let facts = Facts::of(env.ctx.host);
    let config = Config { main, directory: directory.into(), facts, ..Config::default() };
    malformed::check_main(env, console, &config)?;
    let postconf = Postconf { console, options, config, entries };
    if options.subject == Subject::Main { postconf.show_main(env, names) } else { postconf.show_master(env, names) }
}
