//! The window: panels that draw what [`crate::view`] computes, and pictures drawn without a display.
//!
//! [`window`] is the window as a whole, [`panels`] its parts, which push [`intent`]s; `carry` carries them out.
//! [`stage`] is the session that is shown, with its other [`futures`] and its [`question`]s. [`theme`] holds all colours and sizes, [`map`] draws the map, [`studio`] draws without a display.
//! Nothing here changes a world except through [`crate::session::Session`].

mod carry;
mod coursework;
mod exam;
pub mod futures;
pub mod gif;
pub mod inside;
pub mod intent;
pub mod keys;
pub mod map;
mod otherwise;
pub mod panels;
mod picture;
pub mod poster;
pub mod question;
pub mod raster;
pub mod run;
pub mod sequence;
pub mod shared;
pub mod shelf;
pub mod stage;
pub mod still;
pub mod studio;
pub mod svg;
pub mod talk;
pub mod theme;
mod twin;
pub mod window;
