//! Small filters: cut, tr, wc, paste, nl, rev, tac, fold, comm, od, checksums, base64, names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::args::parse;
use super::{input, lines};
use crate::host::program::Env;
use crate::host::shell::builtins::normal;

/// Ranges of `cut`: `1,3-5,7-`.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split(',')
        .map(|part| {
            let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
            match part.split_once('-') {
                None => number(part).map(|only| (only, only)),
                Some(("", "")) => None,
                Some(("", to)) => Some((1, number(to)?)),
                Some((from, "")) => Some((number(from)?, usize::MAX)),
                Some((from, to)) => Some((number(from)?, number(to)?)),
            }
        })
        .collect()
}

/// `cut`.
pub fn cut(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let long = [("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("bytes", 'b'), ("output-delimiter", 'O')];
    let args = parse!(env, "cut", "d:f:c:b:sO:", &long);
    let list = args.value('f').or(args.value('c')).or(args.value('b'));
    let Some(list) = list else {
        env.errln("cut: you must specify a list of bytes, characters, or fields");
        env.errln("Try 'cut --help' for more information.");
        return 1;
    };
    let Some(ranges) = ranges(list) else {
        let is_zero = list.split([',', '-']).any(|number| number == "0");
        env.errln(match (is_zero, args.has('f')) {
            (true, true) => "cut: fields are numbered from 1".to_owned(),
            (true, false) => "cut: byte/character positions are numbered from 1".to_owned(),
            (false, _) => format!("cut: invalid field value ‘{list}’"),
        });
        env.errln("Try 'cut --help' for more information.");
        return 1;
    };
    if args.value('d').is_some_and(|text| text.chars().count() > 1) {
        env.errln("cut: the delimiter must be a single character");
        env.errln("Try 'cut --help' for more information.");
        return 1;
    }
    let delimiter = args.value('d').map_or('\t', |text| text.chars().next().unwrap_or('\0'));
    let joint = args.value('O').map_or(delimiter.to_string(), str::to_owned);
    let wanted = |place: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&place));
    let mut status = 0;
    for name in args.files() {
        let Some(content) = input(env, &stdin, "cut", &name) else {
            status = 1;
            continue;
        };
        for line in lines(&content) {
            if args.has('f') {
                if !line.contains(delimiter) {
                    if !args.has('s') {
                        env.outln(line);
                    }
                    continue;
                }
                let fields: Vec<&str> = line
                    .split(delimiter)
                    .enumerate()
                    .filter(|(at, _)| wanted(at + 1))
                    .map(|(_, field)| field)
                    .collect();
                env.outln(fields.join(&joint));
            } else {
                let text: String = line.chars().enumerate().filter(|(at, _)| wanted(at + 1)).map(|(_, c)| c).collect();
                env.outln(text);
            }
        }
    }
    status
}

/// A set of `tr`: ranges, classes, escapes.
fn tr_set(text: &str) -> Vec<char> {
    let text = crate::host::tools::system::unescape(text);
    let chars: Vec<char> = text.chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest: String = chars[at..].iter().take(12).collect();
        if let Some((name, _)) = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) {
            let all = (0_u8..128).map(char::from);
            set.extend(all.filter(|c| match name {
                "alpha" => c.is_ascii_alphabetic(),
                "digit" => c.is_ascii_digit(),
                "alnum" => c.is_ascii_alphanumeric(),
                "upper" => c.is_ascii_uppercase(),
                "lower" => c.is_ascii_lowercase(),
                "space" => c.is_ascii_whitespace() || *c == '\u{b}',
                "blank" => matches!(c, ' ' | '\t'),
                "punct" => c.is_ascii_punctuation(),
                "cntrl" => c.is_ascii_control(),
                "print" => !c.is_ascii_control(),
                _ => false,
            }));
            at += name.len() + 4;
        } else if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() {
            set.extend((chars[at]..=chars[at + 2]).take(65_536));
            at += 3;
        } else {
            set.push(chars[at]);
            at += 1;
        }
    }
    set
}

