//! Text as a recording, also with checksums made right: it is read back as it was written, and
//! replaying it comes to an end.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use mxlab::scenario::Scenario;
use mxlab::session::{Recording, Session};
use sha2::{Digest as _, Sha256};

fn scenario() -> Arc<Scenario> {
    static SCENARIO: OnceLock<Arc<Scenario>> = OnceLock::new();
    SCENARIO.get_or_init(|| Arc::new(mxlab_fuzz::site_scenario())).clone()
}

/// Puts the right checksum before every line.
fn with_checksums(text: &str) -> String {
    let mut chain = String::new();
    let mut line = |json: &str| {
        let hash = Sha256::new().chain_update(&chain).chain_update("\n").chain_update(json).finalize();
        chain = hash.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
        format!("{chain} {json}\n")
    };
    text.lines().map(&mut line).collect()
}

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    for text in [text.clone(), with_checksums(&text)] {
        let recording = match Recording::parse(&text) {
            Ok(recording) => recording,
            Err(damage) => match damage.readable {
                Some(readable) => *readable,
                None => continue,
            },
        };
        assert_eq!(Recording::parse(&recording.to_text()).as_ref(), Ok(&recording));
        if recording.entries.len() <= 8 {
            let mut recording = recording;
            recording.header.scenario_digest = scenario().digest.clone();
            let _ = Session::replay(scenario(), &recording);
        }
    }
});
