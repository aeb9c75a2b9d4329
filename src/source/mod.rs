//! Files as they come from disk, and places in them.

pub mod position;