/// `tr`.
pub fn tr(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "tr", "cCdst", &[("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c')]);
    let Some(first) = args.operands.first() else {
        env.errln("tr: missing operand");
        env.errln("Try 'tr --help' for more information.");
        return 1;
    };
    let from = tr_set(first);
    let to = args.operands.get(1).map(|text| tr_set(text));
    if to.is_none() && !args.has('d') && !args.has('s') {
        env.errln(format!("tr: missing operand after ‘{first}’"));
        env.errln("Two strings must be given when translating.");
        env.errln("Try 'tr --help' for more information.");
        return 1;
    }
    let complement = args.has('c') || args.has('C');
    let place = |c: char| {
        let at = from.iter().rposition(|own| *own == c);
        if complement { at.is_none().then_some(usize::MAX) } else { at }
    };
    let squeeze = to.as_ref().filter(|_| args.has('s'));
    let text = String::from_utf8_lossy(&stdin).into_owned();
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    for c in text.chars() {
        let found = place(c);
        if found.is_some() && args.has('d') {
            continue;
        }
        let changed = match (&to, found) {
            (Some(to), Some(at)) if !args.has('d') => to.get(at).or(to.last()).copied().unwrap_or(c),
            _ => c,
        };
        let in_set = match squeeze {
            Some(to) => to.contains(&changed) && (found.is_some() || args.has('d')),
            None => args.has('s') && found.is_some(),
        };
        if in_set && last == Some(changed) {
            continue;
        }
        out.push(changed);
        last = in_set.then_some(changed);
    }
    env.stdout.extend_from_slice(out.as_bytes());
    0
}

/// `wc`.
pub fn wc(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "wc", "lwcmL", &[("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm')]);
    let all = !"lwcmL".chars().any(|letter| args.has(letter));
    let files = args.files();
    let mut counts = Vec::new();
    let mut status = 0;
    for name in &files {
        let Some(content) = input(env, &stdin, "wc", name) else {
            status = 1;
            continue;
        };
        let text = String::from_utf8_lossy(&content);
        let numbers = [
            ('l', content.iter().filter(|octet| **octet == b'\n').count()),
            ('w', text.split_whitespace().count()),
            ('m', text.chars().count()),
            ('c', content.len()),
            ('L', text.lines().map(|line| line.chars().count()).max().unwrap_or(0)),
        ];
        let shown: Vec<usize> = numbers
            .iter()
            .filter(|(letter, _)| if all { "lwc".contains(*letter) } else { args.has(*letter) })
            .map(|(_, number)| *number)
            .collect();
        counts.push((shown, name.clone()));
    }
    if files.len() > 1 {
        let columns = counts.first().map_or(0, |(shown, _)| shown.len());
        let total = (0..columns).map(|at| counts.iter().map(|(shown, _)| shown[at]).sum()).collect();
        counts.push((total, "total".into()));
    }
    let from_stdin = args.operands.is_empty();
    // The real one takes the width from the sizes of the files; standard input has none.
    let largest = counts.iter().flat_map(|(shown, _)| shown).max().copied().unwrap_or(0);
    let width = match (counts.first(), from_stdin) {
        (Some((shown, _)), _) if shown.len() == 1 && counts.len() == 1 => 0,
        (_, true) => 7,
        _ => largest.to_string().len(),
    };
    for (shown, name) in counts {
        let numbers: Vec<String> = shown.iter().map(|number| format!("{number:width$}")).collect();
        let text = numbers.join(" ");
        env.outln(if from_stdin { text } else { format!("{text} {name}") });
    }
    status
}

/// `paste`.
pub fn paste(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "paste", "d:s", &[("delimiters", 'd'), ("serial", 's')]);
    let delimiters: Vec<char> = match args.value('d') {
        Some(text) => crate::host::tools::system::unescape(text).chars().collect(),
        None => vec!['\t'],
    };
    let mut columns = Vec::new();
    for name in args.files() {
        let Some(content) = input(env, &stdin, "paste", &name) else { return 1 };
        columns.push(lines(&content));
    }
    let join = |cells: Vec<&str>| {
        let mut text = String::new();
        for (nth, cell) in cells.iter().enumerate() {
            if nth > 0 {
                text.extend(delimiters.get((nth - 1) % delimiters.len().max(1)));
            }
            text.push_str(cell);
        }
        text
    };
    if args.has('s') {
        for column in &columns {
            env.outln(join(column.iter().map(String::as_str).collect()));
        }
        return 0;
    }
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        env.outln(join(columns.iter().map(|column| column.get(row).map_or("", String::as_str)).collect()));
    }
    0
}

/// Applies a change to each line of the inputs.
fn each_line(
    env: &mut Env<'_, '_>,
    stdin: &Bytes,
    tool: &str,
    names: &[String],
    change: impl Fn(&str) -> Option<String>,
) -> u8 {
    let mut status = 0;
    for name in names {
        match input(env, stdin, tool, name) {
            Some(content) => lines(&content).iter().filter_map(|line| change(line)).for_each(|line| env.outln(line)),
            None => status = 1,
        }
    }
    status
}

/// `rev`.
pub fn rev(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "rev", "", &[]);
    each_line(env, &stdin, "rev", &args.files(), |line| Some(line.chars().rev().collect()))
}

/// `fold`.
pub fn fold(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "fold", "w:sb", &[("width", 'w'), ("spaces", 's')]);
    let width = args.value('w').and_then(|text| text.parse::<usize>().ok()).unwrap_or(80).max(1);
    let at_blanks = args.has('s');
    each_line(env, &stdin, "fold", &args.files(), |line| {
        let mut rest: Vec<char> = line.chars().collect();
        let mut out = Vec::new();
        while rest.len() > width {
            let blank = rest[..width].iter().rposition(|c| *c == ' ').filter(|_| at_blanks);
            let tail = rest.split_off(blank.map_or(width, |at| at + 1));
            out.push(rest.into_iter().collect::<String>());
            rest = tail;
        }
        out.push(rest.into_iter().collect());
        Some(out.join("\n"))
    })
}

