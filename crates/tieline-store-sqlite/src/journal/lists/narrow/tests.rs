use tieline_model::Timestamp;

use super::first_id;

#[test]
fn the_first_id_of_a_moment_lies_between_those_around_it() {
    let at = Timestamp::from_millis(0x0192_3456_789a);
    let first = first_id(at);
    assert_eq!(first[..7], [0x01, 0x92, 0x34, 0x56, 0x78, 0x9a, 0]);
    let before = first_id(Timestamp::from_millis(at.as_millis() - 1));
    assert!(before < first);
    assert_eq!(first_id(Timestamp::from_millis(-5)), [0; 16]);
}
