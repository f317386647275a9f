//! Zhida (直达): the dispatch core of a city's grid governance.

pub mod api;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod rules;
