//! Refusals by the rules. A refusal is an answer: it changed nothing, and is decided afresh.

use super::case::{MOVE_BITS, Moves, StatusName};
use super::code::UnitCode;
use super::grant::Scope;
use super::ids::{CaseId, Seq, Timestamp};

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
        /// What the unit acted for may do.
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
    NotTheHolder {
        /// Which case.
        case: CaseId,
        /// What it is at.
        status: StatusName,
        /// What the unit may do.
        moves: Moves,
    },
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
        /// Which case has it; none where that does not exist for whoever asks.
        case: Option<CaseId>,
    },
    /// It cannot have happened later than now.
    #[error("occurred_at lies in the future")]
    OccurredInFuture {
        /// What the clock says.
        now: Timestamp,
    },
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
    /// What is above a unit is neither known nor in the import, or closes before it.
    #[error("what is above the unit is not known, or does not stay as long")]
    UnitOrphaned {
        /// Which.
        unit: UnitCode,
    },
    /// A unit that holds open cases, may hold some by then, or is to take over from another closes
    /// only with a successor.
    #[error(
        "the unit holds open cases, may hold some by then, or is to take over: name its successor"
    )]
    UnitNeedsSuccessor {
        /// Which.
        unit: UnitCode,
    },
    /// More units or matters than an organisation may have.
    #[error("more units or matters than fit")]
    OrganisationFull,
    /// The journal is open already.
    #[error("the journal is open already")]
    JournalOpen,
    /// A text or a part of the command is empty, or longer than it may be.
    #[error("a text of the command is empty, or longer than it may be")]
    OutOfBounds,
    /// The unit acted for is not open now.
    #[error("the unit acted for is closed, or not open yet")]
    UnitClosed,
    /// The moment at which a unit is to close has passed.
    #[error("valid_until has passed: without it the unit closes at once")]
    UnitClosesInPast {
        /// Which.
        unit: UnitCode,
    },
    /// No unit has that code.
    #[error("no unit has that code")]
    UnitUnknown {
        /// Which.
        unit: UnitCode,
    },
    /// The unit is closed, or not open yet.
    #[error("the unit is closed, or not open yet")]
    UnitNotOpen {
        /// Which.
        unit: UnitCode,
    },
    /// Nobody told the unit to close later.
    #[error("the unit is not told to close")]
    UnitNotClosing {
        /// Which.
        unit: UnitCode,
    },
    /// A unit has, or had, that code.
    #[error("a unit has, or had, that code")]
    UnitCodeTaken {
        /// Which.
        unit: UnitCode,
    },
    /// The same unit is named twice.
    #[error("the same unit is named twice")]
    UnitTwice {
        /// Which.
        unit: UnitCode,
    },
    /// The units above it come back to it.
    #[error("the units above it come back to it")]
    UnitInCircle {
        /// Which.
        unit: UnitCode,
    },
    /// Open units sit in it or report to it.
    #[error("open units sit in it or report to it")]
    UnitHasSubunits {
        /// Which.
        unit: UnitCode,
    },
    /// It has changed as often as a unit may.
    #[error("the unit has changed as often as a unit may")]
    UnitChangedTooOften {
        /// Which.
        unit: UnitCode,
    },
    /// A unit closes by `close_unit` or an import alone.
    #[error("a unit is closed by close_unit or an import, not here")]
    UnitClosesElsewhere {
        /// Which.
        unit: UnitCode,
    },
    /// No unit has the code of the successor.
    #[error("no unit has the code of the successor")]
    SuccessorNotFound {
        /// Which.
        unit: UnitCode,
    },
    /// The successor is not open, closes itself, or cannot hold cases.
    #[error("the successor is not open, or cannot hold what the unit held")]
    SuccessorUnfit {
        /// Which.
        unit: UnitCode,
    },
    /// The unit that should get the case is not open.
    #[error("the unit that should get the case is closed, or not open yet")]
    TargetClosed {
        /// Which.
        unit: UnitCode,
    },
    /// The organisation has changed since the version that was seen.
    #[error("the organisation has changed since")]
    OrganisationStale {
        /// The version that it has.
        seq: Seq,
    },
    /// No such unit to send the case to, or outside the token's scope.
    #[error("no such unit to send the case to")]
    TargetNotFound,
    /// The unit that should get the case holds it.
    #[error("the unit that should get the case holds it already")]
    TargetIsHolder,
    /// The unit that should get the case is not where the move goes.
    #[error("the unit that should get the case is neither below nor beside, as the move needs it")]
    TargetUnfit {
        /// Which case.
        case: CaseId,
    },
    /// Only the unit that a report is routed to settles it on the spot.
    #[error("only the unit that the report is routed to may settle it on the spot")]
    SettlerNotTheHolder {
        /// That unit.
        holder: UnitCode,
    },
    /// Only a governance room above may do that.
    #[error("only a governance room above the case may do that")]
    NeedsCentre {
        /// Which case.
        case: CaseId,
        /// What it is at.
        status: StatusName,
        /// What the unit acted for may do.
        moves: Moves,
    },
    /// The token's owner has not that scope.
    #[error("the token has not the scope that this needs")]
    ScopeMissing {
        /// Which.
        scope: Scope,
    },
    /// The token's time is over.
    #[error("the token's time is over")]
    TokenExpired,
    /// A unit that a client's places are named by does not exist.
    #[error("no unit has that code, so it names no range of places")]
    RangeUnknown {
        /// Which.
        unit: UnitCode,
    },
    /// A token cannot have ended before it begins.
    #[error("expires_at does not lie in the future")]
    ExpiresInPast,
    /// Who claims in a confidential matter is for administrators.
    #[error("the claimant of a confidential matter is for administrators only")]
    ClaimantConfidential,
    /// No two clients share a token, and none comes twice.
    #[error("the token is in use")]
    TokenTaken,
    /// The catalogue in force has the matter no more.
    #[error("the catalogue has that matter no more")]
    MatterRetired,
    /// A matter stands in a catalogue once.
    #[error("a matter stands twice in the catalogue")]
    MatterTwice,
    /// A catalogue retires no matter that has open cases.
    #[error("the catalogue drops matters that have open cases")]
    MatterHasOpenCases {
        /// How many such matters.
        matters: u32,
        /// Their open cases.
        cases: u32,
    },
    /// The catalogue has changed since the version that was seen.
    #[error("the catalogue has changed since")]
    CatalogueStale {
        /// The version that it has.
        seq: Seq,
    },
    /// Not all of the catalogue was staged.
    #[error("the catalogue was not staged whole")]
    ImportIncomplete,
    /// Who administers does so for all: no places bound it.
    #[error("an administrator's place is the whole city")]
    AdminWithin,
    /// More events would follow from it than one command may make.
    #[error("more follows from it than one command may do")]
    TooMuchAtOnce,
    /// An import brings units or a catalogue, never both.
    #[error("the import brings something else")]
    ImportOfOtherKind,
}

