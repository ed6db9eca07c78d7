use super::*;

fn of(nanos: impl IntoIterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::default();
    for nanos in nanos {
        histogram.record(Duration::from_nanos(nanos));
    }
    histogram
}

#[test]
fn a_value_reads_back_as_itself_or_at_most_a_sixty_fourth_above() {
    for power in 0..44 {
        for value in [1_u64 << power, (1 << power) + 1, (3_u64 << power) - 1] {
            let read = of([value]).quantile(500).as_nanos();
            let value = u128::from(value);
            assert!(read >= value, "{value} became {read}");
            assert!(read <= value + value / 64, "{value} became {read}");
        }
    }
}

#[test]
fn slots_follow_one_another_without_a_gap() {
    let mut last = slot(0);
    for nanos in 1..100_000 {
        let slot = slot(nanos);
        assert!(slot == last || slot == last + 1, "at {nanos}");
        last = slot;
    }
}

#[test]
fn percentiles_count_from_the_smallest() {
    let histogram = of(1..=50);
    assert_eq!(histogram.quantile(500).as_nanos(), 25);
    assert_eq!(histogram.quantile(990).as_nanos(), 50);
    assert_eq!(histogram.quantile(979).as_nanos(), 49);
    assert_eq!(histogram.quantile(981).as_nanos(), 50);
    assert_eq!(histogram.quantile(0).as_nanos(), 1);
}

#[test]
fn nothing_measured_is_zero() {
    assert_eq!(Histogram::default().quantile(990), Duration::ZERO);
}

#[test]
fn merging_is_measuring_both() {
    let mut left = of([1, 2]);
    left.merge(&of([3, 60, 9]));
    assert_eq!(left.quantile(1000).as_nanos(), 60);
    assert_eq!(left.quantile(500).as_nanos(), 3);
}
