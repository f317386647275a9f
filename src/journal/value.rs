//! A run of events behind an envelope: what lies under one key of the store, and one link of the
//! chain.
//!
//! ```text
//!  byte   0      4       6      7   8         16     24      28       32          64         72
//!         ┌──────┬───────┬──────┬───┬─────────┬──────┬───────┬────────┬───────────┬──────────┐
//!         │magic │format │clock │ 0 │first seq│time  │count  │body    │previous   │checksum  │
//!         │ZHV0  │u16 = 0│u8    │   │u64      │i64   │u32    │u32     │hash [32]  │u64       │
//!         └──────┴───────┴──────┴───┴─────────┴──────┴───────┴────────┴───────────┴──────────┘
//!  byte  72            72 + 4 × count                                   72 + body
//!         ┌─────────────┬────────────────┬────────────────┬── ─ ─ ──────┐
//!         │offsets u32  │event first     │event first + 1 │             │ at most 65,400 in all
//!         └─────────────┴────────────────┴────────────────┴── ─ ─ ──────┘
//! ```
//!
//! - All numbers are little-endian. An offset counts from the value's first byte; an event ends
//!   where the next one begins, the last one with the value.
//! - *time* is that of the last event, *body* the length of everything behind the envelope.
//! - *checksum* is xxh3-64 over bytes 0 to 63 and the body. It finds damage.
//! - The value's *hash* is BLAKE3 over all of its bytes; the next value has it as *previous hash*.
//!   It finds rewriting, by whoever knows a later [`Head`].

use xxhash_rust::xxh3::Xxh3;

use super::head::Head;
use super::record::{self, BadRecord, Coded};
use crate::domain::event::ClockMode;
use crate::domain::ids::{Seq, Timestamp};
use crate::domain::limits::EVENT_BYTES_MAX;
use crate::domain::record::Record;

/// Longest value, in bytes: the store rounds large values up to a power of two, its own share
/// included, and this leaves room for that.
pub const VALUE_BYTES_MAX: usize = 65_400;
/// The format that this program writes, and the only one that it reads.
pub const FORMAT: u16 = 0;
/// What a value begins with.
pub const MAGIC: [u8; 4] = *b"ZHV0";
/// Length of the envelope, in bytes.
pub const ENVELOPE_BYTES: usize = 72;
/// Length of one offset, in bytes.
pub(super) const OFFSET_BYTES: usize = 4;

const _: () = assert!(
    ENVELOPE_BYTES + OFFSET_BYTES + EVENT_BYTES_MAX <= VALUE_BYTES_MAX,
    "the largest event fits a value"
);

const FORMAT_AT: usize = 4;
const CLOCK_AT: usize = 6;
const ZERO_AT: usize = 7;
const FIRST_AT: usize = 8;
const TIME_AT: usize = 16;
const COUNT_AT: usize = 24;
const BODY_AT: usize = 28;
const PREVIOUS_AT: usize = 32;
const CHECKSUM_AT: usize = 64;

/// A value, checked to be whole. Its events are read one at a time.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    bytes: &'a [u8],
    envelope: Envelope,
}

/// What stands before the body, without magic, format, length and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) clock_mode: ClockMode,
    pub(super) first: Seq,
    pub(super) at: Timestamp,
    pub(super) count: u32,
    pub(super) previous_hash: [u8; 32],
}

/// Why some bytes are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Shorter than an envelope.
    #[error("not a value: {length} bytes are less than an envelope")]
    Short {
        /// How many there are.
        length: usize,
    },
    /// Begins with something else.
    #[error("not a value: begins with {found:02x?}")]
    Magic {
        /// What it begins with.
        found: [u8; 4],
    },
    /// Of another format.
    #[error("the value is of format {found}; this program reads format {FORMAT} only")]
    Format {
        /// The format that it says.
        found: u16,
    },
    /// Cut, or with something behind it.
    #[error("the value from event {first}: {found} bytes where it says {said}")]
    Length {
        /// Its first event, as it says.
        first: Seq,
        /// The length that it says, in bytes.
        said: u64,
        /// How many there are.
        found: usize,
    },
    /// Not what was written.
    #[error("the value from event {first}: the checksum is wrong")]
    Checksum {
        /// Its first event, as it says.
        first: Seq,
    },
    /// As it was written, but nothing that this format allows.
    #[error("the value from event {first}: {what}")]
    Envelope {
        /// Its first event, as it says.
        first: Seq,
        /// What is wrong with the envelope.
        what: &'static str,
    },
}

