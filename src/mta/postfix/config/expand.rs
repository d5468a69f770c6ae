//! `$name` expansion of configuration values (`mac_expand(3)`, postconf(5)).

use smol_str::SmolStr;

use super::compat::Level;

/// Deepest nesting of `$name` within values of `$name`.
const MAX_NESTING: u32 = 100;
/// References that one value may lead to, and octets of what comes out: values that refer to each
/// other several times would otherwise grow without bound.
const MAX_REFERENCES: u32 = 10_000;
const MAX_LENGTH: usize = 1 << 20;

/// Why a value cannot be expanded; each text is Postfix's warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A value refers to itself.
    #[error("unreasonable macro call nesting: \"{0}\"")]
    Nesting(String),
    /// `${` without `}`.
    #[error("truncated macro reference: \"{0}\"")]
    Truncated(String),
    /// `$` without a name.
    #[error("empty macro name: \"{0}\"")]
    EmptyName(String),
    /// Something else than `?` or `:` after a name.
    #[error("{0}")]
    Syntax(String),
}

/// Where values come from.
pub trait Lookup {
    /// The value of a name, not expanded; `None` if there is no such name.
    fn lookup(&mut self, name: &str) -> Option<SmolStr>;
    /// Whether values are expanded in turn.
    fn recursive(&self) -> bool {
        true
    }
    /// Whether the branches that are not taken are visited too: to find all names.
    fn scans(&self) -> bool {
        false
    }
}

/// Collects the names that a value refers to.
struct References(Vec<SmolStr>);

impl Lookup for References {
    fn lookup(&mut self, name: &str) -> Option<SmolStr> {
        self.0.push(name.into());
        None
    }

    fn scans(&self) -> bool {
        true
    }
}

/// The names that a value refers to itself, in order; those after a malformed part are left out.
pub fn references(value: &str) -> Vec<SmolStr> {
    let mut found = References(Vec::new());
    // What matters is what was seen until the error.
    let _ = expand(value, &mut found);
    found.0
}

/// The same.
///
/// # Errors
/// The value itself is malformed.
pub fn references_of(value: &str) -> Result<Vec<SmolStr>, ExpandError> {
    let mut found = References(Vec::new());
    expand(value, &mut found)?;
    Ok(found.0)
}

impl<F: FnMut(&str) -> Option<SmolStr>> Lookup for F {
    fn lookup(&mut self, name: &str) -> Option<SmolStr> {
        self(name)
    }
}

/// Expands a value. Undefined names become nothing.
///
/// # Errors
/// The value, or one that it refers to, is malformed or refers to itself.
pub fn expand(value: &str, names: &mut dyn Lookup) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(value.len());
    Expander { names, level: 0, references: 0 }.value(value, &mut out)?;
    Ok(out)
}

struct Expander<'a> {
    names: &'a mut dyn Lookup,
    level: u32,
    references: u32,
}

/// What follows a name or a comparison: `?{then}:{else}`.
#[derive(Default)]
struct Branches<'a> {
    then: Option<&'a str>,
    otherwise: Option<&'a str>,
}

