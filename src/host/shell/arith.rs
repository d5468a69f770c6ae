//! Integer expressions: `$((…))`, `((…))` and `let`.

/// The variables that an expression reads and assigns.
pub trait Variables {
    /// The value of a variable, empty if it is not set.
    fn get(&mut self, name: &str) -> String;
    /// Assigns a variable.
    fn set(&mut self, name: &str, value: i64);
}

/// Evaluates an expression in 64-bit integers that wrap around.
///
/// # Errors
/// What is wrong, in the words of dash.
pub fn evaluate(text: &str, variables: &mut dyn Variables) -> Result<i64, String> {
    let mut parser = Arith { text, pos: 0, variables, depth: 0 };
    parser.skip();
    if parser.pos == text.len() {
        return Ok(0);
    }
    let value = parser.comma(true)?;
    parser.skip();
    if parser.pos < text.len() {
        return Err(format!("expecting EOF: \"{text}\""));
    }
    Ok(value)
}

struct Arith<'a> {
    text: &'a str,
    pos: usize,
    variables: &'a mut dyn Variables,
    depth: u32,
}

/// Binary operators by binding strength; longer ones first within a level.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

const MAX_DEPTH: u32 = 64;

impl Arith<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn skip(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, op: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(op);
        if found {
            self.pos += op.len();
        }
        found
    }

    fn comma(&mut self, live: bool) -> Result<i64, String> {
        let mut value = self.assignment(live)?;
        while self.eat(",") {
            value = self.assignment(live)?;
        }
        Ok(value)
    }

    fn name(&mut self) -> Option<String> {
        self.skip();
        let name: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.pos += name.len();
        Some(name)
    }

    fn assignment(&mut self, live: bool) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("expression nested too deeply".into());
        }
        let start = self.pos;
        if let Some(name) = self.name() {
            self.skip();
            for op in ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="] {
                if !self.rest().starts_with(op) || (op == "=" && self.rest().starts_with("==")) {
                    continue;
                }
                self.pos += op.len();
                let right = self.assignment(live)?;
                let value = match op.strip_suffix('=').unwrap_or_default() {
                    "" => right,
                    op if live => {
                        let left = self_value(self.variables, &name);
                        self.apply(op, left, right)?
                    }
                    _ => right,
                };
                if live {
                    self.variables.set(&name, value);
                }
                self.depth -= 1;
                return Ok(value);
            }
        }
        self.pos = start;
        let value = self.ternary(live)?;
        self.depth -= 1;
        Ok(value)
    }

    fn ternary(&mut self, live: bool) -> Result<i64, String> {
        let cond = self.binary(0, live)?;
        if !self.eat("?") {
            return Ok(cond);
        }
        let yes = self.assignment(live && cond != 0)?;
        if !self.eat(":") {
            return Err(format!("expecting ':': \"{}\"", self.text));
        }
        let no = self.assignment(live && cond == 0)?;
        Ok(if cond != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize, live: bool) -> Result<i64, String> {
        let Some(ops) = LEVELS.get(level) else { return self.unary(live) };
        let mut left = self.binary(level + 1, live)?;
        loop {
            self.skip();
            let rest = self.rest();
            let Some(op) = ops.iter().find(|op| rest.starts_with(**op) && !is_longer(op, rest)) else {
                return Ok(left);
            };
            self.pos += op.len();
            left = match *op {
                "||" => {
                    let right = self.binary(level + 1, live && left == 0)?;
                    i64::from(left != 0 || right != 0)
                }
                "&&" => {
                    let right = self.binary(level + 1, live && left != 0)?;
                    i64::from(left != 0 && right != 0)
                }
                op => {
                    let right = self.binary(level + 1, live)?;
                    if live { self.apply(op, left, right)? } else { 0 }
                }
            };
        }
    }

    fn apply(&self, op: &str, left: i64, right: i64) -> Result<i64, String> {
        Ok(match op {
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" | "%" if right == 0 => return Err(format!("division by zero: \"{}\"", self.text)),
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            "<<" => left.wrapping_shl(right as u32),
            ">>" => left.wrapping_shr(right as u32),
            "&" => left & right,
            "|" => left | right,
            "^" => left ^ right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            _ => i64::from(left > right),
        })
    }

    fn unary(&mut self, live: bool) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("expression nested too deeply".into());
        }
        let value = self.unary_here(live);
        self.depth -= 1;
        value
    }

    fn unary_here(&mut self, live: bool) -> Result<i64, String> {
        for op in ["++", "--"] {
            let start = self.pos;
            if self.eat(op) {
                let Some(name) = self.name() else {
                    self.pos = start;
                    break;
                };
                let step = if op == "++" { 1 } else { -1 };
                let value = self_value(self.variables, &name).wrapping_add(step);
                if live {
                    self.variables.set(&name, value);
                }
                return Ok(value);
            }
        }
        if self.eat("+") {
            return self.unary(live);
        }
        if self.eat("-") {
            return Ok(self.unary(live)?.wrapping_neg());
        }
        if self.eat("~") {
            return Ok(!self.unary(live)?);
        }
        if self.eat("!") {
            return Ok(i64::from(self.unary(live)? == 0));
        }
        if self.eat("(") {
            let value = self.comma(live)?;
            if !self.eat(")") {
                return Err(format!("expecting ')': \"{}\"", self.text));
            }
            return Ok(value);
        }
        if let Some(name) = self.name() {
            let value = self_value(self.variables, &name);
            for (op, step) in [("++", 1), ("--", -1)] {
                if self.eat(op) {
                    if live {
                        self.variables.set(&name, value.wrapping_add(step));
                    }
                    break;
                }
            }
            return Ok(value);
        }
        let digits: String = self.rest().chars().take_while(char::is_ascii_alphanumeric).collect();
        self.pos += digits.len();
        match parse_number(&digits) {
            Some(value) => Ok(value),
            None if digits.is_empty() && self.rest().is_empty() => Err(format!("expecting primary: \"{}\"", self.text)),
            None => Err(format!("expecting primary: \"{}\"", self.text)),
        }
    }
}

