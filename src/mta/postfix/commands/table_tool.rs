//! What postmap(1) and postalias(1) have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::console::Console;
use super::getopt::getopt;
use crate::host::Env;
use crate::host::vfs::{Content, Cred, Errno};
use crate::mail::header::Field;
use crate::mail::mime::{self, Class, Visitor};
use crate::mta::postfix::config::{Config, DIRECTORY};
use crate::mta::postfix::maps::aliases::parse_aliases;
use crate::mta::postfix::maps::hash::{Entry, HashDb, suffix};
use crate::mta::postfix::maps::texthash::{Manner, SourceTable, parse_source};
use crate::mta::postfix::maps::{MapFlags, Table, is_supported};
use crate::trace::Kind as Event;

/// Which of the two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// postmap(1).
    Map,
    /// postalias(1).
    Alias,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Kind::Map { "postmap" } else { "postalias" }
    }

    fn tag(self) -> &'static str {
        if self == Kind::Map { "postfix/postmap" } else { "postfix/postalias" }
    }

    fn options(self) -> &'static str {
        if self == Kind::Map { "bc:d:fFhimnNopq:rsuUvw" } else { "Nc:d:finopq:rsuvw" }
    }

    fn usage(self) -> String {
        let letters = if self == Kind::Map { "bfFhimnNoprsuUvw" } else { "Nfinoprsuvw" };
        format!("usage: {} [-{letters}] [-c config_dir] [-d key] [-q key] [map_type:]file...", self.name())
    }
}

/// Whether the command reads standard input with these arguments.
pub(super) fn reads_input(args: &[String]) -> bool {
    let Ok((options, _)) = getopt(args, Kind::Map.options()) else { return false };
    options.iter().any(|option| option.letter == 'i' || (matches!(option.letter, 'q' | 'd') && option.value == "-"))
}

#[derive(Debug, Default)]
struct Options {
    config: Option<String>,
    delete: Option<String>,
    query: Option<String>,
    sequence: bool,
    exact_case: bool,
    increment: bool,
    replace: bool,
    ignore_duplicates: bool,
    as_root: bool,
    plain_mode: bool,
    body: bool,
    headers: bool,
    /// Headers of parts count as headers, too.
    mime: bool,
    /// `-q` or `-d` was given twice.
    repeated: bool,
}

/// Runs either command.
pub(super) fn run_tool(env: &mut Env<'_, '_>, args: &[String], stdin: &[u8], kind: Kind) -> u8 {
    let name = args.first().map_or(kind.name(), |name| name.rsplit('/').next().unwrap_or(name));
    let console = Console::new(name, Some(kind.tag()));
    let (letters, files) = match getopt(args, kind.options()) {
        Ok(split) => split,
        Err(error) => return console.usage(env, &error, &kind.usage()),
    };
    let mut options = Options::default();
    for option in letters {
        match option.letter {
            'c' => options.config = Some(env.path(&option.value).trim_end_matches("/.").to_owned()),
            'd' => options.repeated |= options.delete.replace(option.value).is_some(),
            'q' => options.repeated |= options.query.replace(option.value).is_some(),
            's' => options.sequence = true,
            'f' => options.exact_case = true,
            'i' => options.increment = true,
            'r' => options.replace = true,
            'w' => options.ignore_duplicates = true,
            'o' => options.as_root = true,
            'p' => options.plain_mode = true,
            'b' => options.body = true,
            'm' => options.mime = true,
            'h' => options.headers = true,
            _ => {}
        }
    }
    let tool = Tool { console, kind, options };
    match tool.run(env, &files, stdin) {
        Ok(status) => status,
        Err(text) => tool.console.fatal(env, &text),
    }
}

/// Chooses what of a message is looked up.
struct MessageKeys {
    headers: bool,
    body: bool,
    mime: bool,
    keys: Vec<String>,
}

impl Visitor for MessageKeys {
    fn field(&mut self, class: Class, field: Field<'_>) {
        if class == Class::Primary || self.mime {
            if self.headers {
                self.keys.push(String::from_utf8_lossy(field.raw).into_owned());
            }
        } else {
            field.raw.split(|octet| *octet == b'\n').for_each(|line| self.line(line));
        }
    }

    fn end_of_header(&mut self, _class: Class, _separator: bool) {}

    fn line(&mut self, line: &[u8]) {
        if self.body {
            self.keys.push(String::from_utf8_lossy(line).into_owned());
        }
    }
}

