//! One driver for every shell of mxlab: world, recording, fork, branches, going back in time.
