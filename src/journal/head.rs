//! The end of the chain: a position, and the hash of everything up to it.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::Seq;

/// A position of the journal with the hash of the value that ends there. Whoever noted a head can
/// tell later whether the journal was rewritten.
///
/// Written `seq:hash`, the hash as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// The last event of the value.
    pub seq: Seq,
    /// BLAKE3 of the value, whose envelope holds the hash of the value before.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first event.
    pub const GENESIS: Self = Self { seq: Seq::ZERO, hash: [0; 32] };
}

/// Why a text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a head: a seq, ':' and 64 hexadecimal digits")]
pub struct BadHead;

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, blake3::Hash::from_bytes(self.hash))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (seq, hash) = text.split_once(':').ok_or(BadHead)?;
        if seq.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadHead);
        }
        let seq = seq.parse().map_err(|_| BadHead)?;
        let hash = blake3::Hash::from_hex(hash).map_err(|_| BadHead)?;
        Ok(Self { seq: Seq(seq), hash: *hash.as_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_prints_as_it_was_read() {
        let zeros = "0".repeat(64);
        assert_eq!(Head::GENESIS.to_string(), format!("0:{zeros}"));

        let head = Head { seq: Seq(42), hash: [0xa7; 32] };
        assert_eq!(head.to_string(), format!("42:{}", "a7".repeat(32)));
        assert_eq!(head.to_string().parse(), Ok(head));
    }

    #[test]
    fn a_text_that_is_no_head_is_refused() {
        let hash = "0".repeat(64);
        for text in
            ["", ":", "1", "1:", "1:00", "-1:00", &format!("+1:{hash}"), &format!(":{hash}")]
        {
            assert_eq!(text.parse::<Head>(), Err(BadHead), "{text}");
        }
    }
}
