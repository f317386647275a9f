//! What a client is to be allowed, and what is to be revealed to it: from fields to what is meant.

use std::sync::Arc;

use super::check::Checker;
use super::draft::Reveal;
use super::flaw::{Flaw, FlawCode};
use super::raw::{Raw, Text};
use crate::domain::case::{ClaimantField, ClaimantFields};
use crate::domain::code::UnitCode;
use crate::domain::command::GrantRequest;
use crate::domain::grant::{Scope, Scopes};
use crate::domain::limits::{
    CLIENT_RANGES_MAX, OVERLAP_HOURS_MAX, PURPOSE_BYTES_MAX, QUOTA_PER_MINUTE_MAX, TICKET_BYTES_MAX,
};
use crate::rules::Words;

/// How long an old token lives on where nobody says it, in hours.
const OVERLAP_HOURS: u32 = 24;

impl Checker<'_> {
    pub(super) fn grant(&mut self, raw: Raw<'_>) -> Option<GrantRequest> {
        let scopes = self.listed(raw.scopes, "/scopes", Scope::from_name, Scope::ALL, Scope::name);
        let within = match raw.within {
            None => Some(Vec::new()),
            Some(codes) => self.codes(&codes),
        };
        let quota_per_minute = raw
            .quota_per_minute
            .and_then(|quota| self.number(quota, "/quota_per_minute", 1, QUOTA_PER_MINUTE_MAX));
        let expires_at = self.moment(raw.expires_at.map(|text| text.0), "/expires_at");
        let scopes = Scopes::of(&scopes?);
        Some(GrantRequest { scopes, within: within?, quota_per_minute, expires_at })
    }

    pub(super) fn reveal(&mut self, raw: Raw<'_>) -> Option<Reveal> {
        let of_name = ClaimantField::from_name;
        let fields =
            self.listed(raw.fields, "/fields", of_name, ClaimantField::ALL, ClaimantField::name);
        let purpose = self.required(raw.purpose, "/purpose");
        let purpose =
            purpose.and_then(|purpose| self.bounded(purpose, "/purpose", PURPOSE_BYTES_MAX));
        let ticket =
            raw.ticket.and_then(|ticket| self.ascii(ticket.0, "/ticket", TICKET_BYTES_MAX));
        Some(Reveal {
            fields: ClaimantFields::of(&fields?),
            purpose: Arc::from(purpose?),
            ticket: ticket.map(Arc::from),
        })
    }

    /// Codes of units: at least one.
    fn codes(&mut self, texts: &[Text<'_>]) -> Option<Vec<UnitCode>> {
        if texts.is_empty() || texts.len() > CLIENT_RANGES_MAX {
            let note = Words::new(
                format!("1 to {CLIENT_RANGES_MAX} codes"),
                format!("1 至 {CLIENT_RANGES_MAX} 个代码"),
            );
            self.flaw(Flaw::new("/within", FlawCode::BadNumber).noted(note));
            return None;
        }
        let codes: Vec<_> = (0_usize..)
            .zip(texts)
            .filter_map(|(at, text)| self.code(&text.0, format!("/within/{at}")))
            .collect();
        (codes.len() == texts.len()).then_some(codes)
    }

    /// Names of which each is one of `all`: at least one.
    fn listed<T: Copy>(
        &mut self,
        texts: Option<Vec<Text<'_>>>,
        pointer: &'static str,
        of_name: fn(&str) -> Option<T>,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<Vec<T>> {
        let Some(texts) = texts else {
            self.missing(pointer);
            return None;
        };
        if texts.is_empty() {
            self.flaw(Flaw::new(pointer, FlawCode::Empty));
            return None;
        }
        let mut found = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let Some(one) = of_name(&text.0) else {
                let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
                let flaw = Flaw::new(format!("{pointer}/{at}"), FlawCode::BadValue);
                self.flaw(flaw.noted(Words::one_of(&names)));
                continue;
            };
            found.push(one);
        }
        (found.len() == texts.len()).then_some(found)
    }

    fn number(&mut self, number: u32, pointer: &'static str, min: u32, max: u32) -> Option<u32> {
        if (min..=max).contains(&number) {
            return Some(number);
        }
        let note = Words::new(format!("{min} to {max}"), format!("{min} 至 {max}"));
        self.flaw(Flaw::new(pointer, FlawCode::BadNumber).noted(note));
        None
    }

    pub(super) fn overlap(&mut self, hours: Option<u32>) -> Option<u32> {
        self.number(hours.unwrap_or(OVERLAP_HOURS), "/overlap_hours", 0, OVERLAP_HOURS_MAX)
    }
}