/// Why a value does not come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// Events are missing, or there twice.
    #[error("event {expected} should come next, and the value begins at event {found}")]
    Gap {
        /// The event after the head.
        expected: Seq,
        /// The value's first.
        found: Seq,
    },
    /// It was written after another past.
    #[error("the value from event {first} was not written after {head}")]
    OtherPast {
        /// The value's first event.
        first: Seq,
        /// The head that it should follow.
        head: Head,
    },
}

impl<'a> Value<'a> {
    /// Checks that the bytes are one whole value.
    ///
    /// # Errors
    /// When they are not, and in what way. Any bytes may be given.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadValue> {
        let Some((header, body)) = bytes.split_first_chunk::<ENVELOPE_BYTES>() else {
            return Err(BadValue::Short { length: bytes.len() });
        };
        let magic = field::<4>(header, 0);
        if magic != MAGIC {
            return Err(BadValue::Magic { found: magic });
        }
        let format = u16::from_le_bytes(field(header, FORMAT_AT));
        if format != FORMAT {
            return Err(BadValue::Format { found: format });
        }
        let first = Seq(u64::from_le_bytes(field(header, FIRST_AT)));
        let said = u32::from_le_bytes(field(header, BODY_AT));
        if body.len() as u64 != u64::from(said) {
            let said = ENVELOPE_BYTES as u64 + u64::from(said);
            return Err(BadValue::Length { first, said, found: bytes.len() });
        }
        if checksum(header, body) != u64::from_le_bytes(field(header, CHECKSUM_AT)) {
            return Err(BadValue::Checksum { first });
        }
        let envelope = Envelope::read(header, body.len())
            .map_err(|what| BadValue::Envelope { first, what })?;
        Ok(Self { bytes, envelope })
    }

    /// Its first event.
    #[must_use]
    pub const fn first(&self) -> Seq {
        self.envelope.first
    }

    /// Its last event.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.envelope.last()
    }

    /// How many events it holds: at least one.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.envelope.count
    }

    /// When its last event was decided.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.envelope.at
    }

    /// What the journal's clock may do.
    #[must_use]
    pub const fn clock_mode(&self) -> ClockMode {
        self.envelope.clock_mode
    }

    /// The hash of the value before it.
    #[must_use]
    pub const fn previous_hash(&self) -> &[u8; 32] {
        &self.envelope.previous_hash
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its own hash, computed: about 0.25 ns a byte.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.bytes).as_bytes()
    }

    /// Where the chain is after it.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.last(), hash: self.hash() }
    }

    /// Checks that it comes right after `head`.
    ///
    /// # Errors
    /// When it does not.
    pub fn follows(&self, head: &Head) -> Result<(), BrokenChain> {
        let first = self.first();
        if first != head.seq.next() {
            return Err(BrokenChain::Gap { expected: head.seq.next(), found: first });
        }
        if *self.previous_hash() != head.hash {
            return Err(BrokenChain::OtherPast { first, head: *head });
        }
        Ok(())
    }

    /// Reads one event, touching no other.
    ///
    /// # Errors
    /// When the value does not hold it, or its bytes are not an event.
    pub fn record(&self, seq: Seq) -> Result<Record, BadRecord> {
        let event = self.event(seq).ok_or(BadRecord::Missing { seq })?;
        record::decode(seq, event)
    }

    /// Reads all of its events, in order.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, BadRecord>> + use<'a> {
        let value = *self;
        (self.first().0..=self.last().0).map(move |seq| value.record(Seq(seq)))
    }

    /// The bytes of one event.
    fn event(&self, seq: Seq) -> Option<&'a [u8]> {
        let index = seq.0.checked_sub(self.first().0)?;
        let index = u32::try_from(index).ok().filter(|index| *index < self.count())?;
        let begins = self.offset(index)?;
        if begins < ENVELOPE_BYTES + OFFSET_BYTES * self.count() as usize {
            return None;
        }
        let ends = match index + 1 {
            next if next == self.count() => self.bytes.len(),
            next => self.offset(next)?,
        };
        self.bytes.get(begins..ends)
    }

    fn offset(&self, index: u32) -> Option<usize> {
        let at = ENVELOPE_BYTES + OFFSET_BYTES * index as usize;
        let offset = self.bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*offset) as usize)
    }
}

