//! A mail program: the mailboxes of all hosts, and writing mail. What is sent is a command like one that was
//! typed, and is shown as such.

use egui::{RichText, ScrollArea, Ui};

use super::Desk;
use super::accounts::Account;
use super::letter::Shown;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::session::Input;
use crate::sim::HostId;
use crate::view::Screen;
use crate::view::mailbox::{Mailbox, mailboxes};
use crate::view::message::Letter;

/// The panel's own state.
#[derive(Default)]
pub struct Program {
    shown: Shown,
    /// The mail that is being written.
    draft: Option<Draft>,
    /// The account that is being filled in.
    account: Option<Account>,
    /// The mailbox that is open, and the message in it; the newest one if that is not there.
    open: Option<(HostId, String)>,
    message: Option<usize>,
    /// What was found, with the moment and the length of the trace that it was found for.
    found: Option<(Screen, u64, Found)>,
}

/// How the folder ends that a mail program fetches into.
const FETCHED: &str = "/Mail/inbox";

/// Mailboxes, each with its host.
type Found = Vec<(HostId, Mailbox)>;

/// A mail that is being written.
#[derive(Clone, Debug, Default)]
struct Draft {
    host: String,
    user: String,
    from: String,
    to: String,
    subject: String,
    text: String,
    /// The server to submit to; this host's own mail system if empty.
    server: String,
    port: String,
    tls: bool,
    login: String,
    password: String,
}

/// A word of a command line.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@.-_:/+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

impl Draft {
    fn recipients(&self) -> Vec<&str> {
        self.to.split([',', ' ', ';']).filter(|address| !address.is_empty()).collect()
    }

    /// The command that sends it, and what it reads.
    fn command(&self) -> (String, String) {
        let mut text = self.text.clone();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if self.server.trim().is_empty() {
            let sender =
                if self.from.trim().is_empty() { String::new() } else { format!(" -r {}", quoted(self.from.trim())) };
            let to: Vec<String> = self.recipients().into_iter().map(quoted).collect();
            return (format!("mail -s {}{sender} {}", quoted(&self.subject), to.join(" ")), text);
        }
        let mut line = format!("swaks --server {} --port {}", quoted(self.server.trim()), quoted(self.port.trim()));
        line.push_str(&format!(" --from {} --to {}", quoted(self.from.trim()), quoted(&self.recipients().join(","))));
        if self.tls {
            line.push_str(" --tls");
        }
        if !self.login.is_empty() {
            line.push_str(&format!(" --auth-user {} --auth-password {}", quoted(&self.login), quoted(&self.password)));
        }
        line.push_str(&format!(" --header {} --body {}", quoted(&format!("Subject: {}", self.subject)), quoted(&text)));
        (line, String::new())
    }

    fn input(&self) -> Input {
        let (line, stdin) = self.command();
        Input::Command { host: self.host.clone(), user: self.user.clone(), line, stdin }
    }
}

impl Program {
    /// Forgets what belongs to another session.
    pub fn forget(&mut self) {
        *self = Program::default();
    }

