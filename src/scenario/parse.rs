//! From RON text to written types, with all errors of names at once.

use ron::Options;
use ron::error::{Error, Position, SpannedError};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use super::problem::{Problem, nearest};
use super::written::Scenario;

/// A scenario file larger than this is refused.
pub const MAX_SIZE: usize = 4 << 20;
/// Further errors of one file than these are not looked for.
const MAX_PROBLEMS: usize = 50;

/// Parses a scenario. Wrong names of fields and variants are all reported: each is replaced by
/// the nearest known one and the text is read again.
///
/// # Errors
/// The problems, in order of the file.
pub fn parse(file: &str, text: &str) -> Result<Scenario, Vec<Problem>> {
    parse_ron(file, text, Extensions::empty())
}

/// Likewise for any type that people write, with further extensions of RON.
///
/// # Errors
/// Everything that is wrong with the text, in order of the file.
pub fn parse_ron<T: DeserializeOwned>(file: &str, text: &str, extensions: Extensions) -> Result<T, Vec<Problem>> {
    if text.len() > MAX_SIZE {
        return Err(vec![Problem::new(file, text, 0..0, format!("the file is larger than {MAX_SIZE} octets"))]);
    }
    let options = Options::default().with_default_extension(Extensions::IMPLICIT_SOME | extensions);
    let mut patched = Patched::new(text);
    let mut problems = Vec::new();
    loop {
        let error = match options.from_str::<T>(&patched.text) {
            Ok(value) if problems.is_empty() => return Ok(value),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let span = patched.span(&error);
        let (problem, fix) = explain(file, text, patched.to_original(&span), &error);
        problems.push(problem);
        let Some(fix) = fix.filter(|_| problems.len() < MAX_PROBLEMS) else { return Err(problems) };
        if !patched.replace(span, fix) {
            return Err(problems);
        }
    }
}

/// A text in which words were replaced, and how to get back to the original's places.
struct Patched {
    text: String,
    /// Place in the new text, and by how much what follows has moved.
    moves: Vec<(usize, isize)>,
}

impl Patched {
    fn new(text: &str) -> Patched {
        Patched { text: text.to_owned(), moves: Vec::new() }
    }

    fn offset(&self, position: &Position) -> usize {
        let line_start: usize =
            self.text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
        let line = &self.text[line_start.min(self.text.len())..];
        let column = line.char_indices().nth(position.col.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        line_start + column
    }

    /// The octets that an error is about; a wrong word is looked for before where the parser stood.
    fn span(&self, error: &SpannedError) -> std::ops::Range<usize> {
        let (start, end) = (self.offset(&error.span.start), self.offset(&error.span.end));
        let end = end.max(start).min(self.text.len());
        match &error.code {
            Error::NoSuchStructField { found, .. } | Error::NoSuchEnumVariant { found, .. } => {
                let before = &self.text[..end];
                before.rfind(found.as_str()).map_or(start..end, |at| at..at + found.len())
            }
            _ => start..end,
        }
    }

    fn to_original(&self, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let back = |at: usize| {
            let moved: isize = self.moves.iter().filter(|(place, _)| *place <= at).map(|(_, by)| by).sum();
            at.saturating_add_signed(-moved)
        };
        back(span.start)..back(span.end)
    }

    /// Replaces a word by another one; false if that leads nowhere.
    fn replace(&mut self, span: std::ops::Range<usize>, word: &str) -> bool {
        if self.text.get(span.clone()).is_none_or(|found| found == word || found.is_empty()) {
            return false;
        }
        let by = word.len() as isize - span.len() as isize;
        self.text.replace_range(span.clone(), word);
        for (place, _) in &mut self.moves {
            if *place > span.start {
                *place = place.saturating_add_signed(by);
            }
        }
        self.moves.push((span.start + word.len(), by));
        true
    }
}

/// The problem in words, and the name that would go on best.
fn explain<'a>(
    file: &str,
    text: &str,
    span: std::ops::Range<usize>,
    error: &'a SpannedError,
) -> (Problem, Option<&'a str>) {
    let (message, known, found) = match &error.code {
        Error::NoSuchStructField { expected, found, outer } => {
            let place = outer.as_deref().map_or(String::new(), |outer| format!(" in `{outer}`"));
            (format!("unknown field `{found}`{place}"), *expected, found.as_str())
        }
        Error::NoSuchEnumVariant { expected, found, .. } => {
            (format!("unknown word `{found}`"), *expected, found.as_str())
        }
        Error::MissingStructField { field, outer } => {
            let place = outer.as_deref().map_or(String::new(), |outer| format!(" in `{outer}`"));
            let problem = Problem::new(file, text, span, format!("the field `{field}` is missing{place}"));
            return (problem.help(format!("add `{field}: …`")), None);
        }
        other => return (Problem::new(file, text, span, other.to_string()), None),
    };
    let problem = Problem::new(file, text, span, message);
    match nearest(found, known.iter().copied()) {
        Some(name) => (problem.help(format!("did you mean `{name}`?")), Some(name)),
        None => (problem.help(format!("known are {}", list(known))), None),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_names_are_reported_with_place_and_suggestion() {
        let text = "(\n  titel: (en: \"a\", de: \"b\"),\n  summary: (en: \"\", de: \"\"),\n  hosts: [\n    (nane: \"mx1\", addresses: []),\n  ],\n  script: [Wayt(\"1s\")],\n)\n";
        let problems = parse("x.ron", text).unwrap_err();
        let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "x.ron:2:3: unknown field `titel` in `Scenario`; did you mean `title`?",
                "x.ron:5:6: unknown field `nane` in `Host`; did you mean `name`?",
                "x.ron:7:12: unknown word `Wayt`; did you mean `Wait`?",
            ]
        );
    }

    #[test]
    fn text_that_is_not_ron_has_a_place() {
        let problems = parse("x.ron", "(\n  title: ,\n)").unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].line, 2);
    }
}
