use super::*;

#[test]
fn what_takes_long_runs_only_when_it_is_asked_for() {
    let all: Vec<_> = Scenario::chosen(&[], false).collect();
    assert!(all.contains(&Scenario::Accept) && all.contains(&Scenario::Start));
    assert!(!all.contains(&Scenario::Retained) && !all.contains(&Scenario::Soak));
    let all: Vec<_> = Scenario::chosen(&[], true).collect();
    assert!(all.contains(&Scenario::Retained) && !all.contains(&Scenario::Soak));
    let named: Vec<_> = Scenario::chosen(&[Scenario::Soak], false).collect();
    assert_eq!(named, [Scenario::Soak]);
}
