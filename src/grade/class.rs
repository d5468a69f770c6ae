//! The class list: who belongs to the class, and what they are called.

use std::fmt;

use crate::lab::Student;

/// Columns of the list: their names, and what they hold.
const COLUMNS: &str = "the first line names the columns: `id`, `name`, and `class` if there are class keys";

/// A member of the class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The id by which the variant is drawn.
    pub id: String,
    /// The person's name; may be empty.
    pub name: String,
    /// The class key.
    pub class: String,
}

impl Member {
    /// Whose variant it is.
    pub fn student(&self) -> Student {
        Student { id: self.id.clone(), class: self.class.clone() }
    }
}

impl fmt::Display for Member {
    /// `ann (Ann Miller)`, or the id alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(&self.id),
            name => write!(f, "{} ({name})", self.id),
        }
    }
}

/// Something wrong in a class list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ClassError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Its members in the order of the list.
    pub members: Vec<Member>,
}

impl Class {
    /// Reads a list: lines of cells between commas or semicolons, as every spreadsheet writes
    /// them. Members without a class key get `key`.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str, key: &str) -> Result<Class, ClassError> {
        let wrong = |line: usize, what: String| ClassError { line, what };
        let text = text.trim_start_matches('\u{feff}');
        let mut rows = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let Some((first, head)) = rows.next() else { return Err(wrong(1, format!("the list is empty; {COLUMNS}"))) };
        let separator = if head.contains(';') { ';' } else { ',' };
        let head: Vec<String> = cells(head, separator).iter().map(|cell| cell.to_lowercase()).collect();
        let column = |name: &str| head.iter().position(|cell| cell == name);
        let Some(id) = column("id") else { return Err(wrong(first, format!("there is no column `id`; {COLUMNS}"))) };
        let (name, class) = (column("name"), column("class"));
        let mut members: Vec<Member> = Vec::new();
        for (line, row) in rows {
            let row = cells(row, separator);
            let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).cloned().unwrap_or_default();
            let class = Some(cell(class)).filter(|class| !class.is_empty()).unwrap_or_else(|| key.to_owned());
            let member = Member { id: cell(Some(id)), name: cell(name), class };
            if member.id.is_empty() {
                return Err(wrong(line, "the cell `id` is empty; everybody needs one".into()));
            }
            if members.iter().any(|known| known.id == member.id) {
                return Err(wrong(line, format!("`{}` stands there twice; ids must differ", member.id)));
            }
            members.push(member);
        }
        Ok(Class { members })
    }

    /// The member of this id.
    pub fn find(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// Who handed a file in, as far as its path says so: a file or a folder is called after the id
    /// or the name (`ann.mxlab`, `ann/lab.mxlab`), or begins with it as the folders do that Moodle
    /// packs (`Ann Miller_4711_assignsubmission_file_/lab.mxlab`).
    pub fn owner(&self, path: &str) -> Option<&Member> {
        let parts: Vec<String> = path.split(['/', '\\']).rev().map(str::to_lowercase).collect();
        parts.iter().find_map(|part| {
            let exact = |name: &str| {
                let name = name.to_lowercase();
                !name.is_empty() && (*part == name || part.rsplit_once('.').is_some_and(|(stem, _)| stem == name))
            };
            let begins = |name: &str| {
                let rest = part.strip_prefix(&name.to_lowercase()).filter(|_| !name.is_empty());
                rest.is_some_and(|rest| rest.starts_with('_'))
            };
            let by =
                |fits: &dyn Fn(&str) -> bool| self.members.iter().find(|member| fits(&member.id) || fits(&member.name));
            by(&exact).or_else(|| by(&begins))
        })
    }
}

/// The cells of a line; a cell in quotes may hold the separator, and quotes twice.
fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut quoted, mut letters) = (false, line.chars().peekable());
    while let Some(letter) = letters.next() {
        let Some(cell) = cells.last_mut() else { break };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => cells.push(String::new()),
            letter => cell.push(letter),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class() -> Class {
        let text = "\u{feff}Name;ID\n\"Miller; Ann\";ann\nBen Smith;ben\n\n";
        Class::parse(text, "7b").expect("a list")
    }

    #[test]
    fn lists_of_spreadsheets_are_read() {
        let names: Vec<String> = class().members.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["ann (Miller; Ann)", "ben (Ben Smith)"]);
        assert!(class().members.iter().all(|member| member.class == "7b"));
        let keyed = Class::parse("id,name,class\nx,,8a\n", "7b").expect("a list");
        assert_eq!(keyed.members[0].student(), Student { id: "x".into(), class: "8a".into() });
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_line() {
        for (text, line) in [("", 1), ("name\nann\n", 1), ("id,name\nann,A\nann,B\n", 3), ("id,name\n,B\n", 2)] {
            assert_eq!(Class::parse(text, "").expect_err("an error").line, line, "{text:?}");
        }
    }

    #[test]
    fn files_are_known_by_the_names_that_learning_systems_give_them() {
        let class = class();
        let of = |path: &str| class.owner(path).map(|member| member.id.as_str());
        assert_eq!(of("in/ann.mxlab"), Some("ann"));
        assert_eq!(of("in/ben/lab.mxlab"), Some("ben"));
        assert_eq!(of("in/Ben Smith_4711_assignsubmission_file_/lab.mxlab"), Some("ben"));
        assert_eq!(of("in/lab.mxlab"), None);
        assert_eq!(of("in/annabel.mxlab"), None);
    }
}
