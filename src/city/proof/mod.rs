//! What a city and its run must be, proven by the real rules.

mod fold;
mod run;
mod units;
