//! A configuration file as lines that can be changed without touching the others.

/// Physical lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A comment or an empty line.
    Comment(String),
    /// A logical line with its continuation lines, and the comments between them.
    Text(Vec<String>),
}

/// Splits a file. Comments and empty lines after the last line of a logical line stand alone.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut pending: Vec<String> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_ascii_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            pending.push(line.to_owned());
            continue;
        }
        let continues = line.starts_with(|c: char| c.is_ascii_whitespace());
        match found.last_mut() {
            Some(Block::Text(lines)) if continues => {
                lines.append(&mut pending);
                lines.push(line.to_owned());
            }
            _ => {
                found.extend(pending.drain(..).map(Block::Comment));
                found.push(Block::Text(vec![line.to_owned()]));
            }
        }
    }
    found.extend(pending.into_iter().map(Block::Comment));
    found
}

/// The logical line of a block, without the comments in it.
pub(super) fn logical(lines: &[String]) -> String {
    lines.iter().filter(|line| !is_comment(line)).map(String::as_str).collect()
}

/// Whether a line is a comment or empty.
pub(super) fn is_comment(line: &str) -> bool {
    let trimmed = line.trim_ascii_start();
    trimmed.is_empty() || trimmed.starts_with('#')
}

/// The comments among a block's lines: they outlive a change.
pub(super) fn comments(lines: &[String]) -> impl Iterator<Item = &String> {
    lines.iter().filter(|line| is_comment(line))
}

/// A block as comments.
pub(super) fn commented(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| if is_comment(line) { line.clone() } else { format!("#{line}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_comments_where_they_stand() {
        let text = "# a\nx = 1,\n# in\n  2\n# b\n\ny = 3\n";
        let found = blocks(text);
        assert_eq!(found.len(), 5);
        let Block::Text(lines) = &found[1] else { panic!("a logical line") };
        assert_eq!(logical(lines), "x = 1,  2");
        assert_eq!(commented(lines), ["#x = 1,", "# in", "#  2"]);
        assert_eq!(comments(lines).count(), 1);
    }
}
