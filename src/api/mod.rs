//! temp
pub mod body;
pub mod codes;
pub mod language;
