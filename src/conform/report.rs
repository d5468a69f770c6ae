//! Verdicts as text: the first differences side by side.

use super::Verdict;
use super::compare::Difference;

/// Lines shown of one difference, and differences of one case.
const MAX_LINES: usize = 8;
const MAX_PLACES: usize = 6;

/// One case's verdict as text, with line end; `width` is that of the terminal.
pub fn verdict(name: &str, verdict: &Verdict, width: usize) -> String {
    match verdict {
        Verdict::Passed => format!("pass {name}\n"),
        Verdict::Played => format!("play {name}\n"),
        Verdict::Failed(reason) => format!("FAIL {name}: {reason}\n"),
        Verdict::Differs(found) => {
            let mut text = format!("DIFF {name}\n");
            found.iter().take(MAX_PLACES).for_each(|difference| side_by_side(difference, width, &mut text));
            if found.len() > MAX_PLACES {
                text.push_str(&format!("  … and {} more places\n", found.len() - MAX_PLACES));
            }
            text
        }
    }
}

fn side_by_side(difference: &Difference, width: usize, text: &mut String) {
    let Difference { place, recorded, now } = difference;
    let column = (width.saturating_sub(7) / 2).max(20);
    text.push_str(&format!("  {place}\n"));
    if recorded.is_empty() && now.is_empty() {
        text.push_str("  | the same lines in another order\n");
    }
    // Where only one side has lines, or lines are long, below each other reads better.
    let narrow = |lines: &[String]| lines.iter().all(|line| line.chars().count() <= column);
    if narrow(recorded) && narrow(now) && !recorded.is_empty() && !now.is_empty() {
        text.push_str(&format!("  | {:column$} | {}\n", "recorded", "now"));
        for index in 0..recorded.len().max(now.len()).min(MAX_LINES) {
            let cell = |lines: &[String]| lines.get(index).map_or("", String::as_str).to_owned();
            text.push_str(&format!("  | {:column$} | {}\n", cell(recorded), cell(now)));
        }
    } else {
        let mut show = |mark: char, lines: &[String]| {
            for line in lines.iter().take(MAX_LINES) {
                text.push_str(&format!("  {mark} {line}\n"));
            }
        };
        show('-', recorded);
        show('+', now);
    }
    let most = recorded.len().max(now.len());
    if most > MAX_LINES {
        text.push_str(&format!("  … {} more lines\n", most - MAX_LINES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stand_side_by_side_and_long_ones_below_each_other() {
        let of = |recorded: &str, now: &str| Difference {
            place: "exec/q".into(),
            recorded: vec![recorded.into()],
            now: vec![now.into()],
        };
        let short = verdict("x", &Verdict::Differs(vec![of("a", "b")]), 80);
        assert!(short.contains("| a ") && short.contains("| b\n"), "{short}");
        let long = verdict("x", &Verdict::Differs(vec![of(&"a".repeat(90), "b")]), 80);
        assert!(long.contains("  - aaa") && long.contains("  + b\n"), "{long}");
    }
}
