//! The moment of a kill, and what the data directory shows of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::reshape::VILLAGES_A_ROUND;
use crate::world::Server;

/// Answers after which a moment that does not come is not waited for any more.
const ANSWERS_MAX: u64 = 4_000;

/// Answers to others between a change of the organisation and its kill, which comes soon.
const ANSWERS_BETWEEN: u64 = 60;

/// When a kill comes that waits for a change of the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// The server is stopped before the request is sent, and never reads it: nothing of it is kept.
    Unread,
    /// It comes once the request is sent.
    Now,
    /// After some answers to others.
    Soon,
    /// It comes once the reply is there, which whoever asked does not note: it is kept.
    AtReply,
}

impl Kill {
    /// Those of which nobody knows what becomes of the change.
    pub(crate) const OPEN: [Self; 3] = [Self::Now, Self::Soon, Self::AtReply];
}

/// What a kill waits for, once so many answers came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A segment that just got its name: the one before is being closed and sealed.
    Roll,
    /// A snapshot that is being written.
    Fold,
    /// The answer.
    Answer,
    /// A request that was just sent.
    Send,
    /// An import whose commit was just sent, or some answers later.
    Commit,
    /// A split of a unit that holds cases, in the same way.
    Split,
}

/// What a data directory shows of rolls and folds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) segments: BTreeSet<String>,
    /// When the snapshot that is not whole yet was written last; a kill leaves one behind.
    pub(crate) unfinished: Option<SystemTime>,
}

impl Files {
    pub(crate) fn of(data: &Path) -> Self {
        let names = std::fs::read_dir(data).expect("read").flatten();
        let names = names.map(|entry| entry.file_name().into_string().expect("UTF-8"));
        let segments = names.filter(|name| name.starts_with("journal-0")).collect();
        let unfinished = std::fs::metadata(data.join("snapshot.aside"));
        Self { segments, unfinished: unfinished.and_then(|file| file.modified()).ok() }
    }
}

/// What makes an end of a server.
pub(crate) struct Fuse {
    pid: Pid,
    data: PathBuf,
    answers: AtomicU64,
    kill_at: u64,
    moment: Moment,
    kill: Kill,
    /// Changes of the organisation of that moment, and the answers after which one of them kills.
    changes: AtomicU64,
    change_due: AtomicU64,
    /// What the directory held when the kill was first due.
    due: Mutex<Option<Files>>,
}

impl Fuse {
    /// `kill` is of a change of the organisation, if the moment is one's.
    pub(crate) fn new(
        server: &Server,
        data: PathBuf,
        kill_at: u64,
        (moment, kill): (Moment, Kill),
    ) -> Self {
        let (pid, answers, due) = (server.pid(), AtomicU64::new(0), Mutex::new(None));
        let (changes, change_due) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Self { pid, data, answers, kill_at, moment, kill, changes, change_due, due }
    }

    pub(crate) fn answered(&self) {
        let answers = self.answers.fetch_add(1, Ordering::SeqCst) + 1;
        if answers >= self.change_due.load(Ordering::SeqCst) {
            return self.kill();
        }
        if answers < self.kill_at {
            return;
        }
        let is_time = match self.moment {
            Moment::Answer => true,
            Moment::Send | Moment::Commit | Moment::Split => false,
            Moment::Roll => self.differs(|due, now| due.segments != now.segments),
            Moment::Fold => self
                .differs(|due, now| now.unfinished.is_some() && due.unfinished != now.unfinished),
        };
        if is_time || answers >= self.kill_at + ANSWERS_MAX {
            self.kill();
        }
    }

    /// A request is on its way.
    pub(crate) fn sent(&self) {
        if self.moment == Moment::Send && self.answers.load(Ordering::SeqCst) >= self.kill_at {
            self.kill();
        }
    }

    /// A change of the organisation is about to be sent. Says when the kill comes, if it is this one's:
    /// a ledger then has no answer of it.
    pub(crate) fn changing(&self, moment: Moment) -> Option<Kill> {
        if self.moment != moment {
            return None;
        }
        let before = self.changes.fetch_add(1, Ordering::SeqCst);
        if before < self.kill_at % VILLAGES_A_ROUND {
            return None;
        }
        if self.kill == Kill::Unread {
            self.stop();
        }
        Some(self.kill)
    }

    /// The change that the kill waits for is sent.
    pub(crate) fn changed(&self, kill: Kill) {
        match kill {
            Kill::Unread | Kill::Now => self.kill(),
            Kill::Soon => {
                let answers = self.answers.load(Ordering::SeqCst);
                self.change_due.store(answers + ANSWERS_BETWEEN, Ordering::SeqCst);
            }
            Kill::AtReply => {}
        }
    }

    /// Stops the server where it is, if it lives. It reads nothing any more.
    fn stop(&self) {
        let _is_first = kill_process(self.pid, Signal::STOP).is_ok();
        // Looks only: whoever started it waits for its end.
        let looks = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid), looks).expect("a child of this process");
    }

    fn differs(&self, is_time: impl Fn(&Files, &Files) -> bool) -> bool {
        let mut due = self.due.lock().expect("no panic while it is held");
        let now = Files::of(&self.data);
        is_time(due.get_or_insert_with(|| now.clone()), &now)
    }

    /// Kills the server.
    pub(crate) fn kill(&self) {
        // A second writer may come to it as well.
        let _is_first = kill_process(self.pid, Signal::KILL).is_ok();
    }
}
