//! From a lab's folder to a lab, and from a lab to one student's variant of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ron::extensions::Extensions;
use sha2::{Digest, Sha256};

use super::gaps::Draft;
use super::script::{self, Step};
use super::variation::{self, Student, Values};
use super::written;
use crate::scenario::problem::nearest;
use crate::scenario::{Problem, Scenario, Sources, parse_ron};

/// The files of a lab's folder by their path in it: `lab.ron`, `scenario.ron`, `text.en.md`,
/// `text.de.md`, `solution.sh`, `wrong/NAME.sh`, `hosts/HOST/…`.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The lab's name: that of the folder.
    pub name: String,
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A lab as it was written, good for all students.
#[derive(Clone, Debug)]
pub struct Lab {
    folder: Folder,
    /// What the file says, with `{{names}}` not yet replaced.
    written: written::Lab,
    digest: String,
}

/// One student's variant of a lab.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The lab's name: that of its folder.
    pub name: String,
    /// Digest of the lab's files.
    pub digest: String,
    /// Whose it is.
    pub student: Student,
    /// The number that its chance comes from.
    pub seed: u64,
    /// The drawn values.
    pub values: Values,
    /// Tasks, checks and all else.
    pub lab: written::Lab,
    /// The network.
    pub scenario: Arc<Scenario>,
    /// The story and the instructions, in English and German.
    pub story: written::Text,
    /// The instruction of each task.
    pub instructions: BTreeMap<String, written::Text>,
    /// The model solution.
    pub solution: Vec<Step>,
    /// Ways to go wrong, by name, with the words of feedback that each must bring about.
    pub wrong: BTreeMap<String, Wrong>,
}

/// A way to go wrong that a lab must recognise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is done.
    pub steps: Vec<Step>,
    /// The task that must not be fulfilled by it.
    pub task: String,
    /// Words of the feedback for that task (`# feedback: …` in the script).
    pub feedback: String,
}

impl Instance {
    /// The host and the user that the student begins as.
    pub fn seat(&self) -> Option<(&str, &str)> {
        let permits = &self.lab.permits;
        let host = permits.at.as_deref().or_else(|| permits.hosts.keys().next().map(String::as_str))?;
        Some((host, permits.hosts.get(host)?.first()?))
    }
}

impl Folder {
    fn text(&self, path: &str) -> Option<String> {
        self.files.get(path).map(|octets| String::from_utf8_lossy(octets).into_owned())
    }

