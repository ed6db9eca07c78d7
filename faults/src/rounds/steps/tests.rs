use super::*;

#[test]
fn every_step_of_the_hub_is_one_of_the_round() {
    let source = include_str!("../../../../crates/tieline-failpoint/src/lib.rs");
    let named = source.split("=> \"").skip(1);
    let named: Vec<_> = named.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(named, STEPS);
}
