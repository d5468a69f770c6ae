//! What people write: scenarios as RON files, checked all at once, with located errors.
//!
//! [`written`] is the file format, [`checked`] what it means; presets only write real files of
//! hosts. [`Scenario::build`] makes the world, [`script`] plays the steps.

mod build;
mod check;
pub mod checked;
pub mod dialogue;
mod dialogue_items;
pub mod enrol;
pub mod octets;
mod packages;
mod parse;
mod presets;
pub mod problem;
pub mod script;
mod services;
pub mod written;

pub use build::{BuildError, login_spawn};
pub use check::parse_duration;
pub use checked::{Link, Scenario, Sources, Step};
pub use parse::parse_ron;
pub use problem::Problem;
pub use written::Expect;
