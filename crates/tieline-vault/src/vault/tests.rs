//! What is sealed opens in its place, under its key, unchanged; and nowhere else.

use proptest::prelude::*;
use tieline_model::clock::ManualClock;

use super::*;
use crate::{SEALED_EXTRA, SystemEntropy};

const HERE: ProjectId = ProjectId(1);
const THERE: ProjectId = ProjectId(2);

fn vault() -> Vault {
    let (master, _) = MasterKey::generate(&SystemEntropy);
    let clock = Arc::new(ManualClock::default());
    Vault::new(master, Vec::new(), Arc::new(SystemEntropy), clock)
}

fn admitted(vault: &Vault, project: ProjectId, generation: u32) -> Arc<DataKey> {
    let master = vault.first();
    let wrapped = vault.new_key(&master, project, generation);
    let key = vault.learn(&master, &wrapped).unwrap();
    vault.admit(&key, 10);
    key
}

fn place(project: ProjectId, row: &[u8]) -> Place<'_> {
    Place {
        project,
        table: "events",
        row,
        column: "payload",
    }
}

proptest! {
    #[test]
    fn what_is_sealed_comes_out_as_it_went_in(body: Vec<u8>, more: Vec<u8>) {
        let vault = vault();
        let key = admitted(&vault, HERE, 1);
        let sealed = key.seal(&place(HERE, b"id"), &[&body, &more]);
        prop_assert_eq!(sealed.len(), body.len() + more.len() + SEALED_EXTRA);
        prop_assert_eq!(key_id(&sealed), Some(key.id));
        let opened = vault.open(&place(HERE, b"id"), sealed).unwrap();
        prop_assert_eq!(&opened[..], &[body, more].concat()[..]);
    }
}

#[test]
fn a_value_opens_in_its_own_place_alone() {
    let vault = vault();
    let key = admitted(&vault, HERE, 1);
    admitted(&vault, THERE, 1);
    let right = place(HERE, b"id");
    let sealed = key.seal(&right, &[b"text"]);
    assert!(vault.open(&right, sealed.clone()).is_some());
    let wrong = [
        place(THERE, b"id"),
        place(HERE, b"di"),
        Place {
            table: "runs",
            ..right
        },
        Place {
            column: "extra",
            ..right
        },
        // The same bytes, cut elsewhere.
        Place {
            table: "event",
            row: b"sid",
            ..right
        },
    ];
    for wrong in wrong {
        assert!(vault.open(&wrong, sealed.clone()).is_none(), "{wrong:?}");
    }
}

#[test]
fn no_changed_byte_and_no_cut_is_let_through() {
    let vault = vault();
    let key = admitted(&vault, HERE, 1);
    let sealed = key.seal(&place(HERE, b"id"), &[b"text"]);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x10;
        assert!(vault.open(&place(HERE, b"id"), changed).is_none(), "{at}");
        let cut = sealed[..at].to_vec();
        assert!(vault.open(&place(HERE, b"id"), cut).is_none(), "{at}");
    }
}

#[test]
fn a_key_seals_no_more_than_was_admitted() {
    let vault = vault();
    assert!(vault.take(HERE, 1).is_none());
    let one = admitted(&vault, HERE, 1);
    assert!(vault.take(HERE, 11).is_none());
    assert_eq!(vault.take(HERE, 10).unwrap().id, one.id);
    assert!(vault.take(HERE, 1).is_none());
    let two = admitted(&vault, HERE, 2);
    vault.admit(&one, 10);
    assert_eq!(vault.take(HERE, 1).unwrap().id, two.id, "the newest seals");
    vault.retire();
    assert!(vault.take(HERE, 1).is_none());
    let sealed = one.seal(&place(HERE, b"id"), &[b"text"]);
    assert!(
        vault.open(&place(HERE, b"id"), sealed).is_some(),
        "it still opens"
    );
}

#[test]
fn a_rewrapped_key_is_the_same_key_under_another_master() {
    let vault = vault();
    let (old, (new, _)) = (vault.first(), MasterKey::generate(&SystemEntropy));
    let mut wrapped = vault.new_key(&old, HERE, 1);
    let key = vault.learn(&old, &wrapped).unwrap();
    let sealed = key.seal(&place(HERE, b"id"), &[b"text"]);
    wrapped.wrapped = vault.rewrap((&old, &new), &wrapped).unwrap();
    assert_eq!(vault.learn(&old, &wrapped).unwrap_err(), DoesNotOpen);
    let clock = Arc::new(ManualClock::default());
    let later = Vault::new(new, Vec::new(), Arc::new(SystemEntropy), clock);
    later.learn(&later.first(), &wrapped).unwrap();
    let opened = later.open(&place(HERE, b"id"), sealed).unwrap();
    assert_eq!(&opened[..], b"text");
    let stolen = WrappedKey {
        project: THERE,
        ..wrapped
    };
    let refused = later.learn(&later.first(), &stolen);
    assert_eq!(
        refused.unwrap_err(),
        DoesNotOpen,
        "it is another project's key"
    );
}

#[test]
fn a_digest_depends_on_the_key_and_on_every_part() {
    let digests = |vault: &Vault| {
        let parts: [&[&[u8]]; 3] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"]];
        parts.map(|parts| vault.digest(parts))
    };
    let (one, other) = (vault(), vault());
    for vault in [&one, &other] {
        let wrapped = vault.new_digest_key(&vault.first());
        vault.learn_digest_key(&vault.first(), &wrapped).unwrap();
        let wrong = vault.learn_digest_key(&vault.first(), &wrapped[1..]);
        assert_eq!(wrong, Err(DoesNotOpen));
    }
    let [a, b, c] = digests(&one);
    assert!(a != b && b != c && a != c);
    assert_eq!(digests(&one), [a, b, c]);
    assert!(
        digests(&other)
            .iter()
            .all(|digest| ![a, b, c].contains(digest))
    );
}
