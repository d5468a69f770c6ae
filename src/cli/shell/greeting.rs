//! What is shown at the start: where one is, and who else is there.

use crate::host::Host;
use crate::host::services::{Activity, activity};
use crate::session::Session;
use crate::session::story::Lang;

/// The host that most scenarios are about: the first one with Postfix, else the first that is on.
pub fn usual_host(session: &Session) -> Option<String> {
    let world = session.world();
    let up = || world.hosts().filter(|host| world.is_up(host.id));
    let has_postfix =
        |host: &&Host| host.services.find("postfix@-").is_some_and(|unit| activity(host, &unit).is_active());
    up().find(has_postfix).or_else(|| up().next()).map(|host| host.name.to_string())
}

/// The hosts with their addresses, one per line.
pub fn hosts(session: &Session, lang: Lang) -> String {
    let world = session.world();
    let rows: Vec<[String; 3]> = world
        .hosts()
        .map(|host| {
            let addresses: Vec<String> = host.addrs.iter().map(ToString::to_string).collect();
            let services: Vec<&str> = host
                .services
                .units()
                .filter(|unit| unit.name != "rsyslog")
                .filter(|unit| matches!(activity(host, unit), Activity::Running(..)))
                .map(|unit| unit.name.trim_end_matches("@-"))
                .collect();
            let state = if world.is_up(host.id) { services.join(" ") } else { lang.pick("off", "aus").to_owned() };
            [host.name.to_string(), addresses.join(" "), state]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    rows.iter()
        .map(|[name, addresses, state]| {
            format!("  {name:first$}  {addresses:second$}  {state}").trim_end().to_owned() + "\n"
        })
        .collect()
}

/// The first lines of an interactive shell.
pub fn text(session: &Session, lang: Lang) -> String {
    let title = &session.scenario().title;
    let title = lang.pick(&title.en, &title.de);
    if session.lab().is_some() {
        let hint = lang.pick(
            "`lab` shows this again, `lab all` every task, `lab status` how you stand, `lab hint TASK` a hint.",
            "`lab` zeigt das noch einmal, `lab all` alle Aufgaben, `lab status` den Stand, `lab hint AUFGABE` einen Tipp.",
        );
        return format!("{}\n{hint}\n", super::lab::beginning(session, lang));
    }
    let hint = lang.pick(
        ":help tells what else there is; `ssh HOST` goes to another host, `exit` comes back.",
        ":help sagt, was es noch gibt; mit `ssh HOST` auf einen anderen Host, mit `exit` zurück.",
    );
    format!("{title}\n{}{hint}\n", hosts(session, lang))
}
