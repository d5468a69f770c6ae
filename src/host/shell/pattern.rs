//! Shell patterns (glob(7)): matching, and file names that match.

use crate::host::vfs::{Cred, Node, Vfs};

/// A character of a pattern; quoted ones stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternChar {
    /// The character.
    pub c: char,
    /// Whether it was quoted.
    pub quoted: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Char(char),
    Any,
    Star,
    Set { negated: bool, members: Vec<Member> },
}

#[derive(Clone, Debug)]
enum Member {
    Range(char, char),
    Class(String),
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<Piece>);

impl Pattern {
    /// Compiles a pattern. An unclosed bracket stands for itself.
    pub fn new(chars: &[PatternChar]) -> Pattern {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(PatternChar { c, quoted }) = chars.get(at).copied() {
            at += 1;
            pieces.push(match c {
                _ if quoted => Piece::Char(c),
                '*' if matches!(pieces.last(), Some(Piece::Star)) => continue,
                '*' => Piece::Star,
                '?' => Piece::Any,
                '\\' if at < chars.len() => {
                    at += 1;
                    Piece::Char(chars[at - 1].c)
                }
                '[' => match set(chars, at) {
                    Some((piece, end)) => {
                        at = end;
                        piece
                    }
                    None => Piece::Char('['),
                },
                c => Piece::Char(c),
            });
        }
        Pattern(pieces)
    }

    /// A pattern from text in which nothing is quoted.
    pub fn from_text(text: &str) -> Pattern {
        let chars: Vec<PatternChar> = text.chars().map(|c| PatternChar { c, quoted: false }).collect();
        Pattern::new(&chars)
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.matches_chars(&text)
    }

    /// Whether all these characters match.
    pub fn matches_chars(&self, text: &[char]) -> bool {
        // The usual two-finger walk: on failure the last star takes one character more.
        let (mut at, mut pos) = (0, 0);
        let mut retry = None;
        loop {
            match self.0.get(at) {
                Some(Piece::Star) => {
                    retry = Some((at, pos));
                    at += 1;
                    continue;
                }
                Some(piece) if pos < text.len() && piece.matches(text[pos]) => {
                    at += 1;
                    pos += 1;
                    continue;
                }
                None if pos == text.len() => return true,
                _ => {}
            }
            match retry {
                Some((star, from)) if from < text.len() => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    pos = from + 1;
                }
                _ => return false,
            }
        }
    }

    /// Whether nothing in it is special.
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Char(_)))
    }
}

impl Piece {
    fn matches(&self, c: char) -> bool {
        match self {
            Piece::Char(own) => *own == c,
            Piece::Any => true,
            Piece::Star => false,
            Piece::Set { negated, members } => members.iter().any(|member| member.contains(c)) != *negated,
        }
    }
}

impl Member {
    fn contains(&self, c: char) -> bool {
        match self {
            Member::Range(from, to) => (*from..=*to).contains(&c),
            Member::Class(name) => match name.as_str() {
                "alpha" => c.is_alphabetic(),
                "digit" => c.is_ascii_digit(),
                "alnum" => c.is_alphanumeric(),
                "upper" => c.is_uppercase(),
                "lower" => c.is_lowercase(),
                "space" => c.is_whitespace(),
                "blank" => c == ' ' || c == '\t',
                "punct" => c.is_ascii_punctuation(),
                "xdigit" => c.is_ascii_hexdigit(),
                "cntrl" => c.is_control(),
                "print" => !c.is_control(),
                "graph" => !c.is_control() && !c.is_whitespace(),
                _ => false,
            },
        }
    }
}

/// The bracket expression that begins after `[`, and where it ends.
fn set(chars: &[PatternChar], mut at: usize) -> Option<(Piece, usize)> {
    let negated = matches!(chars.get(at)?.c, '!' | '^') && !chars.get(at)?.quoted;
    at += usize::from(negated);
    let mut members = Vec::new();
    let first = at;
    loop {
        let PatternChar { c, quoted } = *chars.get(at)?;
        if c == ']' && !quoted && at > first {
            return Some((Piece::Set { negated, members }, at + 1));
        }
        if c == '/' {
            return None;
        }
        if c == '[' && chars.get(at + 1).is_some_and(|next| next.c == ':') {
            let end = (at + 2..chars.len()).find(|end| chars[*end].c == ':')?;
            members.push(Member::Class(chars[at + 2..end].iter().map(|member| member.c).collect()));
            at = end + 2;
            continue;
        }
        let ranged = chars.get(at + 1).is_some_and(|dash| dash.c == '-' && !dash.quoted)
            && chars.get(at + 2).is_some_and(|end| end.c != ']' || end.quoted);
        if ranged {
            members.push(Member::Range(c, chars.get(at + 2)?.c));
            at += 3;
        } else {
            members.push(Member::Range(c, c));
            at += 1;
        }
    }
}

/// File names that one pattern may stand for at most.
const MAX_NAMES: usize = 65_536;

/// The names of existing files that match a pattern with unquoted `*`, `?` or `[`, in order; none
/// if nothing matches or nothing in the pattern is special.
pub fn file_names(pattern: &[PatternChar], vfs: &Vfs, cwd: &str, cred: &Cred) -> Vec<String> {
    if !pattern.iter().any(|p| !p.quoted && matches!(p.c, '*' | '?' | '[')) {
        return Vec::new();
    }
    let mut found = vec![String::new()];
    for part in pattern.split_inclusive(|p| p.c == '/') {
        let (name, slash) = match part.split_last() {
            Some((last, name)) if last.c == '/' => (name, true),
            _ => (part, false),
        };
        let mut next = Vec::new();
        if name.is_empty() {
            for prefix in found {
                next.push(prefix + "/");
            }
            found = next;
            continue;
        }
        let compiled = Pattern::new(name);
        let hidden = name.first().is_some_and(|p| p.c == '.');
        for prefix in found {
            let place = absolute(cwd, &prefix);
            if compiled.is_literal() {
                let text: String = name.iter().map(|p| p.c).collect();
                let path = format!("{prefix}{text}");
                if vfs.resolve_link(&absolute(cwd, &path), cred).is_ok() {
                    next.push(path + if slash { "/" } else { "" });
                }
                continue;
            }
            for (entry, ino) in vfs.list(&place, cred).unwrap_or_default() {
                if (entry.starts_with('.') && !hidden) || !compiled.matches(&entry) || next.len() >= MAX_NAMES {
                    continue;
                }
                let path = format!("{prefix}{entry}");
                let is_dir = || match vfs.inode(ino).map(|inode| &inode.node) {
                    Some(Node::Dir(_)) => true,
                    Some(Node::Symlink(_)) => vfs.list(&absolute(cwd, &path), cred).is_ok(),
                    _ => false,
                };
                if !slash {
                    next.push(path);
                } else if is_dir() {
                    next.push(path + "/");
                }
            }
        }
        found = next;
        if found.is_empty() {
            return found;
        }
    }
    found.sort();
    found
}

/// An absolute path from one relative to a directory.
pub fn absolute(cwd: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else if path.is_empty() {
        cwd.to_owned()
    } else {
        format!("{}/{path}", cwd.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_like_the_shell() {
        for (pattern, text, yes) in [
            ("*.cf", "main.cf", true),
            ("*.cf", "main.db", false),
            ("m?i*[fg]", "main.cf", true),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[[:digit:]]*", "7up", true),
            ("a*b*c", "aXbXbc", true),
            ("[", "[", true),
            ("[]a]", "]", true),
        ] {
            assert_eq!(Pattern::from_text(pattern).matches(text), yes, "{pattern} {text}");
        }
    }
}
