//! The manual: short pages in mxlab's own words for the commands of a host, for files, and for the
//! parameters of Postfix.
//!
//! The texts are tables beside this file: name with section, synopsis, text, separated by tabs.

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its name.
    pub name: &'static str,
    /// Its section: 1 commands, 5 files and parameters, 7 miscellany, 8 administration.
    pub section: &'static str,
    /// How it is written; empty for a parameter.
    pub synopsis: &'static str,
    /// What it is about.
    pub text: &'static str,
}

const COMMANDS: &str = include_str!("commands.txt");
const FORMATS: &str = include_str!("formats.txt");
const PARAMETERS: &str = include_str!("parameters.txt");
const BUILTINS: &str = include_str!("builtins.txt");

/// All pages, commands first.
pub fn pages() -> impl Iterator<Item = Page> {
    let page = |line: &'static str| {
        let (title, rest) = line.split_once('\t')?;
        let (synopsis, text) = rest.split_once('\t')?;
        let (name, section) = title.strip_suffix(')')?.rsplit_once('(')?;
        Some(Page { name, section, synopsis, text })
    };
    let parameter = |line: &'static str| {
        let (name, text) = line.split_once('\t')?;
        Some(Page { name, section: "5", synopsis: "", text })
    };
    COMMANDS.lines().chain(FORMATS.lines()).filter_map(page).chain(PARAMETERS.lines().filter_map(parameter))
}

/// The pages of a name, of one section if it is given.
pub fn find(name: &str, section: Option<&str>) -> impl Iterator<Item = Page> {
    pages().filter(move |page| page.name == name && section.is_none_or(|section| page.section == section))
}

/// The builtins of the shell: name, synopsis and text.
pub fn builtins() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    BUILTINS.lines().filter_map(|line| {
        let (name, rest) = line.split_once('\t')?;
        let (synopsis, text) = rest.split_once('\t')?;
        Some((name, synopsis, text))
    })
}

impl Page {
    /// The first sentence of the text.
    pub fn summary(&self) -> &'static str {
        // A point within a name, as in `main.cf`, ends nothing.
        let ends = |(at, c): (usize, char)| match c {
            ';' | ':' => true,
            '.' => self.text[at + 1..].chars().next().is_none_or(char::is_whitespace),
            _ => false,
        };
        let end = self.text.char_indices().find(|place| ends(*place)).map_or(self.text.len(), |(at, _)| at);
        &self.text[..end]
    }

    /// The page as man(1) shows it, in lines of at most `width` characters.
    pub fn render(&self, width: usize) -> String {
        let width = width.clamp(40, 100);
        let title = format!("{}({})", self.name.to_uppercase(), self.section);
        let middle = "mxlab manual";
        let gap = width.saturating_sub(2 * title.chars().count() + middle.len());
        let (left, right) = (" ".repeat(gap / 2), " ".repeat(gap - gap / 2));
        let mut text = format!("{title}{left}{middle}{right}{title}\n\nNAME\n");
        text.push_str(&paragraph(&format!("{} - {}", self.name, self.summary()), width));
        if !self.synopsis.is_empty() {
            text.push_str("\nSYNOPSIS\n");
            self.synopsis.split("; ").for_each(|form| text.push_str(&paragraph(form, width)));
        }
        text.push_str("\nDESCRIPTION\n");
        text.push_str(&paragraph(self.text, width));
        if self.synopsis.is_empty() {
            let name = self.name;
            let more = format!(
                "A parameter of main.cf(5). `postconf {name}` shows its value, `postconf -d {name}` its default, `postconf -e \
                 {name}=...` sets it; `postfix reload` makes the daemons see it."
            );
            text.push('\n');
            text.push_str(&paragraph(&more, width));
        }
        text
    }
}

/// Text in lines, indented as in a manual.
fn paragraph(text: &str, width: usize) -> String {
    const INDENT: &str = "       ";
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && INDENT.len() + line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&format!("{INDENT}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push_str(&format!("{INDENT}{line}\n"));
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_page_and_no_page_comes_twice() {
        let count = COMMANDS.lines().count() + FORMATS.lines().count() + PARAMETERS.lines().count();
        let names: BTreeSet<_> = pages().map(|page| (page.name, page.section)).collect();
        assert_eq!(pages().count(), count);
        assert_eq!(names.len(), count);
        assert!(pages().all(|page| page.text.ends_with(['.', ')', ']', '?']) || page.text.len() > 20));
    }

    #[test]
    fn every_builtin_has_a_line() {
        let described: Vec<&str> = builtins().map(|(name, ..)| name).collect();
        for name in crate::host::shell::builtins::names().filter(|name| *name != "[") {
            assert!(described.contains(&name), "{name}");
        }
    }

    #[test]
    fn pages_look_like_a_manual() {
        let page = find("postqueue", None).next().unwrap().render(80);
        assert!(page.starts_with("POSTQUEUE(1)"), "{page}");
        assert!(page.contains("\nSYNOPSIS\n       postqueue -p | -j"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        let page = find("myhostname", Some("5")).next().unwrap().render(80);
        assert!(page.contains("postconf -e myhostname=..."), "{page}");
        assert!(find("myhostname", Some("1")).next().is_none());
    }
}
