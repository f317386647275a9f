//! Sharing out a total so that the parts come to exactly that total.

/// Shares `total` out by `weights`, each part at least its minimum. Largest remainder, the earlier
/// part first among equals.
///
/// The minima must not come to more than the total.
pub(super) fn apportion(total: u64, weights: &[u64], minima: &[u64]) -> Vec<u64> {
    let reserved: u64 = minima.iter().sum();
    assert!(reserved <= total, "the minima fit in the total");
    assert_eq!(weights.len(), minima.len(), "one minimum a weight");
    let spare = total - reserved;
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        assert_eq!(spare, 0, "something weighs where something is left to share");
        return minima.to_vec();
    }
    let exact = |weight: &u64| u128::from(spare) * u128::from(*weight);
    let mut parts: Vec<u64> = weights
        .iter()
        .zip(minima)
        .map(|(weight, minimum)| {
            minimum + u64::try_from(exact(weight) / sum).expect("at most the spare total")
        })
        .collect();
    let left = total - parts.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|at| (std::cmp::Reverse(exact(&weights[*at]) % sum), *at));
    for at in by_remainder.into_iter().take(usize::try_from(left).expect("fewer than the parts")) {
        parts[at] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_to_the_total() {
        assert_eq!(apportion(10, &[1, 1, 1], &[0, 0, 0]), [4, 3, 3]);
        assert_eq!(apportion(10, &[1, 0, 1], &[1, 1, 1]), [5, 1, 4]);
        assert_eq!(apportion(3, &[9, 9, 9], &[1, 1, 1]), [1, 1, 1]);
        assert_eq!(apportion(0, &[], &[]), [0_u64; 0]);
    }

    #[test]
    fn a_part_is_never_below_its_minimum() {
        assert_eq!(apportion(100, &[1, 1_000_000], &[2, 0]), [2, 98]);
    }

    #[test]
    #[should_panic(expected = "the minima fit in the total")]
    fn minima_beyond_the_total_are_a_mistake() {
        apportion(1, &[1, 1], &[1, 1]);
    }
}
