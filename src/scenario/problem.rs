//! What is wrong with a file, where, and what would be right.

use std::fmt;

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Octets of the file that it is about.
    pub span: std::ops::Range<usize>,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What was found.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with a stretch of a file's text.
    pub fn new(file: &str, text: &str, span: std::ops::Range<usize>, message: impl Into<String>) -> Problem {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem { file: file.to_owned(), span: start..end, line, column, message: message.into(), help: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// The problem with the lines that it is about, for people.
    pub fn render(&self, text: &str, colour: bool) -> String {
        let config = Config::default().with_color(colour).with_index_type(IndexType::Byte).with_char_set(if colour {
            CharSet::Unicode
        } else {
            CharSet::Ascii
        });
        let span = (self.file.as_str(), self.span.clone());
        let label = Label::new(span.clone()).with_message(&self.message).with_color(Color::Red);
        let mut report =
            Report::build(ReportKind::Error, span).with_config(config).with_message(&self.message).with_label(label);
        if let Some(help) = &self.help {
            report.set_help(help);
        }
        let mut out = Vec::new();
        let written = report.finish().write((self.file.as_str(), Source::from(text)), &mut out);
        match written {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(_) => format!("{self}\n"),
        }
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: what; help`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The known name that is most like `found`, if any is like it at all.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let problem = Problem::new("x.ron", "aä\nüb\n", 6..7, "wrong");
        assert_eq!((problem.line, problem.column), (2, 2));
        assert_eq!(problem.help("right").to_string(), "x.ron:2:2: wrong; right");
    }

    #[test]
    fn the_nearest_name_must_be_near() {
        assert_eq!(nearest("mx11", ["mx1", "imap"]), Some("mx1"));
        assert_eq!(nearest("adresses", ["addresses", "name"]), Some("addresses"));
        assert_eq!(nearest("zzz", ["addresses", "name"]), None);
    }
}