impl Expander<'_> {
    fn value(&mut self, value: &str, out: &mut String) -> Result<(), ExpandError> {
        let mut rest = value;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (reference, after) = match rest.chars().next() {
                Some('{') => enclosed(rest, '{', '}').ok_or_else(|| ExpandError::Truncated(value.to_owned()))?,
                Some('(') => enclosed(rest, '(', ')').ok_or_else(|| ExpandError::Truncated(value.to_owned()))?,
                _ => rest.split_at(name_len(rest)),
            };
            if reference.is_empty() {
                return Err(ExpandError::EmptyName(value.to_owned()));
            }
            self.reference(reference, out)?;
            rest = after;
        }
        out.push_str(rest);
        Ok(())
    }

    fn reference(&mut self, text: &str, out: &mut String) -> Result<(), ExpandError> {
        self.level += 1;
        self.references += 1;
        if self.level > MAX_NESTING || self.references > MAX_REFERENCES || out.len() > MAX_LENGTH {
            return Err(ExpandError::Nesting(text.to_owned()));
        }
        let text = text.trim_ascii_start();
        if text.starts_with('{') {
            self.comparison(text, out)?;
        } else {
            let len = name_len(text);
            let (name, rest) = text.split_at(len);
            if !matches!(rest.trim_ascii_start().chars().next(), None | Some('?' | ':')) {
                return Err(expected_at("attribute name syntax error", text, rest));
            }
            let value = self.names.lookup(name);
            if rest.trim_ascii().is_empty() {
                match value {
                    Some(value) if self.names.recursive() => self.value(&value, out)?,
                    Some(value) => out.push_str(&value),
                    None => {}
                }
            } else {
                let branches = branches(rest, text)?;
                let set = value.is_some_and(|value| !value.is_empty());
                self.branch(&branches, set, out)?;
            }
        }
        self.level -= 1;
        Ok(())
    }

    fn branch(&mut self, branches: &Branches<'_>, set: bool, out: &mut String) -> Result<(), ExpandError> {
        if self.names.scans() {
            return [branches.then, branches.otherwise].iter().flatten().try_for_each(|text| self.value(text, out));
        }
        let taken = if set { branches.then } else { branches.otherwise };
        taken.map_or(Ok(()), |text| self.value(text, out))
    }

    /// `{left} op {right} ? {then} : {else}`.
    fn comparison(&mut self, text: &str, out: &mut String) -> Result<(), ExpandError> {
        let bad = |what: &str| ExpandError::Syntax(format!("{what} in: \"{text}\""));
        let (left, rest) = enclosed(text, '{', '}').ok_or_else(|| bad("missing '}'"))?;
        let rest = rest.trim_ascii_start();
        let end = rest.find(|c: char| c == '{' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (symbol, after) = rest.split_at(end);
        // The quotes are Postfix's.
        const OPERATORS: &str = r#""==" or "!="" or "<"" or "<="" or ">="" or ">""#;
        let operator = Operator::parse(symbol).ok_or_else(|| expected(OPERATORS, text, rest))?;
        let rest = after;
        let (right, rest) =
            enclosed(rest.trim_ascii_start(), '{', '}').ok_or_else(|| bad("\"{expression}\" expected"))?;
        let mut values = (String::new(), String::new());
        self.value(left.trim_ascii(), &mut values.0)?;
        self.value(right.trim_ascii(), &mut values.1)?;
        let holds = self.names.scans() || operator.holds(&values.0, &values.1).map_err(ExpandError::Syntax)?;
        let rest = rest.trim_ascii_start();
        if rest.is_empty() {
            out.push_str(if holds { "bool:true" } else { "" });
            return Ok(());
        }
        let branches = branches(rest, text)?;
        self.branch(&branches, holds, out)
    }
}

/// Length of the name that text begins with.
fn name_len(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Splits `(…)rest` at the parenthesis that closes the first one.
fn enclosed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let mut depth = 0u32;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.checked_sub(1)?;
        }
        if depth == 0 {
            return Some((text.get(1..at)?, text.get(at + 1..)?));
        }
    }
    None
}

fn expected(what: &str, whole: &str, rest: &str) -> ExpandError {
    expected_at(&format!("{what} expected"), whole, rest)
}

/// An error with a mark where it was found; the text before begins after the last brace.
fn expected_at(what: &str, whole: &str, rest: &str) -> ExpandError {
    let before = whole.strip_suffix(rest).unwrap_or_default().trim_ascii_end();
    let before = before.rsplit('{').next().unwrap_or_default();
    let rest: String = rest.chars().take(20).collect();
    ExpandError::Syntax(format!("{what} at: \"...{before}>>>{rest}\""))
}

/// `?text`, `:text`, `?{text}`, `:{text}` or `?{text}:{text}`.
fn branches<'a>(rest: &'a str, whole: &str) -> Result<Branches<'a>, ExpandError> {
    let rest = rest.trim_ascii_start();
    let part = |text: &'a str| -> Result<(&'a str, &'a str), ExpandError> {
        let trimmed = text.trim_ascii_start();
        if trimmed.starts_with('{') {
            let (inner, after) = enclosed(trimmed, '{', '}').ok_or_else(|| ExpandError::Truncated(whole.to_owned()))?;
            Ok((inner.trim_ascii(), after.trim_ascii_start()))
        } else {
            Ok((text, ""))
        }
    };
    let mut found = Branches::default();
    let mut rest = rest;
    if let Some(text) = rest.strip_prefix('?') {
        let (then, after) = part(text)?;
        found.then = Some(then);
        if after.is_empty() {
            return Ok(found);
        }
        rest = after;
        if !rest.starts_with(':') {
            return Err(expected("\":\"", whole, rest));
        }
    }
    let text = rest.strip_prefix(':').ok_or_else(|| expected("\"?\" or \":\"", whole, rest))?;
    let (otherwise, after) = part(text)?;
    found.otherwise = Some(otherwise);
    if after.is_empty() { Ok(found) } else { Err(expected_at("unexpected input", whole, after)) }
}

