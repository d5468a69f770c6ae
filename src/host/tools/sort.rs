//! sort(1) and uniq(1).

use std::cmp::Ordering;

use bytes::Bytes;

use super::args::parse;
use super::{input, lines};
use crate::host::program::Env;

#[derive(Clone, Debug, Default)]
struct Key {
    from: (usize, usize),
    to: Option<(usize, usize)>,
    flags: String,
}

impl Key {
    /// `F[.C][OPTS][,F[.C][OPTS]]`.
    fn parse(text: &str) -> Option<Key> {
        let mut key = Key::default();
        let place = |text: &str, flags: &mut String| -> Option<(usize, usize)> {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            flags.push_str(&text[end..]);
            let (field, char) = text[..end].split_once('.').unwrap_or((&text[..end], "0"));
            Some((field.parse().ok()?, char.parse().ok()?))
        };
        let (from, to) = match text.split_once(',') {
            Some((from, to)) => (from, Some(to)),
            None => (text, None),
        };
        key.from = place(from, &mut key.flags).filter(|(field, _)| *field > 0)?;
        key.to = match to {
            Some(to) => Some(place(to, &mut key.flags)?),
            None => None,
        };
        Some(key)
    }

    fn extract<'a>(&self, line: &'a str, separator: Option<char>) -> &'a str {
        let fields = field_starts(line, separator);
        let start = |(field, char): (usize, usize)| match fields.get(field - 1) {
            Some((from, _)) => {
                line[*from..].char_indices().nth(char.saturating_sub(1)).map_or(line.len(), |(at, _)| from + at)
            }
            None => line.len(),
        };
        let from = start(self.from);
        let to = match self.to {
            None => line.len(),
            Some((field, 0)) => fields.get(field.saturating_sub(1)).map_or(line.len(), |(_, end)| *end),
            Some((field, char)) => start((field.max(1), char + 1)),
        };
        line.get(from..to.max(from)).unwrap_or_default()
    }
}

/// Begin and end of each field. Without a separator a field begins with the blanks before it.
fn field_starts(line: &str, separator: Option<char>) -> Vec<(usize, usize)> {
    let mut fields = Vec::new();
    let mut at = 0;
    match separator {
        Some(separator) => {
            for field in line.split(separator) {
                fields.push((at, at + field.len()));
                at += field.len() + separator.len_utf8();
            }
        }
        None => {
            let mut start = 0;
            let mut in_text = false;
            for (pos, c) in line.char_indices() {
                let blank = c == ' ' || c == '\t';
                if blank && in_text {
                    fields.push((start, pos));
                    start = pos;
                }
                in_text = !blank;
            }
            fields.push((start, line.len()));
        }
    }
    fields
}

/// The number that a text begins with.
pub fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
        .map_or(text.len(), |(at, _)| at);
    text[..end].parse().unwrap_or(0.0)
}

fn human(text: &str) -> f64 {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-').chars().next();
    let power = unit.and_then(|unit| "KMGTP".find(unit.to_ascii_uppercase())).map_or(0, |at| at as i32 + 1);
    leading_number(text) * 1024_f64.powi(power)
}

fn compare(left: &str, right: &str, flags: &str) -> Ordering {
    let (left, right) = if flags.contains('b') { (left.trim_start(), right.trim_start()) } else { (left, right) };
    if flags.contains('n') {
        leading_number(left).total_cmp(&leading_number(right))
    } else if flags.contains('h') {
        human(left).total_cmp(&human(right))
    } else if flags.contains('V') {
        versions(left, right)
    } else if flags.contains('f') {
        left.to_uppercase().cmp(&right.to_uppercase())
    } else {
        left.as_bytes().cmp(right.as_bytes())
    }
}

fn versions(left: &str, right: &str) -> Ordering {
    let pieces = |text: &str| -> Vec<(String, u64)> {
        let mut all = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(digits);
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            all.push((word.to_owned(), after[..end].parse().unwrap_or(0)));
            rest = &after[end..];
        }
        all
    };
    pieces(left).cmp(&pieces(right))
}