impl Rejection {
    /// The refusal of whoever has not that scope.
    #[must_use]
    pub const fn without(scope: Scope) -> Self {
        match scope {
            Scope::Admin => Self::NeedsAdmin,
            Scope::Intake | Scope::Act | Scope::Read | Scope::Directive => {
                Self::ScopeMissing { scope }
            }
        }
    }

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
            Self::NotTheHolder { .. } => "not_the_holder",
            Self::UnitMissing => "unit_missing",
            Self::UnitNotFound => "unit_not_found",
            Self::PlaceNotFound => "place_not_found",
            Self::PlaceTooHigh => "place_too_high",
            Self::NoHolder => "no_holder",
            Self::MatterNotFound => "matter_not_found",
            Self::NotOnTheSpot => "not_on_the_spot",
            Self::SourceNumberTaken { .. } => "source_number_taken",
            Self::OccurredInFuture { .. } => "occurred_in_future",
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
            Self::UnitNeedsSuccessor { .. } => "unit_needs_successor",
            Self::OrganisationFull => "organisation_full",
            Self::JournalOpen => "journal_open",
            Self::OutOfBounds => "out_of_bounds",
            Self::UnitClosed => "unit_closed",
            Self::UnitClosesInPast { .. } => "unit_closes_in_past",
            Self::UnitUnknown { .. } => "unit_not_known",
            Self::UnitNotClosing { .. } => "unit_not_closing",
            Self::UnitNotOpen { .. } => "unit_not_open",
            Self::UnitCodeTaken { .. } => "unit_code_taken",
            Self::UnitTwice { .. } => "unit_twice",
            Self::UnitInCircle { .. } => "unit_in_circle",
            Self::UnitHasSubunits { .. } => "unit_has_subunits",
            Self::UnitChangedTooOften { .. } => "unit_changed_too_often",
            Self::UnitClosesElsewhere { .. } => "unit_closes_elsewhere",
            Self::SuccessorNotFound { .. } => "successor_not_found",
            Self::SuccessorUnfit { .. } => "successor_unfit",
            Self::TargetClosed { .. } => "to_closed",
            Self::OrganisationStale { .. } => "organisation_stale",
            Self::TargetNotFound => "to_not_found",
            Self::TargetIsHolder => "to_is_holder",
            Self::TargetUnfit { .. } => "to_unfit",
            Self::NeedsCentre { .. } => "needs_centre",
            Self::SettlerNotTheHolder { .. } => "settler_not_the_holder",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::TokenExpired => "token_expired",
            Self::RangeUnknown { .. } => "range_unknown",
            Self::ExpiresInPast => "expires_in_past",
            Self::ClaimantConfidential => "claimant_confidential",
            Self::TokenTaken => "token_taken",
            Self::MatterRetired => "matter_retired",
            Self::MatterTwice => "matter_twice",
            Self::MatterHasOpenCases { .. } => "matter_has_open_cases",
            Self::CatalogueStale { .. } => "config_stale",
            Self::ImportIncomplete => "import_incomplete",
            Self::TooMuchAtOnce => "too_much_at_once",
            Self::AdminWithin => "admin_within",
            Self::ImportOfOtherKind => "import_of_other_kind",
        }
    }
}

