//! Turns one event with everything around it into bytes, and back.
//!
//! ```text
//!  ┌─────┬──────────────────────────────┬───────────────────────────────────────┐
//!  │ tag │ texts, ciphertexts, rows     │ root: who, when, after which; the body │
//!  │ u8  │ pointed at from the root     │ at the end, of one size per tag        │
//!  └─────┴──────────────────────────────┴───────────────────────────────────────┘
//! ```
//!
//! Each event is archived alone, so that reading one touches one, and each kind has a root of its
//! own, so that a small event stays small. An acknowledge is 42 B, a warning 51 B, an escalation 102 B
//! and its ciphertext, a report 146 B and its ciphertexts; a key is its length and 26 B more.
//!
//! The domain's types know nothing of this. Their archived twins are in `v1`; another format is
//! another module beside it. An event's `seq` is not in its bytes: the value that holds it says
//! where it begins.

#[cfg(test)]
pub(crate) mod arbitrary;
mod codes;
mod v1;

use crate::domain::event::Event;
use crate::domain::ids::Seq;
use crate::domain::record::Record;

pub(super) use codes::Coded;

/// Why the bytes of an event are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// The value does not hold that event, or says that it lies outside of it.
    #[error("event {seq}: its value has no such event")]
    Missing {
        /// The event asked for.
        seq: Seq,
    },
    /// This program knows no such kind of event.
    #[error("event {seq}: unknown tag {tag}")]
    UnknownTag {
        /// The event asked for.
        seq: Seq,
        /// Its first byte.
        tag: u8,
    },
    /// The bytes are not what the tag says.
    #[error("event {seq}: not a {tag:?}: {what}")]
    Malformed {
        /// The event asked for.
        seq: Seq,
        /// What it says to be.
        tag: Tag,
        /// Where it is not.
        what: String,
    },
    /// A number stands for nothing that this program knows.
    #[error("event {seq}: {number} is no {of}")]
    UnknownCode {
        /// The event asked for.
        seq: Seq,
        /// What it should name.
        of: &'static str,
        /// As it stands there.
        number: u64,
    },
}

impl BadRecord {
    /// Which event it was.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Missing { seq }
            | Self::UnknownTag { seq, .. }
            | Self::Malformed { seq, .. }
            | Self::UnknownCode { seq, .. } => *seq,
        }
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $kind:ident = $tag:literal,)+) => {
        /// The first byte of an event: its kind, for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Tag { $($(#[$doc])* $kind = $tag,)+ }

        impl Tag {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The tag of that event.
            #[must_use]
            pub const fn of(event: &Event) -> Self {
                match event { $(Event::$kind(_) => Self::$kind,)+ }
            }

            /// The tag of that number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($tag => Some(Self::$kind),)+ _ => None }
            }
        }
    };
}

tags!(
    /// [`Event::JournalOpened`]
    JournalOpened = 1,
    /// [`Event::ClockAdvanced`]
    ClockAdvanced = 2,
    /// [`Event::ClientAdmitted`]
    ClientAdmitted = 8,
    /// [`Event::ClientRevoked`]
    ClientRevoked = 9,
    /// [`Event::ClientChanged`]
    ClientChanged = 10,
    /// [`Event::ClientRotated`]
    ClientRotated = 11,
    /// [`Event::ImportBegun`]
    ImportBegun = 16,
    /// [`Event::UnitsStaged`]
    UnitsStaged = 17,
    /// [`Event::MattersStaged`]
    MattersStaged = 18,
    /// [`Event::TextStaged`]
    TextStaged = 19,
    /// [`Event::ImportCommitted`]
    ImportCommitted = 20,
    /// [`Event::ImportAbandoned`]
    ImportAbandoned = 21,
    /// [`Event::UnitOpened`]
    UnitOpened = 24,
    /// [`Event::UnitChanged`]
    UnitChanged = 25,
    /// [`Event::UnitClosed`]
    UnitClosed = 26,
    /// [`Event::UnitMoved`]
    UnitMoved = 27,
    /// [`Event::UnitsRenumbered`]
    UnitsRenumbered = 28,
    /// [`Event::UnitClosing`]
    UnitClosing = 29,
    /// [`Event::UnitKept`]
    UnitKept = 30,
    /// [`Event::CaseReported`]
    CaseReported = 32,
    /// [`Event::CaseSettled`]
    CaseSettled = 33,
    /// [`Event::CaseAcknowledged`]
    CaseAcknowledged = 34,
    /// [`Event::CaseEscalated`]
    CaseEscalated = 35,
    /// [`Event::CaseHandled`]
    CaseHandled = 36,
    /// [`Event::CaseClosed`]
    CaseClosed = 37,
    /// [`Event::CaseWarned`]
    CaseWarned = 38,
    /// [`Event::CaseOverdue`]
    CaseOverdue = 39,
    /// [`Event::CaseHandedDown`]
    CaseHandedDown = 40,
    /// [`Event::CaseTransferred`]
    CaseTransferred = 41,
    /// [`Event::CaseReturned`]
    CaseReturned = 42,
    /// [`Event::CaseDeclined`]
    CaseDeclined = 43,
    /// [`Event::CaseVoided`]
    CaseVoided = 44,
    /// [`Event::CaseReopened`]
    CaseReopened = 45,
    /// [`Event::CaseNoted`]
    CaseNoted = 46,
    /// [`Event::CasesInherited`]
    CasesInherited = 47,
    /// [`Event::CaseRevealed`]
    CaseRevealed = 60,
);

