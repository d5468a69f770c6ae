//! A lab: its text, the tasks that tick themselves off, hints, answers, and questions before the fact.

use std::collections::BTreeMap;

use egui::{RichText, ScrollArea, Ui};
use egui_commonmark::{CommonMarkCache, CommonMarkViewer};

use super::Desk;
use crate::gui::exam::MINUTES;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::lab::check::{Check, Finding};
use crate::lab::judge::{Outcome, Report, TaskResult};
use crate::lab::written::{Question, Task, Text};
use crate::session::Input;
use crate::session::words::Lang;

/// The panel's own state.
#[derive(Default)]
pub struct Lab {
    markdown: CommonMarkCache,
    /// Answers that are being written, by question.
    drafts: BTreeMap<String, String>,
    /// The report, and the number of recorded entries that it was made for.
    report: Option<(usize, Report)>,
}

fn say(text: &Text, lang: Lang) -> &str {
    lang.pick(&text.en, &text.de)
}

/// A text without the heading that it begins with: what folds it away says the same.
fn body(text: &str) -> &str {
    let text = text.trim_start();
    match text.split_once('\n') {
        Some((heading, rest)) if heading.starts_with('#') => rest,
        _ => text,
    }
}

impl Lab {
    /// Forgets what belongs to another session.
    pub fn forget(&mut self) {
        *self = Lab::default();
    }

    /// Draws the lab of a session.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
        let Some(instance) = stage.session.lab().cloned() else { return };
        let lang = desk.words.lang();
        let entries = stage.session.recording().entries.len();
        if self.report.as_ref().is_none_or(|(made, _)| *made != entries) {
            self.report = stage.report().map(|report| (entries, report));
        }
        let answered = replies(stage);
        // How it stands is seen however far down one reads.
        if let Some((_, report)) = &self.report {
            score(ui, desk, report);
        }
        ScrollArea::vertical().id_salt("lab").auto_shrink(false).show(ui, |ui| {
            CommonMarkViewer::new().show(ui, &mut self.markdown, say(&instance.story, lang));
            if let Some((host, user)) = stage.seat()
                && stage.session.terminals().ids().next().is_none()
            {
                let text = desk.words.say("lab-sit", &[("host", (&host).into()), ("user", (&user).into())]);
                if ui.button(format!("▶ {text}")).clicked() {
                    desk.want(Intent::OpenTerminal { host, user, first: None });
                }
            }
            if stage.session.recording().inputs().next().is_none() && stage.shared.is_none() {
                exam(ui, desk, instance.lab.exam);
            }
            ui.separator();
            let stages = stage.session.stages();
            for task in &instance.lab.tasks {
                let result =
                    self.report.as_ref().and_then(|(_, report)| report.tasks.iter().find(|one| one.id == task.id));
                let (mark, colour) = mark(result.map(|result| &result.outcome), desk);
                let head = format!("{mark} {} {}", task.id, say(&task.title, lang));
                let open = result.is_none_or(|result| result.outcome != Outcome::Done);
                let header = egui::CollapsingHeader::new(RichText::new(head).color(colour).strong());
                // What is done folds itself away.
                header.id_salt(("task", &task.id, open)).default_open(open).show(ui, |ui| {
                    if let Some(text) = instance.instructions.get(&task.id) {
                        CommonMarkViewer::new().show(ui, &mut self.markdown, body(say(text, lang)));
                    }
                    if let Some(result) = result {
                        outcome(ui, desk, task, result);
                    }
                    for answer in task.parts.iter().flat_map(|part| part.check.answers()) {
                        let label = ui.label(say(&answer.ask, lang));
                        let given = answered.get(&answer.id).cloned().unwrap_or_default();
                        let draft = self.drafts.entry(answer.id.clone()).or_insert(given);
                        ui.horizontal(|ui| {
                            let room = (ui.available_width() - 56.0).max(60.0);
                            ui.add(egui::TextEdit::singleline(draft).desired_width(room)).labelled_by(label.id);
                            if ui.button("OK").clicked() {
                                let (question, text) = (answer.id.clone(), draft.clone());
                                desk.want(Intent::Input(Input::Reply { question, text }));
                            }
                        });
                    }
                    let taken = result.map_or(0, |result| result.hints as usize);
                    for hint in task.hints.iter().take(taken) {
                        ui.label(RichText::new(format!("→ {}", say(hint, lang))).color(desk.theme.later));
                    }
                    // In an exam there is none of this.
                    if stage.session.exam().is_some() {
                        return;
                    }
                    if open && taken < task.hints.len() {
                        let text = desk.words.say("lab-hint", &[("left", ((task.hints.len() - taken) as u64).into())]);
                        if ui.button(text).clicked() {
                            desk.want(Intent::Input(Input::Hint { task: task.id.clone() }));
                        }
                    }
                    if result.is_some_and(|result| result.outcome == Outcome::Done)
                        && ui.button(desk.word("lab-back")).clicked()
                    {
                        desk.want(Intent::BackTo(task.id.clone()));
                    }
                    let untouched =
                        result.is_none_or(|result| matches!(result.outcome, Outcome::NotYet | Outcome::Waiting(_)));
                    if untouched && stages.contains(&task.id) && ui.button(desk.word("lab-catch-up")).clicked() {
                        desk.want(Intent::CatchUp(task.id.clone()));
                    }
                });
            }
            // They are asked when it matters; who wants to guess before finds them after the tasks.
            ui.add_space(8.0);
            for question in instance.lab.predict.iter().filter(|_| stage.session.exam().is_none()) {
                prediction(ui, desk, question, answered.get(&question.id).map(String::as_str));
            }
        });
    }
}

