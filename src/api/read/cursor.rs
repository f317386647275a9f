//! Where a page ended, as clients carry it: opaque to them, checked by us.
//!
//! ```text
//!  0         1       9      17     21         29          37         45
//!  │ version │ query │ rank │ case │ begun at │ begun seq │ checksum │      base64url, 60 characters
//! ```
//!
//! *query* is a hash of everything that was asked but the page's length; *begun* is the first page's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::codes::Code;
use crate::api::options::CURSOR_AGE_MS_MAX;
use crate::api::problem::Problem;
use crate::domain::ids::{CaseId, Seq, Timestamp};
use crate::engine::query::{After, SortKey};

const VERSION: u8 = 1;
const BYTES: usize = 45;
const CHECKED: usize = BYTES - 8;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Of what was asked.
    pub(super) query: u64,
    /// The last case's key.
    pub(super) key: SortKey,
    /// What the clock said when the first page was read.
    pub(super) begun_at: Timestamp,
    /// What the first page was as of.
    pub(super) begun_seq: Seq,
}

impl Cursor {
    /// The cursor of that text, for a query that hashes to `query` and is asked at `now`.
    pub(super) fn read(text: &str, query: u64, now: Timestamp) -> Result<Self, Problem> {
        let cursor = Self::parse(text).ok_or_else(|| Problem::new(Code::CursorInvalid))?;
        if cursor.query != query {
            return Err(Problem::new(Code::CursorMismatch));
        }
        if now.ms_since(cursor.begun_at) > CURSOR_AGE_MS_MAX {
            return Err(Problem::new(Code::CursorExpired));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes: &[u8; BYTES] = bytes.as_slice().try_into().ok()?;
        let (checked, checksum) = bytes.split_at(CHECKED);
        if xxh3_64(checked).to_le_bytes() != checksum {
            return None;
        }
        let (version, rest) = checked.split_first_chunk()?;
        let (query, rest) = rest.split_first_chunk()?;
        let (rank, rest) = rest.split_first_chunk()?;
        let (case, rest) = rest.split_first_chunk()?;
        let (begun_at, begun_seq) = rest.split_first_chunk()?;
        let case = CaseId(u32::from_le_bytes(*case));
        (*version == [VERSION]).then_some(Self {
            query: u64::from_le_bytes(*query),
            key: SortKey { rank: u64::from_le_bytes(*rank), case },
            begun_at: Timestamp(i64::from_le_bytes(*begun_at)),
            begun_seq: Seq(u64::from_le_bytes(begun_seq.try_into().ok()?)),
        })
    }

    /// As clients carry it.
    pub(super) fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend(self.query.to_le_bytes());
        bytes.extend(self.key.rank.to_le_bytes());
        bytes.extend(self.key.case.0.to_le_bytes());
        bytes.extend(self.begun_at.0.to_le_bytes());
        bytes.extend(self.begun_seq.0.to_le_bytes());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where the next page begins.
    pub(super) fn after(&self) -> After {
        After { key: self.key, begun_seq: self.begun_seq }
    }
}

/// The hash of what is asked: an address, and its parameters as they were given.
pub(super) fn query_hash<'a>(
    path: &str,
    named: impl Iterator<Item = (&'static str, &'a str)>,
) -> u64 {
    let mut text = String::from(path);
    for (name, value) in named {
        for part in ["\0", name, "\0", value] {
            text.push_str(part);
        }
    }
    xxh3_64(text.as_bytes())
}

/// The same address with another cursor.
pub(super) fn next_link(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let others: String = others.flat_map(|pair| [pair, "&"]).collect();
    format!("<{}?{others}cursor={cursor}>; rel=\"next\"", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn cursor() -> Cursor {
        let key = SortKey { rank: 1 << 63, case: CaseId(17) };
        Cursor { query: 5, key, begun_at: NOW, begun_seq: Seq(57) }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let text = cursor().text();
        assert_eq!(text.len(), 60);
        assert_eq!(Cursor::read(&text, 5, NOW).unwrap(), cursor());
        let last_moment = NOW.plus_ms(CURSOR_AGE_MS_MAX);
        assert!(Cursor::read(&text, 5, last_moment).is_ok());
        let refused = |query, now| Cursor::read(&text, query, now).unwrap_err().code();
        assert_eq!(refused(5, last_moment.plus_ms(1)), Code::CursorExpired);
        assert_eq!(refused(6, NOW), Code::CursorMismatch);
    }

    #[test]
    fn a_cursor_with_a_changed_character_is_none() {
        let text = cursor().text();
        let changed = (0..text.len()).map(|at| {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        });
        let others = ["", "A", "nonsense!", &text[1..], &format!("{text}A")].map(String::from);
        for text in changed.chain(others) {
            assert_eq!(
                Cursor::read(&text, 5, NOW).unwrap_err().code(),
                Code::CursorInvalid,
                "{text}"
            );
        }
    }
}
