//! Postfix 3.7, one module per program of Postfix, named as Postfix names them.
//!
//! A running instance is one process of its host, `master::Postfix`: master(8) with
//! all its daemons inside. Daemons call each other as functions where Postfix would use a socket
//! within the host; only the network, timers, DNS and commands are waited for.
//!
//! [`Services`](services::Services) is what the daemons share.

pub mod agents;
pub mod anvil;
pub mod bounce;
pub mod check;
pub mod cleanup;
pub mod commands;
pub mod config;
pub mod delivery;
pub mod delivery_filter;
pub mod error;
pub mod flush;
pub mod local;
pub mod log;
pub mod mail_copy;
pub mod maps;
pub mod master;
pub mod mbox_open;
pub mod milter;
pub mod notice;
pub mod pickup;
pub mod pipe;
pub mod pipe_command;
pub mod qmgr;
pub mod queue;
pub mod queue_file;
pub mod services;
pub mod showq;
pub mod smtp;
pub mod smtpd;
pub mod tls;
pub mod trivial_rewrite;
pub mod verify;
pub mod verp;
pub mod virtual_;
pub(crate) mod xsasl;