/// Appends the record's bytes to `out`, whose room is used again: nothing is allocated but for a
/// chunk of staged rows.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    out.push(Tag::of(&record.event) as u8);
    v1::write(record, out);
}

/// Reads a record from exactly its bytes; `seq` is its place, which they do not hold.
///
/// # Errors
/// When they are not the bytes of a record. Any bytes may be given.
pub fn decode(seq: Seq, bytes: &[u8]) -> Result<Record, BadRecord> {
    let Some((&number, archived)) = bytes.split_first() else {
        return Err(BadRecord::Missing { seq });
    };
    let Some(tag) = Tag::from_number(number) else {
        return Err(BadRecord::UnknownTag { seq, tag: number });
    };
    v1::read(seq, tag, archived)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::calendar::Limit;
    use crate::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
    use crate::domain::event::{MattersStaged, SealedPart, TextStaged};
    use crate::domain::ids::{ImportId, SlotNumber};
    use crate::domain::limits::{
        EVENT_BYTES_MAX, KEY_BYTES_MAX, MATTER_CODE_BYTES_MAX, NAME_BYTES_MAX, SEALED_BYTES_MAX,
        SOURCE_NUMBER_BYTES_MAX, STAGED_ROWS_MAX, STAGED_TEXT_BYTES_MAX,
    };
    use crate::domain::record::{Mark, Outcome};

    fn encoded(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(record, &mut bytes);
        bytes
    }

    /// One record of that kind, with an outcome that has no meaning for its size.
    fn any_of(tag: Tag) -> Record {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let tree = arbitrary::event(tag).new_tree(&mut runner).expect("nothing is filtered");
        let event = proptest::strategy::ValueTree::current(&tree);
        arbitrary::bare(event)
    }

    proptest! {
        #[test]
        fn a_record_reads_as_it_was_written(record in arbitrary::record()) {
            prop_assert_eq!(decode(record.seq, &encoded(&record)), Ok(record));
        }

        #[test]
        fn where_a_record_is_written_changes_nothing(
            record in arbitrary::record(),
            before in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes = before.clone();
            encode(&record, &mut bytes);
            prop_assert_eq!(&bytes[..before.len()], &before[..]);
            prop_assert_eq!(&bytes[before.len()..], &encoded(&record)[..]);
        }

        #[test]
        fn garbage_is_refused_or_read_and_never_panics(
            tag in prop::sample::select(Tag::ALL),
            mut bytes in prop::collection::vec(any::<u8>(), 1..400),
        ) {
            bytes[0] = tag as u8;
            if let Ok(record) = decode(Seq(1), &bytes) {
                prop_assert_eq!(Tag::of(&record.event), tag);
            }
        }

        #[test]
        fn a_damaged_record_never_panics(
            record in arbitrary::record(),
            place in any::<prop::sample::Index>(),
            damage in 1_u8..,
        ) {
            let mut bytes = encoded(&record);
            let place = place.index(bytes.len());
            bytes[place] ^= damage;
            // The room of an absent field may hold anything: only a value's checksum sees it.
            drop(decode(record.seq, &bytes));
        }
    }

    #[test]
    fn every_kind_has_a_tag_of_its_own_and_is_made_by_the_strategies() {
        for tag in Tag::ALL {
            assert_eq!(Tag::from_number(*tag as u8), Some(*tag));
            assert_eq!(Tag::of(&any_of(*tag).event), *tag);
        }
        assert!(Tag::ALL.is_sorted());
    }

    #[test]
    fn an_unknown_tag_is_named() {
        let bad = decode(Seq(7), &[200, 1, 2, 3]).expect_err("no such tag");
        assert_eq!(bad.to_string(), "event 7: unknown tag 200");
        assert_eq!(decode(Seq(7), &[]), Err(BadRecord::Missing { seq: Seq(7) }));
    }

    #[test]
    fn an_unknown_code_is_named() {
        let mut bytes = encoded(&any_of(Tag::CaseWarned));
        let clock = bytes.len() - 9;
        bytes[clock] = 9;
        let bad = decode(Seq(7), &bytes).expect_err("no such clock");
        assert_eq!(bad.to_string(), "event 7: 9 is no clock");
    }

    #[test]
    fn a_small_event_stays_small() {
        let length = |tag: Tag| encoded(&any_of(tag)).len();
        assert_eq!(length(Tag::CaseAcknowledged), 42);
        assert_eq!(length(Tag::CaseWarned), 51);

        let mut keyed = any_of(Tag::CaseAcknowledged);
        keyed.outcome = Some(outcome("0123456789"));
        assert_eq!(encoded(&keyed).len(), 42 + 26 + 10);

        let mut reported = any_of(Tag::CaseReported);
        let Event::CaseReported(event) = &mut reported.event else { panic!("not a report") };
        event.claimant = Some(sealed(30));
        event.text = sealed(300);
        event.source_number = None;
        assert_eq!(encoded(&reported).len(), 146 + 330);

        let mut escalated = any_of(Tag::CaseEscalated);
        let Event::CaseEscalated(event) = &mut escalated.event else { panic!("not one") };
        event.reason = sealed(100);
        assert_eq!(encoded(&escalated).len(), 102 + 100);
    }

    #[test]
    fn the_largest_events_stay_within_the_bound() {
        let mut reported = any_of(Tag::CaseReported);
        let Event::CaseReported(event) = &mut reported.event else { panic!("not a report") };
        event.claimant = Some(sealed(SEALED_BYTES_MAX));
        event.text = sealed(SEALED_BYTES_MAX);
        event.source_number = Some("9".repeat(SOURCE_NUMBER_BYTES_MAX).into());

        let row = MatterRow {
            code: "9".repeat(MATTER_CODE_BYTES_MAX).into(),
            name: "9".repeat(NAME_BYTES_MAX).into(),
            class: "9".repeat(NAME_BYTES_MAX).into(),
            module: Module::Economy,
            home: HomeLevel::Grid,
            severity: Severity::Normal,
            node_limit: Limit::CalendarHours(1),
            total_limit: Limit::CalendarHours(2),
            on_the_spot: true,
            public: true,
            confidential: true,
            from_occurrence: true,
        };
        let rows = vec![row; STAGED_ROWS_MAX];
        let text: Arc<str> = "9".repeat(STAGED_TEXT_BYTES_MAX).into();
        let largest = [
            reported.event,
            Event::MattersStaged(MattersStaged { import: ImportId(1), rows }),
            Event::TextStaged(TextStaged { import: ImportId(1), text }),
        ];
        for event in largest {
            let mut record = arbitrary::bare(event);
            record.outcome = Some(outcome(&"k".repeat(KEY_BYTES_MAX)));
            let length = encoded(&record).len();
            assert!(length <= EVENT_BYTES_MAX, "{}: {length} B", record.event.name());
        }
    }

    fn outcome(key: &str) -> Outcome {
        Outcome { mark: Mark { key: key.into(), body_hash: 1 << 100 }, events: 1 }
    }

    fn sealed(length: usize) -> SealedPart {
        SealedPart { slot: SlotNumber(1), ciphertext: vec![7; length].into() }
    }
}
