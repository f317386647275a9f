//! What a whole new catalogue changes of the one in force.

use std::collections::HashMap;

use super::{Catalogue, MatterRow};
use crate::domain::ids::MatterNumber;

/// A whole new catalogue beside the one in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// New ones, and retired ones that it has again: in its order.
    pub added: Vec<Added<'a>>,
    /// As they are in force, and as they would be: in its order.
    pub changed: Vec<(&'a MatterRow, &'a MatterRow)>,
    /// In force and not in it: in the order of their numbers.
    pub retired: Vec<(MatterNumber, &'a MatterRow)>,
    /// How many of the added ones need a number.
    pub new: usize,
}

/// A matter that would be in force and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added<'a> {
    /// As it would be.
    pub row: &'a MatterRow,
    /// Whether it was in force before, and keeps its number.
    pub is_revived: bool,
}

impl Comparison<'_> {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.retired.is_empty()
    }
}

impl Catalogue {
    /// What changes when these rows, each of another code, are the whole catalogue.
    #[must_use]
    pub fn compared_with<'a>(&'a self, rows: &'a [MatterRow]) -> Comparison<'a> {
        let mut comparison = Comparison::default();
        let mut coming = HashMap::with_capacity(rows.len());
        for row in rows {
            coming.insert(&*row.code, row);
            let Some((number, before)) = self.find(&row.code) else {
                comparison.new += 1;
                comparison.added.push(Added { row, is_revived: false });
                continue;
            };
            if self.is_retired(number) {
                comparison.added.push(Added { row, is_revived: true });
            } else if before != row {
                comparison.changed.push((before, row));
            }
        }
        let in_force = self.numbered().filter(|(number, _)| !self.is_retired(*number));
        comparison.retired = in_force.filter(|(_, row)| !coming.contains_key(&*row.code)).collect();
        comparison
    }
}
