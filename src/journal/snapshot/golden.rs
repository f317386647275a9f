//! The bytes of a snapshot, format 0: the header, and a section of each kind of row. They change
//! only with another format.

use super::*;
use crate::domain::calendar::Limit;
use crate::domain::case::{Case, Light, Source, Status};
use crate::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use crate::domain::client::{Client, OldToken};
use crate::domain::clock::Deadlines;
use crate::domain::code::CodeRange;
use crate::domain::event::{ClockMode, JournalOpened};
use crate::domain::grant::{Grant, Places, Scope, Scopes};
use crate::domain::ids::{CaseId, ImportId, MatterNumber, Timestamp, UnitNumber};
use crate::domain::import::{CatalogueSize, ImportKind, StagedImport};
use crate::domain::organisation::{Modules, OrderedUnit, UnitKind, UnitRow};
use crate::domain::outcome::Remembered;
use crate::domain::snapshot::{StateBuilder, StateHead};
use crate::domain::state::State;
use crate::journal::golden::assert_fields;
use crate::journal::head::Head;
use crate::journal::medium::disk::Disk;

const HEAD: Head = Head { seq: Seq(0x0203), hash: [0x11; 32] };

#[test]
fn a_snapshot_has_its_golden_bytes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = Disk::at(dir.path()).expect("the directory is there");
    let state = state();
    write(&disk, &state, HEAD).expect("written");
    let name = "snapshot-00000000000000000515";
    let bytes = std::fs::read(dir.path().join(name)).expect("under its name");
    assert_fields(&bytes, GOLDEN);
    let (loaded, head) = load(&disk, name).expect("loaded");
    assert_eq!((loaded.digest(), head), (state.digest(), HEAD));
}

fn state() -> State {
    let mut builder = StateBuilder::new(StateHead {
        tail: HEAD.seq,
        now: Some(Timestamp(0x0101)),
        opened: Some(JournalOpened {
            clock_mode: ClockMode::Manual,
            journal_id: 0x0123_4567_89ab_cdef_0011_2233_4455_6677,
        }),
        epoch: 0x0a01,
        organisation_seq: Seq(0x0a02),
        catalogue_seq: Seq(0x0a03),
        imports_begun: 6,
        slots_used: 0x0901,
    });
    builder.unit(unit(None), false);
    builder.unit(unit(Some(Timestamp(0x0201))), true);
    builder.former_unit(UnitNumber(2), Timestamp(0x0202), unit(None));
    builder.ordered_unit(OrderedUnit {
        code: "411502001001007".parse().expect("good"),
        unit: UnitNumber(1),
    });
    builder.matter(matter(), true);
    builder.client(Client {
        name: "app".into(),
        token_hash: [0x22; 32],
        old_token: Some(OldToken { hash: [0x33; 32], ends_at: Timestamp(0x0304) }),
        grant: Grant {
            scopes: Scopes::of(&[Scope::Intake, Scope::Read]),
            places: Places::of([
                CodeRange { first: 0x0301, last: 0x0302 },
                CodeRange { first: 0x0305, last: 0x0306 },
            ])
            .expect("two ranges"),
            quota_per_minute: Some(0x0307),
            expires_at: Some(Timestamp(0x0308)),
        },
        is_revoked: false,
        last_seq: Seq(0x0303),
    });
    let (units, matters) =
        (vec![unit(None)], vec![MatterRow { public: true, confidential: false, ..matter() }]);
    let kind = ImportKind::Catalogue(CatalogueSize { matters: 0x0403, text_bytes: 0x0404 });
    let import = StagedImport { kind, units, matters, text_bytes: 0x0402, last_seq: 0x0401 };
    builder.import(ImportId(6), import);
    let (holder, at) = (UnitNumber(0x0501), Timestamp(0x0502));
    for status in [
        Status::Dispatched { holder },
        Status::Acknowledged { holder, at },
        Status::Handled { holder, at },
        Status::Closed { by: holder, at },
        Status::Declined { by: holder, at },
        Status::Voided { by: holder, at },
    ] {
        builder.case(case(status));
    }
    // Kept by case, whatever order they came in.
    builder.number(0x0602, CaseId(2));
    builder.number(0x0603, CaseId(1));
    let of_case = Remembered {
        body_hash: 0x0701,
        first_seq: Seq(0x0702),
        events: 2,
        case: Some(CaseId(3)),
        version: 4,
    };
    builder.outcome(Timestamp(0x0703), 0x0704, of_case);
    builder.outcome(
        Timestamp(0x0705),
        0x0706,
        Remembered { case: None, version: 0, events: 1, ..of_case },
    );
    builder.finish()
}

