//! Pages about labs: one for each in both languages, and which objective and which fact of the
//! course is where.

use std::fmt::Write as _;
use std::fs;

use mxlab::lab::written::Text;
use mxlab::lab::{Instance, Student};
use mxlab::session::story::Lang;

use super::repository::{load, names};

/// What the objectives are about.
const OBJECTIVES: [(&str, &str); 6] = [
    ("108.3", "LPIC-1: mail transfer agent basics: aliases, forwarding, newaliases, mail, mailq"),
    ("211.1", "LPIC-2: using e-mail servers: Postfix, SMTP, TLS, aliases, quotas, virtual domains, relays, monitoring"),
    ("211.2", "LPIC-2: managing e-mail delivery: Sieve"),
    ("211.3", "LPIC-2: managing mailbox access: Dovecot, IMAP, POP3"),
    ("DNSx", "DNS as far as mail needs it"),
    ("SEC", "security of mail transport, beyond the exam"),
];

/// Every page, by its path below `book/src`.
pub fn pages() -> Vec<(String, String)> {
    let labs = all();
    let mut pages = Vec::new();
    for lab in &labs {
        pages.push((format!("labs/{}.md", lab.name), page(lab, Lang::En)));
        pages.push((format!("de/labs/{}.md", lab.name), page(lab, Lang::De)));
    }
    pages.push(("labs/README.md".to_owned(), overview(&labs, Lang::En)));
    pages.push(("de/labs/README.md".to_owned(), overview(&labs, Lang::De)));
    pages.push(("objectives.md".to_owned(), objectives(&labs)));
    pages
}

/// The labs in order of the course, in the variant of nobody in particular.
fn all() -> Vec<Instance> {
    let mut names = names();
    names.sort_by_key(|name| name.chars().skip(1).take_while(char::is_ascii_digit).collect::<String>());
    let student = Student { id: "book".into(), class: "book".into() };
    let instance =
        |name: &String| load(name).instance(&student).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    names.iter().map(instance).collect()
}

fn say(text: &Text, lang: Lang) -> &str {
    lang.pick(&text.en, &text.de)
}

fn points(lab: &Instance) -> u64 {
    lab.lab.tasks.iter().filter(|task| !task.bonus).map(|task| task.points).sum()
}

fn page(lab: &Instance, lang: Lang) -> String {
    let written = &lab.lab;
    let short = written.id.to_lowercase();
    let mut page = format!("# {} {}\n\n{}\n\n", written.id, say(&written.title, lang), say(&written.summary, lang));
    let [objectives, minutes, pass, needs] = match lang {
        Lang::En => ["Objectives", "Minutes", "Points (to pass)", "Before"],
        Lang::De => ["Themen", "Minuten", "Punkte (zum Bestehen)", "Vorher"],
    };
    let total = points(lab);
    let before = if written.needs.is_empty() { "–".to_owned() } else { written.needs.join(", ") };
    let _ = writeln!(page, "| {objectives} | {minutes} | {pass} | {needs} |\n| --- | --- | --- | --- |");
    let enough = (total * written.pass).div_ceil(100);
    let _ =
        writeln!(page, "| {} | {} | {total} ({enough}) | {before} |\n", written.objectives.join(", "), written.minutes);
    let _ = writeln!(
        page,
        "```sh\nmxlab shell {short}\n```\n\n{}\n",
        lang.pick(
            "Names, words and numbers below are those of one variant; yours differ.",
            "Namen, Wörter und Zahlen unten sind die einer Variante; deine sind anders.",
        )
    );
    // `scripts/pictures` draws it.
    let picture = format!("images/labs/{}.png", lab.name);
    if super::root().join("book/src").join(&picture).is_file() {
        let (up, what) = (lang.pick("../", "../../"), lang.pick("The hosts of this lab", "Die Rechner dieser Übung"));
        let _ = writeln!(page, "![{what}]({up}{picture})\n");
    }
    let story = say(&lab.story, lang);
    let body = story.split_once('\n').map_or(story, |(_, rest)| rest).trim();
    let _ = writeln!(page, "## {}\n\n{body}\n", lang.pick("Story", "Geschichte"));
    let _ = writeln!(page, "## {}\n", lang.pick("Tasks", "Aufgaben"));
    for task in &written.tasks {
        let unit = lang
            .pick(if task.points == 1 { "point" } else { "points" }, if task.points == 1 { "Punkt" } else { "Punkte" });
        let _ = writeln!(page, "### {} {} ({} {unit})\n", task.id, say(&task.title, lang), task.points);
        if let Some(text) = lab.instructions.get(&task.id) {
            let text = say(text, lang);
            let text = text.split_once('\n').map_or(text, |(_, rest)| rest).trim();
            let _ = writeln!(page, "{text}\n");
        }
        let parts: Vec<String> = task.parts.iter().map(|part| say(&part.name, lang).to_owned()).collect();
        let _ = writeln!(page, "{}: {}.\n", lang.pick("Looked at", "Angesehen wird"), parts.join("; "));
    }
    if !written.predict.is_empty() {
        let _ = writeln!(page, "## {}\n", lang.pick("To predict", "Zum Vorhersagen"));
        for question in &written.predict {
            let _ = writeln!(page, "**{}**\n", say(&question.ask, lang));
            for choice in &question.choices {
                let _ = writeln!(page, "- {}", say(choice, lang));
            }
            page.push('\n');
        }
    }
    page.trim_end().to_owned() + "\n"
}

