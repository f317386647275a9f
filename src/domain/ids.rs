//! Numbers that name things: dense from 1, never reused, never shown where a code exists.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The first one; zero names nothing.
            pub const FIRST: Self = Self(1);

            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A place in the journal: one event, counted from 1 without gaps.
    Seq(u64)
);
number!(
    /// A case, in the order received.
    CaseId(u32)
);
number!(
    /// A unit, numbered in organisation order at the import that brought it.
    UnitNumber(u32)
);
number!(
    /// A matter of the catalogue, numbered in the order it came.
    MatterNumber(u16)
);
number!(
    /// Whoever holds a token: a client system now, a person later.
    PrincipalId(u32)
);
number!(
    /// A staged import, from its begin to its commit.
    ImportId(u32)
);
number!(
    /// A key slot of the vault: one sealed part each.
    SlotNumber(u64)
);
number!(
    /// A seat (岗位). None exist yet; an event's actor has the place for it.
    SeatNumber(u32)
);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
}

impl PrincipalId {
    /// Zhida itself: what falls due by the clock, and its own administration.
    pub const SYSTEM: Self = Self(0);
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z, stamped by the engine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// This moment and `milliseconds` more, held at the ends of the range.
    #[must_use]
    pub const fn plus_ms(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to this moment; negative when it lies after.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
