//! What can be asked of the published cases: which, in what order, how many.
//!
//! ```text
//!  Filter ─▶ Sieve ─┐
//!                   ├─▶ Selection ─▶ Page          each case ─▶ Standing, 16 bytes
//!  Sort ────────────┘
//! ```
//!
//! A filter and an order look at a case's standing; its row is fetched for what stands in no
//! standing, and for the page. Knows no JSON, no cursor and no token.

mod filter;
mod selection;
mod standing;

pub use filter::{Filter, Flag, Span, Within};
pub use selection::{Sort, SortKey};

pub(super) use filter::Sieve;
pub(super) use selection::Selection;
pub(super) use standing::Standing;

use crate::domain::case::Case;
use crate::domain::ids::{CaseId, Seq};

/// One question: a page of the cases that it asks for.
#[derive(Clone, Copy)]
pub struct Query<'q> {
    /// Which cases.
    pub filter: &'q Filter,
    /// In what order.
    pub sort: Sort,
    /// Where the page before ended; none for the first page.
    pub after: Option<After>,
    /// Cases of the page at most.
    pub limit: usize,
    /// Whether a case exists for whoever asks; none where all do.
    pub sees: Option<&'q dyn Fn(&Case) -> bool>,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The last case's key.
    pub key: SortKey,
    /// What the first page was as of.
    pub begun_seq: Seq,
}

/// A page of cases, all of one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order asked for.
    pub cases: Vec<(CaseId, Case)>,
    /// The last case's key, where there are more behind it.
    pub next: Option<SortKey>,
    /// Whether a case was left out because it came or changed after the first page: by an order
    /// that changes with a case, it might show twice.
    pub has_moved: bool,
    /// The view that all of them were read from.
    pub as_of: Seq,
}

impl Page {
    /// Whether there are more behind the last of them.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.next.is_some()
    }
}