/// The permission to write.
const WRITE: u16 = 2;

struct Tool {
    console: Console,
    kind: Kind,
    options: Options,
}

impl Tool {
    fn run(&self, env: &mut Env<'_, '_>, files: &[String], stdin: &[u8]) -> Result<u8, String> {
        let wanted = [self.options.sequence, self.options.query.is_some(), self.options.delete.is_some()];
        if wanted.iter().filter(|wanted| **wanted).count() > 1 || self.options.repeated {
            return Err("specify only one of -s -q or -d".to_owned());
        }
        if self.options.mime && !self.options.body && !self.options.headers {
            self.console.warning(env, "ignoring -m option without -b or -h");
        }
        if (self.options.body || self.options.headers) && self.options.query.as_deref() != Some("-") {
            return Err("specify -b -h or -m only with \"-q -\"".to_owned());
        }
        let mut notes = Vec::new();
        let directory = self.options.config.as_deref().unwrap_or(DIRECTORY);
        let config = Config::load_main(env.ctx.host, directory, &mut notes);
        notes.iter().for_each(|note| self.console.note(env, note));
        let config = config.map_err(|error| error.0)?;
        let default_type = config.global().get("default_database_type");
        let usage = || self.kind.usage();
        let specs: Vec<(SmolStr, String)> = files
            .iter()
            .map(|file| match file.split_once(':') {
                Some((kind, path)) => (kind.into(), path.to_owned()),
                None => (default_type.clone(), file.clone()),
            })
            .collect();
        if let Some(key) = &self.options.query {
            if specs.is_empty() {
                return Err(usage());
            }
            return if key == "-" { self.query_many(env, &specs, stdin) } else { self.query(env, &specs, key) };
        }
        if let Some(key) = &self.options.delete {
            if specs.is_empty() {
                return Err(usage());
            }
            let keys = if key == "-" { input_lines(stdin) } else { vec![key.clone()] };
            return self.delete(env, &specs, &keys);
        }
        if specs.is_empty() {
            return Err(usage());
        }
        for (kind, path) in &specs {
            if self.options.sequence {
                self.list(env, kind, path)?;
            } else {
                self.build(env, kind, path, stdin)?;
            }
        }
        Ok(0)
    }

    /// Opens a table for reading; what that logs is reported.
    fn open(&self, env: &mut Env<'_, '_>, kind: &str, path: &str) -> Result<Table, String> {
        let absolute = if is_file_type(kind) { env.path(path) } else { path.to_owned() };
        let flags = if self.options.exact_case { MapFlags::EXACT } else { MapFlags::FOLDED };
        let table = Table::new(&format!("{kind}:{absolute}"), flags);
        for note in table.problems(env.ctx.host) {
            // The file is named as it was given.
            let note = note.replace(&absolute, path);
            match note.strip_prefix("error: ") {
                Some(reason) => return Err(reason.to_owned()),
                None => self.console.note(env, &note),
            }
        }
        Ok(table)
    }

    fn find(&self, env: &mut Env<'_, '_>, table: &Table, name: &str, key: &str) -> Result<Option<SmolStr>, String> {
        let Ok(found) = table.find(key, env.ctx.host) else {
            return Err(format!("table {name}: query error: Application error"));
        };
        let value = found.map(|found| found.value);
        if value.as_ref().is_some_and(SmolStr::is_empty) {
            self.console.warning(env, &format!("table {name}: key {key}: empty string result is not allowed"));
            self.console.warning(env, &format!("table {name} should return NO RESULT in case of NOT FOUND"));
        }
        Ok(value)
    }

    fn query(&self, env: &mut Env<'_, '_>, specs: &[(SmolStr, String)], key: &str) -> Result<u8, String> {
        for (kind, path) in specs {
            let table = self.open(env, kind, path)?;
            if key.is_empty() {
                continue;
            }
            if let Some(value) = self.find(env, &table, &format!("{kind}:{path}"), key)? {
                env.outln(value);
                return Ok(0);
            }
        }
        Ok(1)
    }