/// Comparisons; with `level` appended they compare compatibility levels.
struct Operator {
    test: fn(std::cmp::Ordering) -> bool,
    level: bool,
}

impl Operator {
    fn parse(symbol: &str) -> Option<Operator> {
        let (symbol, level) = symbol.strip_suffix("level").map_or((symbol, false), |symbol| (symbol, true));
        let test: fn(std::cmp::Ordering) -> bool = match symbol {
            "==" => |order| order.is_eq(),
            "!=" => |order| order.is_ne(),
            "<" => |order| order.is_lt(),
            "<=" => |order| order.is_le(),
            ">" => |order| order.is_gt(),
            ">=" => |order| order.is_ge(),
            _ => return None,
        };
        Some(Operator { test, level })
    }

    fn holds(&self, left: &str, right: &str) -> Result<bool, String> {
        if self.level {
            let level = |text: &str| Level::parse(text).ok_or(format!("bad compatibility level: \"{text}\""));
            return Ok((self.test)(level(left)?.cmp(&level(right)?)));
        }
        let order = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            _ => left.cmp(right),
        };
        Ok((self.test)(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(name: &str) -> Option<SmolStr> {
        Some(match name {
            "myhostname" => "mx1.$mydomain".into(),
            "mydomain" => "example.com".into(),
            "empty" => "".into(),
            "loop" => "$loop".into(),
            "compatibility_level" => "3.6".into(),
            _ => return None,
        })
    }

    #[test]
    fn expands_all_forms() {
        let cases = [
            ("$myhostname, ${mydomain} $(mydomain)", "mx1.example.com, example.com example.com"),
            ("{$mydomain} $$mydomain", "{example.com} $mydomain"),
            ("${nothing?x}${nothing:y}", "y"),
            ("${empty?{has}:{none}}.example", "none.example"),
            ("${mydomain ? {has} : {none}}", "has"),
            ("${mydomain?a b}", "a b"),
            ("$undefined, x", ", x"),
            ("${{$compatibility_level} <level {2} ? {subnet} : {host}}", "host"),
            ("${{$compatibility_level} >=level {3.6} ? {yes} : {no}}", "yes"),
            ("${{10} > {9} ? {n} : {s}}", "n"),
            ("${{$mydomain} == {example.com}}", "bool:true"),
        ];
        for (value, expected) in cases {
            assert_eq!(expand(value, &mut names).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn refuses_values_that_grow_without_bound() {
        let mut names = |name: &str| {
            let next = name.parse::<u32>().ok()? + 1;
            Some(smol_str::format_smolstr!("x$({next})$({next})$({next})"))
        };
        assert!(matches!(expand("$(1)", &mut names), Err(ExpandError::Nesting(_))));
        let mut wide = |name: &str| {
            let next = name.parse::<u32>().ok()? + 1;
            (next < 20).then(|| smol_str::format_smolstr!("{}", format!("$({next})").repeat(10)))
        };
        assert!(matches!(expand("$(1)", &mut wide), Err(ExpandError::Nesting(_))));
    }

    #[test]
    fn refuses_loops_and_malformed_references() {
        assert_eq!(expand("$loop", &mut names), Err(ExpandError::Nesting("loop".to_owned())));
        assert_eq!(expand("a${b", &mut names), Err(ExpandError::Truncated("a${b".to_owned())));
        assert_eq!(expand("5$", &mut names), Err(ExpandError::EmptyName("5$".to_owned())));
    }

    #[test]
    fn finds_the_names_of_all_branches() {
        assert_eq!(references("${a?{$b}:{$c}} $d ${{$e} == {x} ? {$f} : {$g}}"), ["a", "b", "c", "d", "e", "f", "g"]);
    }

    proptest! {
        #[test]
        fn never_panics(value in "[a-z$(){}?: =<]{0,60}") {
            let expanded = expand(&value, &mut names);
            prop_assert!(expanded.is_err() || !value.contains('$') || expanded.is_ok());
        }
    }
}
