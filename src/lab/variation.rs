//! What differs from student to student, and how it gets into a lab's texts.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::written::Draw;
use crate::sim::dice::Dice;

/// Letters of invented words: none that look like another one.
const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
const VOWELS: &[u8] = b"aeiou";
/// How deep values may name others.
const DEPTH: usize = 3;

/// Who does a lab: together with the lab it decides every drawn value.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Student {
    /// The student's id.
    pub id: String,
    /// The class key; the same for all of a class.
    #[serde(default)]
    pub class: String,
}

/// The drawn values by name.
pub type Values = BTreeMap<String, String>;

/// The number from which everything of a student's variant follows.
pub fn seed(lab: &str, student: &Student) -> u64 {
    let mut hash = Sha256::new();
    for part in [lab, &student.class, &student.id] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    u64::from_be_bytes(digest[..8].try_into().unwrap_or_default())
}

/// Draws all values. Each has dice of its own, so that a further one leaves the others alone.
pub fn draw(variation: &BTreeMap<String, Draw>, seed: u64) -> Values {
    let mut values = Values::new();
    for (name, draw) in variation {
        let mut dice = Dice::new(seed, name);
        match draw {
            Draw::OneOf(words) => {
                values.extend(pick(words, &mut dice).map(|word| (name.clone(), word.clone())));
            }
            Draw::Some { count, of } => number(&mut values, name, of, *count, &mut dice),
            Draw::Shuffled(words) => number(&mut values, name, words, words.len() as u64, &mut dice),
            Draw::Record(records) => {
                let fields = pick(records, &mut dice).into_iter().flatten();
                values.extend(fields.map(|(field, value)| (format!("{name}.{field}"), value.clone())));
            }
            Draw::Several { count, of, apart } => {
                let mut rest: Vec<usize> = (0..of.len()).collect();
                let mut chosen = Vec::new();
                while (chosen.len() as u64) < *count && !rest.is_empty() {
                    let one = rest.remove(dice.below(rest.len() as u64) as usize);
                    rest.retain(|other| apart.as_ref().is_none_or(|field| of[*other].get(field) != of[one].get(field)));
                    chosen.push(one);
                }
                // In the order of the file, in which one may lead to the next.
                chosen.sort_unstable();
                for (number, index) in (1..).zip(chosen) {
                    let fields = of[index].iter();
                    values.extend(fields.map(|(field, value)| (format!("{name}.{number}.{field}"), value.clone())));
                }
            }
            Draw::Number { from, to, step } => {
                let steps = to.saturating_sub(*from) / (*step).max(1) + 1;
                values.insert(name.clone(), (from + dice.below(steps) * step).to_string());
            }
            Draw::Word(letters) => {
                let letter =
                    |at| pick(if at % 2 == 0 { CONSONANTS } else { VOWELS }, &mut dice).map(|c| char::from(*c));
                values.insert(name.clone(), (0..(*letters).min(64)).filter_map(letter).collect());
            }
        }
    }
    resolve(values)
}

/// Values that name others in double braces, with those put in.
fn resolve(mut values: Values) -> Values {
    for _ in 0..DEPTH {
        let before = values.clone();
        for value in values.values_mut().filter(|value| value.contains("{{")) {
            if let Ok(filled) = fill(value, &before) {
                *value = filled;
            }
        }
    }
    values
}

fn pick<'a, T>(of: &'a [T], dice: &mut Dice) -> Option<&'a T> {
    if of.is_empty() { None } else { of.get(dice.below(of.len() as u64) as usize) }
}

fn number(values: &mut Values, name: &str, of: &[String], count: u64, dice: &mut Dice) {
    let mut words: Vec<&String> = of.iter().collect();
    dice.shuffle(&mut words);
    let numbered = words.into_iter().zip(1..=count).map(|(word, at)| (format!("{name}.{at}"), word.clone()));
    values.extend(numbered);
}

