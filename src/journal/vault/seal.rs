//! One part under one key.
//!
//! The nonce is fixed: a key seals one part and no other. What the part is, and which slot its
//! key has, are bound into the seal, so that parts cannot change places.
//!
//! ```text
//!  associated data   slot u64 · part u8 · format u16      11 bytes, little-endian
//!  ciphertext        as long as the plain text · tag 16 bytes
//! ```

use std::sync::Arc;

use aes_gcm_siv::aead::KeyInit;
use aes_gcm_siv::{AeadInOut, Aes256GcmSiv, Nonce, Tag};

use super::Key;
use crate::domain::event::{PartName, SealedPart};
use crate::domain::ids::SlotNumber;

/// The format of a seal.
const FORMAT: u16 = 0;
/// Bytes that a seal adds to the plain text.
pub const SEAL_BYTES: usize = 16;

/// A part up to this length is sealed on the stack, and copied once to where it stays.
const SMALL_BYTES: usize = 1_024 - SEAL_BYTES;

/// Seals a part.
pub(super) fn seal(key: &Key, slot: SlotNumber, part: PartName, plain: &[u8]) -> SealedPart {
    let length = plain.len() + SEAL_BYTES;
    let ciphertext: Arc<[u8]> = if plain.len() <= SMALL_BYTES {
        let mut room = [0; SMALL_BYTES + SEAL_BYTES];
        seal_into(key, slot, part, plain, &mut room[..length]);
        room[..length].into()
    } else {
        let mut room = vec![0; length];
        seal_into(key, slot, part, plain, &mut room);
        room.into()
    };
    SealedPart { slot, ciphertext }
}

/// `room` is as long as the part and its tag.
fn seal_into(key: &Key, slot: SlotNumber, part: PartName, plain: &[u8], room: &mut [u8]) {
    let (text, tag_place) = room.split_at_mut(plain.len());
    text.copy_from_slice(plain);
    let tag = cipher(key)
        .encrypt_inout_detached(&Nonce::default(), &associated_data(slot, part), text.into())
        .expect("a part is far below the 64 GiB that the cipher takes");
    tag_place.copy_from_slice(&tag);
}

/// Opens a part. None when key, slot, part or ciphertext is not what was sealed.
pub(super) fn open(key: &Key, part: PartName, sealed: &SealedPart) -> Option<Vec<u8>> {
    let (text, tag) = sealed.ciphertext.split_last_chunk::<SEAL_BYTES>()?;
    let mut plain = text.to_vec();
    cipher(key)
        .decrypt_inout_detached(
            &Nonce::default(),
            &associated_data(sealed.slot, part),
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .ok()?;
    Some(plain)
}

fn cipher(key: &Key) -> Aes256GcmSiv {
    Aes256GcmSiv::new(&(*key).into())
}

fn associated_data(slot: SlotNumber, part: PartName) -> [u8; 11] {
    let mut data = [0; 11];
    data[..8].copy_from_slice(&slot.0.to_le_bytes());
    data[8] = part as u8;
    data[9..].copy_from_slice(&FORMAT.to_le_bytes());
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::golden::assert_fields;

    /// AES-256-GCM-SIV of "abc" under a key of 32 times 0x42 and a nonce of 12 zeros. The tags were
    /// computed by another implementation too, OpenSSL's.
    #[test]
    fn a_sealed_part_has_its_golden_bytes() {
        for (part, text, tag) in [
            (PartName::Claimant, "d1caf2", "832a8a151790d0a3f2c41a0b59e1540a"),
            (PartName::Text, "9bed7a", "b943e1941ee7b06aa479e0c764912f21"),
            (PartName::Reason, "bab436", "631102cb7be3381aa96f2e9a5f6fbee2"),
            (PartName::Measures, "974d00", "96847cb25d5f2760ea9213a4e506db38"),
            (PartName::Answer, "7f889f", "230e7a9b78b06cc8d476dcfe339fbf2c"),
        ] {
            let sealed = seal(&[0x42; 32], SlotNumber(0x0102), part, b"abc");
            assert_eq!(sealed.slot, SlotNumber(0x0102));
            assert_fields(&sealed.ciphertext, &[("text", text), ("tag", tag)]);
        }
    }
}
