//! column(1) of util-linux: lines in columns, or with `-t` a table.

use bytes::Bytes;

use super::args::parse;
use super::{input, lines};
use crate::host::program::Env;

/// Width of a terminal.
const WIDTH: usize = 80;

/// `column [-t] [-s SEPARATORS] [-o SEPARATOR] [-c WIDTH] [FILE…]`.
pub fn column(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let long = [("table", 't'), ("separator", 's'), ("output-separator", 'o'), ("output-width", 'c')];
    let args = parse!(env, "column", "ts:o:c:exn", &long);
    let mut rows = Vec::new();
    for name in args.files() {
        match input(env, &stdin, "column", &name) {
            Some(content) => rows.extend(lines(&content).into_iter().filter(|line| !line.trim().is_empty())),
            None => return 1,
        }
    }
    let text = if args.has('t') {
        table(&rows, args.value('s'), args.value('o').unwrap_or("  "))
    } else {
        let width = args.value('c').and_then(|text| text.parse().ok()).unwrap_or(WIDTH);
        fill(&rows, width)
    };
    env.stdout.extend(text.into_bytes());
    0
}

/// Cells one under the other.
fn table(rows: &[String], separators: Option<&str>, between: &str) -> String {
    let cells: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| match separators {
            Some(separators) => row.split(|c| separators.contains(c)).collect(),
            None => row.split_whitespace().collect(),
        })
        .collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        for (at, width) in widths.iter().enumerate() {
            let cell = row.get(at).copied().unwrap_or_default();
            text.push_str(cell);
            if at + 1 < columns {
                text.push_str(&" ".repeat(width - cell.chars().count()));
                text.push_str(between);
            }
        }
        text.push('\n');
    }
    text
}

/// Columns are filled before rows, with tab stops every eight characters.
fn fill(rows: &[String], width: usize) -> String {
    let longest = rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
    let cell = (longest / 8 + 1) * 8;
    let columns = (width / cell).max(1);
    let height = rows.len().div_ceil(columns).max(1);
    let mut text = String::new();
    for line in 0..height {
        let mut at = 0;
        for (number, row) in rows.iter().skip(line).step_by(height).enumerate() {
            while at < number * cell {
                text.push('\t');
                at = (at / 8 + 1) * 8;
            }
            text.push_str(row);
            at += row.chars().count();
        }
        if !rows.is_empty() {
            text.push('\n');
        }
    }
    text
}
