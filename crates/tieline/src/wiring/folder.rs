//! The data folder: private to its owner, and used by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tieline_model::Secret;

/// The file that is locked for as long as a hub uses the folder.
const LOCK: &str = "lock";

/// More than any secret has.
const SECRET_BYTES: u64 = 4096;

/// A data folder that is this process's own until it is dropped.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// The system lets go of the lock when the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where it is not there, and takes it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        make_private(path)
            .with_context(|| format!("failed to make the data folder `{}`", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("failed to find the data folder `{}`", path.display()))?;
        let file = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .with_context(|| format!("failed to open `{}`", file.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another hub{} uses the data folder `{}`\n  \
                 fix: stop that one, or choose another folder with `--data`",
                owner(&mut lock).map_or(String::new(), |process| format!(" (process {process})")),
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("failed to lock `{}`", file.display()));
            }
        }
        // For people who look for the process; the lock alone decides.
        let named = lock
            .set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        named.with_context(|| format!("failed to write `{}`", file.display()))?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Who uses a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    /// A hub, with its process where it has written that down.
    Hub(Option<u32>),
}

/// Looks who uses a folder. Nothing is made or written; a hub that starts at this very moment may
/// find the folder taken.
pub(crate) fn holder(path: &Path) -> io::Result<Holder> {
    let mut lock = match File::open(path.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Hub(owner(&mut lock))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The process that holds the lock, as it wrote itself down.
fn owner(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Makes a folder that only its owner can enter. One that is there and open to others is closed, if
/// it is the hub's own; somebody else's keeps its mode, and the files in it are private anyway. One
/// in which anybody may have left files is refused: a key or a database could be among them.
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let others = fs::metadata(path)?.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    let anybody = others & 0o002 != 0;
    let empty = fs::read_dir(path)?.next().is_none();
    let ours = empty || (path.join(LOCK).exists() && !anybody);
    let closed = ours && fs::set_permissions(path, fs::Permissions::from_mode(0o700)).is_ok();
    if !closed && anybody {
        let what = "anybody may write to it";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    if !closed {
        tracing::warn!("the data folder `{}` is open to others", path.display());
    }
    Ok(())
}

/// Writes a secret to a file that only its owner can read, whole or not at all.
pub(crate) fn write_secret(path: &Path, secret: &Secret) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        writeln!(file, "{}", secret.expose())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().with_context(|| format!("failed to write `{}`", path.display()))
}

/// Reads what `write_secret` wrote; `None` where there is no file. One that others may read or
/// write, or that is somebody else's, may hold what they chose.
pub(crate) fn read_secret(path: &Path) -> anyhow::Result<Option<String>> {
    let read = || -> anyhow::Result<String> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        let open = about.permissions().mode() & 0o077 != 0;
        if open || about.uid() != rustix::process::geteuid().as_raw() {
            bail!("others can read or write it, or it is somebody else's\n  fix: remove it");
        }
        let mut text = String::new();
        (&mut file).take(SECRET_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error.context(format!("failed to use `{}`", path.display()))),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_others_may_have_written_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        assert_eq!(read_secret(&path).unwrap(), None);
        let secret = Secret::new("a secret of ours").unwrap();
        write_secret(&path, &secret).unwrap();
        let read = read_secret(&path).unwrap().unwrap();
        assert_eq!(read.trim(), secret.expose());
        for mode in [0o640, 0o604, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = format!("{:#}", read_secret(&path).unwrap_err());
            assert!(error.contains("fix: remove it"), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let first = DataFolder::take(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let error = DataFolder::take(&path).unwrap_err().to_string();
        let process = format!("(process {})", std::process::id());
        assert!(error.contains(&process), "{error}");
        assert!(error.contains(first.path().to_str().unwrap()), "{error}");
        let ours = Holder::Hub(Some(std::process::id()));
        assert_eq!(holder(&path).unwrap(), ours);
        drop(first);
        assert_eq!(holder(&path).unwrap(), Holder::Nobody);
        DataFolder::take(&path).unwrap();
    }

    #[test]
    fn a_folder_that_anybody_may_write_to_is_refused() {
        for planted in ["admin.key", LOCK] {
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join(planted), "somebody else's").unwrap();
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).unwrap();
            let error = format!("{:#}", DataFolder::take(temp.path()).unwrap_err());
            assert!(error.contains("anybody may write"), "{error}");
            let text = fs::read_to_string(temp.path().join(planted)).unwrap();
            assert_eq!(text, "somebody else's");
            let mode = fs::metadata(temp.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o777);
        }
    }

    #[test]
    fn a_folder_of_its_own_is_closed_to_others_and_no_other_is() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (file, expected) in [
            (None, 0o700),
            (Some("photo.jpg"), 0o755),
            (Some(LOCK), 0o700),
        ] {
            let temp = tempfile::tempdir().unwrap();
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
            if let Some(file) = file {
                fs::write(temp.path().join(file), "").unwrap();
            }
            let _folder = DataFolder::take(temp.path()).unwrap();
            assert_eq!(mode(temp.path()), expected, "{file:?}");
        }
    }

    #[test]
    fn a_secret_is_readable_by_its_owner_alone() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("admin.key");
        for text in ["tl_one", "tl_two"] {
            write_secret(&path, &Secret::new(text).unwrap()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{text}\n"));
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
