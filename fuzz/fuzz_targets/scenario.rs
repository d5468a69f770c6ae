//! Text as a scenario: it is refused with located problems, or it has a world that runs.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::sim::Duration;

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let sources = Sources { name: "x".into(), file: "x.ron".into(), text, ..Sources::default() };
    match Scenario::load(&sources) {
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a problem");
            problems.iter().for_each(|problem| drop(problem.render(&sources.text, false)));
        }
        Ok(scenario) if scenario.hosts.len() <= 4 => {
            if let Ok(mut session) = Session::new(Arc::new(scenario), None, None) {
                let end = session.world().now() + Duration::from_secs(600);
                session.run_script(Some(end));
            }
        }
        Ok(_) => {}
    }
});
