//! What panels want: they push intents while they are drawn, and the window carries them out once per frame.

use super::stage::{Depth, Selection};
use crate::session::Input;
use crate::session::terminal::{Key as TerminalKey, TerminalId};
use crate::sim::Duration;
use crate::trace::{EventId, Source};
use crate::view::Screen;
use crate::view::geometry::Point;
use crate::view::playhead::Stride;

/// The views of the bench below the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bench {
    /// The table of events.
    Events,
    /// The sequence diagram.
    Sequence,
    /// What happened to each mail.
    Mails,
    /// The trace as text.
    Text,
    /// A mail program: mailboxes, and writing mail.
    Program,
    /// The terminal of a host.
    Terminal(TerminalId),
    /// Another future beside the present one, by number.
    Compare(usize),
}

impl Bench {
    /// The name by which it is remembered; what belongs to one session only has none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Bench::Events => Some("events"),
            Bench::Sequence => Some("sequence"),
            Bench::Mails => Some("mails"),
            Bench::Text => Some("text"),
            Bench::Program => Some("program"),
            Bench::Terminal(_) | Bench::Compare(_) => None,
        }
    }

    /// The view of this name.
    pub fn named(name: &str) -> Option<Bench> {
        let all = [Bench::Events, Bench::Sequence, Bench::Mails, Bench::Text, Bench::Program];
        all.into_iter().find(|bench| bench.name() == Some(name))
    }
}

/// The tabs of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Causes and decisions.
    #[default]
    Why,
    /// The dialogue of a connection.
    Dialogue,
    /// The message: envelope, header, way, body.
    Message,
    /// The event itself.
    Event,
    /// Configuration with its origin.
    Config,
    /// Queue and mailboxes.
    Mail,
    /// The log.
    Log,
    /// Files.
    Files,
    /// Faults.
    Faults,
}

/// Something that a person wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Open by name.
    Open(String),
    /// Back to the chooser.
    Close,
    /// Play or pause.
    Toggle,
    /// A step back or forth.
    Step(Stride, bool),
    /// Go to a moment.
    Seek(Screen),
    /// Go to an event, and select it.
    Show(EventId),
    /// Select.
    Select(Selection),
    /// Look deeper, or out again.
    Dive(Depth),
    /// One level out.
    Out,
    /// Quicker or slower.
    Speed(bool),
    /// The other language.
    Language,
    /// The other theme.
    Dark,
    /// Large type and little else, or back.
    Presenter,
    /// A black screen, or back.
    Black,
    /// The laser pointer, on or off.
    Laser,
    /// The sheet of keys, on or off.
    Help,
    /// Fold the story away, or back.
    Story,
    /// Fold the inspector away, or back.
    Inspector,
    /// A tab of the inspector.
    Tab(Tab),
    /// A view of the bench; the same again closes it.
    Bench(Bench),
    /// Open sockets for real programs; if they are open, show where, or hide that again.
    Sockets,
    /// Close them.
    CloseSockets,
    /// Everything on the map.
    Fit,
    /// A card is dragged.
    Move(crate::sim::HostId, Point),
    /// Do something.
    Input(Input),
    /// The lab becomes an exam of so many minutes.
    Exam(u64),
    /// The exam is handed in.
    HandIn,
    /// Go back to where a task of the lab was done.
    BackTo(String),
    /// Begin at a task of the lab, with the model solution for those before it.
    CatchUp(String),
    /// Let virtual time pass.
    Wait(Duration),
    /// Play again what led to an event, without the line of a file on which a rule stands.
    Without(EventId, Source),
    /// Open a terminal on a host.
    OpenTerminal {
        /// Where.
        host: String,
        /// As whom.
        user: String,
        /// A line that is typed at once.
        first: Option<String>,
    },
    /// Type into a terminal.
    Type(TerminalId, String),
    /// Press a key in a terminal.
    Press(TerminalId, TerminalKey),
    /// Follow an ssh to another host.
    LogIn(TerminalId),
    /// Answer what a program asks.
    Answer(TerminalId, crate::session::terminal::Reply),
    /// Open a file of a host.
    File(String),
    /// Show another future.
    Switch(usize),
    /// Show an event of another future.
    ShowIn(usize, EventId),
    /// Show the future that was left first.
    NextFuture,
    /// Compare with the future that was left last, or not any more.
    Compare,
    /// A hand is raised for a choice of a question, both by number.
    Vote(usize, usize),
    /// Call the present future something.
    Name(String),
}
