//! What is kept.

pub mod vault;
