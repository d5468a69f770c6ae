//! Completion of what a person types: commands, files, users, hosts, queue ids, parameters.
//!
//! [`complete`] is a pure function of the host, the shell's state and the line up to the cursor.
//! What a host does not know by itself (the world's hosts, Postfix's parameters) is in
//! [`Vocabulary`].

use std::collections::BTreeSet;

use super::pattern::absolute;
use super::state::State;
use crate::host::Host;
use crate::host::vfs::{Cred, Node};

/// Candidates that are given at most.
const MAX_CANDIDATES: usize = 500;

/// Words from outside the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vocabulary<'a> {
    /// Names of the world's hosts.
    pub hosts: &'a [String],
    /// Names of Postfix's parameters.
    pub parameters: &'a [String],
}

/// What a word may become.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// What to show in a list.
    pub label: String,
    /// What takes the place of the word: quoted as needed, with a blank or slash after it.
    pub text: String,
}

/// The candidates for a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins in the line, in octets; it ends at the cursor.
    pub start: usize,
    /// In order of their labels.
    pub candidates: Vec<Candidate>,
}

/// Completes the word before the cursor (an offset in octets).
pub fn complete(host: &Host, state: &State, words: Vocabulary<'_>, line: &str, cursor: usize) -> Completion {
    let line = line.get(..cursor).unwrap_or(line);
    let typed = Typed::scan(line);
    let mut found = Found { word: &typed.word, candidates: BTreeSet::new() };
    let source = Source { host, state, words };
    if let Some(name) = typed.word.strip_prefix('$') {
        source.variables(name, &mut found);
    } else {
        match typed.before.split_first() {
            None if !typed.redirects => source.commands(&mut found),
            Some((command, arguments)) if !typed.redirects => source.arguments(command, arguments, &mut found),
            _ => source.files(&mut found, |_| true),
        }
    }
    Completion { start: typed.start, candidates: found.candidates.into_iter().take(MAX_CANDIDATES).collect() }
}

/// Commands after which another command is named.
const PREFIXES: &[&str] =
    &["sudo", "env", "nohup", "nice", "time", "xargs", "watch", "exec", "command", "then", "do", "else", "!", "{"];

/// The simple command that the cursor is in.
#[derive(Debug, Default)]
struct Typed {
    /// The words before the one at the cursor, the command's name first.
    before: Vec<String>,
    /// The word at the cursor, without its quotes.
    word: String,
    /// Where it begins.
    start: usize,
    /// Whether it names a file of a redirection.
    redirects: bool,
}

impl Typed {
    fn scan(line: &str) -> Typed {
        let mut typed = Typed::default();
        let (mut quote, mut in_word) = (None, false);
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let ends = quote.is_none() && (c.is_ascii_whitespace() || ";|&<>()\n".contains(c));
            if !ends && !in_word {
                in_word = true;
                typed.start = at;
            }
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some('"') | None, '\\') => typed.word.extend(chars.next().map(|(_, c)| c)),
                (Some(_), c) => typed.word.push(c),
                (None, '\'' | '"') => quote = Some(c),
                (None, c) if !ends => typed.word.push(c),
                (None, c) => {
                    typed.end_word(in_word);
                    in_word = false;
                    match c {
                        '<' | '>' => typed.redirects = true,
                        ' ' | '\t' => {}
                        _ => typed = Typed::default(),
                    }
                }
            }
        }
        if !in_word {
            typed.start = line.len();
        }
        typed
    }

    fn end_word(&mut self, in_word: bool) {
        let word = std::mem::take(&mut self.word);
        if !in_word {
            return;
        }
        let assigns = |word: &str| word.split_once('=').is_some_and(|(name, _)| super::parser::is_identifier(name));
        if std::mem::take(&mut self.redirects) {
            return;
        }
        if self.before.is_empty() && (PREFIXES.contains(&word.as_str()) || assigns(&word)) {
            return;
        }
        self.before.push(word);
    }
}

/// Candidates that begin with the word.
struct Found<'a> {
    word: &'a str,
    candidates: BTreeSet<Candidate>,
}

impl Found<'_> {
    /// Adds a whole word.
    fn add(&mut self, word: &str) {
        self.add_with(word, " ");
    }

    fn add_with(&mut self, word: &str, after: &str) {
        if word.starts_with(self.word) {
            self.candidates.insert(Candidate { label: word.to_owned(), text: quoted(word) + after });
        }
    }

    fn add_all<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        words.into_iter().for_each(|word| self.add(word));
    }
}

/// A word as it has to be typed.
fn quoted(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if " \t'\"\\$&;|<>()*?[]#!`{}".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

struct Source<'a> {
    host: &'a Host,
    state: &'a State,
    words: Vocabulary<'a>,
}

