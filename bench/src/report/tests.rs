use super::*;

#[test]
fn the_median_is_the_middle_or_between_the_two_middles() {
    assert_eq!(median([9.0, 1.0, 5.0]).to_bits(), 5.0_f64.to_bits());
    assert_eq!(median([9.0, 1.0, 5.0, 6.0]).to_bits(), 5.5_f64.to_bits());
    assert_eq!(median([]).to_bits(), 0.0_f64.to_bits());
}

#[test]
fn numbers_are_grouped_from_the_right() {
    assert_eq!(count(7.4), "7");
    assert_eq!(count(1234.0), "1 234");
    assert_eq!(count(123_456_789.0), "123 456 789");
}

#[test]
fn a_table_is_markdown() {
    let mut table = Table::new("Disk", &["what", "per second"]);
    table.row(vec!["append".to_owned(), count(7890.0)]);
    table.note("Quiet.");
    assert_eq!(
        table.to_string(),
        "### Disk\n\n| what | per second |\n| --- | ---: |\n| append | 7 890 |\n\nQuiet.\n"
    );
}

#[test]
fn a_slope_is_that_of_the_line_through_the_points() {
    assert!((slope(&[(1.0, 5.0), (2.0, 7.0), (3.0, 9.0)]) - 2.0).abs() < 1e-9);
    assert!((slope(&[(0.0, 1.0), (1.0, 0.0), (2.0, 0.0), (3.0, 1.0)])).abs() < 1e-9);
    assert!(slope(&[(1.0, 5.0), (1.0, 9.0)]).abs() < 1e-9);
    assert!(slope(&[]).abs() < 1e-9);
}

#[test]
fn costs_are_shared_among_what_was_done() {
    let each = micros_each(Duration::from_millis(2), 100);
    assert!((each - 20.0).abs() < 1e-9);
    assert!(micros_each(Duration::ZERO, 0) < 1e-9);
}