fn unit(valid_from: Option<Timestamp>) -> UnitRow {
    let is_room = valid_from.is_some();
    UnitRow {
        code: if is_room { "411502001000-R01" } else { "411502001001007" }.parse().expect("good"),
        kind: if is_room { UnitKind::GovernanceRoom } else { UnitKind::Grid },
        name: "网格".into(),
        reports_to: is_room.then(|| "411502000000".parse().expect("good")),
        modules: Modules(0x0a03),
        valid_from,
        valid_until: valid_from.map(|from| from.plus_ms(1)),
        successor: is_room.then(|| "411502001000".parse().expect("good")),
    }
}

fn matter() -> MatterRow {
    MatterRow {
        code: "PS-001".into(),
        name: "井盖".into(),
        class: "公共".into(),
        module: Module::Construction,
        home: HomeLevel::Village,
        severity: Severity::Emergency,
        node_limit: Limit::CalendarHours(24),
        total_limit: Limit::CalendarHours(72),
        on_the_spot: true,
        public: false,
        confidential: true,
        from_occurrence: false,
    }
}

fn case(status: Status) -> Case {
    Case {
        status,
        reported_at: Timestamp(0x0503),
        deadlines: Deadlines {
            node_started_at: Timestamp(0x0504),
            node_warning_at: Timestamp(0x0505),
            node_due_at: Timestamp(0x0506),
            total_warning_at: Timestamp(0x0507),
            total_due_at: Timestamp(0x0508),
        },
        first_seq: Seq(0x0509),
        last_seq: Seq(0x050a),
        changed_at: Timestamp(0x050e),
        version: 0x050b,
        place: UnitNumber(0x050c),
        sender: Some(UnitNumber(0x050f)).into(),
        matter: MatterNumber(0x050d),
        severity: Severity::Urgent,
        source: Source::Sensor,
        node_light: Light::Red,
        total_light: Light::Green,
        escalations: 7,
        reopens: 8,
        is_fallback: true,
        on_the_spot: false,
    }
}

