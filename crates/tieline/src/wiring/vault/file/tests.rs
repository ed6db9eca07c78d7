//! A change of the key, cut off after each of its steps.

use super::*;

fn made() -> (tempfile::TempDir, KeyFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("vault.key"));
    file.ensure().unwrap();
    (folder, file)
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let (folder, file) = made();
    let first = file.read().unwrap().id();
    file.ensure().unwrap();
    assert_eq!(file.read().unwrap().id(), first);
    assert_eq!(names(&folder), ["vault.key"]);
    let mode = fs::metadata(&file.0).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_key_that_others_may_read_or_that_is_gone_is_refused_with_what_to_do() {
    let (_folder, file) = made();
    let text = fs::read_to_string(&file.0).unwrap();
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&file.0, fs::Permissions::from_mode(mode)).unwrap();
        let refused = file.read().unwrap_err().to_string();
        assert!(refused.contains("fix: `chmod 600 "), "{refused}");
        assert!(!refused.contains(text.trim()));
    }
    fs::remove_file(&file.0).unwrap();
    let refused = file.read().unwrap_err().to_string();
    assert!(refused.contains("fix: put it back"), "{refused}");
    fs::write(&file.0, "canary").unwrap();
    fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = file.read().unwrap_err().to_string();
    assert!(
        refused.contains("is no key") && !refused.contains("canary"),
        "{refused}"
    );
}

#[test]
fn a_change_that_the_store_never_heard_of_is_taken_back() {
    let (folder, file) = made();
    let before = file.read().unwrap().id();
    file.make_next().unwrap();
    assert_eq!(names(&folder), ["vault.key", "vault.key.new"]);
    file.settle(before).unwrap();
    assert_eq!(file.read().unwrap().id(), before);
    assert_eq!(names(&folder), ["vault.key"]);
}

#[test]
fn a_change_that_the_store_has_made_is_ended_from_wherever_it_was_cut_off() {
    for linked in [false, true] {
        let (folder, file) = made();
        let before = file.read().unwrap().id();
        let next = file.make_next().unwrap().id();
        if linked {
            fs::hard_link(&file.0, file.retired(before)).unwrap();
        }
        file.settle(next).unwrap();
        assert_eq!(file.read().unwrap().id(), next);
        let retired = read(&file.retired(before)).unwrap().unwrap();
        assert_eq!(retired.id(), before);
        assert_eq!(
            names(&folder),
            ["vault.key".to_owned(), format!("vault.key.{before}")]
        );
        assert_eq!(file.all_retired(), [before.to_string()]);
        file.settle(next).unwrap();
        assert_eq!(file.read().unwrap().id(), next);
    }
}

#[test]
fn a_key_half_written_by_a_start_that_was_killed_hinders_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("vault.key"));
    fs::write(folder.path().join("vault.key.part"), "AAA").unwrap();
    file.ensure().unwrap();
    file.read().unwrap();
    assert_eq!(names(&folder), ["vault.key"]);
}
