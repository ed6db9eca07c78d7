use super::*;
use crate::Timestamp;
use crate::clock::ManualClock;

/// Always the same bytes: the worst case for an order that leans on randomness.
struct Constant(u8);

impl Entropy for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn ids(clock: &Arc<ManualClock>, byte: u8) -> Ids {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Ids::new(clock, Arc::new(Constant(byte)))
}

#[test]
fn ids_are_version_7_and_carry_the_millisecond() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_123)));
    let id = ids(&clock, 0xab).run();
    let uuid = Uuid::from_bytes(*id.as_bytes());
    assert_eq!(uuid.get_version_num(), 7);
    assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    assert_eq!(u128::from_be_bytes(*id.as_bytes()) >> 80, 1_700_000_000_123);
    assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
}

#[test]
fn ids_rise_when_the_clock_stands_still_and_when_it_steps_back() {
    for byte in [0, 0xff] {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let ids = ids(&clock, byte);
        let mut last = ids.run();
        for n in 0..10_000 {
            if n == 5_000 {
                clock.set(Timestamp::from_millis(1_600_000_000_000));
            }
            let next = ids.run();
            assert!(next > last, "{next} came after {last}");
            last = next;
        }
    }
}
