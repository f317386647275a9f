//! A connection whose first bytes are to come in time: whoever begins to speak HTTP/2 and stops
//! halfway would keep its place for ever, since no protocol's own patience has begun by then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream that breaks off where its first bytes do not come in time.
pub(super) struct Prompt<IO> {
    io: IO,
    /// Bytes that are yet to come in time.
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<IO> Prompt<IO> {
    /// So many bytes are to come within `patience` from now on.
    pub(super) fn new(io: IO, missing: usize, patience: Duration) -> Self {
        Self { io, missing, deadline: Box::pin(tokio::time::sleep(patience)) }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Prompt<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
        if self.missing > 0 && read.is_pending() && self.deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Prompt<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_does_not_come_in_time_breaks_off_and_what_came_waits_as_it_likes() {
        for (sent, error) in [(&b"PR"[..], Some(io::ErrorKind::TimedOut)), (b"PRI", None)] {
            let (mut peer, io) = tokio::io::duplex(64);
            let mut prompt = Prompt::new(io, 3, Duration::ZERO);
            peer.write_all(sent).await.unwrap();
            let mut read = [0; 3];
            let came = prompt.read_exact(&mut read).await;
            assert_eq!(came.err().map(|error| error.kind()), error);
            if error.is_none() {
                assert!(prompt.read_u8().now_or_never().is_none(), "it waits for more");
            }
        }
    }
}
