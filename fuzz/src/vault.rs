//! Sealed values: nothing opens but what was sealed, and that in its place alone.
//!
//! The bytes are a sealed value, edits to one, a value to seal, a wrapped key and a key's text.

use std::sync::{Arc, LazyLock};

use tieline_model::ProjectId;
use tieline_model::clock::ManualClock;
use tieline_model::id::Entropy;
use tieline_vault::{DataKey, MasterKey, Place, SEALED_EXTRA, Vault, WrappedKey};

const PLACE: Place<'static> = Place {
    project: ProjectId::DEFAULT,
    table: "events",
    row: b"row",
    column: "input",
};

/// The same bytes at every start, so that a seed that opens does so for ever.
struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(at % 251).unwrap_or_default();
        }
    }
}

struct Kept {
    vault: Vault,
    master: MasterKey,
    key: Arc<DataKey>,
    wrapped: Vec<u8>,
    /// What stands in the store.
    sealed: Vec<u8>,
}

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let (master, _) = MasterKey::generate(&Fixed);
    let (spare, _) = MasterKey::generate(&Fixed);
    let clock = Arc::new(ManualClock::default());
    let vault = Vault::new(spare, Vec::new(), Arc::new(Fixed), clock);
    let wrapped = vault.new_key(&master, ProjectId::DEFAULT, 1);
    let key = vault.learn(&master, &wrapped).expect("it was just wrapped");
    vault.admit(&key, u64::MAX);
    let sealed = key.seal(&PLACE, &[b"what is kept"]);
    Kept {
        vault,
        master,
        key,
        wrapped: wrapped.wrapped,
        sealed,
    }
});

pub(crate) fn check(data: &[u8]) {
    let Kept { vault, sealed, .. } = &*KEPT;
    if vault.open(&PLACE, data.to_vec()).is_some() {
        assert_eq!(data, sealed, "a forged value opens");
    }
    edited(data);
    sealed_anew(data);
    keys(data);
}

/// Pairs of bytes, a place and a change, applied to what stands in the store.
fn edited(edits: &[u8]) {
    let Kept { vault, sealed, .. } = &*KEPT;
    let mut value = sealed.clone();
    for edit in edits.chunks_exact(2) {
        if let [at, change] = *edit {
            let at = usize::from(at) % value.len();
            if let Some(byte) = value.get_mut(at) {
                *byte ^= change;
            }
        }
    }
    let opened = vault.open(&PLACE, value.clone()).is_some();
    assert_eq!(opened, value == *sealed, "a changed value opens");
    let end = edits.first().copied().map_or(0, usize::from);
    if let Some(cut) = sealed.get(..end).filter(|cut| cut.len() < sealed.len()) {
        assert!(vault.open(&PLACE, cut.to_vec()).is_none(), "a part opens");
    }
}

/// What is sealed comes back in its place, whole, and in no other.
fn sealed_anew(data: &[u8]) {
    let Kept { vault, key, .. } = &*KEPT;
    let place = Place { row: data, ..PLACE };
    let sealed = key.seal(&place, &[data, b"tail"]);
    assert_eq!(sealed.len(), data.len() + 4 + SEALED_EXTRA);
    let opened = vault.open(&place, sealed.clone());
    assert_eq!(opened.as_deref(), Some(&*[data, b"tail"].concat()));
    let longer = [data, b"x"].concat();
    let elsewhere = [
        Place {
            row: &longer,
            ..place
        },
        Place {
            table: "runs",
            ..place
        },
        Place {
            column: "meta",
            ..place
        },
        Place {
            project: ProjectId(2),
            ..place
        },
    ];
    for other in elsewhere {
        assert!(vault.open(&other, sealed.clone()).is_none(), "{other:?}");
    }
}

/// No bytes pass for a wrapped key or for the canary, but those that were made.
fn keys(data: &[u8]) {
    let Kept {
        vault,
        master,
        wrapped,
        ..
    } = &*KEPT;
    let key = WrappedKey {
        id: 9,
        project: ProjectId(9),
        generation: 9,
        wrapped: data.to_vec(),
    };
    assert!(
        vault.learn(master, &key).is_err(),
        "a forged key is learned"
    );
    let moved = WrappedKey {
        wrapped: wrapped.clone(),
        ..key
    };
    assert!(
        vault.learn(master, &moved).is_err(),
        "a key of another place is"
    );
    let canary = vault.canary(master);
    assert!(master.opens(&canary) && (data == canary || !master.opens(data)));
    if let Ok(text) = str::from_utf8(data)
        && let Ok(parsed) = MasterKey::parse(text)
    {
        assert!(!format!("{parsed:?}").contains(text.trim()));
    }
}
