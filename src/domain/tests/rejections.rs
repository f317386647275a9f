//! Every refusal has a number and a code of its own.

use crate::domain::case::{Moves, StatusName};
use crate::domain::code::UnitCode;
use crate::domain::ids::{CaseId, Seq, Timestamp};
use crate::domain::rejection::Rejection;

#[test]
fn every_refusal_comes_back_from_its_numbers() {
    let case = CaseId(7);
    let unit: UnitCode = "411502001000-R01".parse().expect("a good code");
    let now = Timestamp(1_767_225_600_123);
    let (status, moves) = (StatusName::Closed, Moves(0b1010));
    let mut codes = std::collections::BTreeSet::new();
    for code in 1.. {
        let Some(made) = Rejection::from_compact(code, unit.packed())
            .or_else(|| Rejection::from_compact(code, 0))
        else {
            break;
        };
        let filled = [
            Rejection::MoveNotAllowed { case, status, moves },
            Rejection::NotTheHolder { case, status, moves },
            Rejection::NeedsCentre { case, status, moves },
            Rejection::TargetUnfit { case },
            Rejection::OrganisationStale { seq: Seq(1 << 40) },
            Rejection::CatalogueStale { seq: Seq(1 << 40) },
            Rejection::MatterHasOpenCases { matters: 3, cases: 9 },
            Rejection::VersionStale { case, version: 9 },
            Rejection::SourceNumberTaken { case: Some(case) },
            Rejection::AtBeforeNow { now },
            Rejection::OccurredInFuture { now },
        ];
        let filled = filled.into_iter().find(|one| one.code() == made.code()).unwrap_or(made);
        let (number, payload) = filled.compact();
        assert_eq!(number, code);
        assert_eq!(Rejection::from_compact(number, payload), Some(filled));
        assert!(codes.insert(filled.code()), "{} stands for two refusals", filled.code());
    }
    assert_eq!(codes.len(), 67, "every refusal has a number");
}
