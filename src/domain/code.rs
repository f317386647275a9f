//! Codes as the city writes them: 12 digits name a division, 15 a grid, and a letter with two
//! digits behind 12 digits names any other unit (`411502001000-R01`, a governance room).
//!
//! ```text
//!  41   15    02     001       001        001
//!  province   county           village    grid serial
//!       prefecture   township             (15 digits only)
//! ```
//!
//! Trailing zeros say the level, so a subtree of places is an interval over 15 digits.

use std::fmt;
use std::str::FromStr;

use super::limits::CODE_BYTES_MAX;

/// The five levels of the line, from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 网格
    Grid,
    /// 村 (社区)
    Village,
    /// 乡镇 (街道)
    Township,
    /// 县 (区)
    County,
    /// 市
    City,
}

impl Level {
    /// All levels from below.
    pub const ALL: [Self; 5] =
        [Self::Grid, Self::Village, Self::Township, Self::County, Self::City];

    /// The API's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Village => "village",
            Self::Township => "township",
            Self::County => "county",
            Self::City => "city",
        }
    }

    /// The level of that API name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// A unit's code. Ordered as the organisation is numbered: by place, then kind letter, then serial.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode {
    /// 15 digits; a division's 12 digits stand before `000`.
    place: u64,
    /// `0` for a division or a grid, else the ASCII letter of the kind.
    letter: u8,
    /// 0 to 99 behind the letter.
    serial: u8,
}

/// Why a text is no unit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a unit code: 12 digits (division), 15 (grid), or 12 digits, '-', a letter and 2 digits"
)]
pub struct BadCode;

const DIVISION_DIGITS: usize = 12;
const GRID_DIGITS: usize = 15;
const _: () = assert!(DIVISION_DIGITS + "-R01".len() == CODE_BYTES_MAX, "the longest is a body's");
const GRID_SPAN: u64 = 1_000;
const VILLAGE_SPAN: u64 = 1_000 * GRID_SPAN;
const TOWNSHIP_SPAN: u64 = 1_000 * VILLAGE_SPAN;
const COUNTY_SPAN: u64 = 100 * TOWNSHIP_SPAN;
const PLACE_MAX: u64 = 999_999_999_999_999;

impl UnitCode {
    /// The division or grid at 15 digits.
    ///
    /// # Errors
    /// When the number has more than 15 digits, or fewer than a province's.
    pub const fn of_place(place: u64) -> Result<Self, BadCode> {
        if place > PLACE_MAX || place < 10 * COUNTY_SPAN * 100 {
            return Err(BadCode);
        }
        Ok(Self { place, letter: 0, serial: 0 })
    }

    /// A unit beside the divisions: an office, a room, a department at `seat`.
    ///
    /// # Errors
    /// When `seat` is not a division, the letter not `A` to `Z`, or the serial above 99.
    pub const fn of_body(seat: Self, letter: u8, serial: u8) -> Result<Self, BadCode> {
        let is_division = seat.letter == 0 && seat.place.is_multiple_of(GRID_SPAN);
        if !is_division || !letter.is_ascii_uppercase() || serial > 99 {
            return Err(BadCode);
        }
        Ok(Self { place: seat.place, letter, serial })
    }

    /// The place as 15 digits: where the unit sits.
    #[must_use]
    pub const fn place(self) -> u64 {
        self.place
    }

    /// The kind's letter, for units that are neither a division nor a grid.
    #[must_use]
    pub const fn letter(self) -> Option<char> {
        if self.letter == 0 { None } else { Some(self.letter as char) }
    }

    /// The level of the place, by its trailing zeros.
    #[must_use]
    pub const fn level(self) -> Level {
        if !self.place.is_multiple_of(GRID_SPAN) {
            Level::Grid
        } else if !self.place.is_multiple_of(VILLAGE_SPAN) {
            Level::Village
        } else if !self.place.is_multiple_of(TOWNSHIP_SPAN) {
            Level::Township
        } else if !self.place.is_multiple_of(COUNTY_SPAN) {
            Level::County
        } else {
            Level::City
        }
    }

    /// The division of `level` that this place lies in; itself at its own level.
    /// None below its own level.
    #[must_use]
    pub const fn ancestor(self, level: Level) -> Option<Self> {
        let span = match level {
            Level::Grid => 1,
            Level::Village => GRID_SPAN,
            Level::Township => VILLAGE_SPAN,
            Level::County => TOWNSHIP_SPAN,
            Level::City => COUNTY_SPAN,
        };
        if (level as u8) < (self.level() as u8) {
            return None;
        }
        Some(Self { place: self.place / span * span, letter: 0, serial: 0 })
    }

    /// The division that it sits at, or, being one itself, in: the next one up. None for a city.
    #[must_use]
    pub const fn seat(self) -> Option<Self> {
        if self.letter != 0 {
            return self.ancestor(self.level());
        }
        let above = match self.level() {
            Level::Grid => Level::Village,
            Level::Village => Level::Township,
            Level::Township => Level::County,
            Level::County => Level::City,
            Level::City => return None,
        };
        self.ancestor(above)
    }

    /// The same unit elsewhere: what lies below `from` comes to lie below `to`, with the digits
    /// behind those of `from` kept. None where it does not lie there, or the two are of other levels.
    #[must_use]
    pub fn carried(self, from: Self, to: Self) -> Option<Self> {
        if from.level() != to.level() || !from.range().contains(self) {
            return None;
        }
        Some(Self { place: to.place + (self.place - from.place), ..self })
    }

    /// Before every unit at that place.
    pub(super) const fn first_at(place: u64) -> Self {
        Self { place, letter: 0, serial: 0 }
    }

