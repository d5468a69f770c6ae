//! The layout of postconf's lines.

/// Where long lines are folded (`-f`).
const LINE_LIMIT: usize = 80;
const INDENT: &str = "    ";

/// Columns at which the fields of a `master.cf` entry begin.
const COLUMNS: [usize; 8] = [0, 11, 17, 25, 33, 41, 49, 57];

/// A line with one blank between its words, as it is shown; folded it has several lines.
pub(super) fn line(text: &str, folded: bool) -> String {
    if folded { fold(text) } else { text.split_ascii_whitespace().collect::<Vec<_>>().join(" ") }
}

/// Folds `name = value` at white space.
fn fold(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in line.split_ascii_whitespace() {
        if column > 0 && column + 1 + word.len() >= LINE_LIMIT {
            out.push('\n');
            out.push_str(INDENT);
            column = INDENT.len();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// An entry of `master.cf` on one line, or folded with each `-o` on a line of its own.
pub(super) fn entry(columns: &[String; 7], command: &[String], folded: bool) -> String {
    let mut out = String::new();
    for (at, field) in columns.iter().chain(command.first()).enumerate() {
        if at > 0 {
            out.push(' ');
            while out.len() < COLUMNS[at] {
                out.push(' ');
            }
        }
        out.push_str(field);
    }
    let mut column = out.len();
    let mut wrap = false;
    let mut in_options = true;
    let mut rest = command.iter().skip(1).peekable();
    while let Some(word) = rest.next() {
        let mut item = word.clone();
        let mut has_value = false;
        if in_options && !word.starts_with('-') {
            in_options = false;
        } else if in_options
            && word == "-o"
            && let Some(value) = rest.next()
        {
            item = format!("-o {value}");
            has_value = true;
        }
        if folded && (wrap || has_value || column + 1 + item.len() >= LINE_LIMIT) {
            out.push('\n');
            out.push_str(INDENT);
            column = INDENT.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(&item);
        column += item.len();
        wrap = has_value;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, folded: bool) -> String {
        let words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        let columns: [String; 7] = words[..7].to_vec().try_into().unwrap();
        entry(&columns, &words[7..], folded)
    }

    #[test]
    fn aligns_columns() {
        let cases = [
            ("smtp inet n - y - - smtpd", "smtp       inet  n       -       y       -       -       smtpd"),
            (
                "scalemail-backend unix - n n - 2 pipe flags=R",
                "scalemail-backend unix - n       n       -       2       pipe flags=R",
            ),
            (
                "postlog unix-dgram n - n - 1 postlogd",
                "postlog    unix-dgram n  -       n       -       1       postlogd",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text, false), expected);
        }
    }

    #[test]
    fn folds_options_and_long_lines() {
        let folded =
            line("maildrop unix - n n - - pipe flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}", true);
        assert!(
            folded.ends_with("pipe flags=DRXhu\n    user=vmail argv=/usr/bin/maildrop -d ${recipient}"),
            "{folded}"
        );
        assert!(line("a inet n - n - - smtpd -o x=y -o b=c", true).ends_with("smtpd\n    -o x=y\n    -o b=c"));
    }
}
