//! The program as its operator meets it: started, killed, fed damaged directories, told nonsense.
//! Nothing here reaches into it but by its command line, its files, its signals and HTTP.
//!
//! ```text
//!  world     a tiny city, directories of it, servers, commands and how they ended
//!  http      HTTP/1.1 by hand, so that a broken connection is seen where it breaks
//!  fuse      the moment of a kill, and what the data directory shows of it
//!  disk      a disk so small that it runs full
//!  ledger    what the server acknowledged, and how to ask whether it is all there
//!  heirs     a grid of 5,000 cases closed by an import, under kills
//!  imports   files of units: their faults, and what comes into force
//!  tls       certificates and keys as files: bad ones, other ones, and the commands over https
//!  reshape   changes of the organisation, whole after a kill or not there at all
//!  staging   an import whose pieces come one by one, under kills
//! ```

#[expect(clippy::unwrap_used, reason = "a test says what must be")]
#[path = "../api/authority.rs"]
mod authority;
mod commands;
mod damage;
mod demo;
mod disk;
mod faults;
mod fuse;
mod heirs;
mod help;
mod http;
mod imports;
mod kill;
mod ledger;
mod metrics;
mod reshape;
mod staging;
#[expect(clippy::unwrap_used, reason = "a test says what must be")]
mod tls;
mod world;