    /// Draws mailboxes and messages, or the mail that is being written.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage) {
        if self.draft.is_some() {
            return self.compose(ui, desk, stage);
        }
        if let Some(account) = &mut self.account {
            let host = stage.session.world().find(account.host());
            if account.show(ui, desk, stage) {
                (self.account, self.open, self.message) = (None, host.map(|host| (host, String::new())), None);
            }
            return;
        }
        self.find(stage);
        let Some((_, _, found)) = &self.found else { return };
        let (mut open, mut write, mut answer, mut fetch) = (None, false, None, false);
        let accounts = Account::all(stage);
        ui.horizontal_top(|ui| {
            let height = ui.available_height();
            ui.vertical(|ui| {
                ui.set_width(230.0 * desk.theme.scale);
                ui.horizontal_wrapped(|ui| {
                    write = ui.button(format!("✉ {}", desk.word("program-write"))).clicked();
                    fetch = ui.button(format!("📥 {}", desk.word("fetch-form"))).clicked();
                });
                ScrollArea::vertical().id_salt("mailboxes").max_height(height - 30.0).show(ui, |ui| {
                    for account in &accounts {
                        let text = RichText::new(format!("📥 {}", account.label())).font(desk.theme.text(theme::NOTE));
                        if ui.add(egui::Button::new(text).truncate()).clicked() {
                            desk.want(Intent::Input(account.input()));
                            let host = stage.session.world().find(account.host());
                            open = host.map(|host| (host, String::new()));
                        }
                    }
                    // What a mail program has fetched is read first; the rest lies on its servers.
                    for (fetched, word) in [(true, "program-fetched"), (false, "program-stored")] {
                        let mut here =
                            found.iter().filter(|(_, one)| one.path.ends_with(FETCHED) == fetched).peekable();
                        if here.peek().is_some() {
                            ui.label(
                                RichText::new(desk.word(word)).font(desk.theme.text(theme::NOTE)).color(desk.theme.dim),
                            );
                        }
                        for (host, mailbox) in here {
                            let name = stage.session.world().host(*host).name.as_str();
                            let label = format!("{name}  {} ({})", mailbox.path, mailbox.letters.len());
                            let here = self.open.as_ref().is_some_and(|(id, path)| id == host && *path == mailbox.path);
                            let text = RichText::new(label).font(desk.theme.mono(theme::NOTE));
                            if ui.selectable_label(here, text).clicked() {
                                open = Some((*host, mailbox.path.clone()));
                            }
                        }
                    }
                    if found.is_empty() {
                        ui.label(RichText::new(desk.word("program-none")).color(desk.theme.dim));
                    }
                });
            });
            ui.separator();
            let mailbox = self.open.as_ref().and_then(|(host, path)| {
                found.iter().find(|(id, mailbox)| id == host && mailbox.path == *path).map(|(_, mailbox)| mailbox)
            });
            let Some(mailbox) = mailbox else {
                if !found.is_empty() {
                    ui.label(RichText::new(desk.word("program-choose")).color(desk.theme.dim));
                }
                return;
            };
            ui.vertical(|ui| {
                ui.set_width(280.0 * desk.theme.scale);
                ScrollArea::vertical().id_salt("letters").max_height(height).show(ui, |ui| {
                    for (number, letter) in mailbox.letters.iter().enumerate().rev() {
                        let here = chosen(self.message, mailbox) == Some(number);
                        let subject = letter.field("Subject").unwrap_or("–");
                        let label = format!("{}\n{subject}", letter.field("From").unwrap_or("?"));
                        let label = crate::view::caption::cut(&label, 90);
                        if ui.selectable_label(here, RichText::new(label).font(desk.theme.text(13.0))).clicked() {
                            self.message = Some(number);
                        }
                    }
                    if mailbox.letters.is_empty() {
                        ui.label(RichText::new(desk.word("store-empty")).color(desk.theme.dim));
                    }
                });
            });
            ui.separator();
            let letter = chosen(self.message, mailbox).and_then(|number| mailbox.letters.get(number));
            if let Some(letter) = letter {
                ScrollArea::vertical().id_salt("letter").auto_shrink(false).show(ui, |ui| {
                    ui.vertical(|ui| {
                        if ui.button(format!("↩ {}", desk.word("program-reply"))).clicked() {
                            answer = Some(letter.clone());
                        }
                        self.shown.show(ui, desk, letter);
                    });
                });
            }
        });
        if let Some(open) = open {
            (self.open, self.message) = (Some(open), None);
        }
        if write {
            self.draft = Some(blank(stage));
        }
        if fetch {
            let Draft { host, user, .. } = blank(stage);
            self.account = Some(accounts.first().cloned().unwrap_or_else(|| Account::blank(host, user)));
        }
        if let Some(letter) = answer {
            self.draft = Some(reply(stage, &letter));
        }
    }

    /// Reads the mailboxes of the moment that is shown, if that has not been done.
    fn find(&mut self, stage: &mut Stage) {
        let key = (stage.shown(), stage.index.len());
        if self.found.as_ref().is_some_and(|(at, length, _)| (*at, *length) == key) {
            return;
        }
        let world = stage.world();
        let all = world.hosts().flat_map(|host| mailboxes(host).into_iter().map(|mailbox| (host.id, mailbox)));
        let found: Vec<(HostId, Mailbox)> = all.collect();
        // Who has fetched wants to read what has come.
        if let Some((host, path)) = self.open.as_mut().filter(|(_, path)| path.is_empty()) {
            let inbox = found.iter().find(|(id, mailbox)| id == host && mailbox.path.ends_with(FETCHED));
            *path = inbox.map_or_else(String::new, |(_, mailbox)| mailbox.path.clone());
        }
        if self.open.is_none() {
            let filled = found.iter().find(|(_, mailbox)| !mailbox.letters.is_empty());
            self.open = filled.or(found.first()).map(|(host, mailbox)| (*host, mailbox.path.clone()));
        }
        self.found = Some((key.0, key.1, found));
    }

    fn compose(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
        let Some(draft) = &mut self.draft else { return };
        let mut done = false;
        ScrollArea::vertical().id_salt("compose").auto_shrink(false).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(desk.word("program-at"));
                let hosts: Vec<String> = stage.session.world().hosts().map(|host| host.name.to_string()).collect();
                pick(ui, "program-host", &desk.word("program-at"), &mut draft.host, &hosts);
                let users = stage.users(&draft.host);
                if !users.contains(&draft.user) {
                    draft.user = users.get(1).or(users.first()).cloned().unwrap_or_default();
                }
                pick(ui, "program-user", &desk.word("program-user"), &mut draft.user, &users);
                line(ui, &desk.word("program-server"), &mut draft.server, 170.0);
                if !draft.server.trim().is_empty() {
                    line(ui, &desk.word("program-port"), &mut draft.port, 40.0);
                    ui.checkbox(&mut draft.tls, "STARTTLS");
                    line(ui, &desk.word("program-login"), &mut draft.login, 80.0);
                    line(ui, &desk.word("program-password"), &mut draft.password, 80.0);
                }
            });
            ui.horizontal_wrapped(|ui| {
                line(ui, &desk.word("letter-from"), &mut draft.from, 200.0);
                line(ui, &desk.word("letter-to"), &mut draft.to, 260.0);
                line(ui, &desk.word("program-subject"), &mut draft.subject, 220.0);
            });
            let name = desk.word("program-text");
            let edit = egui::TextEdit::multiline(&mut draft.text).desired_rows(4).desired_width(f32::INFINITY);
            let response = ui.add(edit.font(desk.theme.mono(13.0)));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::MultilineTextInput, true, &name));
            let ready = !draft.recipients().is_empty() && !draft.user.is_empty();
            ui.horizontal(|ui| {
                if ui.add_enabled(ready, egui::Button::new(format!("✉ {}", desk.word("program-send")))).clicked() {
                    desk.want(Intent::Input(draft.input()));
                    done = true;
                }
                if ui.button(desk.word("files-discard")).clicked() {
                    done = true;
                }
            });
            let shown = format!("{}@{} $ {}", draft.user, draft.host, draft.command().0);
            let text = RichText::new(shown).font(desk.theme.mono(theme::NOTE)).color(desk.theme.dim);
            ui.add(egui::Label::new(text).wrap());
        });
        if done {
            self.draft = None;
        }
    }
}

