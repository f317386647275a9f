//! What the engine owes, on a journal in memory that breaks when it is told to.

mod desks;
mod failing;
mod lanes;
mod laws;
mod pause;
mod proposals;
mod queries;
mod reads;
mod rig;
mod start_stop;
mod timers;
mod views;
