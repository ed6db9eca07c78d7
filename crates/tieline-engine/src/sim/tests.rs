//! Worlds by the thousand, in shares that run beside each other.
//!
//! `SIM_SEED=7` lives through one world and tells its history, `SIM_SEED=1000..9000` through many.

use std::ops::Range;

use super::seeds::ONCE_FAILED;
use super::world::{Story, live};

/// How many worlds each share has.
const SHARE: u64 = 120;

/// Lives through the worlds of a share, or through those that the caller asks for.
fn sweep(share: u64) {
    match asked() {
        Some(seeds) if seeds.end - seeds.start == 1 => check(seeds.start, true),
        Some(seeds) => {
            for seed in seeds.filter(|seed| seed % 8 == share) {
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
    for seed in ONCE_FAILED {
        check(seed, false);
    }
}

#[test]
fn one_seed_makes_one_history() {
    for seed in 0..40 {
        let (first, second) = (live(seed, true), live(seed, true));
        let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.lines.len(), second.lines.len(), "seed {seed}");
    }
}

#[test]
fn every_world_of_share_0_goes_well() {
    sweep(0);
}

#[test]
fn every_world_of_share_1_goes_well() {
    sweep(1);
}

#[test]
fn every_world_of_share_2_goes_well() {
    sweep(2);
}

#[test]
fn every_world_of_share_3_goes_well() {
    sweep(3);
}

#[test]
fn every_world_of_share_4_goes_well() {
    sweep(4);
}

#[test]
fn every_world_of_share_5_goes_well() {
    sweep(5);
}

#[test]
fn every_world_of_share_6_goes_well() {
    sweep(6);
}

#[test]
fn every_world_of_share_7_goes_well() {
    sweep(7);
}