/// The message that is shown: the chosen one, or the newest.
fn chosen(message: Option<usize>, mailbox: &Mailbox) -> Option<usize> {
    message.filter(|number| *number < mailbox.letters.len()).or(mailbox.letters.len().checked_sub(1))
}

/// An empty mail, from where somebody would write one.
fn blank(stage: &Stage) -> Draft {
    let (host, user) = stage.seat().unwrap_or_else(|| {
        let world = stage.session.world();
        let person = world.hosts().find_map(|host| {
            let user = stage.users(&host.name).into_iter().find(|user| user != "root")?;
            Some((host.name.to_string(), user))
        });
        person.or_else(|| Some((world.hosts().next()?.name.to_string(), "root".to_owned()))).unwrap_or_default()
    });
    Draft { host, user, port: "25".to_owned(), ..Draft::default() }
}

/// An answer to a letter.
fn reply(stage: &Stage, letter: &Letter) -> Draft {
    let from = letter.field("Reply-To").or(letter.field("From")).unwrap_or_default();
    let address = from.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(from, |(address, _)| address);
    let subject = letter.field("Subject").unwrap_or_default();
    let subject = if subject.starts_with("Re:") { subject.to_owned() } else { format!("Re: {subject}") };
    let text = letter.body.trim_end().lines().map(|line| format!("> {line}\n")).collect();
    Draft { to: address.trim().to_owned(), subject, text, ..blank(stage) }
}

/// A field with its label.
pub(super) fn line(ui: &mut Ui, label: &str, text: &mut String, width: f32) {
    let label = ui.label(label);
    ui.add(egui::TextEdit::singleline(text).desired_width(width)).labelled_by(label.id);
}

/// A list to choose from.
pub(super) fn pick(ui: &mut Ui, id: &str, name: &str, chosen: &mut String, all: &[String]) {
    let list = egui::ComboBox::from_id_salt(id).selected_text(chosen.clone());
    let response = list.show_ui(ui, |ui| {
        for one in all {
            ui.selectable_value(chosen, one.clone(), one);
        }
    });
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_a_command_that_could_be_typed() {
        let draft = Draft {
            to: "bob@example.org, carol@example.net".into(),
            subject: "it's late".into(),
            text: "hello".into(),
            ..Draft::default()
        };
        let (line, stdin) = draft.command();
        assert_eq!(line, "mail -s 'it'\\''s late' bob@example.org carol@example.net");
        assert_eq!(stdin, "hello\n");
        let (server, port, from) = ("mx1".into(), "587".into(), "a@example.com".into());
        let (line, _) = Draft { server, port, from, tls: true, ..draft }.command();
        let begins = "swaks --server mx1 --port 587 --from a@example.com --to 'bob@example.org,carol@example.net'";
        assert!(line.starts_with(begins), "{line}");
        assert!(line.contains(" --tls ") && line.ends_with("--body 'hello\n'"), "{line}");
    }
}
