//! diff(1) and cmp(1).

use bytes::Bytes;

use super::args::Args;
use crate::host::program::Env;

/// Lines of one side at most: the comparison takes the product of both in memory.
const MAX_LINES: usize = 4_000;
/// Lines around a change in the unified form.
const CONTEXT: usize = 3;

/// A range of lines of each side that differ; one of the two may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// From and until (not included) on the first side.
    pub a: (usize, usize),
    /// The same on the second side.
    pub b: (usize, usize),
}

/// The differing ranges between two lists, by the longest common subsequence. Time and memory grow with the
/// product of what differs.
pub fn hunks<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<Hunk> {
    let head = a.iter().zip(b).take_while(|(a, b)| same(a, b)).count();
    let limit = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(limit).take_while(|(a, b)| same(a, b)).count();
    let (mid_a, mid_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let width = mid_b.len() + 1;
    let mut length = vec![0u32; (mid_a.len() + 1) * width];
    for i in (0..mid_a.len()).rev() {
        for j in (0..mid_b.len()).rev() {
            length[i * width + j] = if same(&mid_a[i], &mid_b[j]) {
                length[(i + 1) * width + j + 1] + 1
            } else {
                length[(i + 1) * width + j].max(length[i * width + j + 1])
            };
        }
    }
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < mid_a.len() || j < mid_b.len() {
        if i < mid_a.len() && j < mid_b.len() && same(&mid_a[i], &mid_b[j]) {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (from_i, from_j) = (i, j);
        while (i < mid_a.len() || j < mid_b.len())
            && !(i < mid_a.len() && j < mid_b.len() && same(&mid_a[i], &mid_b[j]))
        {
            let down =
                i < mid_a.len() && (j >= mid_b.len() || length[(i + 1) * width + j] >= length[i * width + j + 1]);
            if down { i += 1 } else { j += 1 }
        }
        hunks.push(Hunk { a: (head + from_i, head + i), b: (head + from_j, head + j) });
    }
    hunks
}

/// A range of lines as in `3` or `3,5`; an empty one names the line before it.
fn range((from, to): (usize, usize)) -> String {
    match to - from {
        0 => from.to_string(),
        1 => to.to_string(),
        _ => format!("{},{to}", from + 1),
    }
}

/// A side of the comparison.
struct Side {
    name: String,
    text: String,
    stamp: String,
}

impl Side {
    fn lines(&self) -> Vec<&str> {
        self.text.split_inclusive('\n').collect()
    }
}

fn put(env: &mut Env<'_, '_>, mark: &str, line: &str) {
    match line.strip_suffix('\n') {
        Some(line) => env.outln(format!("{mark}{line}")),
        None => env.outln(format!("{mark}{line}\n\\ No newline at end of file")),
    }
}

fn side(env: &mut Env<'_, '_>, stdin: &[u8], name: &str, other: &str) -> Option<Side> {
    let mut path = name.to_owned();
    if name != "-" && env.ctx.host.vfs.list(&env.path(name), env.cred).is_ok() {
        path = format!("{}/{}", name.trim_end_matches('/'), other.rsplit('/').next().unwrap_or_default());
    }
    let octets = super::input(env, stdin, "diff", &path)?;
    let modified = env.ctx.host.vfs.stat(&env.path(&path), env.cred).map_or(env.ctx.now, |inode| inode.mtime);
    let modified = modified.zoned(&env.ctx.host.zone);
    let stamp = modified.strftime("%Y-%m-%d %H:%M:%S.%9f %z").to_string();
    Some(Side { name: path, text: String::from_utf8_lossy(&octets).into_owned(), stamp })
}

/// `diff`.
pub fn diff(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let long = [
        ("unified", 'u'),
        ("brief", 'q'),
        ("ignore-case", 'i'),
        ("ignore-all-space", 'w'),
        ("report-identical-files", 's'),
    ];
    let args = match Args::parse(env.args, "uqiwbBsNaU:", &long) {
        Ok(args) => args,
        Err(text) => return trouble(env, &text),
    };
    let [left, right] = args.operands.as_slice() else {
        return match args.operands.last() {
            Some(last) if args.operands.len() == 1 => trouble(env, &format!("missing operand after '{last}'")),
            Some(_) => trouble(env, &format!("extra operand '{}'", args.operands[2])),
            None => trouble(env, "missing operand after 'diff'"),
        };
    };
    let (a, b) = (side(env, &stdin, left, right), side(env, &stdin, right, left));
    let (Some(a), Some(b)) = (a, b) else { return 2 };
    let (lines_a, lines_b) = (a.lines(), b.lines());
    if lines_a.len().max(lines_b.len()) > MAX_LINES {
        return trouble(env, "memory exhausted");
    }
    let fold = |line: &str| {
        let mut line = if args.has('i') { line.to_lowercase() } else { line.to_owned() };
        if args.has('w') {
            line.retain(|c| !c.is_whitespace());
        } else if args.has('b') {
            line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        line
    };
    let plain = !(args.has('i') || args.has('w') || args.has('b'));
    let found = hunks(&lines_a, &lines_b, |a: &&str, b: &&str| a == b || (!plain && fold(a) == fold(b)));
    if found.is_empty() {
        if args.has('s') {
            env.outln(format!("Files {} and {} are identical", a.name, b.name));
        }
        return 0;
    }
    if args.has('q') {
        env.outln(format!("Files {} and {} differ", a.name, b.name));
    } else if args.has('u') || args.has('U') {
        let context = args.value('U').and_then(|text| text.parse().ok()).unwrap_or(CONTEXT);
        unified(env, (&a, &lines_a), (&b, &lines_b), &found, context);
    } else {
        normal(env, &lines_a, &lines_b, &found);
    }
    1
}

fn trouble(env: &mut Env<'_, '_>, text: &str) -> u8 {
    env.errln(format!("diff: {text}"));
    env.errln("diff: Try 'diff --help' for more information.");
    2
}

fn normal(env: &mut Env<'_, '_>, a: &[&str], b: &[&str], found: &[Hunk]) {
    for hunk in found {
        let letter = match (hunk.a.0 == hunk.a.1, hunk.b.0 == hunk.b.1) {
            (true, _) => 'a',
            (_, true) => 'd',
            _ => 'c',
        };
        env.outln(format!("{}{letter}{}", range(hunk.a), range(hunk.b)));
        a[hunk.a.0..hunk.a.1].iter().for_each(|line| put(env, "< ", line));
        if letter == 'c' {
            env.outln("---");
        }
        b[hunk.b.0..hunk.b.1].iter().for_each(|line| put(env, "> ", line));
    }
}

fn unified(env: &mut Env<'_, '_>, a: (&Side, &[&str]), b: (&Side, &[&str]), found: &[Hunk], context: usize) {
    env.outln(format!("--- {}\t{}", a.0.name, a.0.stamp));
    env.outln(format!("+++ {}\t{}", b.0.name, b.0.stamp));
    let span = |(from, to): (usize, usize)| match to - from {
        1 => to.to_string(),
        0 => format!("{from},0"),
        count => format!("{},{count}", from + 1),
    };
    let mut rest = found;
    while let Some(first) = rest.first() {
        let gap = |pair: &[Hunk]| pair[1].a.0 - pair[0].a.1 > 2 * context;
        let count = rest.windows(2).position(gap).map_or(rest.len(), |at| at + 1);
        let (group, after) = rest.split_at(count);
        rest = after;
        let last = group[group.len() - 1];
        let before = first.a.0.min(context);
        let behind = (a.1.len() - last.a.1).min(context);
        let (whole_a, whole_b) = ((first.a.0 - before, last.a.1 + behind), (first.b.0 - before, last.b.1 + behind));
        env.outln(format!("@@ -{} +{} @@", span(whole_a), span(whole_b)));
        let mut at = whole_a.0;
        for hunk in group {
            a.1[at..hunk.a.0].iter().for_each(|line| put(env, " ", line));
            a.1[hunk.a.0..hunk.a.1].iter().for_each(|line| put(env, "-", line));
            b.1[hunk.b.0..hunk.b.1].iter().for_each(|line| put(env, "+", line));
            at = hunk.a.1;
        }
        a.1[at..whole_a.1].iter().for_each(|line| put(env, " ", line));
    }
}

/// `cmp`.
pub fn cmp(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = match Args::parse(env.args, "sl", &[("silent", 's'), ("quiet", 's')]) {
        Ok(args) => args,
        Err(text) => {
            env.errln(format!("cmp: {text}"));
            env.errln("cmp: Try 'cmp --help' for more information.");
            return 2;
        }
    };
    let Some(left) = args.operands.first() else {
        env.errln("cmp: missing operand after 'cmp'");
        env.errln("cmp: Try 'cmp --help' for more information.");
        return 2;
    };
    let right = args.operands.get(1).map_or("-", String::as_str);
    let (Some(a), Some(b)) = (super::input(env, &stdin, "cmp", left), super::input(env, &stdin, "cmp", right)) else {
        return 2;
    };
    let line = |at: usize| a[..at].iter().filter(|octet| **octet == b'\n').count() + 1;
    let place = a.iter().zip(&b).position(|(a, b)| a != b);
    match place {
        None if a.len() == b.len() => return 0,
        _ if args.has('s') => {}
        Some(_) if args.has('l') => {
            for (at, (a, b)) in a.iter().zip(&b).enumerate().filter(|(_, (a, b))| a != b) {
                env.outln(format!("{} {a:3o} {b:3o}", at + 1));
            }
        }
        Some(at) => env.outln(format!("{left} {right} differ: byte {}, line {}", at + 1, line(at))),
        None => {
            let (shorter, end) = if a.len() < b.len() { (left.as_str(), a.len()) } else { (right, b.len()) };
            let words = match end {
                0 => "which is empty".to_owned(),
                _ if a[end - 1] == b'\n' => format!("after byte {end}, line {}", line(end) - 1),
                _ => format!("after byte {end}, in line {}", line(end)),
            };
            env.errln(format!("cmp: EOF on {shorter} {words}"));
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::shell::harness::{host, run, text, write};

    #[test]
    fn differences_are_shown_as_by_diffutils() {
        for (line, output, status) in [
            ("diff /tmp/a /tmp/b", "2c2\n< b\n---\n> B\n5a6,7\n> f\n> g\n", 1),
            ("diff /tmp/b /tmp/a", "2c2\n< B\n---\n> b\n6,7d5\n< f\n< g\n", 1),
            ("diff -i /tmp/a /tmp/b", "5a6,7\n> f\n> g\n", 1),
            ("diff /tmp/a /tmp/a", "", 0),
            ("diff -q /tmp/a /tmp/b", "Files /tmp/a and /tmp/b differ\n", 1),
            ("diff -u /tmp/a /tmp/b | tail -n +3", "@@ -1,5 +1,7 @@\n a\n-b\n+B\n c\n d\n e\n+f\n+g\n", 0),
            ("diff -u /tmp/a /tmp/b | head -1", "--- /tmp/a\t2026-11-21 12:00:00.000000000 +0000\n", 0),
            ("printf x | diff - /tmp/x", "1c1\n< x\n\\ No newline at end of file\n---\n> y\n", 1),
            ("cmp /tmp/a /tmp/b", "/tmp/a /tmp/b differ: byte 3, line 2\n", 1),
            ("cmp -s /tmp/a /tmp/b", "", 1),
        ] {
            let mut host = host();
            write(&mut host, "/tmp/a", "a\nb\nc\nd\ne\n");
            write(&mut host, "/tmp/b", "a\nB\nc\nd\ne\nf\ng\n");
            write(&mut host, "/tmp/x", "y\n");
            let got = text(&run(&mut host, line));
            assert_eq!((got.0.as_str(), got.1.as_str(), got.2), (output, "", status), "{line}");
        }
    }

    #[test]
    fn missing_files_are_trouble() {
        let got = text(&run(&mut host(), "diff /nope /etc/hostname"));
        assert_eq!((got.1.as_str(), got.2), ("diff: /nope: No such file or directory\n", 2));
    }

    proptest! {
        #[test]
        fn the_changes_turn_one_side_into_the_other(a in "([abc]\n){0,12}", b in "([abc]\n){0,12}") {
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let (a, b) = (lines(&a), lines(&b));
            let (left, right): (Vec<&str>, Vec<&str>) =
                (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
            let mut made = Vec::new();
            let mut at = 0;
            for hunk in hunks(&left, &right, |a, b| a == b) {
                made.extend_from_slice(&left[at..hunk.a.0]);
                made.extend_from_slice(&right[hunk.b.0..hunk.b.1]);
                at = hunk.a.1;
            }
            made.extend_from_slice(&left[at..]);
            prop_assert_eq!(made, right);
        }
    }
}
