//! The words of an nft script.

use super::Parsed;

/// A command, word by word.
pub(super) struct Words {
    words: Vec<String>,
    pub(super) at: usize,
}

impl Words {
    /// Blanks separate words; braces, semicolons and commas are words of their own.
    pub(super) fn new(text: &str) -> Words {
        let (mut words, mut word) = (Vec::new(), String::new());
        let mut quoted = false;
        let mut comment = false;
        for c in text.chars() {
            match c {
                '\n' => {
                    comment = false;
                    words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                    words.push(";".into());
                }
                _ if comment => {}
                '"' => quoted = !quoted,
                c if quoted => word.push(c),
                '#' => comment = true,
                '{' | '}' | ';' | ',' => {
                    words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                    words.push(c.to_string());
                }
                c if c.is_whitespace() => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
                c => word.push(c),
            }
        }
        words.extend((!word.is_empty()).then_some(word));
        Words { words, at: 0 }
    }

    pub(super) fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    pub(super) fn next(&mut self) -> String {
        self.at += 1;
        self.words.get(self.at - 1).cloned().unwrap_or_default()
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_it = self.peek() == word;
        self.at += usize::from(is_it);
        is_it
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.words.len()
    }

    pub(super) fn skip_ends(&mut self) {
        while self.eat(";") {}
    }

    pub(super) fn unexpected<T>(&self) -> Parsed<T> {
        match self.peek() {
            "" => Err("syntax error, unexpected end of file".into()),
            word => Err(format!("syntax error, unexpected {word}")),
        }
    }
}