impl Source<'_> {
    fn variables(&self, prefix: &str, found: &mut Found<'_>) {
        let names = self.state.vars.keys().filter(|name| name.starts_with(prefix));
        let candidate = |name: &smol_str::SmolStr| Candidate { label: format!("${name}"), text: format!("${name} ") };
        found.candidates.extend(names.map(candidate));
    }

    fn commands(&self, found: &mut Found<'_>) {
        if found.word.contains('/') || found.word.starts_with('~') {
            return self.files(found, |_| true);
        }
        if found.word.is_empty() {
            return;
        }
        found.add_all(super::builtins::names());
        found.add_all(self.state.aliases.keys().map(String::as_str));
        found.add_all(self.state.functions.keys().map(String::as_str));
        found.add_all(["bash", "case", "dash", "for", "if", "sh", "until", "while"]);
        found.add_all(self.host.programs.names());
    }

    fn arguments(&self, command: &str, arguments: &[String], found: &mut Found<'_>) {
        let command = command.rsplit('/').next().unwrap_or(command);
        let last = arguments.last().map_or("", String::as_str);
        let is_option = found.word.starts_with('-');
        match (command, last) {
            ("ls" | "cat" | "less" | "tail", _) => self.files(found, |_| true),
            ("cd" | "rmdir" | "pushd" | "mkdir", _) => self.files(found, |node| matches!(node, Node::Dir(_))),
            ("postconf", _) => self.parameters(arguments, found),
            ("postsuper", "-d" | "-h" | "-H" | "-r") => {
                self.queue_ids(found);
                found.add("ALL");
            }
            ("postqueue", "-i") | ("postcat", _) if !is_option => {
                self.queue_ids(found);
                if !found.word.is_empty() && command == "postcat" {
                    self.files(found, |_| true);
                }
            }
            ("ssh" | "scp", _) => self.hosts(true, found),
            ("ping" | "telnet" | "nc" | "netcat" | "dig" | "host" | "nslookup" | "swaks" | "traceroute", _) => {
                self.hosts(false, found);
            }
            ("systemctl", "systemctl" | "") => found.add_all(SYSTEMCTL),
            ("systemctl" | "rndc", _) => self.services(found),
            ("service", "") => self.services(found),
            ("service", _) => found.add_all(["reload", "restart", "start", "status", "stop"]),
            ("postfix", _) => found.add_all(["abort", "check", "flush", "reload", "start", "status", "stop"]),
            ("su" | "passwd" | "id" | "userdel" | "usermod" | "deluser" | "finger" | "groups", _) => self.users(found),
            ("sudo" | "crontab", "-u") => self.users(found),
            ("chown", _) if arguments.iter().all(|word| word.starts_with('-')) => self.users(found),
            ("mail" | "mailx" | "Mail" | "sendmail", _) if !is_option => self.users(found),
            ("man" | "help" | "type" | "which" | "info" | "whatis", _) => {
                self.commands(found);
                if command == "man" {
                    found.add_all(self.words.parameters.iter().map(String::as_str));
                }
            }
            ("unset" | "export" | "readonly", _) => {
                found.add_all(self.state.vars.keys().map(|name| name.as_str()));
            }
            ("unalias" | "alias", _) => found.add_all(self.state.aliases.keys().map(String::as_str)),
            _ => self.files(found, |_| true),
        }
    }

    fn parameters(&self, arguments: &[String], found: &mut Found<'_>) {
        let edits = arguments.iter().any(|word| word == "-e");
        let after = if edits { "=" } else { " " };
        for name in self.words.parameters {
            found.add_with(name, after);
        }
    }

    /// The names of the messages in the queue.
    fn queue_ids(&self, found: &mut Found<'_>) {
        let vfs = &self.host.vfs;
        let list = |path: &str| vfs.list(path, &Cred::ROOT).unwrap_or_default();
        for queue in ["maildrop", "incoming", "active", "deferred", "hold"] {
            let path = format!("/var/spool/postfix/{queue}");
            for (name, ino) in list(&path) {
                match vfs.inode(ino).map(|inode| &inode.node) {
                    Some(Node::Dir(_)) => {
                        for (name, _) in list(&format!("{path}/{name}")) {
                            found.add(&name);
                        }
                    }
                    Some(_) => found.add(&name),
                    None => {}
                }
            }
        }
    }

    fn hosts(&self, with_users: bool, found: &mut Found<'_>) {
        let known = self.host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default();
        let lines = known.lines().map(|line| line.split('#').next().unwrap_or_default());
        let own: Vec<&str> = lines.flat_map(|line| line.split_whitespace().skip(1)).collect();
        let user = found.word.split_once('@').map(|(user, _)| user.to_owned()).filter(|_| with_users);
        for name in self.words.hosts.iter().map(String::as_str).chain(own) {
            match &user {
                Some(user) => found.add(&format!("{user}@{name}")),
                None => found.add(name),
            }
        }
    }

    fn services(&self, found: &mut Found<'_>) {
        found.add_all(self.host.services.units().map(|unit| unit.name));
    }

    fn users(&self, found: &mut Found<'_>) {
        found.add_all(self.host.accounts.users().iter().map(|user| user.name.as_str()));
    }

    /// Files whose names begin as the word does; after `type:` of a lookup table, too.
    fn files(&self, found: &mut Found<'_>, wanted: impl Fn(&Node) -> bool) {
        let word = found.word;
        let (kind, path) = match word.split_once(':') {
            Some((kind, path)) if !kind.contains('/') => (format!("{kind}:"), path),
            _ => (String::new(), word),
        };
        let (kind, path) = match path.split_once('=') {
            Some((name, value)) => (format!("{kind}{name}="), value),
            None => (kind, path),
        };
        let (shown_dir, base) = match path.rfind('/') {
            Some(at) => path.split_at(at + 1),
            None => ("", path),
        };
        let dir = match shown_dir.strip_prefix("~/") {
            Some(rest) => format!("{}/{rest}", self.state.home()),
            None => absolute(&self.state.cwd, if shown_dir.is_empty() { "." } else { shown_dir }),
        };
        let dir = super::builtins::normal(&dir);
        let Ok(entries) = self.host.vfs.list(&dir, &self.state.cred) else { return };
        for (name, _) in entries {
            if !name.starts_with(base) || (name.starts_with('.') && !base.starts_with('.')) {
                continue;
            }
            let full = format!("{}/{name}", dir.trim_end_matches('/'));
            // Through links: a link to a directory can be entered.
            let Ok(inode) = self.host.vfs.stat(&full, &self.state.cred) else { continue };
            if !wanted(&inode.node) {
                continue;
            }
            let is_dir = matches!(inode.node, Node::Dir(_));
            let after = if is_dir { "/" } else { " " };
            let tilde = if shown_dir.starts_with("~/") { "~/" } else { "" };
            let rest = shown_dir.strip_prefix("~/").unwrap_or(shown_dir);
            let text = format!("{tilde}{}{after}", quoted(&format!("{kind}{rest}{name}")));
            let label = if is_dir { format!("{name}/") } else { name.to_string() };
            found.candidates.insert(Candidate { label, text });
        }
    }
}

