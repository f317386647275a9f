//! How moments and codes are written in JSON.

use serde::{Serialize, Serializer};

use crate::domain::code::UnitCode;
use crate::domain::ids::Timestamp;
use crate::rules::write_moment;

/// A moment as RFC 3339 in +08:00 with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_moment(self.0).serialize(serializer)
    }
}

/// A unit's code as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodeText(pub(super) UnitCode);

impl Serialize for CodeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
