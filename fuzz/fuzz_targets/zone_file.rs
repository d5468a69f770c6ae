//! Text as a master file: it is a zone that answers, or there are located errors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::dns::{Catalog, Qtype, Zone, message};

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let lines = text.lines().count() as u64 + 1;
    let _ = Zone::parse_fragment("example.org", &text, "db.example.org");
    match Zone::parse("example.org", &text, "db.example.org") {
        Ok(zone) => {
            let names: Vec<_> = zone.iter().map(|(name, _)| name.clone()).collect();
            for (_, records) in zone.iter() {
                records.iter().for_each(|record| drop(message::record_text(record)));
            }
            let catalog = Catalog::new([zone]);
            for name in names.iter().take(20) {
                for qtype in [Qtype::A, Qtype::Mx, Qtype::Txt] {
                    let _ = catalog.answer(name, message::record_type(qtype));
                }
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty(), "an error without errors");
            assert!(errors.0.iter().all(|error| error.line as u64 <= lines), "an error beyond the end");
        }
    }
});
