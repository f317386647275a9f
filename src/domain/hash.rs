//! Maps whose keys are numbers, hashed in a few nanoseconds where the standard hasher takes some
//! twenty. Every map has a seed of its own, so that nobody who chooses keys can make them meet.
//! Order in a map is never looked at, so nothing follows from the seed.

/// A map whose keys are numbers, or a few of them.
pub type NumberMap<K, V> = std::collections::HashMap<K, V, NumberHashing>;

/// Makes the hashers of one map.
pub type NumberHashing = foldhash::fast::RandomState;
