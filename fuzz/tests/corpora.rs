//! Every seed and everything that was ever found is replayed, and no folder is forgotten.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tieline_fuzz::TARGETS;

/// A corpus is a handful of seeds that a person can read: this many bytes, all together.
const MOST_BYTES: usize = 16 * 1024;

/// The seeds by their names, by the name of their target.
type Corpora = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

#[test]
fn every_target_holds_for_its_corpus() {
    let corpora = corpora();
    for (name, target) in TARGETS {
        let seeds = &corpora[*name];
        assert!(seeds.len() >= 3, "{name} has too few seeds");
        let bytes = seeds.values().map(Vec::len).sum::<usize>();
        assert!(bytes <= MOST_BYTES, "{name} has {bytes} bytes of seeds");
        for (seed, bytes) in seeds {
            // Shown when the target panics.
            println!("{name}/{seed}");
            target(bytes);
        }
    }
}

#[test]
fn every_corpus_has_a_target() {
    let known = TARGETS.iter().map(|(name, _)| *name);
    assert!(known.eq(corpora().keys().map(String::as_str)));
}

#[test]
fn every_target_holds_for_nothing_and_for_its_neighbours_seeds() {
    let corpora = corpora();
    for (name, target) in TARGETS {
        target(b"");
        for (neighbour, seeds) in &corpora {
            for (seed, bytes) in seeds {
                println!("{name} with {neighbour}/{seed}");
                target(bytes);
            }
        }
    }
}

fn corpora() -> Corpora {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = |folder: &Path| {
        let files = read(folder).map(|(name, path)| (name, fs::read(path).expect("a seed")));
        files.collect()
    };
    read(&folder)
        .map(|(name, path)| (name, seeds(&path)))
        .collect()
}

/// What stands in a folder, by its name.
fn read(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| {
        let entry = entry.expect("the folder can be listed");
        let name = entry.file_name().into_string().expect("a name is text");
        (name, entry.path())
    })
}
