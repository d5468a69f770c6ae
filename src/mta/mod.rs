//! Mail transfer agents. What every MTA shares stands here; each MTA has a folder of its own.

pub mod postfix;
