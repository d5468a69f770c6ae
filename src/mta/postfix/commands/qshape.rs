//! qshape(1): how old the mail in the queue is, by domain.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::messages::{fatal, load_config};
use crate::host::Env;
use crate::mta::postfix::{queue, showq};

const NAME: &str = "qshape";
/// Upper limits of the columns, in minutes.
const LIMITS: [u64; 9] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];
/// Width of a line.
const WIDTH: usize = 80;
/// Least width of the column of domains.
const NAME_WIDTH: usize = 18;

/// Runs qshape(1).
pub fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let mut by_sender = false;
    let mut queues: Vec<String> = Vec::new();
    let mut words = env.args.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => by_sender = true,
            "-p" | "-l" => {}
            "-b" | "-t" | "-w" | "-m" | "-n" | "-N" | "-c" | "-B" => {
                words.next();
            }
            word if word.starts_with('-') => return fatal(env, NAME, 1, &format!("unknown option: {word}")),
            queue => queues.push(queue.to_owned()),
        }
    }
    if queues.is_empty() {
        queues = vec!["incoming".to_owned(), "active".to_owned()];
    }
    let config = match load_config(env, NAME, 1) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let layout = showq::layout(&config.global(), env.ctx.host);
    // Per domain: the total, then one count per column.
    let mut rows: BTreeMap<String, [u64; 11]> = BTreeMap::new();
    let mut total = [0_u64; 11];
    for name in &queues {
        for (_, ino) in layout.scan(&env.ctx.host.vfs, name).unwrap_or_default() {
            let Some(file) = queue::load(&env.ctx.host.vfs, ino) else { continue };
            let age = env.ctx.now.since(file.arrival).as_secs() / 60;
            let column = 1 + LIMITS.iter().position(|limit| age < *limit).unwrap_or(LIMITS.len());
            let waiting =
                file.recipients.iter().filter(|recipient| !recipient.done).map(|recipient| &recipient.address);
            let addresses: Vec<_> = if by_sender { vec![&file.sender] } else { waiting.collect() };
            for address in addresses {
                let domain = match address.rsplit_once('@') {
                    Some((_, domain)) => domain.to_ascii_lowercase(),
                    None => "MAILER-DAEMON".to_owned(),
                };
                let row = rows.entry(domain).or_default();
                for counts in [&mut *row, &mut total] {
                    counts[0] += 1;
                    counts[column] += 1;
                }
            }
        }
    }
    let mut rows: Vec<(String, [u64; 11])> = rows.into_iter().collect();
    rows.sort_by(|left, right| right.1[0].cmp(&left.1[0]).then_with(|| left.0.cmp(&right.0)));
    let titles: Vec<String> = std::iter::once("T".to_owned())
        .chain(LIMITS.iter().map(u64::to_string))
        .chain(std::iter::once("1280+".to_owned()))
        .collect();
    let all = std::iter::once(("TOTAL".to_owned(), total)).chain(rows).collect::<Vec<_>>();
    // Columns are as wide as their total or title with a blank before it, and three at least.
    let widths: Vec<usize> = titles
        .iter()
        .zip(total)
        .map(|(title, total)| title.len().max(total.to_string().len()))
        .map(|len| if len > 2 { len + 1 } else { 3 })
        .collect();
    let name_width = WIDTH.saturating_sub(widths.iter().sum()).max(NAME_WIDTH);
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
