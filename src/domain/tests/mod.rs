//! Tables for the rules and properties for the laws, on a small world.

mod as_of;
mod catalogue;
mod clients;
mod clients_and_imports;
mod clocks;
mod closing;
mod laws;
mod mergers;
mod moves;
mod organisation;
mod outcomes;
mod rejections;
mod routing;
mod twins;
pub(crate) mod world;