/// `sort`.
pub fn sort(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let long = [("unique", 'u'), ("numeric-sort", 'n'), ("reverse", 'r'), ("key", 'k'), ("field-separator", 't')];
    let args = parse!(env, "sort", "unrk:t:fbhVso:dcgiM", &long);
    let separator = args.value('t').map(|text| if text == "\\t" { '\t' } else { text.chars().next().unwrap_or(' ') });
    let mut keys = Vec::new();
    for text in args.values('k').map(str::to_owned).collect::<Vec<_>>() {
        match Key::parse(&text) {
            Some(key) => keys.push(key),
            None => {
                env.errln(format!("sort: invalid number at field start: invalid count at start of ‘{text}’"));
                return 2;
            }
        }
    }
    let global: String = "nrfbhV".chars().filter(|flag| args.has(*flag)).collect();
    let mut all = Vec::new();
    for name in args.files() {
        let name_shown = name.clone();
        let content = if name == "-" { Some(stdin.to_vec()) } else { super::read_file(env, &env.path(&name)).ok() };
        match content {
            Some(content) => all.extend(lines(&content)),
            None => {
                env.errln(format!("sort: cannot read: {name_shown}: No such file or directory"));
                return 2;
            }
        }
    }
    let by_keys = |left: &String, right: &String| {
        for key in &keys {
            let flags = if key.flags.is_empty() { &global } else { &key.flags };
            let order = compare(key.extract(left, separator), key.extract(right, separator), flags);
            if order != Ordering::Equal {
                return if flags.contains('r') { order.reverse() } else { order };
            }
        }
        if keys.is_empty() {
            let order = compare(left, right, &global);
            return if args.has('r') { order.reverse() } else { order };
        }
        Ordering::Equal
    };
    let whole = |left: &String, right: &String| {
        let order = left.as_bytes().cmp(right.as_bytes());
        if args.has('r') { order.reverse() } else { order }
    };
    if args.has('c') {
        let disorder = all.windows(2).position(|pair| by_keys(&pair[0], &pair[1]) == Ordering::Greater);
        if let Some(at) = disorder {
            let name = args.files().remove(0);
            env.errln(format!("sort: {name}:{}: disorder: {}", at + 2, all[at + 1]));
            return 1;
        }
        return 0;
    }
    if args.has('u') || args.has('s') {
        all.sort_by(by_keys);
    } else {
        all.sort_by(|left, right| by_keys(left, right).then_with(|| whole(left, right)));
    }
    if args.has('u') {
        all.dedup_by(|right, left| by_keys(left, right) == Ordering::Equal);
    }
    let text: String = all.iter().map(|line| format!("{line}\n")).collect();
    match args.value('o').map(str::to_owned) {
        Some(name) => {
            let path = env.path(&name);
            if let Err(error) = env.ctx.host.vfs.write(&path, text, 0o644, env.cred) {
                env.errln(format!("sort: open failed: {name}: {error}"));
                return 2;
            }
        }
        None => env.stdout.extend_from_slice(text.as_bytes()),
    }
    0
}

/// `uniq`.
pub fn uniq(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let long = [("count", 'c'), ("repeated", 'd'), ("unique", 'u'), ("ignore-case", 'i'), ("skip-fields", 'f')];
    let args = parse!(env, "uniq", "cduif:s:w:", &long);
    let name = args.files().remove(0);
    let Some(content) = input(env, &stdin, "uniq", &name) else { return 1 };
    let number = |letter| args.value(letter).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let (fields, chars) = (number('f'), number('s'));
    let key = |line: &str| {
        let mut rest = line;
        for _ in 0..fields {
            rest = rest.trim_start_matches([' ', '\t']);
            rest = &rest[rest.find([' ', '\t']).unwrap_or(rest.len())..];
        }
        let text: String = rest.chars().skip(chars).collect();
        if args.has('i') { text.to_lowercase() } else { text }
    };
    let mut groups: Vec<(String, u64)> = Vec::new();
    for line in lines(&content) {
        match groups.last_mut() {
            Some((last, count)) if key(last) == key(&line) => *count += 1,
            _ => groups.push((line, 1)),
        }
    }
    for (line, count) in groups {
        if (args.has('d') && count < 2) || (args.has('u') && count > 1) {
            continue;
        }
        env.outln(if args.has('c') { format!("{count:7} {line}") } else { line });
    }
    0
}
