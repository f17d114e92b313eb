//! A choice that every replica makes alike, and again after a restart: a hash of who asks, with nothing to keep and nobody
//! to agree with.
//!
//! ```
//! use cardea_policy_sdk::stable::Spread;
//!
//! let canary = Spread::new("canary");
//! let chosen = |visitor: &str| canary.position(visitor.as_bytes()) < 0.5;
//! assert!(chosen("eve") && !chosen("bob"));
//! // A larger share keeps everyone who was in: positions do not move.
//! ```

/// Where keys fall between 0 and 1.
///
/// The hash is FNV-1a of 64 bits with the mixer of SplitMix64 at its end; over the seed, then from there over the key. It is
/// part of this interface and never changes, since a change would move visitors. It is no secret: whoever chooses their key
/// chooses their position, so it must not guard anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    seed: u64,
}

impl Spread {
    /// Seeds that differ spread the same keys in ways that have nothing to do with each other.
    pub fn new(seed: &str) -> Spread {
        Spread { seed: hash(0, seed.as_bytes()) }
    }

    /// At least 0, below 1; the same for ever for one seed and key, and near keys are far apart.
    pub fn position(&self, key: &[u8]) -> f64 {
        (hash(self.seed, key) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let mut z = bytes.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Spread, hash};

    /// From another implementation; these may never change.
    #[test]
    fn the_hash_is_what_it_was() {
        for (seed, key, expected) in [
            ("", "", 0xcfa3_c5eb_015b_4663),
            ("canary", "", 0xc1f8_842c_e7ef_3db6),
            ("canary", "a", 0xf209_aa70_26af_6cd5),
            ("canary", "203.0.113.7", 0xf4f8_fc1d_f0a0_0b82),
            ("shop-canary", "6f1c", 0xdda9_cc8b_4514_6f77),
            ("canary", "é", 0x3448_0dd4_37f5_b5ee_u64),
        ] {
            assert_eq!(hash(Spread::new(seed).seed, key.as_bytes()), expected, "{seed} {key}");
        }
        assert!((Spread::new("canary").position(b"a") - 0.945_459_988_003_390_4).abs() < f64::EPSILON);
    }

    #[test]
    fn near_keys_fall_everywhere_and_seeds_are_independent() {
        let (one, other) = (Spread::new("one"), Spread::new("other"));
        let below = |spread: &Spread, key: u32| spread.position(format!("10.0.0.{key}").as_bytes()) < 0.5;
        let in_one = (0..4_000).filter(|key| below(&one, *key)).count();
        let in_both = (0..4_000).filter(|key| below(&one, *key) && below(&other, *key)).count();
        assert!((1_800..2_200).contains(&in_one), "{in_one}");
        assert!((850..1_150).contains(&in_both), "{in_both}");
    }
}