    /// The places of this unit's subtree, as an interval over 15 digits.
    #[must_use]
    pub const fn range(self) -> CodeRange {
        let span = match self.level() {
            Level::Grid => 1,
            Level::Village => GRID_SPAN,
            Level::Township => VILLAGE_SPAN,
            Level::County => TOWNSHIP_SPAN,
            Level::City => COUNTY_SPAN,
        };
        CodeRange { first: self.place, last: self.place + span - 1 }
    }

    /// One number that keeps the order and names the code alone: place, letter, serial.
    #[must_use]
    pub const fn packed(self) -> u64 {
        // 15 digits fit 50 bits; letter 5 bits (0, or A=1), serial 7 bits.
        let letter = if self.letter == 0 { 0 } else { self.letter - b'A' + 1 };
        (self.place << 12) | ((letter as u64) << 7) | self.serial as u64
    }

    /// The code that `packed` made this number of.
    ///
    /// # Errors
    /// When no code packs to it.
    pub const fn from_packed(packed: u64) -> Result<Self, BadCode> {
        let letter = ((packed >> 7) & 0x1f) as u8;
        let serial = (packed & 0x7f) as u8;
        let Ok(place) = Self::of_place(packed >> 12) else {
            return Err(BadCode);
        };
        if letter == 0 {
            if serial != 0 {
                return Err(BadCode);
            }
            return Ok(place);
        }
        Self::of_body(place, b'A' - 1 + letter, serial)
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let division = self.place / GRID_SPAN;
        let grid = self.place % GRID_SPAN;
        if self.letter != 0 {
            return write!(f, "{division:012}-{}{:02}", self.letter as char, self.serial);
        }
        if grid != 0 {
            return write!(f, "{:015}", self.place);
        }
        write!(f, "{division:012}")
    }
}

impl fmt::Debug for UnitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UnitCode {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Self, BadCode> {
        match text.as_bytes() {
            digits if digits.len() == GRID_DIGITS => {
                let place = number(digits)?;
                if place.is_multiple_of(GRID_SPAN) { Err(BadCode) } else { Self::of_place(place) }
            }
            digits if digits.len() == DIVISION_DIGITS => {
                Self::of_place(number(digits)? * GRID_SPAN)
            }
            [digits @ .., b'-', letter, tens, ones] if digits.len() == DIVISION_DIGITS => {
                let seat = Self::of_place(number(digits)? * GRID_SPAN)?;
                let serial = u8::try_from(number(&[*tens, *ones])?).map_err(|_| BadCode)?;
                Self::of_body(seat, *letter, serial)
            }
            _ => Err(BadCode),
        }
    }
}

/// The number of some decimal digits, nothing else among them; few enough to fit.
fn number(digits: &[u8]) -> Result<u64, BadCode> {
    digits.iter().try_fold(0, |number: u64, byte| {
        if byte.is_ascii_digit() { Ok(number * 10 + u64::from(byte - b'0')) } else { Err(BadCode) }
    })
}

/// An interval of places over 15 digits, both ends within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeRange {
    /// The first place within.
    pub first: u64,
    /// The last place within.
    pub last: u64,
}

impl CodeRange {
    /// Everywhere.
    pub const ALL: Self = Self { first: 0, last: PLACE_MAX };

    /// Whether the unit sits within.
    #[must_use]
    pub const fn contains(self, code: UnitCode) -> bool {
        self.first <= code.place && code.place <= self.last
    }

    /// Whether all of it lies before the unit.
    #[must_use]
    pub const fn is_before(self, code: UnitCode) -> bool {
        self.last < code.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> UnitCode {
        text.parse().expect("a good code")
    }

    #[test]
    fn a_code_prints_as_it_was_read() {
        for text in [
            "411500000000",
            "411502000000",
            "411502001000",
            "411502001001",
            "411502001001007",
            "411502001000-R01",
        ] {
            assert_eq!(code(text).to_string(), text);
            assert_eq!(UnitCode::from_packed(code(text).packed()), Ok(code(text)));
        }
    }

    #[test]
    fn a_bad_code_is_refused() {
        for text in [
            "",
            "4115",
            "41150200100",
            "411502001001000",
            "411502001001-r01",
            "411502001001001-R01",
            "4115020010010071",
            "411502001000-R1",
            "41150200100a",
            "411502001000-",
            "000000000000",
        ] {
            assert_eq!(text.parse::<UnitCode>(), Err(BadCode), "{text}");
        }
    }

    #[test]
    fn trailing_zeros_say_the_level() {
        let levels =
            ["411500000000", "411502000000", "411502001000", "411502001001", "411502001001007"]
                .map(|text| code(text).level());
        assert_eq!(
            levels,
            [Level::City, Level::County, Level::Township, Level::Village, Level::Grid]
        );
    }

    #[test]
    fn an_ancestor_covers_its_subtree() {
        let grid = code("411502001001007");
        for level in Level::ALL {
            let ancestor = grid.ancestor(level).expect("at or above the grid");
            assert_eq!(ancestor.level(), level);
            assert!(ancestor.range().contains(grid));
        }
        assert_eq!(code("411502001000").ancestor(Level::Village), None);
    }

    #[test]
    fn packing_keeps_the_order() {
        let ordered = [
            "411500000000",
            "411502000000",
            "411502001000",
            "411502001000-R01",
            "411502001000-R02",
            "411502001001",
            "411502001001001",
        ]
        .map(code);
        assert!(ordered.is_sorted());
        assert!(ordered.map(UnitCode::packed).is_sorted());
    }
}
