//! The cheap end of the engine that every request holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::answer::{Answer, Failed, LineAnswer, Timing};
use super::clock::{Clock, stopwatch};
use super::desk::{Desk, Ticket, Waiting};
use super::lanes::{Ask, Batch, Lanes, Single};
use super::reads::{Reads, ReadsFull};
use super::status::{Status, Storage};
use super::view::View;
use crate::domain::case::{Case, Source};
use crate::domain::command::Submission;
use crate::domain::event::{ClockMode, PartName, SealedPart};
use crate::domain::ids::{CaseId, ImportId, PrincipalId, Seq, Timestamp};
use crate::domain::organisation::UnitFindings;
use crate::domain::outcome::Remembered;
use crate::domain::record::{Mark, Record};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::state::natural_key;
use crate::journal::vault::{Opened, Vault, VaultError};
use crate::journal::{ReadError, Reader, Value};

/// Everything that a request may do with the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) lanes: Arc<Lanes>,
    pub(super) view: Arc<View>,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) reads: Reads,
    pub(super) vault: Arc<Vault>,
    pub(super) status: Arc<Status>,
    pub(super) clock: Clock,
}

/// What an accepted command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What the client is told.
    pub reply: Reply,
    /// Whether it was accepted before, under the same key.
    pub is_repeat: bool,
    /// Where the time went.
    pub timing: Timing,
}

/// Why a submission has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The rules refuse it. Nothing happened.
    #[error("{0}")]
    Rejected(Rejection),
    /// The lane is full, or too much of the journal is being read to tell what a known key came
    /// to. Nothing happened; try again.
    #[error("the lane is full")]
    Overloaded,
    /// The disk is full. A command that was already taken in may yet be accepted, once there is
    /// room: ask for the outcome of its key.
    #[error("the disk is full")]
    DiskFull,
    /// Turns do not become durable now. As with a full disk, ask for the outcome.
    #[error("the journal cannot be written now")]
    NotDurable,
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
    /// The outcome is known and its events cannot be read.
    #[error("read the outcome's events")]
    Read(#[from] ReadError),
}

