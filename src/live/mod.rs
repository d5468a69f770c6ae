//! The gateway: loopback sockets of the real machine as connections inside the world.

pub mod plan;
