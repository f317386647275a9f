//! The program as its operator meets it: started, killed, fed damaged directories, told nonsense.
//! Nothing here reaches into it but by its command line, its files, its signals and HTTP.
//!
//! ```text
//!  world     a tiny city, directories of it, servers, commands and how they ended
//!  http      HTTP/1.1 by hand, so that a broken connection is seen where it breaks
//!  ledger    what the server acknowledged, and how to ask whether it is all there
//! ```

mod damage;
mod faults;
mod http;
mod kill;
mod ledger;
mod world;
