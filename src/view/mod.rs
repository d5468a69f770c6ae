//! What is on the screen at a moment, as plain data: nothing here draws, and nothing changes a world.
//!
//! The way from a trace to a picture:
//!
//! 1. [`layout`] gives hosts and domains their places: once per scenario, deterministic, never overlapping.
//! 2. [`director`] turns virtual time into screen time: [`director::Beat`]s of about a second each, concurrent
//!    events together, idle stretches folded with their real length.
//! 3. [`index`] reads a trace once and keeps checkpoints of what stands ([`standing`]), so that any moment of a
//!    million events is a binary search and at most a few hundred events away.
//! 4. [`scene`](scene::scene) is the picture at a moment of the screen: cards, links, movers, bubbles, notes,
//!    stamps and the caption. The same moment gives the same picture, however one came there.
//!
//! [`playhead`] says which moment is shown, [`why`] follows causes and decisions, [`dialogue`], [`mail`]
//! [`message`], [`packet`], [`compare`] and [`sequence`] are further views of the same trace. Words come from the story
//! ([`crate::session::story`]), in both languages.

pub mod alias;
pub mod arrange;
pub mod asked;
pub mod barrier;
pub mod branches;
pub mod caption;
pub mod choice;
pub mod compare;
pub mod dialogue;
pub mod director;
pub mod geometry;
pub mod index;
pub mod inside;
pub mod layout;
pub mod mail;
pub mod mailbox;
pub mod message;
pub mod notes;
pub mod packet;
pub mod placing;
pub mod playhead;
pub mod probes;
pub mod scene;
pub mod sequence;
pub mod standing;
pub mod state;
pub mod timing;
pub mod told;
pub mod verdict;
pub mod why;

pub use director::Screen;
pub use index::Index;
pub use playhead::Playhead;
pub use scene::{Scene, scene};
