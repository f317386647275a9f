//! What a demo asked for, line by line, and how it was answered.

use std::fmt;

use crate::city::{Deed, Tally};
use crate::domain::case::Move;

const MOVES: usize = Move::ALL.len();

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Report,
    Move(Move),
    AdvanceClock,
}

/// How often each verb was accepted and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered([[u64; 2]; MOVES + 2]);

impl Verb {
    pub(super) const fn of(deed: &Deed<'_>) -> Self {
        match deed {
            Deed::Report(_) => Self::Report,
            Deed::Move(one) => Self::Move(one.what),
            Deed::AdvanceClock => Self::AdvanceClock,
        }
    }

    /// All of them, reports first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let moves = Move::ALL.iter().copied().map(Self::Move);
        std::iter::once(Self::Report).chain(moves).chain([Self::AdvanceClock])
    }

    /// How often a run asks for it.
    pub(super) fn expected(self, tally: &Tally) -> u64 {
        match self {
            Self::Report => tally.cases,
            Self::Move(what) => tally.moved(what),
            Self::AdvanceClock => 1,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Report => MOVES,
            Self::Move(what) => what as usize,
            Self::AdvanceClock => MOVES + 1,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report => f.write_str("report"),
            Self::Move(what) => f.write_str(what.name()),
            Self::AdvanceClock => f.write_str("advance_clock"),
        }
    }
}

impl Answered {
    pub(super) fn accept(&mut self, verb: Verb) {
        self.0[verb.index()][0] += 1;
    }

    pub(super) fn refuse(&mut self, verb: Verb) {
        self.0[verb.index()][1] += 1;
    }

    /// Answered with a seq.
    pub(super) const fn accepted(&self, verb: Verb) -> u64 {
        self.0[verb.index()][0]
    }

    /// Answered with an error.
    pub(super) const fn refused(&self, verb: Verb) -> u64 {
        self.0[verb.index()][1]
    }

    /// Answered with a seq, of all verbs.
    pub(super) fn all_accepted(&self) -> u64 {
        self.0.iter().map(|[accepted, _]| accepted).sum()
    }
}
