//! Administration: clients, imports, the organisation.

pub(super) mod clients;
pub(super) mod findings;
pub(super) mod imports;
pub(super) mod open_imports;
pub(super) mod organisation;
