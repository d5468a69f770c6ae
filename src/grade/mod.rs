//! Grading: submissions replayed against the grader's own copy of a lab, and the reports.
//!
//! [`examine`] tries a lab with its own model solution and wrong solutions; [`submission`] grades
//! what a student handed in; [`similar`] compares the [`work`] of a [`class`]; [`report`] writes
//! the results down for people and for other systems.

pub mod class;
pub mod examine;
pub mod report;
pub mod similar;
pub mod submission;
pub mod work;
