//! One program for all fuzz targets, so that there is one to build: `TIELINE_FUZZ_TARGET` names it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tieline_fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("TIELINE_FUZZ_TARGET").expect("TIELINE_FUZZ_TARGET is set");
        let target = tieline_fuzz::find(&name).expect("TIELINE_FUZZ_TARGET names a target");
        TARGET.get_or_init(|| target);
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(data);
        }
    }
);
