//! Packets into a file while they fly.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crate::session::pcap::Pcap;
use crate::sim::tap::Packet;

/// A pcap file that grows.
#[derive(Debug)]
pub struct Capture {
    file: File,
    pcap: Pcap,
    failed: bool,
}

impl Capture {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(path: &Path) -> io::Result<Capture> {
        let mut file = File::create(path)?;
        file.write_all(&Pcap::header())?;
        Ok(Capture { file, pcap: Pcap::default(), failed: false })
    }

    /// Appends packets. The first error is told once on standard error, and ends the writing.
    pub fn save(&mut self, packets: &[Packet]) {
        if packets.is_empty() || self.failed {
            return;
        }
        let mut octets = Vec::new();
        packets.iter().for_each(|packet| self.pcap.packet(packet, &mut octets));
        if let Err(error) = self.file.write_all(&octets) {
            eprintln!("mxlab: packets are no longer written: {error}");
            self.failed = true;
        }
    }
}