/// `tac`.
pub fn tac(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "tac", "", &[]);
    for name in args.files() {
        let Some(content) = input(env, &stdin, "tac", &name) else { return 1 };
        lines(&content).iter().rev().for_each(|line| env.outln(line));
    }
    0
}

/// `nl`.
pub fn nl(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "nl", "b:w:s:n:v:", &[]);
    let all = args.value('b') == Some("a");
    let width = args.value('w').and_then(|text| text.parse::<usize>().ok()).unwrap_or(6).min(100);
    let joint = args.value('s').unwrap_or("\t").to_owned();
    let mut number = args.value('v').and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    for name in args.files() {
        let Some(content) = input(env, &stdin, "nl", &name) else { return 1 };
        for line in lines(&content) {
            if line.is_empty() && !all {
                env.outln(" ".repeat(width + joint.len()));
                continue;
            }
            env.outln(format!("{number:width$}{joint}{line}"));
            number += 1;
        }
    }
    0
}

/// `comm`.
pub fn comm(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "comm", "123", &[]);
    let [left, right] = args.operands.as_slice() else {
        env.errln("comm: missing operand");
        return 1;
    };
    let (Some(left), Some(right)) = (input(env, &stdin, "comm", left), input(env, &stdin, "comm", right)) else {
        return 1;
    };
    let (left, right) = (lines(&left), lines(&right));
    let (mut l, mut r) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (l.peek(), r.peek()) {
            (None, None) => return 0,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(right),
        };
        let (column, line) = match order {
            std::cmp::Ordering::Less => ('1', l.next()),
            std::cmp::Ordering::Greater => ('2', r.next()),
            std::cmp::Ordering::Equal => {
                l.next();
                ('3', r.next())
            }
        };
        if let (Some(line), false) = (line, args.has(column)) {
            let indent = ('1'..column).filter(|earlier| !args.has(*earlier)).count();
            env.outln(format!("{}{line}", "\t".repeat(indent)));
        }
    }
}

/// `od`, as far as `-c` and `-A n -t x1` go.
pub fn od(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "od", "cA:t:vxbN:", &[]);
    let limit = args.value('N').and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let mut content = Vec::new();
    for name in args.files() {
        content.extend(input(env, &stdin, "od", &name).unwrap_or_default());
    }
    content.truncate(limit);
    let hex = args.value('t').is_some_and(|kind| kind.starts_with('x'));
    for (nth, row) in content.chunks(16).enumerate() {
        let cells: String = row
            .iter()
            .map(|octet| match octet {
                octet if hex => format!(" {octet:02x}"),
                octet if !args.has('c') => format!(" {octet:03o}"),
                b'\n' => "  \\n".into(),
                b'\t' => "  \\t".into(),
                b'\r' => "  \\r".into(),
                0 => "  \\0".into(),
                octet if octet.is_ascii_graphic() || *octet == b' ' => format!("   {}", char::from(*octet)),
                octet => format!(" {octet:03o}"),
            })
            .collect();
        let place = if args.value('A') == Some("n") { String::new() } else { format!("{:07o}", nth * 16) };
        env.outln(format!("{place}{cells}"));
    }
    if args.value('A') != Some("n") {
        env.outln(format!("{:07o}", content.len()));
    }
    0
}

