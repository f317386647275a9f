use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::journal::medium::disk::Disk;
use crate::journal::medium::simulated::Machine;

const TEXT: &[u8] = "红旗小区三号楼下水道堵塞，污水外溢".as_bytes();

fn dir() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn options() -> VaultOptions {
    VaultOptions { step_slots: 128, steps_ahead: 2, ..VaultOptions::default() }
}

fn after(committed: u64) -> VaultOptions {
    VaultOptions {
        journal_exists: true,
        highest_committed: Some(SlotNumber(committed)),
        ..options()
    }
}

fn disk(dir: &TempDir) -> Disk {
    Disk::at(dir.path()).expect("the directory is there")
}

fn new_in(dir: &TempDir) -> Vault {
    Vault::open(&disk(dir), options()).expect("a new vault")
}

fn bytes_of(dir: &TempDir) -> Vec<u8> {
    std::fs::read(dir.path().join("vault")).expect("the vault's bytes")
}

fn slots_of(dir: &TempDir) -> Vec<Key> {
    bytes_of(dir).as_chunks().0.to_vec()
}

fn occurs(needle: &[u8], hay: &[u8]) -> bool {
    memchr::memmem::find(hay, needle).is_some()
}

/// Seals until `wanted` parts are sealed, giving way to the filling thread where none is left.
fn seal_many(vault: &Vault, wanted: usize) -> Vec<SealedPart> {
    let mut parts = Vec::new();
    while parts.len() < wanted {
        match vault.seal(PartName::Text, TEXT) {
            Ok(part) => parts.push(part),
            Err(VaultError::NoneLeft { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    parts
}

#[test]
fn a_sealed_part_opens_to_what_was_sealed() {
    let dir = dir();
    let vault = new_in(&dir);
    for (number, plain) in (1..).zip([&b""[..], b"1", TEXT, &[7; 16_000]]) {
        let sealed = vault.seal(PartName::Measures, plain).expect("a key is ready");
        assert_eq!(sealed.slot, SlotNumber(number));
        assert_eq!(sealed.ciphertext.len(), plain.len() + SEAL_BYTES);
        let opened = vault.open_part(PartName::Measures, &sealed).expect("it opens");
        assert_eq!(opened, Opened::Plain(plain.to_vec()));
    }
}

#[test]
fn a_part_in_another_place_does_not_open() {
    let dir = dir();
    let vault = new_in(&dir);
    let first = vault.seal(PartName::Text, TEXT).expect("a key is ready");
    let second = vault.seal(PartName::Text, TEXT).expect("a key is ready");
    assert_ne!(first.ciphertext, second.ciphertext);

    let moved = SealedPart { slot: second.slot, ciphertext: Arc::clone(&first.ciphertext) };
    let mut flipped = first.ciphertext.to_vec();
    flipped[3] ^= 1;
    let flipped = SealedPart { slot: first.slot, ciphertext: flipped.into() };
    let cut = SealedPart { slot: first.slot, ciphertext: first.ciphertext[..15].into() };
    for (part, sealed) in [
        (PartName::Text, &moved),
        (PartName::Answer, &first),
        (PartName::Text, &flipped),
        (PartName::Text, &cut),
    ] {
        match vault.open_part(part, sealed) {
            Err(VaultError::DoesNotOpen { slot, part: named }) => {
                assert_eq!((slot, named), (sealed.slot, part));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_of_the_same_bytes_in_another_slot_does_not_open_the_part() {
    let key = [9; KEY_SIZE];
    let sealed = seal::seal(&key, SlotNumber(1), PartName::Text, TEXT);
    let moved = SealedPart { slot: SlotNumber(2), ..sealed.clone() };
    assert_eq!(seal::open(&key, PartName::Text, &moved), None);
    assert_eq!(seal::open(&key, PartName::Answer, &sealed), None);
    assert_eq!(seal::open(&key, PartName::Text, &sealed).as_deref(), Some(TEXT));
}

#[test]
fn no_plain_text_is_in_ciphertext_or_file() {
    let dir = dir();
    let vault = new_in(&dir);
    for part in seal_many(&vault, 20) {
        assert!(!occurs(&TEXT[..6], &part.ciphertext));
    }
    assert!(!occurs(&TEXT[..6], &bytes_of(&dir)));
}

#[test]
fn a_start_gives_fresh_keys_above_the_highest_committed_slot_and_to_none_below() {
    for committed in [1, 40, 127, 128, 129, 200] {
        let dir = dir();
        let vault = new_in(&dir);
        let parts = seal_many(&vault, 250);
        drop(vault);
        let before = slots_of(&dir);

        let again = Vault::open(&disk(&dir), after(committed)).expect("it opens");
        let now = slots_of(&dir);
        assert!(now.len() >= before.len());
        for (slot, (old, new)) in before.iter().zip(&now).enumerate() {
            assert_eq!(old == new, slot as u64 <= committed, "slot {slot} after {committed}");
        }
        let kept = &parts[usize::try_from(committed).expect("small") - 1];
        assert_eq!(
            again.open_part(PartName::Text, kept).expect("it opens"),
            Opened::Plain(TEXT.to_vec())
        );
        let next = again.seal(PartName::Text, TEXT).expect("a key is ready");
        assert_eq!(next.slot, SlotNumber(committed + 1));
        let refused = &parts[usize::try_from(committed).expect("small")];
        let opened = again.open_part(PartName::Text, refused);
        assert!(matches!(opened, Err(VaultError::DoesNotOpen { .. })), "{opened:?}");
    }
}

#[test]
fn slots_that_do_not_fit_into_memory_get_fresh_keys_too() {
    let dir = dir();
    let vault = new_in(&dir);
    seal_many(&vault, 1_000);
    drop(vault);
    let before = slots_of(&dir);
    let again = Vault::open(&disk(&dir), after(10)).expect("it opens");
    let now = slots_of(&dir);
    assert_eq!(before.len(), now.len());
    assert!(before.iter().zip(&now).skip(11).all(|(old, new)| old != new));
    // What is in memory and what is in the file stay one, round the ring and back.
    for part in seal_many(&again, 2_000) {
        assert_eq!(
            again.open_part(PartName::Text, &part).expect("it opens"),
            Opened::Plain(TEXT.to_vec())
        );
    }
}

#[test]
fn an_erased_key_is_nowhere_in_the_file() {
    let dir = dir();
    let vault = new_in(&dir);
    let parts = seal_many(&vault, 10);
    let before = slots_of(&dir);
    vault.erase(&[SlotNumber(3), SlotNumber(7)]).expect("erased");
    vault.erase(&[SlotNumber(7)]).expect("erased again");

    let now = bytes_of(&dir);
    for (slot, part) in (1..).zip(&parts) {
        let opened = vault.open_part(PartName::Text, part).expect("no error");
        if [3, 7].contains(&slot) {
            assert_eq!(opened, Opened::Erased);
            assert!(!occurs(&before[slot], &now));
        } else {
            assert_eq!(opened, Opened::Plain(TEXT.to_vec()));
        }
    }
    drop(vault);
    let again = Vault::open(&disk(&dir), after(10)).expect("it opens");
    assert_eq!(again.open_part(PartName::Text, &parts[2]).expect("no error"), Opened::Erased);
}

#[test]
fn a_slot_that_was_never_handed_out_is_neither_opened_nor_erased() {
    let dir = dir();
    let vault = new_in(&dir);
    let part = vault.seal(PartName::Text, TEXT).expect("a key is ready");
    let before = bytes_of(&dir);
    for slot in [0, 2, 5_000].map(SlotNumber) {
        let named = SealedPart { slot, ..part.clone() };
        let opened = vault.open_part(PartName::Text, &named);
        assert!(matches!(opened, Err(VaultError::SlotUnknown { .. })), "{opened:?}");
        let erased = vault.erase(&[SlotNumber(1), slot]);
        assert!(matches!(erased, Err(VaultError::SlotUnknown { .. })), "{erased:?}");
    }
    assert_eq!(before[..64], bytes_of(&dir)[..64]);
}

#[test]
fn none_left_is_an_error_that_ends_by_itself() {
    let machine = Machine::new(1);
    // The header and 127 slots fill the one block that is left.
    machine.leave_room(Some(4_096));
    let vault = Vault::open(
        &*machine.medium(),
        VaultOptions { retry_after: Duration::from_millis(1), ..options() },
    )
    .expect("a full disk is no error at the start");
    for slot in 1..=127 {
        assert_eq!(vault.seal(PartName::Text, TEXT).expect("filled").slot, SlotNumber(slot));
    }
    for _ in 0..3 {
        match vault.seal(PartName::Text, TEXT) {
            Err(VaultError::NoneLeft { next }) => assert_eq!(next, SlotNumber(128)),
            other => panic!("{other:?}"),
        }
    }
    while !vault.is_failing() {
        std::thread::yield_now();
    }
    machine.leave_room(None);
    let parts = seal_many(&vault, 500);
    assert_eq!(parts[0].slot, SlotNumber(128));
    assert!(!vault.is_failing());
}

#[test]
fn threads_never_share_a_slot_or_a_key() {
    let dir = dir();
    let vault = new_in(&dir);
    let seal = || seal_many(&vault, 3_000);
    let parts: Vec<SealedPart> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(seal)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let slots: HashSet<_> = parts.iter().map(|part| part.slot).collect();
    assert_eq!(slots.len(), 12_000);
    assert_eq!(slots.iter().max(), Some(&SlotNumber(12_000)));
    // Each opens with the key that the file has for its slot.
    for part in &parts {
        let opened = vault.open_part(PartName::Text, part).expect("it opens");
        assert_eq!(opened, Opened::Plain(TEXT.to_vec()));
    }
    let keys: HashSet<Key> = slots_of(&dir).into_iter().collect();
    assert_eq!(keys.len(), slots_of(&dir).len());
}

#[test]
fn two_vaults_share_neither_keys_nor_secret() {
    let (one, other) = (dir(), dir());
    let (first, second) = (new_in(&one), new_in(&other));
    assert_eq!(first.keyed_hash(TEXT), first.keyed_hash(TEXT));
    assert_ne!(first.keyed_hash(TEXT), first.keyed_hash(b""));
    assert_ne!(first.keyed_hash(TEXT), second.keyed_hash(TEXT));
    drop((first, second));
    let keys: HashSet<Key> = slots_of(&one).into_iter().collect();
    assert!(slots_of(&other).iter().all(|key| !keys.contains(key)));
}

#[test]
fn the_secret_and_the_owner_stay() {
    let dir = dir();
    let hash = new_in(&dir).keyed_hash(TEXT);
    let path = dir.path().join("vault");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let again = Vault::open(&disk(&dir), after(0)).expect("it opens");
    assert_eq!(again.keyed_hash(TEXT), hash);
    let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!dir.path().join("vault.aside").exists());
}

#[test]
fn a_vault_that_does_not_fit_its_journal_is_refused() {
    let empty = dir();
    let missing = Vault::open(&disk(&empty), after(0)).expect_err("refused");
    assert!(missing.to_string().contains("is missing"), "{missing}");
    let missing = VaultReader::open(&disk(&empty), None).expect_err("refused");
    assert!(missing.to_string().contains("is missing"), "{missing}");

    let short = dir();
    drop(new_in(&short));
    let slots = slots_of(&short).len() as u64 - 1;
    let refused = Vault::open(&disk(&short), after(slots + 1)).expect_err("refused").to_string();
    assert!(refused.contains(&format!("names slot {}", slots + 1)), "{refused}");
    assert!(refused.contains(&format!("ends at slot {slots}")), "{refused}");
    assert!(VaultReader::open(&disk(&short), Some(SlotNumber(slots + 1))).is_err());

    for blank in [&b""[..], &[1; 31], &[0; 320]] {
        std::fs::write(short.path().join("vault"), blank).expect("written");
        let refused = Vault::open(&disk(&short), options()).expect_err("refused");
        assert!(matches!(refused, VaultError::Blank), "{refused}");
    }
}

#[test]
fn a_torn_last_slot_is_filled_again() {
    let dir = dir();
    drop(new_in(&dir));
    let whole = bytes_of(&dir);
    std::fs::write(dir.path().join("vault"), &whole[..32 * 100 + 5]).expect("written");
    let vault = Vault::open(&disk(&dir), after(99)).expect("it opens");
    let part = vault.seal(PartName::Text, TEXT).expect("a key is ready");
    assert_eq!(part.slot, SlotNumber(100));
    assert_eq!(
        vault.open_part(PartName::Text, &part).expect("it opens"),
        Opened::Plain(TEXT.to_vec())
    );
    assert_eq!(bytes_of(&dir)[..32 * 100], whole[..32 * 100]);
}

#[test]
fn a_second_opener_is_refused_and_a_reader_is_not() {
    let dir = dir();
    let vault = new_in(&dir);
    let part = vault.seal(PartName::Claimant, TEXT).expect("a key is ready");
    let second = Vault::open(&disk(&dir), after(0)).expect_err("refused");
    assert!(matches!(second, VaultError::Busy), "{second}");
    let reader = VaultReader::open(&disk(&dir), Some(SlotNumber(1))).expect("it opens");
    assert_eq!(
        reader.open_part(PartName::Claimant, &part).expect("it opens"),
        Opened::Plain(TEXT.to_vec())
    );
    vault.erase(&[SlotNumber(1)]).expect("erased");
    assert_eq!(reader.open_part(PartName::Claimant, &part).expect("no error"), Opened::Erased);
}

#[test]
fn what_is_printed_of_a_vault_has_no_key() {
    let dir = dir();
    let vault = new_in(&dir);
    let printed = format!("{vault:?}");
    assert!(printed.contains("next"), "{printed}");
    assert!(!printed.contains("secret") && !printed.contains("words"), "{printed}");
}

/// The secret, then a key a slot: as a data directory of format 0 has them.
#[test]
fn a_vault_of_the_format_opens_what_was_sealed_with_it() {
    let dir = dir();
    let mut bytes = [[0x40; 32], [0x41; 32], [0x42; 32]].concat();
    std::fs::write(dir.path().join("vault"), &bytes).expect("written");
    // "abc" under the key of slot 2, sealed by another implementation, OpenSSL's.
    let ciphertext: [u8; 19] = [
        0xf0, 0x62, 0x13, 0x9b, 0xa4, 0xfc, 0x1f, 0xf3, 0x9a, 0x98, 0xde, 0xe6, 0x75, 0xeb, 0x1b,
        0xc6, 0x48, 0x61, 0x6a,
    ];
    let sealed = SealedPart { slot: SlotNumber(2), ciphertext: ciphertext.into() };
    let open = || {
        let vault = VaultReader::open(&disk(&dir), Some(SlotNumber(2))).expect("of the format");
        vault.open_part(PartName::Text, &sealed).expect("its slot is there")
    };
    assert_eq!(open(), Opened::Plain(b"abc".to_vec()));
    let vault = Vault::open(&disk(&dir), after(2)).expect("of the format");
    let golden = 0x31cc_d160_b238_a309_780e_bf08_7d8a_9536;
    assert_eq!(vault.keyed_hash(b"abc"), golden, "the hash that an idempotency key is kept with");
    drop(vault);
    bytes[64..96].fill(0);
    std::fs::write(dir.path().join("vault"), &bytes).expect("written");
    assert_eq!(open(), Opened::Erased);
}