fn overview(labs: &[Instance], lang: Lang) -> String {
    let mut page = lang
        .pick(
            "# The labs\n\nEach page is made from the lab itself: story, tasks, and what is looked at. \
             [Labs](../labs.md) says how they are done.\n\n| | about | objectives | min | points |\n| --- | --- | --- | --- | --- |\n",
            "# Die Übungen\n\nJede Seite ist aus der Übung selbst gemacht: Geschichte, Aufgaben, und was angesehen wird. \
             [Übungen machen](../uebungen.md) sagt, wie es geht.\n\n| | worum es geht | Themen | Min | Punkte |\n| --- | --- | --- | --- | --- |\n",
        )
        .to_owned();
    for lab in labs {
        let written = &lab.lab;
        let _ = writeln!(
            page,
            "| {} | [{}]({}.md) | {} | {} | {} |",
            written.id,
            say(&written.title, lang),
            lab.name,
            written.objectives.join(", "),
            written.minutes,
            points(lab)
        );
    }
    page
}

/// A row of the table of facts that tests try (`tests/coverage/rows.ron`).
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    says: String,
    #[serde(default)]
    book: Option<(String, String)>,
    #[serde(default)]
    pending: Option<String>,
}

fn objectives(labs: &[Instance]) -> String {
    let mut page =
        "# Objectives and facts\n\nWhere the objectives of the exams and the facts of the course notes are practised. \
                    This page is made from the labs and from the table of facts that the tests try out.\n\n\
                    ## Objectives\n\n| objective | about | labs |\n| --- | --- | --- |\n"
            .to_owned();
    for (objective, about) in OBJECTIVES {
        let serving: Vec<String> = labs
            .iter()
            .filter(|lab| lab.lab.objectives.iter().any(|served| served == objective))
            .map(|lab| format!("[{}](labs/{}.md)", lab.lab.id, lab.name))
            .collect();
        let serving = if serving.is_empty() { "to come".to_owned() } else { serving.join(", ") };
        let _ = writeln!(page, "| {objective} | {about} | {serving} |");
    }
    page.push_str(
        "\n## Facts\n\nA fact is numbered by the notes that it comes from and its place there. *Shell* means that it can be tried at \
         any host, and that a test does so.\n\n| fact | says | where |\n| --- | --- | --- |\n",
    );
    let rows = fs::read_to_string(super::root().join("tests/coverage/rows.ron")).unwrap();
    let rows: Vec<Row> = ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
        .from_str(&rows)
        .unwrap();
    for row in rows {
        let mut places: Vec<String> = labs
            .iter()
            .filter(|lab| lab.lab.facts.contains(&row.id))
            .map(|lab| format!("[{}](labs/{}.md)", lab.lab.id, lab.name))
            .collect();
        match (&row.book, &row.pending) {
            (Some((file, _)), _) => places.push(format!("[book]({file})")),
            (None, None) => places.push("shell".to_owned()),
            (None, Some(_)) => {}
        }
        let places = if places.is_empty() { "to come".to_owned() } else { places.join(", ") };
        let _ = writeln!(page, "| {} | {} | {places} |", row.id, row.says.replace('|', "\\|"));
    }
    page
}
