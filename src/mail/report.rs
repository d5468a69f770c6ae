//! Delivery status notifications (RFC 3464) and the layout of reports.

use std::fmt::Write as _;

/// What became of a recipient (`Action:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in RFC 3464 section 2.3.3")]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
    Deliverable,
    Undeliverable,
}

impl Action {
    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
            Action::Expanded => "expanded",
            Action::Deliverable => "deliverable",
            Action::Undeliverable => "undeliverable",
        }
    }

    /// The action with this word.
    pub fn parse(word: &str) -> Option<Action> {
        [
            Action::Failed,
            Action::Delayed,
            Action::Delivered,
            Action::Relayed,
            Action::Expanded,
            Action::Deliverable,
            Action::Undeliverable,
        ]
        .into_iter()
        .find(|action| action.as_str() == word)
    }
}

/// The fields of a group of `message/delivery-status`, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    text: String,
}

impl Fields {
    /// Adds a field, folded at 79 columns.
    pub fn add(&mut self, name: &str, value: &str) -> &mut Fields {
        self.text.push_str(&wrap(&format!("{name}: {value}"), WIDTH, INDENT));
        self
    }

    /// The lines.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Columns of a line in a report.
pub const WIDTH: usize = 79;
/// Blanks before continuation lines in a report.
pub const INDENT: usize = 4;

/// Breaks a text at blanks into lines of at most `width` columns where possible, all but the first
/// indented; each ends with LF (Postfix's `line_wrap`).
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let blank = |ch: char| ch == ' ' || ch == '\t';
    let mut out = String::with_capacity(text.len() + 16);
    let (mut start, mut word) = (0, 0);
    let (mut margin, mut room) = (0, width);
    loop {
        let space = text[word..].find(blank).map(|len| word + len);
        if word > start && space.unwrap_or(text.len()) - start > room {
            let _ = writeln!(out, "{:margin$}{}", "", text[start..word].trim_ascii_end());
            if start == 0 {
                margin += indent;
                room = room.saturating_sub(indent);
            }
            word += text[word..].len() - text[word..].trim_start_matches(blank).len();
            start = word;
        }
        match space {
            Some(space) => word = (space + 1).max(word),
            None => break,
        }
    }
    let _ = writeln!(out, "{:margin$}{}", "", text[start..].trim_ascii_end());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wraps_like_the_mail_system() {
        let text = "<dave@example.net>: host mail.example.net[203.0.113.20] said: 550-5.1.1 <dave@example.net>: no such user 550 5.1.1 \
                    see our policy (in reply to RCPT TO command)";
        assert_eq!(
            wrap(text, WIDTH, INDENT),
            "<dave@example.net>: host mail.example.net[203.0.113.20] said: 550-5.1.1\n    <dave@example.net>: no such user 550 5.1.1 \
             see our policy (in reply to RCPT\n    TO command)\n"
        );
        assert_eq!(wrap("", WIDTH, INDENT), "\n");
    }

    #[test]
    fn actions_are_read_as_written() {
        assert_eq!(Action::parse("relayed"), Some(Action::Relayed));
        assert_eq!(Action::parse("lost"), None);
    }

    proptest! {
        #[test]
        fn keeps_all_words(text in "[a-zé]{0,90}( [a-z]{1,30}){0,20} {0,3}") {
            let wrapped = wrap(&text, WIDTH, INDENT);
            prop_assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
