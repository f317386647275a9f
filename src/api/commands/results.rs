//! Results that wait to be read: 16 bytes a line, rendered only when they are written.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::codes::Code;
use crate::api::language::Language;
use crate::api::problem::{Problem, Said, Told};
use crate::engine::{LineAnswer, LineMeaning};

/// Bytes of rendered results at which a piece is given to the socket.
const PIECE_BYTES: usize = 16 * 1_024;

/// Answers that are kept together.
const PIECE_ANSWERS: usize = 1_024;

/// A line's `code` for the reader's own: nothing stood there, and nothing is said of it.
const BLANK: u16 = 0x7fff;

/// The results of one stream, between the sequencer and the socket.
#[derive(Debug)]
pub(super) struct Results {
    inner: Mutex<Inner>,
    detail_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Inner {
    /// In pieces that never grow beyond their room, so that 16 bytes a line is what they cost.
    answers: VecDeque<Vec<LineAnswer>>,
    /// Answers of the first piece that are rendered.
    taken: usize,
    /// Of bad lines, by line, while there is room.
    details: BTreeMap<u32, Said>,
    detail_bytes: usize,
    /// The line of the next answer that is rendered, less one.
    rendered: u32,
    has_begun: bool,
    is_over: bool,
    is_gone: bool,
    refused: Option<Problem>,
    waker: Option<Waker>,
}

/// The answer to a line that nothing stood on.
pub(super) fn blank() -> LineAnswer {
    LineAnswer::unread(BLANK, 0)
}

/// The answer to a line that is not done for a reason of the reader's.
pub(super) fn unread(code: Code) -> LineAnswer {
    LineAnswer::unread(code as u16, 0)
}

impl Results {
    pub(super) fn new(detail_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), detail_bytes_max })
    }

    /// Adds the answers to the next lines.
    pub(super) fn push(&self, answers: Vec<LineAnswer>) {
        let mut inner = self.inner.lock();
        if inner.is_gone || answers.is_empty() {
            return;
        }
        inner.has_begun = true;
        for answer in answers {
            inner.put(answer);
        }
        inner.wake();
    }

    /// Keeps what is wrong with a line until its result is read, while there is room.
    pub(super) fn keep(&self, line: u32, detail: Said) {
        let mut inner = self.inner.lock();
        let bytes = detail.bytes();
        if inner.is_gone || detail.is_empty() || inner.detail_bytes + bytes > self.detail_bytes_max
        {
            return;
        }
        inner.detail_bytes += bytes;
        inner.details.insert(line, detail);
    }

    /// Refuses the whole stream, while no result was given; says whether it did.
    pub(super) fn refuse(&self, problem: Problem) -> bool {
        let mut inner = self.inner.lock();
        if inner.has_begun {
            return false;
        }
        inner.refused = Some(problem);
        inner.is_over = true;
        inner.wake();
        true
    }

    /// No more answers come.
    pub(super) fn finish(&self) {
        let mut inner = self.inner.lock();
        inner.is_over = true;
        inner.wake();
    }

    /// Waits for the first result, or the end.
    pub(super) async fn begun(&self) -> Result<(), Problem> {
        poll_fn(|context| {
            let mut inner = self.inner.lock();
            if let Some(problem) = inner.refused.take() {
                return Poll::Ready(Err(problem));
            }
            if inner.has_begun || inner.is_over {
                return Poll::Ready(Ok(()));
            }
            inner.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn poll_piece(&self, context: &mut Context<'_>, language: Language) -> Poll<Option<Bytes>> {
        let mut inner = self.inner.lock();
        let mut piece = Vec::new();
        while piece.len() < PIECE_BYTES {
            let Some(answer) = inner.next() else {
                break;
            };
            inner.rendered += 1;
            render(&mut inner, answer, language, &mut piece);
        }
        if !piece.is_empty() {
            return Poll::Ready(Some(piece.into()));
        }
        if inner.is_over {
            return Poll::Ready(None);
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn put(&mut self, answer: LineAnswer) {
        match self.answers.back_mut() {
            Some(piece) if piece.len() < PIECE_ANSWERS => piece.push(answer),
            Some(_) | None => {
                let mut piece = Vec::with_capacity(PIECE_ANSWERS);
                piece.push(answer);
                self.answers.push_back(piece);
            }
        }
    }

    fn next(&mut self) -> Option<LineAnswer> {
        let piece = self.answers.front()?;
        let answer = *piece.get(self.taken)?;
        self.taken += 1;
        if self.taken == PIECE_ANSWERS {
            self.answers.pop_front();
            self.taken = 0;
        }
        Some(answer)
    }

    /// What was kept of the line that is rendered now.
    fn detail(&mut self) -> Said {
        let Some(kept) = self.details.remove(&self.rendered) else {
            return Said::default();
        };
        self.detail_bytes -= kept.bytes();
        kept
    }
}

#[cfg(test)]
impl Results {
    /// Bytes kept of results that nobody has read.
    fn kept_bytes(&self) -> usize {
        let inner = self.inner.lock();
        let pieces = inner.answers.iter().map(Vec::capacity).sum::<usize>();
        pieces * size_of::<LineAnswer>() + inner.detail_bytes
    }
}

/// One line of the answer: what became of one line of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LineResult {
    /// The line, counted from 1.
    line: u32,
    /// The command's last event, if it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The case that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<u32>,
    /// That case's version after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Told>,
}

fn render(inner: &mut Inner, answer: LineAnswer, language: Language, out: &mut Vec<u8>) {
    let line = inner.rendered;
    let told = match answer.meaning() {
        LineMeaning::Accepted { seq, case } => {
            write_accepted(out, line, seq.0, case.map(|(case, version)| (case.0, version)));
            return;
        }
        LineMeaning::Unread { code: BLANK, .. } => return,
        LineMeaning::Rejected(rejection) => {
            Told::new(Code::of(&rejection), &inner.detail(), Some(&rejection), language)
        }
        LineMeaning::Unread { code, .. } => {
            let code = Code::from_number(code).unwrap_or(Code::Internal);
            Told::new(code, &inner.detail(), None, language)
        }
    };
    let result = LineResult { line, seq: None, case: None, version: None, error: Some(told) };
    serde_json::to_writer(&mut *out, &result).expect("texts have a JSON form");
    out.push(b'\n');
}

/// The common result, by hand: a stream writes hundreds of thousands of them.
fn write_accepted(out: &mut Vec<u8>, line: u32, seq: u64, case: Option<(u32, u32)>) {
    let mut digits = itoa::Buffer::new();
    let mut put = |name: &str, number: u64| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(digits.format(number).as_bytes());
    };
    put(r#"{"line":"#, u64::from(line));
    put(r#","seq":"#, seq);
    if let Some((case, version)) = case {
        put(r#","case":"#, u64::from(case));
        put(r#","version":"#, u64::from(version));
    }
    out.extend_from_slice(b"}\n");
}

/// The answer's body: results as they are read.
pub(super) struct ResultsBody {
    pub(super) results: Arc<Results>,
    pub(super) language: Language,
}

impl Body for ResultsBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.results.poll_piece(context, self.language);
        piece.map(|piece| piece.map(Frame::data).map(Ok))
    }
}

impl Drop for ResultsBody {
    /// Nobody reads any more: what comes is not kept.
    fn drop(&mut self) {
        let mut inner = self.results.inner.lock();
        inner.is_gone = true;
        inner.answers.clear();
        inner.details.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::options::ApiOptions;
    use crate::domain::ids::{CaseId, Seq};
    use crate::rules::Words;

    #[test]
    fn unread_results_of_the_longest_stream_keep_five_mebibytes() {
        let options = ApiOptions::default();
        let results = Results::new(options.line_detail_bytes_max);
        for line in 1..=options.bulk_lines_max {
            if line.is_multiple_of(2) {
                results.push(vec![LineAnswer::accepted(
                    Seq(u64::from(line)),
                    Some((CaseId(line), 1)),
                )]);
                continue;
            }
            let much = "a line of which there is much to say".repeat(5);
            let detail = Some(Words::new(much.clone(), much));
            results.keep(line, Said { detail, ..Said::default() });
            results.push(vec![unread(Code::MalformedJson)]);
        }
        let kept = results.kept_bytes();
        assert!(kept <= 5 * 1_024 * 1_024 + options.line_detail_bytes_max, "{kept} bytes");
        // Once it is read it is kept no longer.
        let mut context = Context::from_waker(Waker::noop());
        let mut lines = 0;
        while let Poll::Ready(Some(piece)) = results.poll_piece(&mut context, Language::English) {
            assert!(results.kept_bytes() <= kept);
            lines += memchr::memchr_iter(b'\n', &piece).count();
        }
        assert_eq!(lines, options.bulk_lines_max as usize);
        assert_eq!(results.kept_bytes(), 0);
    }
}
