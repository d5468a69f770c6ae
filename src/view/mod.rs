//! What is on the screen at a moment, as plain data: scenes, playhead, director, transcripts.
//!
//! A view reads a [`crate::session::Session`]; it draws nothing and changes nothing.
