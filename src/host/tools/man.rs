//! man(1), whatis(1) and apropos(1).

use crate::host::man::{find, pages};
use crate::host::program::{Env, Program, Progress, Resume, Run};

/// Status of man(1) when there is no such page.
const NOT_FOUND: u8 = 16;

/// `man`.
#[derive(Clone, Debug, Default)]
pub struct Man;

impl Man {
    pub fn make() -> Box<dyn Program> {
        Box::new(Man)
    }
}

impl Program for Man {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let tool = env.args.first().map_or("man", |name| name.rsplit('/').next().unwrap_or_default()).to_owned();
        let mut words: Vec<String> = env.args[1..].to_vec();
        let searches = tool == "apropos" || words.first().is_some_and(|word| word == "-k");
        let summarises = tool == "whatis" || words.first().is_some_and(|word| word == "-f");
        words.retain(|word| !word.starts_with('-'));
        let section = words.first().filter(|word| words.len() > 1 && word.parse::<u8>().is_ok()).cloned();
        if section.is_some() {
            words.remove(0);
        }
        if words.is_empty() {
            env.errln("What manual page do you want?");
            env.errln("For example, try 'man man'.");
            return Progress::Exit(1);
        }
        if searches || summarises {
            return Progress::Exit(summaries(&words, searches, &tool, env));
        }
        let width = env.stdin.tty.as_ref().map_or(80, |tty| tty.window.columns as usize);
        let mut text = String::new();
        for name in &words {
            match find(name, section.as_deref()).next() {
                Some(page) => text.push_str(&page.render(width)),
                None => {
                    let place = section.as_ref().map_or(String::new(), |section| format!(" in section {section}"));
                    env.errln(format!("No manual entry for {name}{place}"));
                    return Progress::Exit(NOT_FOUND);
                }
            }
        }
        if env.tty {
            let argv = vec!["less".to_owned()];
            return Progress::Run(Box::new(Run { argv, stdin: Some(text.into()), replace: true, ..Run::default() }));
        }
        env.stdout.extend_from_slice(text.as_bytes());
        Progress::Exit(0)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Lists names with what they are about: those that are named, or all that speak of a word.
fn summaries(words: &[String], search: bool, tool: &str, env: &mut Env<'_, '_>) -> u8 {
    let mut status = 0;
    for word in words {
        let lower = word.to_lowercase();
        let mut found = false;
        for page in pages() {
            let fits = if search {
                page.name.contains(&lower) || page.text.to_lowercase().contains(&lower)
            } else {
                page.name == lower
            };
            if fits {
                found = true;
                env.outln(format!("{:<24} - {}", format!("{} ({})", page.name, page.section), page.summary()));
            }
        }
        if !found {
            env.errln(format!("{word}: nothing appropriate."));
            status = if tool == "man" { NOT_FOUND } else { 1 };
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text};

    #[test]
    fn pages_are_shown_searched_and_missed() {
        let mut host = host();
        let (page, _, status) = text(&run(&mut host, "man 5 aliases"));
        assert!(page.starts_with("ALIASES(5)") && page.contains("newaliases"), "{page}");
        assert_eq!(status, 0);
        assert_eq!(text(&run(&mut host, "man nosuch")).1, "No manual entry for nosuch\n");
        assert_eq!(
            text(&run(&mut host, "man 1 mydomain")),
            (String::new(), "No manual entry for mydomain in section 1\n".into(), 16)
        );
        assert!(text(&run(&mut host, "man -k newaliases")).0.contains("aliases (5)"));
        assert_eq!(
            text(&run(&mut host, "whatis mailq")).0,
            "mailq (1)                - Lists the mail queue, as postqueue -p\n"
        );
    }
}
