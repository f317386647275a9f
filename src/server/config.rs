//! The server's configuration: `zhida.toml`. Every key has a default, and `config/zhida.toml`
//! says each with its reason; unknown keys are errors.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::exit::{Failure, Kind};
use crate::api::ApiOptions;
use crate::engine::EngineOptions;
use crate::journal::VaultOptions;
use crate::journal::store::StoreOptions;

pub use super::tls::{TlsConfig, TlsVersion};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub server: ServerConfig,
    /// What it greets connections with.
    pub tls: TlsConfig,
    /// Where it keeps.
    pub data: DataConfig,
    /// Where its time comes from.
    pub clock: ClockConfig,
    /// Bounds of the lanes and of a turn.
    pub engine: EngineConfig,
    /// Segments and room on the disk.
    pub journal: JournalConfig,
    /// Keys ahead.
    pub vault: VaultConfig,
    /// Bounds of requests.
    pub api: ApiConfig,
    /// What it says of itself.
    pub telemetry: TelemetryConfig,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// I/O threads, each with a runtime of its own.
    pub io_threads: usize,
    /// One runtime a thread, or one over all threads.
    pub io_runtime: IoRuntime,
    /// How long open requests may take after SIGTERM.
    pub drain: Seconds,
}

/// How the I/O threads are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IoRuntime {
    /// Each thread its own runtime and its own listener.
    CurrentThread,
    /// One work-stealing runtime over all threads.
    MultiThread,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The data directory.
    pub dir: PathBuf,
}

/// `[clock]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockConfig {
    /// Where time comes from; a journal keeps the one that it was begun with.
    pub mode: ClockName,
    /// How far the system clock may lie behind the journal at a start.
    pub behind_max: Seconds,
}

/// The clocks that a server can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ClockName {
    /// The machine's.
    System,
    /// Each command brings its own time.
    Driven,
}

/// `[engine]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// See [`EngineOptions::interactive_commands_max`].
    pub interactive_commands_max: usize,
    /// See [`EngineOptions::interactive_bytes_max`].
    pub interactive_bytes_max: ByteSize,
    /// See [`EngineOptions::bulk_commands_max`].
    pub bulk_commands_max: usize,
    /// See [`EngineOptions::bulk_bytes_max`].
    pub bulk_bytes_max: ByteSize,
    /// See [`EngineOptions::turn_bulk_commands_max`].
    pub turn_bulk_commands_max: usize,
    /// See [`EngineOptions::turn_bulk_commands_shared`].
    pub turn_bulk_commands_shared: usize,
    /// See [`EngineOptions::turn_bytes_max`].
    pub turn_bytes_max: ByteSize,
    /// See [`EngineOptions::timers_per_turn_max`].
    pub timers_per_turn_max: usize,
    /// See [`EngineOptions::append_retry_after`].
    pub append_retry_after: Seconds,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// Value bytes at which a segment is sealed.
    pub segment_bytes: ByteSize,
    /// Kept free, so that a full disk still takes the turn at hand.
    pub ballast_bytes: ByteSize,
    /// Free bytes below which health says that room is running out.
    pub free_bytes_min: ByteSize,
}

/// `[vault]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultConfig {
    /// Key slots filled in one step, 32 bytes each.
    pub step_slots: u64,
    /// Steps kept filled ahead.
    pub steps_ahead: u64,
}

/// `[api]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// A single command's body.
    pub body_bytes_max: ByteSize,
    /// A body of `/v1/commands`.
    pub bulk_body_bytes_max: ByteSize,
    /// One line of it.
    pub line_bytes_max: ByteSize,
    /// Bodies of `/v1/commands` open at once.
    pub bulk_bodies_max: usize,
    /// Longest silence of one of them.
    pub bulk_body_idle_max: Seconds,
    /// Longest wait for new events.
    pub wait_max: Seconds,
    /// Longest wait for `Zhida-Min-Seq`.
    pub min_seq_patience: Seconds,
}

/// `[telemetry]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is logged: a level, or a filter by room.
    pub log: String,
    /// How a log line is written.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A duration, written `5s`, `250ms`, `1m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed: Result<jiff::SignedDuration, _> = text.parse();
        let duration = parsed.ok().and_then(|signed| Duration::try_from(signed).ok());
        let wrong = || {
            serde::de::Error::custom(format!("`{text}` is no duration; write 5s, 250ms or 1m 30s"))
        };
        duration.map(Self).ok_or_else(wrong)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8750)),
            io_threads: 1,
            io_runtime: IoRuntime::CurrentThread,
            drain: Seconds(Duration::from_secs(4)),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("zhida-data") }
    }
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self {
            mode: ClockName::System,
            behind_max: Seconds(EngineOptions::default().clock_behind_max),
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        let options = EngineOptions::default();
        Self {
            interactive_commands_max: options.interactive_commands_max,
            interactive_bytes_max: ByteSize(options.interactive_bytes_max as u64),
            bulk_commands_max: options.bulk_commands_max,
            bulk_bytes_max: ByteSize(options.bulk_bytes_max as u64),
            turn_bulk_commands_max: options.turn_bulk_commands_max,
            turn_bulk_commands_shared: options.turn_bulk_commands_shared,
            turn_bytes_max: ByteSize(options.turn_bytes_max as u64),
            timers_per_turn_max: options.timers_per_turn_max,
            append_retry_after: Seconds(options.append_retry_after),
        }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        let options = StoreOptions::at("");
        Self {
            segment_bytes: ByteSize(options.segment_bytes),
            ballast_bytes: ByteSize(options.ballast_bytes),
            free_bytes_min: ByteSize(options.free_bytes_min),
        }
    }
}

