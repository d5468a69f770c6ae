//! What panels want: they push intents while they are drawn, and the window carries them out once per frame.

use super::stage::{Depth, Selection};
use crate::session::Input;
use crate::session::terminal::{Key as TerminalKey, TerminalId};
use crate::trace::EventId;
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
    /// The terminal of a host.
    Terminal(TerminalId),
}

/// The tabs of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Causes and decisions.
    #[default]
    Why,
    /// The dialogue of a connection.
    Dialogue,
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
    /// Open a terminal on a host.
    OpenTerminal(String),
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
    /// Call the present future something.
    Name(String),
}
