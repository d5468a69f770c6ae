//! A host's files: a list, an editor with a few colours, and what is different from the beginning.

use egui::text::{LayoutJob, TextFormat};
use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme::{self, Theme};
use crate::host::tools::hunks;
use crate::host::vfs::Cred;
use crate::session::Input;
use crate::sim::HostId;

/// Folders that are offered.
const FOLDERS: [&str; 6] = ["/etc/postfix", "/etc", "/etc/bind", "/etc/dovecot", "/var/mail", "/var/log"];
/// Longest text that is shown.
const LONGEST: usize = 200_000;
/// Longest text that is compared with the beginning.
const MOST_LINES: usize = 2000;

/// The file that is looked at.
#[derive(Default)]
pub struct Files {
    /// Its absolute path.
    pub path: String,
    /// Its text as it is edited; `None` if it is to be read.
    draft: Option<(HostId, String, String)>,
    /// Its text at the beginning.
    before: Option<((HostId, String), String)>,
}

impl Files {
    /// Opens a file with the next frame.
    pub fn open(&mut self, path: &str) {
        path.clone_into(&mut self.path);
        (self.draft, self.before) = (None, None);
    }

    /// Draws list and editor.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, host: HostId) {
        let beginning = stage.session.scenario().start;
        let original = self.path.clone();
        let world = stage.world();
        let name = world.host(host).name.to_string();
        ui.label(RichText::new(&name).strong());
        if self.path.is_empty() {
            let vfs = &world.host(host).vfs;
            for folder in FOLDERS {
                let Ok(entries) = vfs.list(folder, &Cred::ROOT) else { continue };
                ui.label(RichText::new(folder).color(desk.theme.dim));
                ui.horizontal_wrapped(|ui| {
                    for (entry, _) in entries {
                        let path = format!("{folder}/{entry}");
                        if vfs.read_text(&path, &Cred::ROOT).is_ok() && ui.link(entry.as_str()).clicked() {
                            desk.want(Intent::File(path));
                        }
                    }
                });
            }
            return;
        }
        ui.horizontal(|ui| {
            if ui.button(desk.word("files-list")).clicked() {
                self.open("");
            }
            ui.label(RichText::new(&original).font(desk.theme.mono(13.0)));
        });
        let present = match world.host(host).vfs.read_text(&original, &Cred::ROOT) {
            Ok(text) if text.len() <= LONGEST => text,
            Ok(_) => {
                ui.label(desk.word("files-long"));
                return;
            }
            Err(error) => {
                ui.label(RichText::new(format!("{original}: {error}")).color(desk.theme.bad));
                return;
            }
        };
        let stale = self.draft.as_ref().is_none_or(|(of, path, _)| *of != host || *path != original);
        if stale {
            self.draft = Some((host, original.clone(), present.clone()));
        }
        let Some((_, _, draft)) = &mut self.draft else { return };
        let theme = *desk.theme;
        let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, width: f32| {
            let mut job = colours(text.as_str(), &theme);
            job.wrap.max_width = width;
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let editor = egui::TextEdit::multiline(draft)
            .code_editor()
            .desired_width(f32::INFINITY)
            .desired_rows(12)
            .layouter(&mut layouter);
        let response = ui.add(editor);
        let label = desk.words.say("files-editor", &[("path", (&original).into())]);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::MultilineTextInput, true, &label));
        let changed = *draft != present;
        let text = draft.clone();
        ui.horizontal(|ui| {
            let save = ui.add_enabled(changed, egui::Button::new(desk.word("files-save")));
            if save.clicked() {
                desk.want(Intent::Input(Input::Write { host: name.clone(), path: original.clone(), text }));
                self.draft = None;
            }
            if ui.add_enabled(changed, egui::Button::new(desk.word("files-discard"))).clicked() {
                self.draft = None;
            }
        });
        let key = (host, original);
        if self.before.as_ref().is_none_or(|(of, _)| *of != key) {
            let first = stage.session.at(beginning);
            let text = first.host(host).vfs.read_text(&key.1, &Cred::ROOT).unwrap_or_default();
            self.before = Some((key, text));
        }
        if let Some((_, before)) = &self.before {
            difference(ui, desk, before, &present);
        }
    }
}

/// Comments dim, names of parameters strong.
fn colours(text: &str, theme: &Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    let format = |colour| TextFormat { font_id: theme.mono(13.0), color: colour, ..TextFormat::default() };
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with(['#', ';']) || line.trim_start().starts_with("//") {
            job.append(line, 0.0, format(theme.dim));
            continue;
        }
        match line.find(['=', ':']).filter(|_| !line.starts_with([' ', '\t'])) {
            Some(at) => {
                job.append(&line[..at], 0.0, format(theme.selected));
                job.append(&line[at..], 0.0, format(theme.ink));
            }
            None => job.append(line, 0.0, format(theme.ink)),
        }
    }
    job
}

/// The lines that are not as they were at the beginning.
fn difference(ui: &mut Ui, desk: &Desk<'_>, before: &str, after: &str) {
    if before == after {
        return;
    }
    let theme = desk.theme;
    ui.label(RichText::new(desk.word("files-difference")).color(theme.dim));
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len().max(new.len()) > MOST_LINES {
        ui.label(desk.word("files-long"));
        return;
    }
    let mut line = |sign: &str, text: &str, colour| {
        let text = RichText::new(format!("{sign} {text}")).font(theme.mono(theme::NOTE)).color(colour);
        ui.add(egui::Label::new(text).wrap());
    };
    for hunk in hunks(&old, &new, |one: &&str, other: &&str| one == other).into_iter().take(50) {
        line("@", &format!("{}", hunk.b.0 + 1), theme.dim);
        for text in &old[hunk.a.0.saturating_sub(1)..hunk.a.0] {
            line(" ", text, theme.dim);
        }
        old[hunk.a.0..hunk.a.1].iter().for_each(|text| line("-", text, theme.bad));
        new[hunk.b.0..hunk.b.1].iter().for_each(|text| line("+", text, theme.good));
        for text in old.get(hunk.a.1..hunk.a.1 + 1).unwrap_or_default() {
            line(" ", text, theme.dim);
        }
    }
}