/// Whether the text continues the operator to a longer one that is not of this level.
fn is_longer(op: &str, rest: &str) -> bool {
    let next = rest.get(op.len()..).and_then(|rest| rest.chars().next());
    match op {
        "|" => matches!(next, Some('|' | '=')),
        "&" => matches!(next, Some('&' | '=')),
        "<" => next == Some('<'),
        ">" => next == Some('>'),
        "+" | "-" | "*" | "/" | "%" | "^" | "<<" | ">>" => next == Some('='),
        _ => false,
    }
}

fn self_value(variables: &mut dyn Variables, name: &str) -> i64 {
    parse_number(variables.get(name).trim()).unwrap_or(0)
}

/// A decimal, octal (`0…`) or hexadecimal (`0x…`) number.
pub fn parse_number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Variables for BTreeMap<String, String> {
        fn get(&mut self, name: &str) -> String {
            BTreeMap::get(self, name).cloned().unwrap_or_default()
        }
        fn set(&mut self, name: &str, value: i64) {
            self.insert(name.into(), value.to_string());
        }
    }

    #[test]
    fn computes_as_c_does() {
        let mut vars = BTreeMap::from([("x".to_owned(), "5".to_owned())]);
        for (text, value) in [
            ("1 + 2 * 3", 7),
            ("(1+2)*3", 9),
            ("x++ + x", 11),
            ("x += 4", 10),
            ("x == 10 ? 0x10 : 1/0", 16),
            ("0 && 1/0 || !0", 1),
            ("-7 % 3", -1),
            ("1 << 4 | 3", 19),
            ("", 0),
        ] {
            assert_eq!(evaluate(text, &mut vars), Ok(value), "{text}");
        }
        assert_eq!(evaluate("1/0", &mut vars), Err("division by zero: \"1/0\"".into()));
        assert!(evaluate("1 +", &mut vars).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_an_error(text in "[0-9a-z+*/%()<>=!&|?:, -]{0,40}") {
            let _ = evaluate(&text, &mut BTreeMap::new());
        }
    }
}
