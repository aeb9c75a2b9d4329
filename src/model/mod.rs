//! Facts and shapes the fixes reason about.

pub mod catalogue;
