//! The bytes on disk: they change only with a new format, a new golden file and a line in the
//! changelog. Run with `ZHIDA_BLESS=1` to write the golden files anew.

mod schema;

use std::fmt::Write as _;
use std::path::PathBuf;

use zhida::api::EventNames;
use zhida::domain::calendar::Limit;
use zhida::domain::case::{ClaimantField, ClaimantFields, ClockName, Source};
use zhida::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use zhida::domain::clock::Deadlines;
use zhida::domain::code::CodeRange;
use zhida::domain::event::{
    CaseAcknowledged, CaseClosed, CaseEnded, CaseFellDue, CaseHandled, CaseNoted, CaseReported,
    CaseRevealed, CaseSent, CaseSettled, CasesInherited, CatalogueReplaced, ClientAdmitted,
    ClientChanged, ClientRevoked, ClientRotated, ClockAdvanced, ClockMode, Event, ImportAbandoned,
    ImportBegun, ImportCommitted, JournalOpened, MattersStaged, SealedPart, TextStaged,
    UnitChanged, UnitClosed, UnitClosing, UnitKept, UnitMoved, UnitOpened, UnitsRenumbered,
    UnitsStaged,
};
use zhida::domain::grant::{Grant, Places, Scope, Scopes};
use zhida::domain::ids::{
    CaseId, ImportId, MatterNumber, PrincipalId, SeatNumber, Seq, SlotNumber, Timestamp, UnitNumber,
};
use zhida::domain::import::{CatalogueSize, ImportKind};
use zhida::domain::organisation::{Modules, UnitKind, UnitRow};
use zhida::domain::record::{Actor, Mark, Outcome, Record};
use zhida::domain::state::State;
use zhida::journal::record::{Tag, decode, encode};
use zhida::journal::store::{Store, StoreOptions};
use zhida::journal::value::ENVELOPE_BYTES;
use zhida::journal::{BadValue, Head, Journal as _, Turn, Value};

const BYTES_A_LINE: usize = 32;

#[test]
fn every_kind_of_event_has_its_golden_bytes() {
    for tag in Tag::ALL {
        let record = sample(*tag);
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        assert_golden(record.event.name(), &bytes);
        assert_eq!(decode(record.seq, &bytes), Ok(record), "{tag:?}");
    }
}

#[test]
fn every_kind_of_event_is_told_as_the_document_says() {
    let document: serde_json::Value = serde_json::from_str(&zhida::api::openapi()).expect("JSON");
    let event = serde_json::json!({ "$ref": "#/components/schemas/Event" });
    let names = EventNames::of_state(&State::default());
    for tag in Tag::ALL {
        let told = serde_json::from_str(&names.line(&sample(*tag))).expect("JSON");
        assert_eq!(schema::check(&document, &event, &told), Ok(()), "{told}");
    }
    let types = &document["components"]["schemas"]["Event"]["oneOf"];
    assert_eq!(types.as_array().map(Vec::len), Some(Tag::ALL.len()), "and no other is told of");
}

#[test]
fn a_value_of_two_events_has_its_golden_bytes() {
    assert_golden("value", &two_events());
}

#[test]
fn the_golden_value_says_what_was_written() {
    let bytes = two_events();
    let value = Value::parse(&bytes).expect("a good value");
    assert_eq!((value.first(), value.last(), value.count()), (Seq(40), Seq(41), 2));
    assert_eq!(value.clock_mode(), ClockMode::Driven);
    assert_eq!(value.previous_hash(), &[0x11; 32]);
    assert_eq!(value.at(), Timestamp(1_700_000_000_041));
    assert_eq!(value.records().collect::<Result<Vec<_>, _>>(), Ok(two_records()));
    assert_eq!(value.record(Seq(41)), Ok(two_records().remove(1)));
    assert_eq!(
        value.record(Seq(42)).map_err(|bad| bad.to_string()),
        Err("event 42: its value has no such event".to_owned())
    );
    assert_eq!(
        value.head().to_string(),
        format!("41:{}", blake3::hash(&bytes).to_hex()),
        "the hash is over all bytes"
    );
}

