//! The window: panels that draw what [`crate::view`] computes, and pictures drawn without a display.
//!
//! [`window`] is the window as a whole, [`panels`] its parts, which push [`intent`]s; [`stage`] is the session
//! that is shown. [`theme`] holds all colours and sizes, [`map`] draws the map, [`studio`] draws without a display.
//! Nothing here changes a world except through [`crate::session::Session`].

pub mod gif;
pub mod inside;
pub mod intent;
pub mod keys;
pub mod map;
pub mod panels;
pub mod poster;
pub mod raster;
pub mod run;
pub mod sequence;
pub mod shelf;
pub mod stage;
pub mod still;
pub mod studio;
pub mod svg;
pub mod talk;
pub mod theme;
pub mod window;
