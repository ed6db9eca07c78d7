use super::*;

#[test]
fn a_seed_draws_the_same_numbers_and_its_parts_others() {
    let draw = |mut chance: Chance| (0..4).map(|_| chance.draw()).collect::<Vec<_>>();
    assert_eq!(draw(Chance::new(7)), draw(Chance::new(7)));
    assert_ne!(draw(Chance::new(7)), draw(Chance::new(8)));
    assert_ne!(draw(Chance::new(7).part(0)), draw(Chance::new(7).part(1)));
}

#[test]
fn a_time_lies_between_its_ends() {
    let (from, to) = (Duration::from_millis(200), Duration::from_secs(5));
    let mut chance = Chance::new(1);
    for _ in 0..1000 {
        let time = chance.time(from, to);
        assert!((from..to).contains(&time), "{time:?}");
    }
}
