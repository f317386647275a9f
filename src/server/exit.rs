//! Exit codes, the same for every command.

use std::process::ExitCode;

use crate::api::language::Language;
use crate::rules::Words;

/// How a command failed.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: Words,
    hint: Option<Words>,
}

/// Which exit code a failure gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0: whoever read the output has seen enough, as `head` does; nothing is said.
    Unread = 0,
    /// 1: the world said no: a file, a socket, a full disk.
    World = 1,
    /// 2: the command line or the configuration is not understood.
    Usage = 2,
    /// 3: the input has faults; all of them were printed.
    Findings = 3,
    /// 4: kept data is damaged, or is not what it should be.
    Damaged = 4,
    /// 5: the server, or a rule, refused it.
    Refused = 5,
}

/// The table that `--help` ends with.
pub const TABLE: &str = "\
Exit codes:
  0  done
  1  the world said no: a file, a socket, a full disk
  2  the command line or the configuration is not understood
  3  the input has faults; all of them were printed
  4  kept data is damaged, or is not what it should be
  5  the server, or a rule, refused it";

/// What `--help` ends with: commands to try, then the exit codes.
pub(super) fn after_help(examples: &[&str]) -> String {
    format!("Examples:\n  {}\n\n{TABLE}", examples.join("\n  "))
}

impl Failure {
    /// A failure of that kind, in one sentence.
    pub fn new(kind: Kind, message: impl Into<Words>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// With what can be done about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<Words>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The world said no, with the chain of causes.
    pub fn world(doing: impl Into<Words>, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(Kind::World, of(&doing.into(), error))
    }

    /// Data could not be printed. That nobody reads on is no fault.
    pub fn unprinted(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::Unread, "nobody reads on");
        }
        Self::world("print", error)
    }

    /// Whether anybody is to be told.
    pub fn is_told(&self) -> bool {
        self.kind != Kind::Unread
    }

    /// Kept data is damaged, with the chain of causes.
    pub fn damaged(doing: impl Into<Words>, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(Kind::Damaged, of(&doing.into(), error))
    }

    /// How it is told in that language.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        let message = language.pick(&self.message);
        match &self.hint {
            Some(hint) => format!("{message}\n  {}{}", hint_word(language), language.pick(hint)),
            None => message.to_owned(),
        }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

/// In English.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.told(Language::English))
    }
}

/// What stands before a hint.
pub(super) const fn hint_word(language: Language) -> &'static str {
    match language {
        Language::English => "hint: ",
        Language::Chinese => "提示：",
    }
}

/// What was being done in both languages, then the causes, which have their own.
fn of(doing: &Words, error: &(dyn std::error::Error + 'static)) -> Words {
    Words::new(caused(&doing.english, error), caused(&doing.chinese, error))
}

/// What was being done, then why it failed, down to the first cause.
pub fn caused(doing: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = doing.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