/// Offers to do the lab as an exam.
fn exam(ui: &mut Ui, desk: &mut Desk<'_>, own: Option<u64>) {
    ui.menu_button(desk.word("lab-exam"), |ui| {
        ui.label(desk.word("lab-exam-terms"));
        let others = MINUTES.into_iter().filter(|minutes| Some(*minutes) != own);
        for minutes in own.into_iter().chain(others) {
            if ui.button(desk.words.say("lab-exam-minutes", &[("minutes", minutes.into())])).clicked() {
                desk.want(Intent::Exam(minutes));
                ui.close();
            }
        }
    });
}

/// The answers that were given, the last one for each question.
fn replies(stage: &Stage) -> BTreeMap<String, String> {
    let inputs = stage.session.recording().inputs().filter_map(|(_, input)| match input {
        Input::Reply { question, text } => Some((question.clone(), text.clone())),
        _ => None,
    });
    inputs.collect()
}

/// The mark of a task, and its colour.
fn mark(outcome: Option<&Outcome>, desk: &Desk<'_>) -> (&'static str, egui::Color32) {
    match outcome {
        Some(Outcome::Done) => ("✔", desk.theme.good),
        Some(Outcome::Stuck(_)) => ("⚠", desk.theme.later),
        Some(Outcome::Lost(_)) => ("✖", desk.theme.bad),
        _ => ("☐", desk.theme.ink),
    }
}

/// Points as a bar with its numbers, and how every task stands.
fn score(ui: &mut Ui, desk: &Desk<'_>, report: &Report) {
    let theme = desk.theme;
    let part = report.earned as f32 / 100.0 / report.points.max(1) as f32;
    let earned = report.earned as f64 / 100.0;
    let points = format!("{earned} / {}", report.points);
    // The least bar that is drawn is not nothing.
    let fill = if report.earned > 0 { theme.tint(theme.good) } else { egui::Color32::TRANSPARENT };
    let bar = egui::ProgressBar::new(part.clamp(0.0, 1.0)).fill(fill).corner_radius(4.0);
    let colour = if report.passed { theme.good } else { theme.ink };
    ui.add(bar.text(RichText::new(points).color(colour)));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        for task in &report.tasks {
            let (mark, colour) = mark(Some(&task.outcome), desk);
            ui.label(RichText::new(format!("{mark} {}", task.id)).color(colour));
        }
    });
    for guard in report.guards.iter().filter(|guard| !guard.finding.ok) {
        let text = format!("✖ {}", say(&guard.name, desk.words.lang()));
        ui.label(RichText::new(text).color(theme.bad));
    }
}