/// The refusals as numbers, for streams that keep many. Append only.
impl Rejection {
    /// A number from 1 and a payload that [`Rejection::from_compact`] makes the refusal of again.
    #[must_use]
    pub fn compact(&self) -> (u16, u64) {
        let pack = |case: CaseId, low: u32| u64::from(case.0) << 32 | u64::from(low);
        let at = |status: StatusName, moves: Moves| (status as u32) << MOVE_BITS | moves.0;
        match *self {
            Self::PrincipalRevoked => (1, 0),
            Self::NeedsAdmin => (2, 0),
            Self::KeyReused => (3, 0),
            Self::CaseNotFound => (4, 0),
            Self::RefUnknown => (5, 0),
            Self::MoveNotAllowed { case, status, moves } => (6, pack(case, at(status, moves))),
            Self::VersionStale { case, version } => (7, pack(case, version)),
            Self::NotTheHolder { case, status, moves } => (8, pack(case, at(status, moves))),
            Self::UnitMissing => (9, 0),
            Self::UnitNotFound => (10, 0),
            Self::PlaceNotFound => (11, 0),
            Self::PlaceTooHigh => (12, 0),
            Self::NoHolder => (13, 0),
            Self::MatterNotFound => (14, 0),
            Self::NotOnTheSpot => (15, 0),
            Self::SourceNumberTaken { case } => (16, pack(case.unwrap_or_default(), 0)),
            Self::OccurredInFuture { now } => (17, now.0.cast_unsigned()),
            Self::AtBeforeNow { now } => (18, now.0.cast_unsigned()),
            Self::AtNotDriven => (19, 0),
            Self::ClientNameTaken => (20, 0),
            Self::ClientNotFound => (21, 0),
            Self::LastAdmin => (22, 0),
            Self::ClientsFull => (23, 0),
            Self::ImportNotFound => (24, 0),
            Self::ImportsFull => (25, 0),
            Self::RowsOutOfBounds => (26, 0),
            Self::ImportEmpty => (27, 0),
            Self::UnitIncoherent { unit } => (28, unit.packed()),
            Self::UnitOrphaned { unit } => (29, unit.packed()),
            Self::UnitNeedsSuccessor { unit } => (30, unit.packed()),
            Self::OrganisationFull => (31, 0),
            Self::JournalOpen => (32, 0),
            Self::OutOfBounds => (33, 0),
            Self::UnitClosed => (34, 0),
            Self::UnitClosesInPast { unit } => (35, unit.packed()),
            Self::UnitUnknown { unit } => (36, unit.packed()),
            Self::UnitNotOpen { unit } => (37, unit.packed()),
            Self::UnitCodeTaken { unit } => (38, unit.packed()),
            Self::UnitTwice { unit } => (39, unit.packed()),
            Self::UnitInCircle { unit } => (40, unit.packed()),
            Self::UnitHasSubunits { unit } => (41, unit.packed()),
            Self::UnitChangedTooOften { unit } => (42, unit.packed()),
            Self::UnitClosesElsewhere { unit } => (43, unit.packed()),
            Self::SuccessorNotFound { unit } => (44, unit.packed()),
            Self::SuccessorUnfit { unit } => (45, unit.packed()),
            Self::TargetClosed { unit } => (46, unit.packed()),
            Self::OrganisationStale { seq } => (47, seq.0),
            Self::TargetNotFound => (48, 0),
            Self::TargetIsHolder => (49, 0),
            Self::TargetUnfit { case } => (50, pack(case, 0)),
            Self::NeedsCentre { case, status, moves } => (51, pack(case, at(status, moves))),
            Self::SettlerNotTheHolder { holder } => (52, holder.packed()),
            Self::ScopeMissing { scope } => (53, scope as u64),
            Self::TokenExpired => (54, 0),
            Self::RangeUnknown { unit } => (55, unit.packed()),
            Self::ExpiresInPast => (56, 0),
            Self::ClaimantConfidential => (57, 0),
            Self::TokenTaken => (58, 0),
            Self::MatterRetired => (59, 0),
            Self::MatterTwice => (60, 0),
            Self::MatterHasOpenCases { matters, cases } => {
                (61, u64::from(matters) << 32 | u64::from(cases))
            }
            Self::CatalogueStale { seq } => (62, seq.0),
            Self::ImportIncomplete => (63, 0),
            Self::ImportOfOtherKind => (64, 0),
            Self::UnitNotClosing { unit } => (65, unit.packed()),
            Self::TooMuchAtOnce => (66, 0),
            Self::AdminWithin => (67, 0),
        }
    }