const SYSTEMCTL: [&str; 9] =
    ["disable", "enable", "is-active", "is-enabled", "reload", "restart", "start", "status", "stop"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::harness::{host, run};
    use super::super::terminal::environment;
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let mut host = host();
        run(
            &mut host,
            "mkdir -p '/tmp/a b' /var/spool/postfix/deferred/4 /var/spool/postfix/hold; touch /tmp/all '/tmp/a\"c' \
             /tmp/.x; ln -s '/tmp/a b' /tmp/link; echo x > /var/spool/postfix/deferred/4/4C1A22B; echo x > \
             /var/spool/postfix/hold/4D00; chmod 700 /root; touch /root/secret",
        );
        found(&host, line).candidates.into_iter().map(|candidate| candidate.text).collect()
    }

    fn found(host: &Host, line: &str) -> Completion {
        let user = host.accounts.user("alice").unwrap().clone();
        let cred = host.accounts.cred(&user);
        let state = State::new(&environment("alice", &user.home), "/tmp".into(), cred, 1);
        let hosts = ["mx1".to_owned(), "mx2".to_owned()];
        let parameters = ["mydestination", "myhostname", "relayhost"].map(str::to_owned);
        complete(host, &state, Vocabulary { hosts: &hosts, parameters: &parameters }, line, line.len())
    }

    #[test]
    fn each_place_has_its_own_words() {
        for (line, expected) in [
            ("unali", &["unalias "][..]),
            ("ls /tm", &["/tmp/"]),
            ("ls a", &["a\\ b/", "a\\\"c ", "all "]),
            ("ls a\\ ", &["a\\ b/"]),
            ("ls \"a ", &["a\\ b/"]),
            ("ls .", &[".x "]),
            ("cd l", &["link/"]),
            ("cat < al", &["all "]),
            ("echo x >al", &["all "]),
            ("cat /root/", &[]),
            ("postconf my", &["mydestination ", "myhostname "]),
            ("postconf -e relay", &["relayhost="]),
            ("sudo postconf -e relay", &["relayhost="]),
            ("true; postconf myh", &["myhostname "]),
            ("mailq | grep x && postconf myh", &["myhostname "]),
            ("postsuper -d 4", &["4C1A22B ", "4D00 "]),
            ("postqueue -i 4C", &["4C1A22B "]),
            ("ssh root@mx", &["root@mx1 ", "root@mx2 "]),
            ("telnet mx2", &["mx2 "]),
            ("su bo", &["bob "]),
            ("echo $HOM", &["$HOME "]),
            ("X=1 unali", &["unalias "]),
            ("postmap hash:/tmp/al", &["hash:/tmp/all "]),
            ("man relay", &["relayhost "]),
            ("nosuchword", &[]),
        ] {
            assert_eq!(texts(line), expected, "{line}");
        }
    }

    #[test]
    fn the_word_that_is_replaced_begins_at_its_quote() {
        let host = host();
        assert_eq!(found(&host, "ls  'x").start, 4);
        assert_eq!(found(&host, "ls ").start, 3);
        assert_eq!(found(&host, "").start, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_line_can_be_completed_anywhere(line in "[ -~äß\\n]{0,40}", cursor in 0_usize..50) {
            let host = host();
            let state = State::new(&[], "/".into(), Cred::ROOT, 1);
            let completion = complete(&host, &state, Vocabulary::default(), &line, cursor);
            prop_assert!(completion.start <= line.len());
            prop_assert!(line.is_char_boundary(completion.start));
        }
    }
}
