//! Arrays of bash: by number (`a=(x y)`), or by name after `declare -A` (bash(1), "Arrays").
//!
//! An element is also a variable with a name of its own, `a[3]`: so whatever assigns variables
//! assigns elements.

use std::collections::BTreeMap;

/// The key of an element; numbers before names, each in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Of an array by number.
    Number(i64),
    /// Of an array by name.
    Name(String),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Number(number) => write!(f, "{number}"),
            Key::Name(name) => f.write_str(name),
        }
    }
}

/// An array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Array {
    /// Whether its keys are names.
    pub named: bool,
    /// Its elements.
    pub elements: BTreeMap<Key, String>,
}

/// Most elements of an array.
const MOST: usize = 1 << 16;

impl Array {
    /// The key that a text between brackets means. Negative numbers count from the end.
    pub fn key(&self, text: &str) -> Key {
        if self.named {
            return Key::Name(text.to_owned());
        }
        let number = text.trim().parse::<i64>().unwrap_or(0);
        Key::Number(if number < 0 { self.next().saturating_add(number) } else { number })
    }

    /// Assigns an element.
    ///
    /// # Errors
    /// There are too many.
    pub fn set(&mut self, key: Key, value: String) -> Result<(), String> {
        if matches!(key, Key::Number(number) if number < 0) {
            return Err("bad array subscript".into());
        }
        self.elements.insert(key, value);
        if self.elements.len() > MOST { Err("too many elements".into()) } else { Ok(()) }
    }

    /// The number behind the last element.
    pub fn next(&self) -> i64 {
        match self.elements.last_key_value() {
            Some((Key::Number(last), _)) => last.saturating_add(1),
            _ => 0,
        }
    }
}

/// Takes the name of an element apart: `a[3]` into `a` and `3`.
pub fn split(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}

/// The name of an element.
pub fn join(name: &str, key: &str) -> String {
    format!("{name}[{key}]")
}