/// A text with its `{{name}}` replaced, or the names that are unknown with their places.
///
/// # Errors
/// Names in double braces that no value has; each with the octets that it stands at.
pub fn fill(text: &str, values: &Values) -> Result<String, Vec<(std::ops::Range<usize>, String)>> {
    let mut out = String::with_capacity(text.len());
    let mut unknown = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find("{{").map(|at| rest + at) {
        let Some(end) = text[start..].find("}}").map(|at| start + at) else { break };
        let name = text[start + 2..end].trim();
        out.push_str(&text[rest..start]);
        match values.get(name) {
            Some(value) => out.push_str(value),
            None if is_name(name) => unknown.push((start..end + 2, name.to_owned())),
            // Not a name: braces of a shell or a table.
            None => out.push_str(&text[start..end + 2]),
        }
        rest = end + 2;
    }
    out.push_str(&text[rest..]);
    if unknown.is_empty() { Ok(out) } else { Err(unknown) }
}

/// The same values as they stand in a string of a RON file.
pub(super) fn escaped(values: &Values) -> Values {
    let escape = |value: &String| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    values.iter().map(|(name, value)| (name.clone(), escape(value))).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(of: &[&str]) -> Vec<String> {
        of.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_same_student_gets_the_same_values_and_others_get_others() {
        let variation = BTreeMap::from([
            ("word".to_owned(), Draw::Word(8)),
            ("limit".to_owned(), Draw::Number { from: 10_000, to: 50_000, step: 1_000 }),
            ("two".to_owned(), Draw::Some { count: 2, of: words(&["a", "b", "c"]) }),
        ]);
        let of = |id: &str| {
            let student = Student { id: id.into(), class: "7b".into() };
            draw(&variation, seed("T05", &student))
        };
        assert_eq!(of("ann"), of("ann"));
        let distinct: std::collections::BTreeSet<String> =
            (0..50).map(|n| of(&n.to_string())["word"].clone()).collect();
        assert_eq!(distinct.len(), 50);
        for n in 0..50 {
            let values = of(&n.to_string());
            assert_ne!(values["two.1"], values["two.2"]);
            let limit: u64 = values["limit"].parse().unwrap();
            assert!((10_000..=50_000).contains(&limit) && limit.is_multiple_of(1_000));
        }
    }

    #[test]
    fn a_further_value_leaves_the_others_alone() {
        let mut variation = BTreeMap::from([("word".to_owned(), Draw::Word(8))]);
        let before = draw(&variation, 7)["word"].clone();
        variation.insert("another".to_owned(), Draw::Word(8));
        assert_eq!(draw(&variation, 7)["word"], before);
    }

    #[test]
    fn several_groups_are_different_and_apart_and_may_name_other_values() {
        let group = |name: &str, layer: &str| {
            BTreeMap::from([
                ("name".to_owned(), format!("{name}-{{{{word}}}}")),
                ("layer".to_owned(), layer.to_owned()),
            ])
        };
        let of = vec![group("a", "dns"), group("b", "dns"), group("c", "tcp"), group("d", "box")];
        let variation = BTreeMap::from([
            ("fault".to_owned(), Draw::Several { count: 3, of, apart: Some("layer".into()) }),
            ("word".to_owned(), Draw::OneOf(words(&["x"]))),
        ]);
        for seed in 0..50 {
            let values = draw(&variation, seed);
            let layers: std::collections::BTreeSet<&String> =
                (1..=3).map(|number| &values[&format!("fault.{number}.layer")]).collect();
            assert_eq!(layers.len(), 3);
            assert!(values["fault.1.name"].ends_with("-x"));
        }
    }

    #[test]
    fn values_are_safe_in_the_strings_of_ron_files() {
        let values = Values::from([("a".to_owned(), "say \"x\"\nC:\\".to_owned())]);
        let text = fill("\"{{a}}\"", &escaped(&values)).unwrap();
        assert_eq!(ron::from_str::<String>(&text).unwrap(), values["a"]);
    }

    #[test]
    fn names_in_braces_are_replaced_and_unknown_ones_reported() {
        let values = Values::from([("a.b".to_owned(), "x".to_owned())]);
        assert_eq!(fill("1 {{a.b}} {{ a.b }} ${a} {{}} {{", &values).unwrap(), "1 x x ${a} {{}} {{");
        assert_eq!(fill("{{no}}", &values).unwrap_err(), [(0..6, "no".to_owned())]);
    }
}