impl Default for VaultConfig {
    fn default() -> Self {
        let options = VaultOptions::default();
        Self { step_slots: options.step_slots.into(), steps_ahead: options.steps_ahead.into() }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        let options = ApiOptions::default();
        let bytes = |bytes: usize| ByteSize(bytes as u64);
        Self {
            body_bytes_max: bytes(options.body_bytes_max),
            bulk_body_bytes_max: bytes(options.bulk_body_bytes_max),
            line_bytes_max: bytes(options.line_bytes_max),
            bulk_bodies_max: options.bulk_bodies_max,
            bulk_body_idle_max: Seconds(options.bulk_body_idle_max),
            wait_max: Seconds(options.wait_max),
            min_seq_patience: Seconds(options.min_seq_patience),
        }
    }
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".into(), format: LogFormat::Text }
    }
}

impl Config {
    /// Reads the file; the defaults where none is named.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key, or a value out of its bounds.
    pub fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::world(format!("read {}", path.display()), &error))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, Failure> {
        let config: Self = toml::from_str(text).map_err(|error| {
            Failure::new(Kind::Usage, format!("{origin}: {}", error.to_string().trim_end()))
        })?;
        let wrong = config.out_of_bounds();
        if wrong.is_empty() {
            return Ok(config);
        }
        let lines: Vec<_> =
            wrong.iter().map(|(_, message)| format!("{origin}: {message}")).collect();
        Err(Failure::new(Kind::Usage, lines.join("\n")))
    }

    /// The keys whose values are out of their bounds, each with a sentence.
    pub(super) fn out_of_bounds(&self) -> Vec<(&'static str, String)> {
        let bounds = [
            ("server.io_threads", self.server.io_threads as u64, 1, 64),
            (
                "engine.interactive_commands_max",
                self.engine.interactive_commands_max as u64,
                1,
                10_000_000,
            ),
            ("engine.bulk_commands_max", self.engine.bulk_commands_max as u64, 1, 10_000_000),
            (
                "engine.turn_bulk_commands_max",
                self.engine.turn_bulk_commands_max as u64,
                1,
                1_000_000,
            ),
            (
                "engine.turn_bulk_commands_shared",
                self.engine.turn_bulk_commands_shared as u64,
                1,
                1_000_000,
            ),
            ("engine.timers_per_turn_max", self.engine.timers_per_turn_max as u64, 1, 1_000_000),
            ("journal.segment_bytes", self.journal.segment_bytes.as_u64(), 1 << 16, 1 << 32),
            ("vault.step_slots", self.vault.step_slots, 64, 1 << 24),
            ("vault.steps_ahead", self.vault.steps_ahead, 1, 64),
            ("api.bulk_bodies_max", self.api.bulk_bodies_max as u64, 1, 10_000),
            // In seconds.
            ("api.bulk_body_idle_max", self.api.bulk_body_idle_max.0.as_secs(), 1, 86_400),
            ("tls.handshake_wait_max", self.tls.handshake_wait_max.0.as_secs(), 1, 300),
        ];
        bounds
            .iter()
            .filter(|(_, value, least, most)| value < least || value > most)
            .map(|(key, value, least, most)| {
                (*key, format!("{key} = {value} is outside {least} to {most}"))
            })
            .collect()
    }

    /// The engine's bounds of it.
    pub fn engine_options(&self) -> EngineOptions {
        let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        EngineOptions {
            interactive_commands_max: self.engine.interactive_commands_max,
            interactive_bytes_max: bytes(self.engine.interactive_bytes_max),
            bulk_commands_max: self.engine.bulk_commands_max,
            bulk_bytes_max: bytes(self.engine.bulk_bytes_max),
            turn_bulk_commands_max: self.engine.turn_bulk_commands_max,
            turn_bulk_commands_shared: self.engine.turn_bulk_commands_shared,
            turn_bytes_max: bytes(self.engine.turn_bytes_max),
            timers_per_turn_max: self.engine.timers_per_turn_max,
            append_retry_after: self.engine.append_retry_after.0,
            clock_behind_max: self.clock.behind_max.0,
            ..EngineOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_says_every_default() {
        let text = include_str!("../../config/zhida.toml");
        assert_eq!(
            Config::parse(text, "config/zhida.toml").expect("a good file"),
            Config::default()
        );
    }

    #[test]
    fn a_bad_file_is_refused_with_the_place() {
        let table = [
            ("[server]\nlisten_on = \"x\"\n", "unknown field `listen_on`"),
            ("[server]\nlisten = 5\n", "line 2"),
            ("[server]\nio_threads = 0\n", "server.io_threads = 0 is outside 1 to 64"),
            ("[server]\ndrain = \"soon\"\n", "`soon` is no duration"),
            (
                "[api]\nbulk_body_idle_max = \"0s\"\n",
                "bulk_body_idle_max = 0 is outside 1 to 86400",
            ),
            ("[engine]\nbulk_bytes_max = \"many\"\n", "bulk_bytes_max"),
            ("[nonsense]\n", "unknown field `nonsense`"),
        ];
        for (text, expected) in table {
            let refused = Config::parse(text, "a.toml").expect_err(text).to_string();
            assert!(refused.starts_with("a.toml: "), "{refused}");
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
