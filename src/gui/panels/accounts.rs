//! Fetching mail over POP3 or IMAP: the accounts that the scenario's people have, and one's own.

use egui::Ui;

use super::Desk;
use super::program::{line, pick};
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::mua::Protocol;
use crate::scenario::Step;
use crate::session::Input;

/// How somebody's mail is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    host: String,
    user: String,
    protocol: Protocol,
    server: String,
    login: String,
    password: String,
    keep: bool,
    tls: bool,
}

impl Account {
    /// The accounts that the scenario's script fetches from, each once.
    pub fn all(stage: &Stage) -> Vec<Account> {
        let scenario = stage.session.scenario();
        let mut accounts: Vec<Account> = Vec::new();
        for step in &scenario.script {
            let Step::Fetch { host, fetch } = step else { continue };
            let account = Account {
                host: scenario.host(*host).name.clone(),
                user: fetch.user.clone(),
                protocol: fetch.protocol,
                server: fetch.server.clone(),
                login: fetch.login.user.clone(),
                password: fetch.login.password.clone(),
                keep: fetch.keep,
                tls: fetch.tls,
            };
            let same = |known: &Account| {
                let key = |one: &Account| (one.host.clone(), one.user.clone(), one.server.clone());
                key(known) == key(&account) && known.protocol == account.protocol
            };
            if !accounts.iter().any(same) {
                accounts.push(account);
            }
        }
        accounts
    }

    /// An account to be filled in by somebody who sits there.
    pub fn blank(host: String, user: String) -> Account {
        let protocol = Protocol::Imap;
        let (server, login, password) = (String::new(), user.clone(), String::new());
        Account { host, user, protocol, server, login, password, keep: true, tls: false }
    }

    /// In a few words: `bob@ws2: IMAP hub.example.org`.
    pub fn label(&self) -> String {
        format!("{}@{}: {} {}", self.user, self.host, self.protocol.name(), self.server)
    }

    /// Where what was fetched lies.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What fetches.
    pub fn input(&self) -> Input {
        Input::Fetch {
            host: self.host.clone(),
            user: self.user.clone(),
            protocol: self.protocol,
            server: self.server.trim().to_owned(),
            login: self.login.clone(),
            password: self.password.clone(),
            keep: self.keep,
            tls: self.tls,
        }
    }

    /// Draws its fields; whether it is done with.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) -> bool {
        let mut done = false;
        ui.horizontal_wrapped(|ui| {
            ui.label(desk.word("program-at"));
            let hosts: Vec<String> = stage.session.world().hosts().map(|host| host.name.to_string()).collect();
            pick(ui, "fetch-host", &desk.word("program-at"), &mut self.host, &hosts);
            let users = stage.users(&self.host);
            if !users.contains(&self.user) {
                self.user = users.get(1).or(users.first()).cloned().unwrap_or_default();
            }
            pick(ui, "fetch-user", &desk.word("program-user"), &mut self.user, &users);
            for protocol in [Protocol::Imap, Protocol::Pop3] {
                ui.radio_value(&mut self.protocol, protocol, protocol.name());
            }
            ui.checkbox(&mut self.tls, "STARTTLS");
        });
        ui.horizontal_wrapped(|ui| {
            line(ui, &desk.word("fetch-server"), &mut self.server, 200.0);
            line(ui, &desk.word("program-login"), &mut self.login, 110.0);
            line(ui, &desk.word("program-password"), &mut self.password, 110.0);
            ui.checkbox(&mut self.keep, desk.word("fetch-keep"));
        });
        ui.horizontal(|ui| {
            let ready = !self.server.trim().is_empty() && !self.user.is_empty() && !self.login.is_empty();
            if ui.add_enabled(ready, egui::Button::new(format!("📥 {}", desk.word("fetch-now")))).clicked() {
                desk.want(Intent::Input(self.input()));
                done = true;
            }
            done |= ui.button(desk.word("files-discard")).clicked();
        });
        done
    }
}
