//! Refusals by the rules. A refusal is an answer: it changed nothing, and is decided afresh.

use super::case::{Moves, StatusName};
use super::code::UnitCode;
use super::ids::{CaseId, Timestamp};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejection {
    /// The token's owner may not act, or not any more.
    #[error("the token's owner may not act any more")]
    PrincipalRevoked,
    /// Only an administrator may do that.
    #[error("only an administrator may do that")]
    NeedsAdmin,
    /// The same key came before with another body.
    #[error("the idempotency key was used before with another body")]
    KeyReused,
    /// No such case, or outside the token's scope.
    #[error("no such case")]
    CaseNotFound,
    /// The key that should name a case is unknown, or past the window.
    #[error("the reference names no case that is remembered")]
    RefUnknown,
    /// The case does not allow the move now.
    #[error("the case does not allow that move now")]
    MoveNotAllowed {
        /// Which case.
        case: CaseId,
        /// What it is at.
        status: StatusName,
        /// What its holder may do.
        moves: Moves,
    },
    /// The case has another version by now.
    #[error("the case has another version by now")]
    VersionStale {
        /// Which case.
        case: CaseId,
        /// The version that it has.
        version: u32,
    },
    /// The unit acted for is not the one that answers for the case.
    #[error("the unit acted for does not hold the case")]
    NotTheHolder,
    /// The command needs the unit that it acts for.
    #[error("the command names no unit to act for")]
    UnitMissing,
    /// No such unit, or outside the token's scope.
    #[error("no such unit to act for")]
    UnitNotFound,
    /// No such place, or outside the token's scope.
    #[error("no such place")]
    PlaceNotFound,
    /// A case happens in a township or below.
    #[error("the place must be a township or below")]
    PlaceTooHigh,
    /// Neither the line of the place nor its township's room can take the case.
    #[error("no open unit answers for that place")]
    NoHolder,
    /// No such matter in the catalogue.
    #[error("no such matter")]
    MatterNotFound,
    /// The catalogue does not let that matter be settled on the spot.
    #[error("the matter may not be settled on the spot")]
    NotOnTheSpot,
    /// The source gave that number to another case.
    #[error("the source gave that number to another case")]
    SourceNumberTaken {
        /// Which case has it.
        case: CaseId,
    },
    /// It cannot have happened later than now.
    #[error("occurred_at lies in the future")]
    OccurredInFuture,
    /// A command on a driven clock came with a time that has passed.
    #[error("at lies before the clock")]
    AtBeforeNow {
        /// What the clock says.
        now: Timestamp,
    },
    /// Only a driven clock takes times.
    #[error("at is for a driven clock only")]
    AtNotDriven,
    /// A client of that name exists.
    #[error("a client of that name exists")]
    ClientNameTaken,
    /// No such client.
    #[error("no such client")]
    ClientNotFound,
    /// The last administrator cannot be revoked.
    #[error("the last administrator cannot be revoked")]
    LastAdmin,
    /// No more clients.
    #[error("no more clients can be admitted")]
    ClientsFull,
    /// No such import is open.
    #[error("no such import is open")]
    ImportNotFound,
    /// Too many imports are open.
    #[error("too many imports are open")]
    ImportsFull,
    /// A command carries too many rows, or none.
    #[error("the number of rows is outside its bounds")]
    RowsOutOfBounds,
    /// The import has nothing in it.
    #[error("the import has nothing in it")]
    ImportEmpty,
    /// Kind and code of a unit do not fit.
    #[error("kind and code of the unit do not fit")]
    UnitIncoherent {
        /// Which.
        unit: UnitCode,
    },
    /// The division above a unit is neither known nor in the import.
    #[error("the division above the unit is not known")]
    UnitOrphaned {
        /// Which.
        unit: UnitCode,
    },
    /// A unit cannot be closed while it holds open cases.
    #[error("the unit holds open cases and cannot be closed")]
    UnitHoldsCases {
        /// Which.
        unit: UnitCode,
    },
    /// More units or matters than an organisation may have.
    #[error("more units or matters than fit")]
    OrganisationFull,
    /// The journal is open already.
    #[error("the journal is open already")]
    JournalOpen,
}

impl Rejection {
    /// The stable code that clients tell refusals apart by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PrincipalRevoked => "principal_revoked",
            Self::NeedsAdmin => "needs_admin",
            Self::KeyReused => "key_reused",
            Self::CaseNotFound => "case_not_found",
            Self::RefUnknown => "ref_unknown",
            Self::MoveNotAllowed { .. } => "move_not_allowed",
            Self::VersionStale { .. } => "version_stale",
            Self::NotTheHolder => "not_the_holder",
            Self::UnitMissing => "unit_missing",
            Self::UnitNotFound => "unit_not_found",
            Self::PlaceNotFound => "place_not_found",
            Self::PlaceTooHigh => "place_too_high",
            Self::NoHolder => "no_holder",
            Self::MatterNotFound => "matter_not_found",
            Self::NotOnTheSpot => "not_on_the_spot",
            Self::SourceNumberTaken { .. } => "source_number_taken",
            Self::OccurredInFuture => "occurred_in_future",
            Self::AtBeforeNow { .. } => "at_before_now",
            Self::AtNotDriven => "at_not_driven",
            Self::ClientNameTaken => "client_name_taken",
            Self::ClientNotFound => "client_not_found",
            Self::LastAdmin => "last_admin",
            Self::ClientsFull => "clients_full",
            Self::ImportNotFound => "import_not_found",
            Self::ImportsFull => "imports_full",
            Self::RowsOutOfBounds => "rows_out_of_bounds",
            Self::ImportEmpty => "import_empty",
            Self::UnitIncoherent { .. } => "unit_incoherent",
            Self::UnitOrphaned { .. } => "unit_orphaned",
            Self::UnitHoldsCases { .. } => "unit_holds_cases",
            Self::OrganisationFull => "organisation_full",
            Self::JournalOpen => "journal_open",
        }
    }
}
