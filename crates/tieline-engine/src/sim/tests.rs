//! Worlds by the thousand, in shares that run beside each other.
//!
//! `SIM_SEED=7` lives through one world and tells its history, `SIM_SEED=1000..9000` through many.

use std::ops::Range;

use super::seeds::ONCE_FAILED;
use super::world::{Story, live};

/// How many worlds each share has.
const SHARE: u64 = 128;

/// How many shares there are below.
const SHARES: u64 = 16;

/// Lives through the worlds of a share, or through those that the caller asks for.
fn sweep(share: u64) {
    match asked() {
        Some(seeds) if seeds.end - seeds.start == 1 => check(seeds.start, true),
        Some(seeds) => {
            for seed in seeds.filter(|seed| seed % SHARES == share) {
                check(seed, false);
            }
        }
        None => {
            for seed in share * SHARE..(share + 1) * SHARE {
                check(seed, false);
            }
        }
    }
}

fn asked() -> Option<Range<u64>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a person says which world to look at"
    )]
    let seeds = std::env::var("SIM_SEED").ok()?;
    let number = |text: &str| {
        text.parse::<u64>()
            .expect("SIM_SEED is `7` or `1000..9000`")
    };
    Some(match seeds.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&seeds)..number(&seeds) + 1,
    })
}

fn check(seed: u64, told: bool) {
    let naming = Naming(seed);
    let Story { wrong, lines } = live(seed, told);
    for line in &lines {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
    drop(naming);
}

/// Says how to live through the same world again, where it did not end well.
struct Naming(u64);

impl Drop for Naming {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!(
                "again, with its history: SIM_SEED={seed} cargo nextest run -p tieline-engine sim"
            );
        }
    }
}

#[test]
fn worlds_that_once_went_wrong_go_well() {
    for (seed, found) in ONCE_FAILED {
        println!("{seed} once found: {found}");
        check(seed, false);
    }
}

#[test]
fn one_seed_makes_one_history() {
    for seed in 0..20 {
        let (first, second) = (live(seed, true), live(seed, true));
        let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.lines.len(), second.lines.len(), "seed {seed}");
    }
}

/// A test runs in a process of its own: shares are what makes worlds go beside each other.
macro_rules! shares {
    ($($name:ident = $share:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            sweep($share);
        })+
    };
}

shares! {
    every_world_of_share_0_goes_well = 0,
    every_world_of_share_1_goes_well = 1,
    every_world_of_share_2_goes_well = 2,
    every_world_of_share_3_goes_well = 3,
    every_world_of_share_4_goes_well = 4,
    every_world_of_share_5_goes_well = 5,
    every_world_of_share_6_goes_well = 6,
    every_world_of_share_7_goes_well = 7,
    every_world_of_share_8_goes_well = 8,
    every_world_of_share_9_goes_well = 9,
    every_world_of_share_10_goes_well = 10,
    every_world_of_share_11_goes_well = 11,
    every_world_of_share_12_goes_well = 12,
    every_world_of_share_13_goes_well = 13,
    every_world_of_share_14_goes_well = 14,
    every_world_of_share_15_goes_well = 15,
}
