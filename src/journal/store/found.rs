//! A look at the directory, which changes nothing: what is there, and whether it is all that was
//! acknowledged.
//!
//! ```text
//!  lock ─▶ format ─▶ survey: which segments are noted, where does each end, where is the tail
//!       ─▶ acknowledged: is everything there that it names
//! ```

use std::any::Any;
use std::io;
use std::sync::Arc;

use crate::journal::head::Head;
use crate::journal::medium::{Medium, read_whole};

use super::OpenError;
use super::acknowledged::{Acknowledged, AcknowledgedFile};
use super::closed::{self, ClosedMark};
use super::directory::{self, Listing};
use super::open::OpenReport;
use super::rack::Rack;
use super::survey::{Survey, value_head};

/// What a look found.
pub(super) struct Found {
    /// Held as long as this is kept; a file's, whose content alone says who holds it.
    pub(super) lock: Box<dyn Any + Send + Sync>,
    pub(super) listing: Listing,
    /// Whether the directory holds no journal yet.
    pub(super) is_new: bool,
    pub(super) rack: Arc<Rack>,
    /// The mark of a clean close, if it is whole.
    pub(super) mark: Option<ClosedMark>,
    pub(super) survey: Survey,
    pub(super) acknowledged: Acknowledged,
    /// The file that says so, if it can be written on.
    pub(super) file: Option<AcknowledgedFile>,
}

impl Found {
    /// Looks.
    ///
    /// # Errors
    /// See [`Store::open`](super::Store::open).
    pub(super) fn look(medium: Arc<dyn Medium>) -> Result<Self, OpenError> {
        let lock = directory::lock(&*medium)?;
        let listing = Listing::read(&*medium)?;
        let is_new = listing.check_format(&*medium)?;
        let rack = Arc::new(Rack::new(medium));
        let mark = read_mark(&*rack.medium)?;
        let survey = Survey::take(&rack, &listing, mark.as_ref())?;
        rack.set_tail(survey.tail.seq);
        let (file, acknowledged) = read_acknowledged(&*rack.medium, is_new)?;
        if let Some(named) = acknowledged.head() {
            check_acknowledged(&rack, named, survey.tail)?;
        }
        Ok(Self { lock, listing, is_new, rack, mark, survey, acknowledged, file })
    }

    /// As a start says it that had nothing to mend.
    pub(super) fn report(&self) -> OpenReport {
        OpenReport {
            is_new: self.is_new,
            was_closed: self.survey.was_closed,
            tail: self.survey.tail,
            acknowledged: self.acknowledged,
            appended_again: None,
            rewriting: Vec::new(),
            has_ballast: true,
        }
    }
}

/// The mark of a clean close; none where there is none, or where it is not whole.
fn read_mark(medium: &dyn Medium) -> Result<Option<ClosedMark>, OpenError> {
    let bytes = match read_whole(medium, closed::NAME) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io("read the file `closed`", error)),
    };
    let mark = ClosedMark::decode(&bytes);
    if mark.is_none() {
        tracing::warn!("the mark of a clean close is damaged");
    }
    Ok(mark)
}

/// What was acknowledged, and the file to write the next ones to.
fn read_acknowledged(
    medium: &dyn Medium,
    is_new: bool,
) -> Result<(Option<AcknowledgedFile>, Acknowledged), OpenError> {
    match AcknowledgedFile::open(medium) {
        Ok((_, Acknowledged::Unreadable)) => {}
        Ok((file, known)) => return Ok((Some(file), known)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(OpenError::io("read `acknowledged`", error)),
    }
    let known = if is_new { Acknowledged::Known(Head::GENESIS) } else { Acknowledged::Unreadable };
    Ok((None, known))
}

/// Refuses a journal that does not hold what was acknowledged.
fn check_acknowledged(rack: &Rack, named: Head, tail: Head) -> Result<(), OpenError> {
    if named.seq > tail.seq {
        return Err(OpenError::Behind { acknowledged: named, found: tail });
    }
    let found = if named.seq == tail.seq {
        tail
    } else {
        let Some((segment, _)) = rack.holding(named.seq.0) else {
            return Ok(());
        };
        let bad = |error| OpenError::segment(&segment.name, segment.first, error);
        let (view, _) = rack.view(&segment).map_err(bad)?;
        match view.at_or_before(named.seq.0).map_err(bad)? {
            Some(lent) => value_head(&segment, &lent)?,
            None => Head::GENESIS,
        }
    };
    if found == named {
        return Ok(());
    }
    Err(OpenError::OtherChain { acknowledged: named, found })
}
