//! `$name` expansion of local(8)'s parameters (`local_expand(3)`).

use smol_str::SmolStr;

use super::attributes::Attributes;
use super::settings::Filter;

/// A text with `$name`, `${name}`, `${name?text}` and `${name:text}`, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(SmolStr),
    Value(Name),
    /// `${name?text}`.
    IfSet(Name, Template),
    /// `${name:text}`.
    IfUnset(Name, Template),
    /// What is no name.
    Malformed,
}

/// The names that have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in local(8)")]
pub enum Name {
    User,
    Home,
    Shell,
    Domain,
    Local,
    Recipient,
    Extension,
    RecipientDelimiter,
    /// Any other.
    Unknown,
}

impl Name {
    fn parse(name: &str) -> Name {
        match name {
            "user" => Name::User,
            "home" => Name::Home,
            "shell" => Name::Shell,
            "domain" => Name::Domain,
            "local" | "mailbox" => Name::Local,
            "recipient" => Name::Recipient,
            "extension" => Name::Extension,
            "recipient_delimiter" => Name::RecipientDelimiter,
            _ => Name::Unknown,
        }
    }
}

/// The outcome of expanding a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Whether a name without a value was asked for.
    pub undefined: bool,
    /// Whether `$extension` was used and has a value.
    pub extension: bool,
    /// Whether the syntax was wrong.
    pub malformed: bool,
}

/// Texts within texts beyond this depth are taken for a mistake (`mac_expand(3)`).
const MAX_NESTING: u32 = 100;

impl Template {
    /// Takes a text apart.
    pub fn parse(text: &str) -> Template {
        Template::parse_nested(text, 0)
    }

    fn parse_nested(text: &str, depth: u32) -> Template {
        if depth > MAX_NESTING {
            return Template(vec![Part::Malformed]);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'$', rest.as_bytes()) {
            push_text(&mut parts, &rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                push_text(&mut parts, "$");
                rest = after;
                continue;
            }
            let (inner, after) = match rest.strip_prefix(['{', '(']) {
                Some(inner) => match closing(inner) {
                    Some(end) => (&inner[..end], &inner[end + 1..]),
                    None => {
                        parts.push(Part::Malformed);
                        return Template(parts);
                    }
                },
                None => rest.split_at(name_len(rest)),
            };
            rest = after;
            let (name, conditional) = inner.split_at(name_len(inner));
            if name.is_empty() {
                parts.push(Part::Malformed);
                return Template(parts);
            }
            let name = Name::parse(name);
            parts.push(match conditional.chars().next() {
                None => Part::Value(name),
                Some('?') => Part::IfSet(name, Template::parse_nested(&conditional[1..], depth + 1)),
                Some(':') => Part::IfUnset(name, Template::parse_nested(&conditional[1..], depth + 1)),
                Some(_) => Part::Malformed,
            });
        }
        push_text(&mut parts, rest);
        Template(parts)
    }

    /// Puts values in the place of names. Characters of values that are not in `filter` become
    /// `_`; an empty filter lets all through.
    pub fn expand(&self, attributes: &Attributes, filter: &Filter) -> Expanded {
        let mut expanded = Expanded { text: String::with_capacity(64), ..Expanded::default() };
        self.expand_into(&mut expanded, attributes, filter);
        expanded
    }

    fn expand_into(&self, out: &mut Expanded, attributes: &Attributes, filter: &Filter) {
        let value = |name: Name, extension: &mut bool| {
            let value = attributes.value(name);
            *extension |= name == Name::Extension && value.is_some();
            value
        };
        for part in &self.0 {
            match part {
                Part::Text(text) => out.text.push_str(text),
                Part::Value(name) => match value(*name, &mut out.extension) {
                    Some(value) if filter.is_empty() || filter.keeps_all(&value) => out.text.push_str(&value),
                    Some(value) => out.text.extend(value.chars().map(|c| filter.apply(c))),
                    None => out.undefined = true,
                },
                Part::IfSet(name, text) => {
                    if value(*name, &mut out.extension).is_some() {
                        text.expand_into(out, attributes, filter);
                    }
                }
                Part::IfUnset(name, text) => {
                    if value(*name, &mut out.extension).is_none() {
                        text.expand_into(out, attributes, filter);
                    }
                }
                Part::Malformed => out.malformed = true,
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
}

fn name_len(text: &str) -> usize {
    text.bytes().position(|octet| !octet.is_ascii_alphanumeric() && octet != b'_').unwrap_or(text.len())
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' if depth == 0 => return Some(at),
            '}' | ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Rights;
    use super::*;

    fn alice(address: &str) -> Attributes {
        let mut attributes = Attributes {
            rights: Rights { home: Some("/home/a b".into()), ..Rights::default() },
            ..Attributes::default()
        };
        attributes.set_address(address.into(), "+-");
        attributes
    }

    fn expand(template: &str, attributes: &Attributes, filter: &Filter) -> Expanded {
        Template::parse(template).expand(attributes, filter)
    }

    #[test]
    fn templates_take_values_conditions_and_the_filter() {
        let with = alice("Alice-x@example.com");
        let without = alice("alice@example.com");
        let path = "$home/.forward${recipient_delimiter}${extension}";
        assert_eq!(expand(path, &with, &Filter::default()).text, "/home/a b/.forward-x");
        assert!(expand(path, &with, &Filter::default()).extension);
        assert!(expand(path, &without, &Filter::default()).undefined);
        assert_eq!(expand("$home", &with, &"/home".into()).text, "/home/___");
        assert_eq!(
            expand("$user@example.net${extension?+$extension}${extension:none}", &without, &Filter::default()).text,
            "alice@example.netnone"
        );
        assert_eq!(expand("100$$ ${nobody:of ${user}}", &without, &Filter::default()).text, "100$ of alice");
    }

    #[test]
    fn what_is_no_name_is_malformed_where_it_is_reached() {
        let alice = alice("alice@example.com");
        let is_malformed = |text: &str| expand(text, &alice, &Filter::default()).malformed;
        for text in ["${user", "$", "$/x", "${}", "${user=x}", "${user?$}"] {
            assert!(is_malformed(text), "{text}");
        }
        assert!(!is_malformed("${user:$}"));
        let nested = |depth: usize| format!("{}x{}", "${user?".repeat(depth), "}".repeat(depth));
        assert!(!is_malformed(&nested(100)) && is_malformed(&nested(10_000)));
    }
}