#[test]
fn a_backup_has_its_golden_bytes() {
    let mut turn = Turn::after(Head::GENESIS, ClockMode::Manual);
    for (seq, tag) in [(1, Tag::JournalOpened), (2, Tag::ClientAdmitted)] {
        turn.push(&Record { seq: Seq(seq), previous: None, ..sample(tag) });
    }
    let head = turn.seal();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (data, backup) = (directory.path().join("data"), directory.path().join("backup"));
    let (mut store, _) = Store::open(&StoreOptions::at(&data)).expect("a new journal");
    store.append(&turn).expect("appended");
    store.close().expect("closed");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zhida"));
    let done = command.arg("backup").arg(&backup).arg("--dir").arg(&data).output().expect("run");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let (_, value) = turn.values().next().expect("one value");
    let fields: [(&str, &[u8]); 6] = [
        ("magic", b"ZHIDABK0"),
        ("length of the value", &[0x68, 0x01, 0x00, 0x00]),
        ("value", value),
        ("end", &[0x00; 4]),
        ("head: seq", &[0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
        ("head: hash", &head.hash),
    ];
    let bytes = std::fs::read(&backup).expect("written");
    let mut rest = &bytes[..];
    for (name, field) in fields {
        let (found, behind) = rest.split_at(rest.len().min(field.len()));
        assert_eq!(found, field, "{name}");
        rest = behind;
    }
    assert_eq!(rest, b"", "behind the head");
}

#[test]
fn no_golden_file_is_left_behind() {
    let mut known: Vec<_> = Tag::ALL.iter().map(|tag| sample(*tag).event.name()).collect();
    known.push("value");
    for entry in std::fs::read_dir(golden_path("value").parent().expect("a file")).expect("read") {
        let path = entry.expect("read").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("an ASCII name");
        assert!(known.contains(&stem), "nothing makes {}", path.display());
    }
}

#[test]
fn a_flipped_bit_is_refused_wherever_it_is() {
    let good = two_events();
    for place in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[place] ^= 1 << bit;
            assert!(Value::parse(&bytes).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn a_torn_value_is_refused_at_every_length() {
    let good = two_events();
    for length in 0..good.len() {
        assert!(Value::parse(&good[..length]).is_err(), "{length} bytes");
    }
    let mut longer = good;
    longer.push(0);
    assert!(matches!(Value::parse(&longer), Err(BadValue::Length { .. })));
}

#[test]
fn another_format_is_refused_by_name() {
    let mut bytes = two_events();
    bytes[4] = 7;
    let bad = Value::parse(&bytes).expect_err("format 7");
    assert_eq!(bad.to_string(), "the value is of format 7; this program reads format 0 only");
}

#[test]
fn what_a_good_checksum_covers_is_checked_all_the_same() {
    let cases: [(usize, &[u8], &str); 6] = [
        (6, &[9], "the value from event 40: it names no known clock mode"),
        (7, &[1], "the value from event 40: a byte that must be zero is not"),
        (8, &[0; 8], "the value from event 0: events are counted from 1"),
        (
            8,
            &[0xff; 8],
            "the value from event 18446744073709551615: its events pass the last number",
        ),
        (24, &[0; 4], "the value from event 40: it holds no event"),
        (24, &[0xff; 4], "the value from event 40: it says more events than it has bytes for"),
    ];
    for (place, bytes, refusal) in cases {
        let value = forged(|value| value[place..place + bytes.len()].copy_from_slice(bytes));
        assert_eq!(Value::parse(&value).expect_err("forged").to_string(), refusal);
    }
}

#[test]
fn a_forged_offset_reads_nothing_from_elsewhere() {
    for offset in [0_u32, 71, 5_000, u32::MAX] {
        let bytes = forged(|value| {
            value[ENVELOPE_BYTES + 4..ENVELOPE_BYTES + 8].copy_from_slice(&offset.to_le_bytes());
        });
        let value = Value::parse(&bytes).expect("the envelope is good");
        for seq in [Seq(40), Seq(41)] {
            let bad = value.record(seq).expect_err("events begin behind the offsets, in order");
            assert_eq!(bad.seq(), seq, "offset {offset}");
        }
    }
}

/// The golden value, changed, with a checksum that fits again.
fn forged(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = two_events();
    change(&mut bytes);
    let covered = [&bytes[..64], &bytes[ENVELOPE_BYTES..]].concat();
    let sum = xxhash_rust::xxh3::xxh3_64(&covered);
    bytes[64..72].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn two_events() -> Vec<u8> {
    let mut turn = Turn::after(Head { seq: Seq(39), hash: [0x11; 32] }, ClockMode::Driven);
    for record in &two_records() {
        turn.push(record);
    }
    turn.seal();
    let (key, bytes) = turn.values().next().expect("one value");
    assert_eq!(key, Seq(40));
    bytes.to_vec()
}

fn two_records() -> Vec<Record> {
    [(40, Tag::CaseReported), (41, Tag::CaseAcknowledged)]
        .map(|(seq, tag)| Record {
            seq: Seq(seq),
            at: Timestamp(1_700_000_000_000 + seq.cast_signed()),
            ..sample(tag)
        })
        .into()
}

fn assert_golden(name: &str, bytes: &[u8]) {
    let path = golden_path(name);
    let found = hex_lines(bytes);
    if std::env::var_os("ZHIDA_BLESS").is_some() {
        std::fs::write(&path, &found).expect("write the golden file");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden == found {
        return;
    }
    let mut diff = String::new();
    let (mut old, mut new) = (golden.lines(), found.lines());
    for offset in (0..).step_by(BYTES_A_LINE) {
        let (old, new) = (old.next(), new.next());
        if old.is_none() && new.is_none() {
            break;
        }
        if old != new {
            let line = |text: Option<&str>| text.unwrap_or("nothing").to_owned();
            writeln!(diff, "byte {offset:>5} - {}\n           + {}", line(old), line(new))
                .expect("writing to a string cannot fail");
        }
    }
    panic!(
        "the bytes of {name} are not those of {}:\n{diff}\
         If this is meant: ZHIDA_BLESS=1 cargo test --test format, and a line in CHANGELOG.md.",
        path.display()
    );
}

fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"))
}

fn hex_lines(bytes: &[u8]) -> String {
    let mut lines = String::new();
    for line in bytes.chunks(BYTES_A_LINE) {
        for byte in line {
            write!(lines, "{byte:02x}").expect("writing to a string cannot fail");
        }
        lines.push('\n');
    }
    lines
}

/// A record of that kind in which no two numbers are equal, where that can be.
fn sample(tag: Tag) -> Record {
    Record {
        seq: Seq(4_711),
        at: Timestamp(1_700_000_000_123),
        actor: Actor {
            principal: PrincipalId(3),
            unit: Some(UnitNumber(18_101)),
            seat: Some(SeatNumber(77)),
            acting_for: Some(PrincipalId(5)),
        },
        previous: Some(Seq(4_242)),
        outcome: (tag != Tag::CaseAcknowledged).then(|| Outcome {
            mark: Mark {
                key: "0d9f6c2e-key".into(),
                body_hash: 0x0f1e_2d3c_4b5a_6978_8796_a5b4_c3d2_e1f0,
            },
            events: 2,
        }),
        event: event(tag),
    }
}

fn event(tag: Tag) -> Event {
    let import = ImportId(6);
    let case = CaseId(640_000);
    match tag {
        Tag::JournalOpened => Event::JournalOpened(JournalOpened {
            clock_mode: ClockMode::System,
            journal_id: 0x0123_4567_89ab_cdef_0011_2233_4455_6677,
        }),
        Tag::ClockAdvanced => {
            Event::ClockAdvanced(ClockAdvanced { to: Timestamp(1_700_000_360_000) })
        }
        Tag::ClientAdmitted => Event::ClientAdmitted(admitted()),
        Tag::ClientChanged => {
            Event::ClientChanged(ClientChanged { principal: PrincipalId(9), grant: grant() })
        }
        Tag::ClientRotated => Event::ClientRotated(ClientRotated {
            principal: PrincipalId(9),
            token_hash: [0x5b; 32],
            old_ends_at: Timestamp(1_767_229_200_000),
        }),
        Tag::ClientRevoked => Event::ClientRevoked(ClientRevoked { principal: PrincipalId(9) }),
        Tag::ImportBegun => {
            let size = CatalogueSize { matters: 62, text_bytes: 24_193 };
            let kind = ImportKind::Catalogue(size);
            Event::ImportBegun(ImportBegun { import, origin: "config/xinyang".into(), kind })
        }
        Tag::UnitsStaged => {
            Event::UnitsStaged(UnitsStaged { import, rows: vec![unit_row(true), unit_row(false)] })
        }
        Tag::MattersStaged => {
            Event::MattersStaged(MattersStaged { import, rows: vec![matter_row()] })
        }
        Tag::TextStaged => {
            Event::TextStaged(TextStaged { import, text: "[matter]\nname = \"井盖\"\n".into() })
        }
        Tag::ImportCommitted => Event::ImportCommitted(ImportCommitted {
            import,
            catalogue: Some(CatalogueReplaced {
                previous: Some(Seq(0x0708)),
                added: 3,
                changed: 2,
                retired: 1,
            }),
        }),
        Tag::ImportAbandoned => Event::ImportAbandoned(ImportAbandoned { import }),
        Tag::CaseReported => Event::CaseReported(reported(case)),
        Tag::CaseSettled => Event::CaseSettled(CaseSettled { case, answer: part(903, 20) }),
        Tag::CaseAcknowledged => Event::CaseAcknowledged(CaseAcknowledged { case }),
        Tag::CaseEscalated => Event::CaseEscalated(sent(case, 904)),
        Tag::CaseHandedDown => Event::CaseHandedDown(sent(case, 907)),
        Tag::CaseTransferred => Event::CaseTransferred(sent(case, 908)),
        Tag::CaseReturned => Event::CaseReturned(sent(case, 909)),
        Tag::CaseReopened => Event::CaseReopened(sent(case, 910)),
        Tag::CaseDeclined => Event::CaseDeclined(CaseEnded { case, reason: part(911, 24) }),
        Tag::CaseVoided => Event::CaseVoided(CaseEnded { case, reason: part(912, 25) }),
        Tag::CaseNoted => Event::CaseNoted(CaseNoted { case, note: part(913, 26) }),
        Tag::CasesInherited => Event::CasesInherited(CasesInherited {
            from: UnitNumber(18_105),
            holder: UnitNumber(18_106),
            cases: vec![(case, Seq(4_240)), (CaseId(640_001), Seq(4_241))],
        }),
        Tag::UnitOpened => Event::UnitOpened(UnitOpened { row: unit_row(true) }),
        Tag::UnitChanged => {
            Event::UnitChanged(UnitChanged { unit: UnitNumber(18_107), row: unit_row(false) })
        }
        Tag::UnitClosed => Event::UnitClosed(UnitClosed {
            unit: UnitNumber(18_108),
            successor: Some(UnitNumber(18_109)),
            until: Timestamp(1_800_000_000_000),
        }),
        Tag::UnitClosing => Event::UnitClosing(UnitClosing {
            unit: UnitNumber(18_111),
            successor: Some(UnitNumber(18_112)),
            until: Timestamp(1_900_000_000_000),
        }),
        Tag::UnitKept => Event::UnitKept(UnitKept { unit: UnitNumber(18_113) }),
        Tag::UnitMoved => Event::UnitMoved(UnitMoved {
            unit: UnitNumber(18_110),
            to: "411502001001008".parse().expect("a good code"),
        }),
        Tag::UnitsRenumbered => Event::UnitsRenumbered(UnitsRenumbered { epoch: 3 }),
        Tag::CaseHandled => Event::CaseHandled(CaseHandled { case, measures: part(905, 22) }),
        Tag::CaseClosed => Event::CaseClosed(CaseClosed { case, answer: part(906, 23) }),
        Tag::CaseWarned => Event::CaseWarned(fell_due(case, ClockName::Node)),
        Tag::CaseOverdue => Event::CaseOverdue(fell_due(case, ClockName::Total)),
        Tag::CaseRevealed => Event::CaseRevealed(revealed(case)),
    }
}

fn sent(case: CaseId, slot: u64) -> CaseSent {
    CaseSent { case, holder: UnitNumber(18_104), deadlines: deadlines(), reason: part(slot, 21) }
}

fn admitted() -> ClientAdmitted {
    ClientAdmitted {
        principal: PrincipalId(9),
        name: "网格员 app".into(),
        token_hash: std::array::from_fn(|index| u8::try_from(index).expect("below 32")),
        grant: grant(),
    }
}

fn grant() -> Grant {
    let ranges = [
        CodeRange { first: 411_502_000_000_000, last: 411_502_999_999_999 },
        CodeRange { first: 411_521_001_000_000, last: 411_521_001_999_999 },
    ];
    Grant {
        scopes: Scopes::of(&[Scope::Intake, Scope::Act]),
        places: Places::of(ranges).expect("two ranges"),
        quota_per_minute: Some(600),
        expires_at: Some(Timestamp(1_798_761_600_000)),
    }
}

fn revealed(case: CaseId) -> CaseRevealed {
    CaseRevealed {
        case,
        fields: ClaimantFields::of(&[ClaimantField::Name, ClaimantField::Phone]),
        purpose: "回访".into(),
        ticket: Some("HF-2026-17".into()),
    }
}

fn reported(case: CaseId) -> CaseReported {
    CaseReported {
        case,
        matter: MatterNumber(258),
        severity: Severity::Urgent,
        place: UnitNumber(18_102),
        holder: UnitNumber(18_103),
        is_fallback: true,
        source: Source::Hotline,
        source_number: Some("12345-20260101-0007".into()),
        occurred_at: Some(Timestamp(1_699_999_999_000)),
        deadlines: deadlines(),
        claimant: Some(part(901, 24)),
        text: part(902, 48),
    }
}

fn fell_due(case: CaseId, clock: ClockName) -> CaseFellDue {
    CaseFellDue { case, clock, due_at: Timestamp(1_700_000_000_100) }
}

fn unit_row(is_bounded: bool) -> UnitRow {
    UnitRow {
        code: if is_bounded { "411502001000-R01" } else { "411502001001007" }
            .parse()
            .expect("a good code"),
        kind: if is_bounded { UnitKind::GovernanceRoom } else { UnitKind::Grid },
        name: "五里店社会治理室".into(),
        reports_to: is_bounded.then(|| "411502000000-D02".parse().expect("a good code")),
        modules: Modules(0x0209),
        valid_from: is_bounded.then_some(Timestamp(1_600_000_000_000)),
        valid_until: is_bounded.then_some(Timestamp(1_800_000_000_000)),
        successor: is_bounded.then(|| "411502001000".parse().expect("a good code")),
    }
}

fn matter_row() -> MatterRow {
    MatterRow {
        code: "PS-001".into(),
        name: "井盖缺失".into(),
        class: "公共设施".into(),
        module: Module::PublicSafety,
        home: HomeLevel::Village,
        severity: Severity::Emergency,
        node_limit: Limit::CalendarHours(24),
        total_limit: Limit::CalendarHours(72),
        on_the_spot: true,
        public: false,
        confidential: false,
        from_occurrence: true,
    }
}

fn deadlines() -> Deadlines {
    Deadlines {
        node_started_at: Timestamp(1_700_000_000_001),
        node_warning_at: Timestamp(1_700_000_000_002),
        node_due_at: Timestamp(1_700_000_000_003),
        total_warning_at: Timestamp(1_700_000_000_004),
        total_due_at: Timestamp(1_700_000_000_005),
    }
}

fn part(slot: u64, length: u8) -> SealedPart {
    SealedPart { slot: SlotNumber(slot), ciphertext: (0x80..0x80 + length).collect() }
}
