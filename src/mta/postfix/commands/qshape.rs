//! qshape(1): how old the mail in the queue is, by domain.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::getopt::getopt;
use super::messages::{fatal, load_config};
use crate::host::Env;
use crate::mta::postfix::{queue, showq};

const NAME: &str = "qshape";
/// Width of a line.
const WIDTH: usize = 80;
/// Most columns that are shown.
const MOST_BUCKETS: usize = 64;
/// Least width of the column of domains.
const NAME_WIDTH: usize = 18;

/// Runs qshape(1).
pub fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let (options, mut queues) = match getopt(env.args, "lhc:psw:b:t:m:n:N:") {
        Ok(split) => split,
        Err(text) => return fatal(env, NAME, 1, &text),
    };
    let (mut by_sender, mut linear, mut width) = (false, false, WIDTH);
    let (mut buckets, mut first) = (10, 5_u64);
    for option in options {
        let number = option.value.parse::<u32>().ok().filter(|number| *number > 0);
        match (option.letter, number) {
            ('s', _) => by_sender = true,
            ('l', _) => linear = true,
            ('w', Some(number)) => width = (number as usize).min(1000),
            ('b', Some(number)) => buckets = (number as usize).clamp(2, MOST_BUCKETS),
            ('t', Some(number)) => first = number.into(),
            _ => {}
        }
    }
    // Upper limits of the columns, in minutes; what is older goes into the last one.
    let limits: Vec<u64> = (0..buckets - 1)
        .map(|at| if linear { first * (at as u64 + 1) } else { first.saturating_mul(1 << at.min(40)) })
        .collect();
    if queues.is_empty() {
        queues = vec!["incoming".to_owned(), "active".to_owned()];
    }
    let config = match load_config(env, NAME, 1) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let layout = showq::layout(&config.global(), env.ctx.host);
    // Per domain: the total, then one count per column.
    let mut rows: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut total = vec![0_u64; buckets + 1];
    for name in &queues {
        let files = match layout.scan(&env.ctx.host.vfs, name) {
            Ok(files) => files,
            Err(error) => {
                env.errln(format!("Can't stat {name}: {error}\n at /usr/sbin/qshape line 375."));
                continue;
            }
        };
        for (_, ino) in files {
            let Some(file) = queue::load(&env.ctx.host.vfs, ino) else { continue };
            let age = env.ctx.now.since(file.arrival).as_secs() / 60;
            let column = 1 + limits.iter().position(|limit| age < *limit).unwrap_or(limits.len());
            let waiting =
                file.recipients.iter().filter(|recipient| !recipient.done).map(|recipient| &recipient.address);
            let addresses: Vec<_> = if by_sender { vec![&file.sender] } else { waiting.collect() };
            for address in addresses {
                let domain = match address.rsplit_once('@') {
                    Some((_, domain)) => domain.to_ascii_lowercase(),
                    None => "MAILER-DAEMON".to_owned(),
                };
                let row = rows.entry(domain).or_insert_with(|| vec![0; buckets + 1]);
                for counts in [row, &mut total] {
                    counts[0] += 1;
                    counts[column] += 1;
                }
            }
        }
    }
    let mut rows: Vec<(String, Vec<u64>)> = rows.into_iter().collect();
    rows.sort_by(|left, right| right.1[0].cmp(&left.1[0]).then_with(|| left.0.cmp(&right.0)));
    let titles: Vec<String> = std::iter::once("T".to_owned())
        .chain(limits.iter().map(u64::to_string))
        .chain(limits.last().map(|limit| format!("{limit}+")))
        .collect();
    let all = std::iter::once(("TOTAL".to_owned(), total.clone())).chain(rows).collect::<Vec<_>>();
    // Columns are as wide as their total or title with a blank before it, and three at least.
    let widths: Vec<usize> = titles
        .iter()
        .zip(&total)
        .map(|(title, total)| title.len().max(total.to_string().len()))
        .map(|len| if len > 2 { len + 1 } else { 3 })
        .collect();
    let name_width = width.saturating_sub(widths.iter().sum()).max(NAME_WIDTH);
    let line = |name: &str, cells: &[String]| -> String {
        let name = match name.len().checked_sub(name_width) {
            Some(excess) if excess > 0 => format!("+{}", name.get(excess + 1..).unwrap_or_default()),
            _ => name.to_owned(),
        };
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        format!("{name:>name_width$}{}", cells.collect::<String>())
    };
    env.outln(line("", &titles));
    for (name, counts) in &all {
        let cells: Vec<String> = counts.iter().map(u64::to_string).collect();
        env.outln(line(name, &cells));
    }
    0
}