const GOLDEN: &[(&str, &str)] = &[
    // The header.
    ("magic: ZHSN", "5a48534e"),
    ("format", "0000"),
    ("zero", "0000"),
    ("seq", "0302000000000000"),
    ("hash of the chain", "1111111111111111111111111111111111111111111111111111111111111111"),
    ("digest of the state", "33b0c7af0b9c1da352db558e136ecfd2"),
    ("sections", "0c000000"),
    ("checksum", "4b78e33e97018f13"),
    // Kind 1: head.
    ("kind", "01"),
    ("rows", "01000000"),
    ("bytes of the rows", "4b000000"),
    ("checksum", "f123a6aeb84c19bd"),
    ("tail", "0302000000000000"),
    ("now: some", "01"),
    ("now", "0101000000000000"),
    ("opened: some", "01"),
    ("clock mode: manual", "02"),
    ("journal id", "7766554433221100efcdab8967452301"),
    ("epoch", "010a0000"),
    ("organisation's seq", "020a000000000000"),
    ("catalogue's seq", "030a000000000000"),
    ("imports begun", "06000000"),
    ("slots used", "0109000000000000"),
    ("natural keys", "0200000000000000"),
    // Kind 2: unit.
    ("kind", "02"),
    ("rows", "02000000"),
    ("bytes of the rows", "5c000000"),
    ("checksum", "a27e377854da8abb"),
    ("code", "00f0228169246417"),
    ("kind: grid", "02"),
    ("name: length", "0600"),
    ("name", "e7bd91e6a0bc"),
    ("reports to: none", "0000000000000000"),
    ("modules", "030a"),
    ("valid from: none", "00"),
    ("valid until: none", "00"),
    ("successor: none", "0000000000000000"),
    ("told to close", "00"),
    ("code, of a room", "0109e48069246417"),
    ("kind: governance room", "03"),
    ("name: length", "0600"),
    ("name", "e7bd91e6a0bc"),
    ("reports to", "0000c08c68246417"),
    ("modules", "030a"),
    ("valid from: some", "01"),
    ("valid from", "0102000000000000"),
    ("valid until: some", "01"),
    ("valid until", "0202000000000000"),
    ("successor", "0000e48069246417"),
    ("told to close", "01"),
    // Kind 11: former unit.
    ("kind", "0b"),
    ("rows", "01000000"),
    ("bytes of the rows", "31000000"),
    ("checksum", "17ad9a8e43455ef8"),
    ("unit", "02000000"),
    ("until", "0202000000000000"),
    ("code", "00f0228169246417"),
    ("kind: grid", "02"),
    ("name: length", "0600"),
    ("name", "e7bd91e6a0bc"),
    ("reports to: none", "0000000000000000"),
    ("modules", "030a"),
    ("valid from: none", "00"),
    ("valid until: none", "00"),
    ("successor: none", "0000000000000000"),
    // Kind 12: ordered unit.
    ("kind", "0c"),
    ("rows", "01000000"),
    ("bytes of the rows", "0c000000"),
    ("checksum", "d55cf5882f31ea78"),
    ("code", "00f0228169246417"),
    ("unit", "01000000"),
    // Kind 3: matter.
    ("kind", "03"),
    ("rows", "01000000"),
    ("bytes of the rows", "2a000000"),
    ("checksum", "df9f8f005209b56b"),
    ("code: length", "0600"),
    ("code", "50532d303031"),
    ("name: length", "0600"),
    ("name", "e4ba95e79b96"),
    ("class: length", "0600"),
    ("class", "e585ace585b1"),
    ("module: construction", "0a"),
    ("home: village", "02"),
    ("severity: emergency", "03"),
    ("node limit: calendar hours", "01"),
    ("node limit", "18000000"),
    ("total limit: calendar hours", "01"),
    ("total limit", "48000000"),
    ("on the spot", "01"),
    ("public", "00"),
    ("confidential", "01"),
    ("from occurrence", "00"),
    ("is retired", "01"),
    // Kind 4: client.
    ("kind", "04"),
    ("rows", "01000000"),
    ("bytes of the rows", "86000000"),
    ("checksum", "e7220c31655a5a07"),
    ("name: length", "0300"),
    ("name", "617070"),
    ("token hash", "2222222222222222222222222222222222222222222222222222222222222222"),
    ("old token", "01"),
    ("old token: hash", "3333333333333333333333333333333333333333333333333333333333333333"),
    ("old token: ends at", "0403000000000000"),
    ("scopes: intake, read", "05"),
    ("ranges", "02"),
    ("range: first", "0103000000000000"),
    ("range: last", "0203000000000000"),
    ("range: first", "0503000000000000"),
    ("range: last", "0603000000000000"),
    ("quota per minute", "07030000"),
    ("expires at", "01"),
    ("expires at", "0803000000000000"),
    ("is revoked", "00"),
    ("last seq", "0303000000000000"),
    // Kind 5: import.
    ("kind", "05"),
    ("rows", "01000000"),
    ("bytes of the rows", "1d000000"),
    ("checksum", "d8448517365fbe77"),
    ("import", "06000000"),
    ("last seq", "0104000000000000"),
    ("bytes of text", "0204000000000000"),
    ("brings a catalogue", "01"),
    ("matters of it", "03040000"),
    ("bytes of its text", "04040000"),
    // Kind 6: staged unit.
    ("kind", "06"),
    ("rows", "01000000"),
    ("bytes of the rows", "29000000"),
    ("checksum", "d8ee724613d059ca"),
    ("import", "06000000"),
    ("code", "00f0228169246417"),
    ("kind: grid", "02"),
    ("name: length", "0600"),
    ("name", "e7bd91e6a0bc"),
    ("reports to: none", "0000000000000000"),
    ("modules", "030a"),
    ("valid from: none", "00"),
    ("valid until: none", "00"),
    ("successor: none", "0000000000000000"),
    // Kind 7: staged matter.
    ("kind", "07"),
    ("rows", "01000000"),
    ("bytes of the rows", "2d000000"),
    ("checksum", "17af11a8c56cb511"),
    ("import", "06000000"),
    ("code: length", "0600"),
    ("code", "50532d303031"),
    ("name: length", "0600"),
    ("name", "e4ba95e79b96"),
    ("class: length", "0600"),
    ("class", "e585ace585b1"),
    ("module: construction", "0a"),
    ("home: village", "02"),
    ("severity: emergency", "03"),
    ("node limit: calendar hours", "01"),
    ("node limit", "18000000"),
    ("total limit: calendar hours", "01"),
    ("total limit", "48000000"),
    ("on the spot", "01"),
    ("public", "01"),
    ("confidential", "00"),
    ("from occurrence", "00"),
    // Kind 8: case.
    ("kind", "08"),
    ("rows", "06000000"),
    ("bytes of the rows", "82020000"),
    ("checksum", "da53cbc9edd75f19"),
    ("status: dispatched", "01"),
    ("holder", "01050000"),
    ("at: zero", "0000000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    ("status: acknowledged", "02"),
    ("holder", "01050000"),
    ("at", "0205000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    ("status: handled", "03"),
    ("holder", "01050000"),
    ("at", "0205000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    ("status: closed", "04"),
    ("closed by", "01050000"),
    ("at", "0205000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    ("status: declined", "05"),
    ("declined by", "01050000"),
    ("at", "0205000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    ("status: voided", "06"),
    ("voided by", "01050000"),
    ("at", "0205000000000000"),
    ("reported at", "0305000000000000"),
    ("node started at", "0405000000000000"),
    ("node warning at", "0505000000000000"),
    ("node due at", "0605000000000000"),
    ("total warning at", "0705000000000000"),
    ("total due at", "0805000000000000"),
    ("first seq", "0905000000000000"),
    ("last seq", "0a05000000000000"),
    ("changed at", "0e05000000000000"),
    ("version", "0b050000"),
    ("place", "0c050000"),
    ("sender", "0f050000"),
    ("matter", "0d05"),
    ("severity: urgent", "02"),
    ("source: sensor", "05"),
    ("node light: red", "03"),
    ("total light: green", "01"),
    ("escalations", "07"),
    ("reopens", "08"),
    ("is fallback", "01"),
    ("on the spot", "00"),
    // Kind 9: number.
    ("kind", "09"),
    ("rows", "02000000"),
    ("bytes of the rows", "28000000"),
    ("checksum", "7506321505e870cc"),
    ("natural key", "03060000000000000000000000000000"),
    ("case", "01000000"),
    ("natural key", "02060000000000000000000000000000"),
    ("case", "02000000"),
    // Kind 10: outcome.
    ("kind", "0a"),
    ("rows", "02000000"),
    ("bytes of the rows", "74000000"),
    ("checksum", "6928a5907d97c1c6"),
    ("at", "0307000000000000"),
    ("key", "04070000000000000000000000000000"),
    ("body hash", "01070000000000000000000000000000"),
    ("first seq", "0207000000000000"),
    ("events", "0200"),
    ("case", "03000000"),
    ("version", "04000000"),
    ("at", "0507000000000000"),
    ("key", "06070000000000000000000000000000"),
    ("body hash", "01070000000000000000000000000000"),
    ("first seq", "0207000000000000"),
    ("events", "0100"),
    ("case: none", "00000000"),
    ("version", "00000000"),
];