impl Handle {
    /// Submits one command and waits for its durable outcome. Dropping the future gives up the
    /// waiting; the command, once taken in, goes on.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(
        &self,
        desk: &Desk,
        submission: impl Into<Box<Submission>>,
    ) -> Result<Accepted, SubmitError> {
        let submission = submission.into();
        let bytes = size_of::<Submission>() + submission.command.bytes();
        match self.ask(desk, Ask::Submit(submission), bytes)?.await {
            Answer::Accepted(reply, timing) => Ok(Accepted { reply, is_repeat: false, timing }),
            Answer::Known(remembered, timing) => {
                // Boxed, as it is rare: it would make every future larger.
                let reply = Box::pin(self.reply_again(remembered)).await?;
                Ok(Accepted { reply, is_repeat: true, timing })
            }
            Answer::Rejected(rejection, _) => Err(SubmitError::Rejected(rejection)),
            Answer::Failed(failed) => Err(failed.into()),
            Answer::Unknown | Answer::Found(_) | Answer::Findings(_) | Answer::Lines(_) => {
                unreachable!("a submission has an outcome of its own")
            }
        }
    }

    /// What became of a principal's key: its reply, or none when no accepted command of that key
    /// is remembered. Asks the sequencer, so that it sees what is being decided now.
    ///
    /// # Errors
    /// See [`SubmitError`]; the rules refuse nothing here.
    pub async fn outcome(
        &self,
        desk: &Desk,
        principal: PrincipalId,
        key: &str,
    ) -> Result<Option<Reply>, SubmitError> {
        let bytes = size_of::<Single>() + key.len();
        match self.ask(desk, Ask::Outcome(principal, key.into()), bytes)?.await {
            Answer::Known(remembered, _) => Ok(Some(self.reply_again(remembered).await?)),
            Answer::Unknown => Ok(None),
            Answer::Failed(failed) => Err(failed.into()),
            Answer::Accepted(..)
            | Answer::Found(_)
            | Answer::Findings(_)
            | Answer::Rejected(..)
            | Answer::Lines(_) => {
                unreachable!("a question is answered as one")
            }
        }
    }

    /// The case that a source gave that number, if there is one. Asks the sequencer, so that it sees
    /// what is being decided now; the view has the case when this returns.
    ///
    /// # Errors
    /// See [`SubmitError`]; the rules refuse nothing here.
    pub async fn case_by_number(
        &self,
        desk: &Desk,
        source: Source,
        number: &str,
    ) -> Result<Option<CaseId>, SubmitError> {
        let ask = Ask::Number(natural_key(source, number));
        match self.ask(desk, ask, size_of::<Single>())?.await {
            Answer::Found(id) => Ok(Some(id)),
            Answer::Unknown => Ok(None),
            Answer::Failed(failed) => Err(failed.into()),
            Answer::Accepted(..)
            | Answer::Known(..)
            | Answer::Findings(_)
            | Answer::Rejected(..)
            | Answer::Lines(_) => {
                unreachable!("a question is answered as one")
            }
        }
    }

    /// What keeps an open import's units from coming into force; none where no such import is open.
    /// Asks the sequencer, which has the staged rows: the checks are those of its commit.
    ///
    /// # Errors
    /// See [`SubmitError`]; the rules refuse nothing here.
    pub async fn findings(
        &self,
        desk: &Desk,
        import: ImportId,
    ) -> Result<Option<UnitFindings>, SubmitError> {
        match self.ask(desk, Ask::Findings(import), size_of::<Single>())?.await {
            Answer::Findings(findings) => Ok(Some(*findings)),
            Answer::Unknown => Ok(None),
            Answer::Failed(failed) => Err(failed.into()),
            Answer::Accepted(..)
            | Answer::Known(..)
            | Answer::Found(_)
            | Answer::Rejected(..)
            | Answer::Lines(_) => unreachable!("a question is answered as one"),
        }
    }

    /// Puts one in, and gives the wait for its answer.
    fn ask(&self, desk: &Desk, ask: Ask, bytes: usize) -> Result<Waiting, SubmitError> {
        match &ask {
            Ask::Submit(_) => self.check_taking_in()?,
            // While the disk is full, what was durable before is still told.
            Ask::Outcome(..) | Ask::Number(_) | Ask::Findings(_) => self.check_open()?,
        }
        let place = desk.take_place();
        let ticket = place.ticket();
        let single = Single { ask, bytes, desk: desk.clone(), ticket, came_at: stopwatch() };
        if self.lanes.push(single).is_err() {
            place.cancel();
            return Err(SubmitError::Overloaded);
        }
        Ok(place)
    }

    /// Puts a batch into the bulk lane, waiting while that is full, and gives the wait for its
    /// answers: one a submission, in order. Several batches of one stream may be under way; they
    /// are decided in the order they were put in. Dropping either future gives up the waiting.
    ///
    /// # Errors
    /// When nothing is taken in now; nothing of the batch happened then.
    pub async fn submit_batch(
        &self,
        desk: &Desk,
        submissions: Vec<Submission>,
    ) -> Result<PendingBatch, SubmitError> {
        let brought: usize = submissions.iter().map(|one| one.command.bytes()).sum();
        let bytes = submissions.len() * size_of::<Submission>() + brought;
        let mut batch = Batch { submissions, bytes, desk: desk.clone(), ticket: Ticket::default() };
        loop {
            let room = self.lanes.bulk_room();
            tokio::pin!(room);
            room.as_mut().enable();
            self.check_taking_in()?;
            // A place is taken for the try alone: whoever gives up the waiting for room has none.
            let place = desk.take_place();
            batch.ticket = place.ticket();
            match self.lanes.push_bulk(batch) {
                Ok(()) => return Ok(PendingBatch { place }),
                Err(back) => {
                    place.cancel();
                    batch = back;
                }
            }
            room.await;
        }
    }

    fn check_open(&self) -> Result<(), SubmitError> {
        if self.lanes.is_closed() { Err(SubmitError::Stopping) } else { Ok(()) }
    }

    fn check_taking_in(&self) -> Result<(), SubmitError> {
        self.check_open()?;
        match self.status.storage() {
            Storage::Good => Ok(()),
            Storage::Full => Err(SubmitError::DiskFull),
            Storage::Failing => Err(SubmitError::NotDurable),
        }
    }

    async fn reply_again(&self, remembered: Remembered) -> Result<Reply, SubmitError> {
        let read = move |handle: &Self| {
            let (first, last) = (remembered.first_seq, remembered.last_seq());
            let records = handle.records(first, last, usize::from(remembered.events))?;
            Reply::of(&records, remembered.version).ok_or(ReadError::NotFound(first))
        };
        Ok(self.blocking_read(read).await??)
    }

    /// Records from `first` on, as far as `through` and no further than what is published, `limit`
    /// at most. May wait for the disk.
    ///
    /// # Errors
    /// When the journal cannot be read there.
    pub fn records(
        &self,
        first: Seq,
        through: Seq,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let through = through.min(self.view.published());
        let mut records = Vec::new();
        let mut failed = None;
        self.reader.read_from(first, through, &mut |key, bytes| match collect(
            bytes,
            first,
            through,
            limit,
            &mut records,
        ) {
            Ok(()) if records.len() < limit => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(what) => {
                failed = Some(ReadError::Corrupt { seq: key, what });
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(records), Err)
    }

    /// One record. May wait for the disk.
    ///
    /// # Errors
    /// When the journal cannot be read there.
    pub fn record(&self, seq: Seq) -> Result<Record, ReadError> {
        self.reader.record(seq)
    }

    /// The events of a case, newest first: the chain back from its `last_seq`, read as it is walked.
    /// Each step may wait for the disk; the walk ends with the first that cannot be read.
    pub fn newest_first(
        &self,
        id: CaseId,
        last_seq: Seq,
    ) -> impl Iterator<Item = Result<Record, ReadError>> {
        let mut next = Some(last_seq);
        std::iter::from_fn(move || {
            let record = self.reader.record(next.take()?);
            next = record.as_ref().ok().and_then(|record| record.previous_of(id));
            Some(record)
        })
    }

    /// The event that an import began with: the chain back from `last_seq`. May wait for the disk.
    ///
    /// # Errors
    /// When the journal cannot be read there.
    pub fn import_begun(&self, last_seq: Seq) -> Result<Record, ReadError> {
        let mut record = self.reader.record(last_seq)?;
        while let Some(seq) = record.previous {
            record = self.reader.record(seq)?;
        }
        Ok(record)
    }

    /// All events of an import, oldest first: the chain back from `last_seq`. May wait for the disk.
    ///
    /// # Errors
    /// When the journal cannot be read there.
    pub fn import_history(&self, last_seq: Seq) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        let mut next = Some(last_seq);
        while let Some(seq) = next {
            let record = self.reader.record(seq)?;
            next = record.previous;
            records.push(record);
        }
        records.reverse();
        Ok(records)
    }

    /// Raw values from the one that holds `from`, published ones only, until `each` says so. May
    /// wait for the disk.
    ///
    /// # Errors
    /// When the journal cannot be read there.
    pub fn raw_values(
        &self,
        from: Seq,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.reader.read_from(from, self.view.published(), each)
    }

    /// What readers see.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// How the engine is.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What its clock may do.
    pub fn clock_mode(&self) -> ClockMode {
        self.clock.mode()
    }

    /// What its clock says now; a driven one what the newest published turn says.
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::Driven => self.view.now(),
            // Asked by every request: the view's lock is not worth it.
            Clock::System | Clock::Manual(_) => self.clock.now(Timestamp::EPOCH),
        }
    }

    /// The published row of a case, and its number again.
    pub fn case(&self, id: CaseId) -> Option<Case> {
        self.view.case(id)
    }

    /// Commands waiting: interactive, bulk.
    pub fn lanes_len(&self) -> (usize, usize) {
        (self.lanes.interactive_len(), self.lanes.bulk_len())
    }

    /// Seals a part under a key of its own.
    ///
    /// # Errors
    /// When no key slot is left: 507, before anything else is done.
    pub fn seal(&self, part: PartName, plain: &[u8]) -> Result<SealedPart, VaultError> {
        self.vault.seal(part, plain)
    }

    /// Opens a sealed part, unless it was erased. May wait for the disk.
    ///
    /// # Errors
    /// When it is not what was sealed.
    pub fn open(&self, part: PartName, sealed: &SealedPart) -> Result<Opened, VaultError> {
        self.vault.open_part(part, sealed)
    }

    /// What makes a command known again: its key, and its body under the vault's secret.
    pub fn mark(&self, key: &str, body: &[u8]) -> Mark {
        Mark { key: key.into(), body_hash: self.vault.keyed_hash(body) }
    }

    /// Wakes the sequencer after a manual clock was moved, or to try at once what is not durable.
    pub fn nudge(&self) {
        self.lanes.nudge();
    }

    /// Takes nothing more in. What is in is still worked off.
    pub fn close(&self) {
        self.lanes.close();
    }
}

