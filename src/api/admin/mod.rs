//! Administration: clients and imports.

pub(super) mod clients;
pub(super) mod imports;
