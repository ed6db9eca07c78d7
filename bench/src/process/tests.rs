use super::*;

fn spent(coarse_ms: u64, by_thread: &[(&str, u64)]) -> Spent {
    let by_thread = by_thread
        .iter()
        .map(|(thread, ms)| ((*thread).to_owned(), ms * 1_000_000))
        .collect();
    Spent {
        coarse: Duration::from_millis(coarse_ms),
        by_thread,
        written: 0,
    }
}

#[test]
fn the_name_of_a_process_may_hold_parentheses_and_spaces() {
    let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 109 0 0 0 7 5 0 0 20 0 1 0 100";
    assert_eq!(ticks(stat), Some(12));
}

#[test]
fn a_field_is_read_by_its_whole_name() {
    let text = "VmRSSX:\t1 kB\nVmRSS:\t  1234 kB\n";
    assert_eq!(field(text, "VmRSS"), Some(1234));
    assert_eq!(field(text, "Vm"), None);
}

#[test]
fn cpu_is_the_sum_over_threads_old_and_new() {
    let before = spent(0, &[("1", 100), ("2", 50)]);
    let after = spent(70, &[("1", 130), ("2", 50), ("3", 45)]);
    assert_eq!(after.cpu_since(&before), Duration::from_millis(75));
}

#[test]
fn what_an_ended_thread_spent_is_not_lost() {
    let before = spent(0, &[("1", 0), ("2", 0)]);
    let after = spent(500, &[("1", 100)]);
    assert_eq!(after.cpu_since(&before), Duration::from_millis(500));
}

#[test]
fn this_process_can_be_read() {
    let this = Process(std::process::id());
    let memory = this.memory().unwrap();
    assert!(memory.resident > 0 && memory.proportional > 0 && memory.anonymous > 0);
    assert!(this.spent().unwrap().by_thread.len() > 1);
    let handles = this.handles().unwrap();
    assert!(handles.threads > 1 && handles.open > 2);
    assert!(own_cpu() > Duration::ZERO);
}
