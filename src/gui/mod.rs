//! The window: panels that draw what [`crate::view`] computes, and pictures drawn without a display.
