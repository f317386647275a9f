//! The numbers that named things are kept as. A number is never given twice.

use crate::domain::case::{ClockName, Source};
use crate::domain::catalogue::{HomeLevel, Module, Severity};
use crate::domain::event::ClockMode;
use crate::domain::organisation::UnitKind;

/// Something that is one of a few, kept as one byte.
pub(in crate::journal) trait Coded: Sized {
    /// What it is, for who reads that a number is none.
    const WHAT: &'static str;

    /// Its number.
    fn code(self) -> u8;

    /// The one of that number.
    fn from_code(code: u8) -> Option<Self>;
}

macro_rules! codes {
    ($type:ident, $what:literal: $($variant:ident = $code:literal),+ $(,)?) => {
        impl Coded for $type {
            const WHAT: &'static str = $what;

            fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes!(ClockMode, "clock mode": System = 1, Manual = 2, Driven = 3);
codes!(ClockName, "clock": Node = 1, Total = 2);
codes!(Severity, "severity": Normal = 1, Urgent = 2, Emergency = 3);
codes!(HomeLevel, "home level": Grid = 1, Village = 2, Township = 3);
codes!(UnitKind, "kind of unit":
    Division = 1,
    Grid = 2,
    GovernanceRoom = 3,
    Department = 4,
    Office = 5,
    Stationed = 6,
    TaskForce = 7,
    Headquarters = 8,
);
codes!(Source, "source": Patrol = 1, Resident = 2, Hotline = 3, Department = 4, Sensor = 5);
codes!(Module, "module":
    RuralRevitalisation = 1,
    PublicSafety = 2,
    Discipline = 3,
    OrganisationUnitedFront = 4,
    Enforcement = 5,
    Economy = 6,
    TransportTourismCulture = 7,
    PublicService = 8,
    ArmedForces = 9,
    Construction = 10,
);