    fn query_many(&self, env: &mut Env<'_, '_>, specs: &[(SmolStr, String)], stdin: &[u8]) -> Result<u8, String> {
        let mut tables = Vec::new();
        for (kind, path) in specs {
            tables.push((self.open(env, kind, path)?, format!("{kind}:{path}")));
        }
        let lines = input_lines(stdin);
        let keys = if self.options.body || self.options.headers { self.message_keys(&lines) } else { lines };
        let mut any = false;
        for key in keys {
            for (table, name) in &tables {
                if let Some(value) = self.find(env, table, name, &key)? {
                    env.outln(format!("{key}{}{value}", self.separator()));
                    any = true;
                    break;
                }
            }
        }
        Ok(u8::from(!any))
    }

    /// The headers and body lines of a message: `-h` and `-b` choose.
    fn message_keys(&self, lines: &[String]) -> Vec<String> {
        let options = &self.options;
        let mut keys =
            MessageKeys { headers: options.headers, body: options.body, mime: options.mime, keys: Vec::new() };
        mime::walk(lines.join("\n").as_bytes(), &mut keys);
        keys.keys
    }

    /// What stands between a key and its value in listings.
    fn separator(&self) -> &'static str {
        if self.kind == Kind::Map { "\t" } else { ":\t" }
    }

    fn list(&self, env: &mut Env<'_, '_>, kind: &str, path: &str) -> Result<(), String> {
        let table = self.open(env, kind, path)?;
        let entries = table.entries(env.ctx.host).ok_or_else(|| match kind {
            "fail" => format!("table {kind}:{path}: sequence error: Application error"),
            "proxy" => "can't sequence maps via the proxy service".to_owned(),
            _ => format!("table {kind}:{path}: sequence operation is not supported"),
        })?;
        for (key, value) in entries {
            env.outln(format!("{key}{}{value}", self.separator()));
        }
        Ok(())
    }

    fn delete(&self, env: &mut Env<'_, '_>, specs: &[(SmolStr, String)], keys: &[String]) -> Result<u8, String> {
        let mut any = false;
        for (kind, path) in specs {
            let Some(end) = suffix(kind) else { return Err(no_deletion(kind, path)) };
            let db_name = format!("{path}{end}");
            let db_path = env.path(&db_name);
            let mut db = existing(env, &db_path, &db_name)?;
            for key in keys {
                let key = if self.options.exact_case { key.clone() } else { key.to_lowercase() };
                any |= db.entries.remove(key.as_str()).is_some();
            }
            self.store(env, &db_path, &db_name, db, 0o644, &Cred::ROOT)?;
        }
        Ok(u8::from(!any))
    }

    /// Compiles a source file, or adds what standard input says (`-i`).
    fn build(&self, env: &mut Env<'_, '_>, kind: &str, path: &str, stdin: &[u8]) -> Result<(), String> {
        let source = env.path(path);
        let stat = env.ctx.host.vfs.stat(&source, env.cred);
        let owner = stat.as_ref().map_or((0, 0, 0o644), |inode| (inode.uid, inode.gid, inode.mode));
        if kind == "proxy" {
            return Err("can't create maps via the proxy service".to_owned());
        }
        let text = if self.options.increment {
            String::from_utf8_lossy(stdin).into_owned()
        } else {
            let text = env.ctx.host.vfs.read_text(&source, env.cred);
            text.map_err(|errno| format!("open {path}: {}", if path.is_empty() { Errno::NoEnt } else { errno }))?
        };
        let Some(end) = suffix(kind) else {
            return Err(if kind == "fail" {
                format!("table fail:{path}: write error: Application error")
            } else if is_supported(kind) {
                format!("unsupported dictionary type: {kind} does not support bulk-mode creation.")
            } else {
                format!("unsupported dictionary type: {kind}. Is the postfix-{kind} package installed?")
            });
        };
        let db_name = format!("{path}{end}");
        let db_path = env.path(&db_name);
        // Like its source: postmap gives up root's rights for those of the source's owner.
        let cred = if env.cred.uid == 0 && owner.0 != 0 && !self.options.as_root {
            Cred { uid: owner.0, gid: owner.1, groups: Vec::new() }
        } else {
            env.cred.clone()
        };
        let vfs = &env.ctx.host.vfs;
        match vfs.access(&db_path, &cred, WRITE) {
            Err(Errno::NoEnt) => {
                let parent = db_path.rsplit_once('/').map_or("/", |(parent, _)| parent);
                vfs.access(parent, &cred, WRITE).map_err(|errno| format!("open database {db_name}: {errno}"))?;
            }
            opened => opened.map(drop).map_err(|errno| format!("open {db_name}: {errno}"))?,
        }
        let read = self.parse(if self.options.increment { "stdin" } else { path }, &db_name, &text);
        let mut db = HashDb { source: source.clone().into(), entries: BTreeMap::new() };
        if self.options.increment && env.ctx.host.vfs.exists(&db_path) {
            db = existing(env, &db_path, &db_name)?;
        }
        let (count, duplicates) = self.merge(env, &mut db, read, &db_name);
        if self.kind == Kind::Alias {
            self.add_yp_entries(env, &mut db);
        }
        let mode = if self.options.plain_mode { 0o644 } else { owner.2 & 0o644 };
        self.store(env, &db_path, &db_name, db, mode, &cred)?;
        env.ctx.emit(Event::MapBuild { file: db_path.into(), entries: count, duplicates });
        Ok(())
    }

    fn parse(&self, path: &str, db_name: &str, text: &str) -> SourceTable {
        match self.kind {
            Kind::Map => parse_source(path, db_name, text, Manner::Compile, !self.options.exact_case),
            Kind::Alias => parse_aliases(path, db_name, text, !self.options.exact_case),
        }
    }

    /// Puts entries into a table: `-r` replaces, `-w` is silent about duplicates.
    fn merge(&self, env: &mut Env<'_, '_>, db: &mut HashDb, read: SourceTable, db_name: &str) -> (u64, u64) {
        let silent = self.options.replace || self.options.ignore_duplicates;
        for note in &read.notes {
            if !(silent && note.contains(": duplicate entry: ")) {
                self.console.note(env, note);
            }
        }
        let mut duplicates = read.duplicates;
        let later = if self.options.replace { read.replaced } else { BTreeMap::new() };
        for (key, entry) in read.entries.into_iter().chain(later) {
            if db.entries.contains_key(&key) && !self.options.replace {
                duplicates += 1;
                if !silent {
                    self.console.warning(env, &format!("{db_name}: duplicate entry: \"{key}\""));
                }
                continue;
            }
            db.entries.insert(key, entry);
        }
        (db.entries.len() as u64, duplicates)
    }

    /// The entries that Sun's Yellow Pages and sendmail expect in an alias table.
    fn add_yp_entries(&self, env: &mut Env<'_, '_>, db: &mut HashDb) {
        let entry = |value: SmolStr| Entry { value, line: 0 };
        let host = &env.ctx.host;
        let directory = self.options.config.as_deref().unwrap_or(DIRECTORY);
        let name = Config::load_main(host, directory, &mut Vec::new()).map(|config| config.global().get("myhostname"));
        db.entries.insert("@".into(), entry("@".into()));
        db.entries.insert("YP_LAST_MODIFIED".into(), entry(format_smolstr!("{:010}", env.ctx.now.secs())));
        db.entries.insert("YP_MASTER_NAME".into(), entry(name.unwrap_or_default()));
    }

    fn store(
        &self,
        env: &mut Env<'_, '_>,
        path: &str,
        name: &str,
        db: HashDb,
        mode: u16,
        cred: &Cred,
    ) -> Result<(), String> {
        let written = env.ctx.host.vfs.write(path, Content::Object(Arc::new(db)), mode, cred);
        written.map(|_| ()).map_err(|errno| format!("open {name}: {errno}"))
    }
}

/// Why nothing can be deleted from tables of a type.
fn no_deletion(kind: &str, path: &str) -> String {
    match kind {
        "fail" => format!("table fail:{path}: delete error: Application error"),
        "static" => format!("table {kind}:{path}: delete operation is not supported"),
        _ if path.is_empty() => format!("open dictionary: expecting \"type:name\" form instead of \"{kind}:\""),
        _ if !is_supported(kind) => format!("unsupported dictionary type: {kind}"),
        _ => format!("{kind}:{path} map requires O_RDONLY access mode"),
    }
}

fn existing(env: &Env<'_, '_>, path: &str, name: &str) -> Result<HashDb, String> {
    let content = env.ctx.host.vfs.read(path, env.cred).map_err(|errno| format!("open database {name}: {errno}"))?;
    let db = content.object::<HashDb>().ok_or_else(|| format!("open database {name}: Invalid argument"))?;
    Ok((*db).clone())
}

/// Whether what follows the type is a file name.
fn is_file_type(kind: &str) -> bool {
    suffix(kind).is_some() || matches!(kind, "texthash" | "regexp" | "pcre" | "cidr")
}

fn input_lines(stdin: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stdin);
    text.lines().map(str::to_owned).collect()
}