impl Envelope {
    const fn last(&self) -> Seq {
        Seq(self.first.0 + (self.count as u64 - 1))
    }

    /// Reads what a good checksum covers.
    fn read(header: &[u8; ENVELOPE_BYTES], body: usize) -> Result<Self, &'static str> {
        let clock_mode =
            ClockMode::from_code(header[CLOCK_AT]).ok_or("it names no known clock mode")?;
        if header[ZERO_AT] != 0 {
            return Err("a byte that must be zero is not");
        }
        let first = u64::from_le_bytes(field(header, FIRST_AT));
        if first == 0 {
            return Err("events are counted from 1");
        }
        let count = u32::from_le_bytes(field(header, COUNT_AT));
        if count == 0 {
            return Err("it holds no event");
        }
        if count as usize > body / OFFSET_BYTES {
            return Err("it says more events than it has bytes for");
        }
        if first.checked_add(u64::from(count)).is_none() {
            return Err("its events pass the last number");
        }
        Ok(Self {
            clock_mode,
            first: Seq(first),
            at: Timestamp(i64::from_le_bytes(field(header, TIME_AT))),
            count,
            previous_hash: field(header, PREVIOUS_AT),
        })
    }

    /// Writes a value onto the end of `out`. `starts` says where each event begins in `events`.
    /// Returns the head after it.
    pub(super) fn write(&self, starts: &[u32], events: &[u8], out: &mut Vec<u8>) -> Head {
        debug_assert_eq!(starts.len(), self.count as usize, "one start an event");
        let body = OFFSET_BYTES * starts.len() + events.len();
        assert!(ENVELOPE_BYTES + body <= VALUE_BYTES_MAX, "the value is too long");

        let mut header = [0; ENVELOPE_BYTES];
        put(&mut header, 0, MAGIC);
        put(&mut header, FORMAT_AT, FORMAT.to_le_bytes());
        put(&mut header, CLOCK_AT, [self.clock_mode.code()]);
        put(&mut header, FIRST_AT, self.first.0.to_le_bytes());
        put(&mut header, TIME_AT, self.at.0.to_le_bytes());
        put(&mut header, COUNT_AT, self.count.to_le_bytes());
        put(&mut header, BODY_AT, bounded(body).to_le_bytes());
        put(&mut header, PREVIOUS_AT, self.previous_hash);

        let begins = out.len();
        let shift = bounded(ENVELOPE_BYTES + OFFSET_BYTES * starts.len());
        out.reserve(ENVELOPE_BYTES + body);
        out.extend_from_slice(&header);
        for start in starts {
            out.extend_from_slice(&(start + shift).to_le_bytes());
        }
        out.extend_from_slice(events);

        let value = &mut out[begins..];
        let sum = checksum(&header, &value[ENVELOPE_BYTES..]);
        put(value, CHECKSUM_AT, sum.to_le_bytes());
        Head { seq: self.last(), hash: *blake3::hash(value).as_bytes() }
    }
}

/// Of everything but the checksum itself.
fn checksum(header: &[u8; ENVELOPE_BYTES], body: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&header[..CHECKSUM_AT]);
    hasher.update(body);
    hasher.digest()
}

/// A field of the envelope.
fn field<const N: usize>(header: &[u8; ENVELOPE_BYTES], at: usize) -> [u8; N] {
    header[at..at + N].try_into().expect("the slice is as long as the field")
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, field: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&field);
}

fn bounded(length: usize) -> u32 {
    u32::try_from(length).expect("bounded by VALUE_BYTES_MAX")
}
