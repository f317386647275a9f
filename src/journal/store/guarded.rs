//! Calls that may meet a damaged file and panic.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::segment::SegmentError;

thread_local! {
    /// Whether the thread is inside of [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls redb, and takes a panic for the damage that it is a sign of: it becomes an error, and is
/// not printed besides.
pub(super) fn guarded<T>(
    call: impl FnOnce() -> Result<T, SegmentError>,
) -> Result<T, SegmentError> {
    hush();
    let before = IS_GUARDED.replace(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(before);
    called.unwrap_or_else(|panic| {
        let what = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(what), _) => (*what).to_owned(),
            (None, Some(what)) => what.clone(),
            (None, None) => "without a word".to_owned(),
        };
        Err(SegmentError::Damaged(format!("redb cannot read it: {what}")))
    })
}

/// From the first call on, panics inside of [`guarded`] are not printed; all others are as before.
fn hush() {
    static HUSHED: Once = Once::new();
    // A thread that panics already may not touch the hook.
    if std::thread::panicking() {
        return;
    }
    HUSHED.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                told(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_damage_that_says_what_it_said() {
        for word in ["unreachable code", "other"] {
            let called: Result<(), _> = guarded(|| panic!("{word}"));
            let said = called.expect_err(word).to_string();
            assert!(said.contains(word), "{said}");
            assert!(!IS_GUARDED.get());
        }
        assert_eq!(guarded(|| Ok(5)).expect("no panic"), 5);
    }
}
