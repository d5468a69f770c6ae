//! Text as a golden case: it is refused, or it is played and its result can be compared.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::conform::{Case, Verdict, check, differences, normalise, text};

fuzz_target!(|data: &[u8]| {
    let source = mxlab_fuzz::text(data);
    let _ = text::escape_surrogates(&text::unescape_surrogates(&source));
    let Ok(case) = Case::parse(&source) else { return };
    if case.hosts.iter().count() > 3 || case.steps.len() > 6 {
        return;
    }
    let (verdict, recording) = check(&source);
    if let Some(recording) = recording {
        let normal = normalise(&recording.to_json());
        assert!(differences(&normal, &normal, &[]).is_empty(), "it differs from itself");
    } else {
        assert!(matches!(verdict, Verdict::Failed(_)), "passed without a result");
    }
});
