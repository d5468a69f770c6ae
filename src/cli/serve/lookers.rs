//! Those who look on at `mxlab serve` and write to its terminal, beside the watch view.

use crate::cli::shell::lab::Ticks;
use crate::live::command::Watcher;
use crate::live::notice::Notice;
use crate::session::Session;
use crate::session::words::Lang;
use crate::trace::Kind;

/// Tells what whoever serves should know, where no watch view does.
pub struct Notices(pub Lang);

impl Watcher for Notices {
    fn look(&mut self, _: &Session, _: u64) {}

    fn tell(&mut self, notice: Notice) {
        eprintln!("mxlab: {}", notice.text(self.0));
    }
}

/// What stands below the instructions of a lab.
pub const TICKS: (&str, &str) = (
    "\nHere you come in from your own machine: with the command in the column TRY instead of the one above.\n\
     What is done is ticked off below. Hints and answers go with work in a file: `mxlab lab start LAB`, then\n\
     `mxlab serve lab.mxlab`, and after it `mxlab lab hint TASK` and `mxlab lab answer QUESTION …`.\n\n",
    "\nHier kommst du von deiner eigenen Maschine: mit dem Befehl in der Spalte TRY statt mit dem von oben.\n\
     Was getan ist, wird unten abgehakt. Tipps und Antworten gehen mit einer Datei: `mxlab lab start ÜBUNG`, dann\n\
     `mxlab serve lab.mxlab`, und danach `mxlab lab hint AUFGABE` und `mxlab lab answer FRAGE …`.\n\n",
);

/// Ticks off a lab's tasks while clients are served.
pub struct LabTicks {
    ticks: Ticks,
    lang: Lang,
}

impl LabTicks {
    /// For a lab that begins.
    pub fn at(session: &Session, lang: Lang) -> LabTicks {
        LabTicks { ticks: Ticks::at(session, lang), lang }
    }
}

impl Watcher for LabTicks {
    fn look(&mut self, session: &Session, since: u64) {
        let tells = |kind: &Kind| {
            matches!(
                kind,
                Kind::TcpConnect { .. }
                    | Kind::SmtpReply { .. }
                    | Kind::Deliver { .. }
                    | Kind::PopCmd { .. }
                    | Kind::ImapCmd { .. }
            )
        };
        if session.world().trace().since(since).any(|event| tells(&event.kind)) {
            print!("{}", self.ticks.news(session, self.lang));
        }
    }
}
