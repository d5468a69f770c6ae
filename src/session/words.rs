//! Words of the user interface in both languages, from Fluent files.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::{LanguageIdentifier, langid};

/// Language of what mxlab itself says; machines speak English always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Lang {
    /// The one of two texts that is in this language.
    pub fn pick<'a>(self, en: &'a str, de: &'a str) -> &'a str {
        match self {
            Lang::En => en,
            Lang::De => de,
        }
    }

    /// The files with its words: the story's, those of the window's panels, and the errors.
    fn files(self) -> (LanguageIdentifier, [&'static str; 3]) {
        match self {
            Lang::En => (
                langid!("en"),
                [
                    include_str!("locale/en.ftl"),
                    include_str!("locale/window_en.ftl"),
                    include_str!("locale/errors_en.ftl"),
                ],
            ),
            Lang::De => (
                langid!("de"),
                [
                    include_str!("locale/de.ftl"),
                    include_str!("locale/window_de.ftl"),
                    include_str!("locale/errors_de.ftl"),
                ],
            ),
        }
    }
}

/// The words of one language.
pub struct Words {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// The words of a language.
    pub fn new(lang: Lang) -> Words {
        let (id, sources) = lang.files();
        let mut bundle = FluentBundle::new(vec![id]);
        // The marks around inserted text confuse terminals and comparisons.
        bundle.set_use_isolating(false);
        // What cannot be parsed is missing, and shows as its name; a test sees to it.
        for source in sources {
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
            bundle.add_resource_overriding(resource);
        }
        Words { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// A text without variables.
    pub fn word(&self, id: &str) -> String {
        self.say(id, &[])
    }

    /// A text with its variables. A text that does not exist is its name in `{…}`.
    pub fn say(&self, id: &str, variables: &[(&str, Value<'_>)]) -> String {
        let Some(pattern) = self.bundle.get_message(id).and_then(|message| message.value()) else {
            return format!("{{{id}}}");
        };
        let mut args = FluentArgs::with_capacity(variables.len());
        for (name, value) in variables {
            let value = match value {
                Value::Text(text) => FluentValue::from(*text),
                Value::Count(count) => FluentValue::from(*count),
            };
            args.set(*name, value);
        }
        self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }
}

/// The value of a variable.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number, which chooses between singular and plural.
    Count(u64),
}

impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for Value<'a> {
    fn from(text: &'a T) -> Value<'a> {
        Value::Text(text.as_ref())
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Value::Count(count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Each message with the names of its variables.
    fn messages(lang: Lang) -> BTreeMap<String, Vec<String>> {
        let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in lang.files().1.into_iter().flat_map(str::lines) {
            if let Some((id, _)) = line.split_once(" = ").filter(|_| line.starts_with(|c: char| c.is_lowercase())) {
                current = id.to_owned();
                messages.entry(current.clone()).or_default();
            }
            for variable in line.split('$').skip(1) {
                let name: String = variable.chars().take_while(|c| c.is_alphanumeric()).collect();
                let known = messages.entry(current.clone()).or_default();
                if !known.contains(&name) {
                    known.push(name);
                    known.sort();
                }
            }
        }
        messages
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        assert_eq!(messages(Lang::En), messages(Lang::De));
    }

    #[test]
    fn both_files_are_understood_completely() {
        for lang in [Lang::En, Lang::De] {
            for source in lang.files().1 {
                assert!(FluentResource::try_new(source.to_owned()).is_ok());
            }
            let words = Words::new(lang);
            for id in messages(lang).keys() {
                assert!(words.bundle.has_message(id), "{id}");
            }
        }
    }

    #[test]
    fn numbers_choose_their_form() {
        let words = Words::new(Lang::De);
        let mails = |count: u64| words.say("expect-queue", &[("count", count.into()), ("host", "mx1".into())]);
        assert_eq!(mails(1), "auf mx1 wartet eine Mail");
        assert_eq!(mails(2), "auf mx1 warten 2 Mails");
    }

    #[test]
    fn a_missing_text_shows_as_its_name() {
        assert_eq!(Words::new(Lang::En).word("nonsense"), "{nonsense}");
    }
}