    /// The refusal of that number and payload; none for a number that no refusal has.
    #[must_use]
    pub fn from_compact(code: u16, payload: u64) -> Option<Self> {
        let case = CaseId((payload >> 32) as u32);
        let low = (payload & 0xffff_ffff) as u32;
        let unit = || UnitCode::from_packed(payload).ok();
        let status = || StatusName::ALL.get((low >> MOVE_BITS) as usize).copied();
        let moves = Moves(low & ((1 << MOVE_BITS) - 1));
        Some(match code {
            1 => Self::PrincipalRevoked,
            2 => Self::NeedsAdmin,
            3 => Self::KeyReused,
            4 => Self::CaseNotFound,
            5 => Self::RefUnknown,
            6 => Self::MoveNotAllowed { case, status: status()?, moves },
            7 => Self::VersionStale { case, version: low },
            8 => Self::NotTheHolder { case, status: status()?, moves },
            9 => Self::UnitMissing,
            10 => Self::UnitNotFound,
            11 => Self::PlaceNotFound,
            12 => Self::PlaceTooHigh,
            13 => Self::NoHolder,
            14 => Self::MatterNotFound,
            15 => Self::NotOnTheSpot,
            16 => Self::SourceNumberTaken { case: Some(case).filter(|case| case.0 != 0) },
            17 => Self::OccurredInFuture { now: Timestamp(payload.cast_signed()) },
            18 => Self::AtBeforeNow { now: Timestamp(payload.cast_signed()) },
            19 => Self::AtNotDriven,
            20 => Self::ClientNameTaken,
            21 => Self::ClientNotFound,
            22 => Self::LastAdmin,
            23 => Self::ClientsFull,
            24 => Self::ImportNotFound,
            25 => Self::ImportsFull,
            26 => Self::RowsOutOfBounds,
            27 => Self::ImportEmpty,
            28 => Self::UnitIncoherent { unit: unit()? },
            29 => Self::UnitOrphaned { unit: unit()? },
            30 => Self::UnitNeedsSuccessor { unit: unit()? },
            31 => Self::OrganisationFull,
            32 => Self::JournalOpen,
            33 => Self::OutOfBounds,
            34 => Self::UnitClosed,
            35 => Self::UnitClosesInPast { unit: unit()? },
            36 => Self::UnitUnknown { unit: unit()? },
            37 => Self::UnitNotOpen { unit: unit()? },
            38 => Self::UnitCodeTaken { unit: unit()? },
            39 => Self::UnitTwice { unit: unit()? },
            40 => Self::UnitInCircle { unit: unit()? },
            41 => Self::UnitHasSubunits { unit: unit()? },
            42 => Self::UnitChangedTooOften { unit: unit()? },
            43 => Self::UnitClosesElsewhere { unit: unit()? },
            44 => Self::SuccessorNotFound { unit: unit()? },
            45 => Self::SuccessorUnfit { unit: unit()? },
            46 => Self::TargetClosed { unit: unit()? },
            47 => Self::OrganisationStale { seq: Seq(payload) },
            48 => Self::TargetNotFound,
            49 => Self::TargetIsHolder,
            50 => Self::TargetUnfit { case },
            51 => Self::NeedsCentre { case, status: status()?, moves },
            52 => Self::SettlerNotTheHolder { holder: unit()? },
            53 => Self::ScopeMissing { scope: *Scope::ALL.get(usize::try_from(payload).ok()?)? },
            54 => Self::TokenExpired,
            55 => Self::RangeUnknown { unit: unit()? },
            56 => Self::ExpiresInPast,
            57 => Self::ClaimantConfidential,
            58 => Self::TokenTaken,
            59 => Self::MatterRetired,
            60 => Self::MatterTwice,
            61 => Self::MatterHasOpenCases { matters: (payload >> 32) as u32, cases: low },
            62 => Self::CatalogueStale { seq: Seq(payload) },
            63 => Self::ImportIncomplete,
            64 => Self::ImportOfOtherKind,
            65 => Self::UnitNotClosing { unit: unit()? },
            66 => Self::TooMuchAtOnce,
            67 => Self::AdminWithin,
            _ => return None,
        })
    }
}
