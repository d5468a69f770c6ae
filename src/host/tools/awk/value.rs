//! Values of awk: numbers, texts, and input that may look like a number.

use crate::host::shell::builtins::{float, printf};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Never assigned: both empty and zero.
    Unset,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Text from outside, which counts as a number where it looks like one.
    Input(String),
}

impl From<bool> for Value {
    fn from(holds: bool) -> Value {
        Value::Number(f64::from(u8::from(holds)))
    }
}

impl Value {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Value::Unset => String::new(),
            Value::Number(number) => format_number(*number),
            Value::Text(text) | Value::Input(text) => text.clone(),
        }
    }

    /// As a number: what it begins with.
    pub fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(number) => *number,
            Value::Text(text) | Value::Input(text) => super::super::sort::leading_number(text),
        }
    }

    /// The number that it is or looks like.
    fn numeric(&self) -> Option<f64> {
        match self {
            Value::Unset => Some(0.0),
            Value::Number(number) => Some(*number),
            Value::Input(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Text(_) => None,
        }
    }

    /// Whether it counts as true.
    pub fn truth(&self) -> bool {
        match self.numeric() {
            Some(number) => number != 0.0,
            None => !self.text().is_empty(),
        }
    }

    /// Compares as numbers if both are, otherwise as texts.
    pub fn compare(&self, op: &str, right: &Value) -> bool {
        let order = match (self.numeric(), right.numeric()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => Some(self.text().cmp(&right.text())),
        };
        let Some(order) = order else { return op == "!=" };
        match op {
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }
}

/// A number as `print` shows it: whole ones without a fraction, others with `%.6g`.
pub fn format_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", float(number.abs(), 'g', Some(6)))
}

/// `sprintf`: as printf(1), with numbers cut to whole ones where `%d` wants them.
pub fn sprintf(format: &str, values: &[Value]) -> String {
    // printf(1) would use the format again for arguments that are left over.
    let mut wanted = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        let kind = loop {
            match chars.next() {
                Some('*') => wanted.push('d'),
                Some(c) if c.is_ascii_alphabetic() || c == '%' => break Some(c),
                Some(_) => {}
                None => break None,
            }
        };
        wanted.extend(kind.filter(|kind| *kind != '%'));
    }
    let arguments: Vec<String> = wanted
        .iter()
        .enumerate()
        .map(|(nth, kind)| match (kind, values.get(nth)) {
            (_, None) => String::new(),
            ('d' | 'i' | 'x' | 'X' | 'o' | 'u', Some(value)) => format!("{}", value.number() as i64),
            ('e' | 'f' | 'g' | 'E' | 'F' | 'G', Some(value)) => value.number().to_string(),
            ('c', Some(Value::Number(code))) => char::from_u32(*code as u32).map_or(String::new(), String::from),
            (_, Some(value)) => value.text(),
        })
        .collect();
    // Backslashes were replaced when the string was read.
    printf(&format.replace('\\', "\\\\"), &arguments).text
}