/// Whether a check looks for events, which it describes as patterns.
fn is_pattern(check: &Check) -> bool {
    match check {
        Check::Event(_) | Check::InOrder(_) => true,
        Check::All(checks) | Check::Any(checks) => checks.iter().any(is_pattern),
        Check::Not(check) => is_pattern(check),
        _ => false,
    }
}

/// What was found for a task, with links to the moments that show it.
fn outcome(ui: &mut Ui, desk: &mut Desk<'_>, task: &Task, result: &TaskResult) {
    let lang = desk.words.lang();
    if let Outcome::Stuck(text) | Outcome::Lost(text) = &result.outcome {
        ui.label(RichText::new(say(text, lang)).color(desk.theme.later));
    }
    for (number, part) in result.parts.iter().enumerate() {
        let Finding { ok, expected, actual, event, .. } = &part.finding;
        let (mark, colour) = if *ok { ("✔", desk.theme.good) } else { ("☐", desk.theme.dim) };
        let named = ui.label(RichText::new(format!("{mark} {}", say(&part.name, lang))).color(colour));
        if !ok && result.outcome != Outcome::Done {
            let small = desk.theme.text(theme::NOTE);
            let (expected, actual) = (say(expected, lang), say(actual, lang));
            match task.parts.get(number).map(|part| &part.check) {
                // The question stands below.
                Some(Check::Answer(_)) => {
                    ui.label(RichText::new(actual).font(small).color(desk.theme.dim));
                }
                // Patterns of events are read by who asks for them.
                Some(check) if is_pattern(check) => {
                    named.on_hover_text(format!("{expected}: {actual}"));
                }
                _ => {
                    ui.label(RichText::new(format!("{expected}: {actual}")).font(small).color(desk.theme.dim));
                }
            }
        }
        if let Some(event) = event
            && ui.link(RichText::new(desk.word("story-jump")).font(desk.theme.text(theme::NOTE))).clicked()
        {
            desk.want(Intent::Show(*event));
            desk.want(Intent::Select(Selection::Event(*event)));
        }
    }
}

/// A question before the fact: choices first, then what was chosen, what is right, and why.
fn prediction(ui: &mut Ui, desk: &mut Desk<'_>, question: &Question, given: Option<&str>) {
    let lang = desk.words.lang();
    ui.label(RichText::new(say(&question.ask, lang)).strong());
    let Some(given) = given else {
        for (number, choice) in (1_u64..).zip(&question.choices) {
            if ui.button(say(choice, lang)).clicked() {
                let (question, text) = (question.id.clone(), number.to_string());
                desk.want(Intent::Input(Input::Reply { question, text }));
            }
        }
        return;
    };
    for (number, choice) in (1_u64..).zip(&question.choices) {
        let (chosen, right) = (given == number.to_string(), number == question.right);
        let (mark, colour) = match (right, chosen) {
            (true, _) => ("✔", desk.theme.good),
            (false, true) => ("✖", desk.theme.bad),
            (false, false) => ("○", desk.theme.dim),
        };
        ui.label(RichText::new(format!("{mark} {}", say(choice, lang))).color(colour));
    }
    ui.label(RichText::new(say(&question.why, lang)).color(desk.theme.dim));
    ui.separator();
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn instructions_lose_the_heading_that_the_fold_repeats() {
        assert_eq!(body("\n## 1 A first alias\nMail to info"), "Mail to info");
        assert_eq!(body("Mail to info\n# shell"), "Mail to info\n# shell");
    }
}