impl From<Failed> for SubmitError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::DiskFull => Self::DiskFull,
            Failed::NotDurable => Self::NotDurable,
            Failed::Stopping => Self::Stopping,
        }
    }
}

impl From<ReadsFull> for SubmitError {
    fn from(_: ReadsFull) -> Self {
        Self::Overloaded
    }
}

fn collect(
    bytes: &[u8],
    first: Seq,
    through: Seq,
    limit: usize,
    records: &mut Vec<Record>,
) -> Result<(), String> {
    let value = Value::parse(bytes).map_err(|error| error.to_string())?;
    for record in value.records() {
        let record = record.map_err(|error| error.to_string())?;
        if record.seq > through || records.len() == limit {
            break;
        }
        if record.seq >= first {
            records.push(record);
        }
    }
    Ok(())
}

/// A batch under way.
#[derive(Debug)]
pub struct PendingBatch {
    place: Waiting,
}

impl PendingBatch {
    /// Waits for its answers. Dropping the future gives up the waiting; the batch goes on.
    ///
    /// # Errors
    /// When its turn is not durable yet: some or all of it may yet be accepted.
    pub async fn answers(self) -> Result<Vec<LineAnswer>, SubmitError> {
        match self.place.await {
            Answer::Lines(answers) => Ok(answers),
            Answer::Failed(failed) => Err(failed.into()),
            Answer::Accepted(..)
            | Answer::Known(..)
            | Answer::Unknown
            | Answer::Found(_)
            | Answer::Findings(_)
            | Answer::Rejected(..) => {
                unreachable!("a batch is answered line by line")
            }
        }
    }
}
