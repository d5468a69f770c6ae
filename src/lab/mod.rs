//! Labs: tasks with checks that observe a world, variation per student, permissions.
//!
//! A lab is a [`Folder`] of files; [`Lab::load`] reads it, [`Lab::instance`] makes the variant of
//! one student, [`judge::judge`] tells how the tasks stand in a world. [`script`] is the language
//! of model solutions.

pub mod check;
mod gaps;
pub mod judge;
mod load;
pub mod script;
pub mod variation;
pub mod written;

pub use load::{Folder, Instance, Lab, Wrong};
pub use variation::Student;