    fn file(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}

/// A problem with a file as a whole.
fn about(file: &str, message: impl Into<String>) -> Problem {
    Problem::new(file, "", 0..0, message)
}

impl Lab {
    /// Reads a lab. That its variants are good is seen by [`Lab::instance`].
    ///
    /// # Errors
    /// `lab.ron` is missing or wrong; everything that is, at once.
    pub fn load(folder: Folder) -> Result<Lab, Vec<Problem>> {
        let file = folder.file("lab.ron");
        let text = folder.text("lab.ron").ok_or_else(|| vec![about(&file, "the file is missing")])?;
        // Any value will do to see what there is to draw.
        let blank = blanked(&text);
        let written: written::Lab = parse_ron(&file, &blank, Extensions::UNWRAP_VARIANT_NEWTYPES)?;
        let mut hash = Sha256::new();
        for (path, content) in &folder.files {
            hash.update((path.len() as u64).to_be_bytes());
            hash.update(path);
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        let digest = hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        Ok(Lab { folder, written, digest })
    }

    /// Its name: that of its folder.
    pub fn name(&self) -> &str {
        &self.folder.name
    }

    /// Digest of all its files.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the file says; texts may still have `{{names}}`.
    pub fn written(&self) -> &written::Lab {
        &self.written
    }

    /// The values of a student's variant.
    pub fn values(&self, student: &Student) -> Values {
        variation::draw(&self.written.variation, variation::seed(&self.written.id, student))
    }

    /// The variant of a student.
    ///
    /// # Errors
    /// Everything that is wrong with any file of the lab.
    pub fn instance(&self, student: &Student) -> Result<Instance, Vec<Problem>> {
        let seed = variation::seed(&self.written.id, student);
        let values = variation::draw(&self.written.variation, seed);
        let escaped = variation::escaped(&values);
        let mut problems = Vec::new();
        let mut filled = |path: &str| -> Option<String> {
            let Some(text) = self.folder.text(path) else {
                problems.push(
                    about(&self.folder.file(path), "the file is missing")
                        .help("`mxlab new lab` makes all that there must be"),
                );
                return None;
            };
            let values = if path.ends_with(".ron") { &escaped } else { &values };
            match variation::fill(&text, values) {
                Ok(text) => Some(text),
                Err(unknown) => {
                    problems.extend(unknown.into_iter().map(|(span, name)| {
                        let problem = Problem::new(
                            &self.folder.file(path),
                            &text,
                            span,
                            format!("no variation is called `{name}`"),
                        );
                        match nearest(&name, values.keys().map(String::as_str)) {
                            Some(near) => problem.help(format!("did you mean `{near}`?")),
                            None => problem,
                        }
                    }));
                    None
                }
            }
        };
        let (lab, scenario) = (filled("lab.ron"), filled("scenario.ron"));
        let (en, de) = (filled("text.en.md"), filled("text.de.md"));
        let solution = filled("solution.sh");
        let wrong: Vec<(String, Option<String>)> = self
            .folder
            .files
            .keys()
            .filter_map(|path| Some((path, path.strip_prefix("wrong/")?.strip_suffix(".sh")?)))
            .map(|(path, name)| (name.to_owned(), filled(path)))
            .collect();
        let (Some(lab_text), Some(scenario), Some(en), Some(de), Some(solution)) = (lab, scenario, en, de, solution)
        else {
            return Err(problems);
        };
        let parsed: Result<written::Lab, _> =
            parse_ron(&self.folder.file("lab.ron"), &lab_text, Extensions::UNWRAP_VARIANT_NEWTYPES);
        let network = self.scenario(scenario, &values);
        let (lab, scenario) = match (parsed, network) {
            (Ok(lab), Ok(scenario)) => (lab, scenario),
            (lab, scenario) => {
                problems.extend(lab.err().into_iter().chain(scenario.err()).flatten());
                return Err(problems);
            }
        };
        let steps = |path: &str, text: &str, problems: &mut Vec<Problem>| {
            script::parse(text)
                .map_err(|error| {
                    let start = text.lines().take(error.line - 1).map(|line| line.len() + 1).sum();
                    let message = format!("`{}` is no step of a script", error.text);
                    let span = start..start + error.text.len();
                    problems.push(Problem::new(&self.folder.file(path), text, span, message).help(error.help));
                })
                .unwrap_or_default()
        };
        let solution = steps("solution.sh", &solution, &mut problems);
        let mut ways = BTreeMap::new();
        for (name, text) in wrong {
            let path = format!("wrong/{name}.sh");
            let Some(text) = text else { continue };
            let field = |key: &str| {
                text.lines()
                    .find_map(|line| line.strip_prefix("# ")?.strip_prefix(key))
                    .map(|value| value.trim().to_owned())
            };
            match (field("task:"), field("feedback:")) {
                (Some(task), Some(feedback)) => {
                    let steps = steps(&path, &text, &mut problems);
                    ways.insert(name, Wrong { steps, task, feedback });
                }
                _ => {
                    let problem = about(&self.folder.file(&path), "it does not say what it must bring about");
                    problems.push(problem.help("begin with `# task: ID` and `# feedback: WORDS THAT ARE SAID`"));
                }
            }
        }
        let (en, de) = (sections(&en), sections(&de));
        let draft = Draft {
            name: &self.folder.name,
            text: &lab_text,
            lab: &lab,
            scenario: &scenario,
            en: &en,
            de: &de,
            solution: &solution,
            wrong: &ways,
        };
        problems.extend(draft.gaps());
        if !problems.is_empty() {
            return Err(problems);
        }
        let both = |id: &str| written::Text {
            en: en.get(id).cloned().unwrap_or_default(),
            de: de.get(id).cloned().unwrap_or_default(),
        };
        Ok(Instance {
            name: self.folder.name.clone(),
            digest: self.digest.clone(),
            student: student.clone(),
            seed,
            story: both(""),
            instructions: lab.tasks.iter().map(|task| (task.id.clone(), both(&task.id))).collect(),
            values,
            lab,
            scenario: Arc::new(scenario),
            solution,
            wrong: ways,
        })
    }

    fn scenario(&self, text: String, values: &Values) -> Result<Scenario, Vec<Problem>> {
        let mut sources = Sources {
            name: self.folder.name.clone(),
            file: self.folder.file("scenario.ron"),
            text,
            ..Sources::default()
        };
        for (path, content) in &self.folder.files {
            let filled = match std::str::from_utf8(content).map(|text| variation::fill(text, values)) {
                Ok(Ok(text)) => text.into_bytes(),
                _ => content.clone(),
            };
            match path.strip_prefix("hosts/").and_then(|rest| rest.split_once('/')) {
                Some((host, path)) => {
                    sources.overlay.insert((host.to_owned(), format!("/{path}")), filled);
                }
                None => {
                    sources.files.insert(path.clone(), String::from_utf8_lossy(&filled).into_owned());
                }
            }
        }
        Scenario::load(&sources)
    }
}

/// A text with every `{{name}}` that stands for a number replaced by a zero. Those in strings stay.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut in_string, mut in_comment) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '"' if !in_comment => in_string = !in_string,
            '/' if !in_string && chars.peek() == Some(&'/') => in_comment = true,
            '\n' => in_comment = false,
            '{' if !in_string && !in_comment && chars.peek() == Some(&'{') => {
                while chars.next().is_some_and(|c| c != '}') {}
                chars.next();
                out.push('0');
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The sections of an instruction text by task; what stands before the first under the empty name.
fn sections(text: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            name = heading.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ':']).to_owned();
        }
        let section = sections.entry(name.clone()).or_default();
        section.push_str(line);
        section.push('\n');
    }
    sections
}