/// `base64`.
pub fn base64(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "base64", "dw:i", &[("decode", 'd'), ("wrap", 'w')]);
    let name = args.files().remove(0);
    let Some(content) = input(env, &stdin, "base64", &name) else { return 1 };
    if args.has('d') {
        let text: Vec<u8> = content.into_iter().filter(|octet| !octet.is_ascii_whitespace()).collect();
        return match STANDARD.decode(text) {
            Ok(plain) => {
                env.stdout.extend(plain);
                0
            }
            Err(_) => {
                env.errln("base64: invalid input");
                1
            }
        };
    }
    let width = args.value('w').and_then(|text| text.parse::<usize>().ok()).unwrap_or(76);
    let text = STANDARD.encode(content);
    if width == 0 {
        env.stdout.extend_from_slice(text.as_bytes());
        return 0;
    }
    for line in text.as_bytes().chunks(width) {
        env.stdout.extend_from_slice(line);
        env.stdout.push(b'\n');
    }
    0
}

fn checksum(env: &mut Env<'_, '_>, stdin: &Bytes, tool: &str, digest: fn(&[u8]) -> String) -> u8 {
    let args = parse!(env, tool, "btc", &[("check", 'c')]);
    let mut status = 0;
    for name in args.files() {
        if args.has('c') {
            status |= check_sums(env, stdin, tool, &name, digest);
            continue;
        }
        match input(env, stdin, tool, &name) {
            Some(content) => env.outln(format!("{}  {name}", digest(&content))),
            None => status = 1,
        }
    }
    status
}

/// Compares files with the sums of a list (`-c`).
fn check_sums(env: &mut Env<'_, '_>, stdin: &Bytes, tool: &str, list: &str, digest: fn(&[u8]) -> String) -> u8 {
    let Some(list) = input(env, stdin, tool, list) else { return 1 };
    let mut failed = 0;
    for line in lines(&list) {
        let Some((sum, name)) = line.split_once("  ") else { continue };
        let Some(content) = input(env, stdin, tool, name) else {
            env.outln(format!("{name}: FAILED open or read"));
            return 1;
        };
        let is_same = digest(&content) == sum;
        failed += usize::from(!is_same);
        env.outln(format!("{name}: {}", if is_same { "OK" } else { "FAILED" }));
    }
    if failed > 0 {
        let noun = if failed == 1 { "checksum did" } else { "checksums did" };
        env.errln(format!("{tool}: WARNING: {failed} computed {noun} NOT match"));
    }
    u8::from(failed > 0)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// `md5sum`.
pub fn md5sum(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    checksum(env, &stdin, "md5sum", |content| hex(&Md5::digest(content)))
}

/// `sha256sum`.
pub fn sha256sum(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    checksum(env, &stdin, "sha256sum", |content| hex(&Sha256::digest(content)))
}

/// `basename`.
pub fn basename(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let Some(path) = env.args.get(1).cloned() else {
        env.errln("basename: missing operand");
        env.errln("Try 'basename --help' for more information.");
        return 1;
    };
    if path == "-a" {
        let args = env.args;
        for path in &args[2..] {
            env.outln(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
        }
        return 0;
    }
    let trimmed = path.trim_end_matches('/');
    let base =
        if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or_default() };
    let suffix = env.args.get(2).cloned().unwrap_or_default();
    let base = base.strip_suffix(&suffix).filter(|rest| !rest.is_empty()).unwrap_or(base).to_owned();
    env.outln(base);
    0
}

/// `dirname`.
pub fn dirname(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let paths: Vec<String> = env.args.iter().skip(1).cloned().collect();
    if paths.is_empty() {
        env.errln("dirname: missing operand");
        return 1;
    }
    for path in paths {
        let dir = match path.trim_end_matches('/').rsplit_once('/') {
            Some(("", _)) => "/".to_owned(),
            Some((dir, _)) => dir.trim_end_matches('/').to_owned(),
            None if path.starts_with('/') => normal(&path),
            None => ".".to_owned(),
        };
        env.outln(dir);
    }
    0
}
