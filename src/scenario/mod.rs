//! What people write: scenario files in RON, checked into values that a world is made of.
