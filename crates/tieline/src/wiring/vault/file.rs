//! A master key in a file of its own: made, read, and replaced, so that it is never lost in between.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tieline_model::Secret;
use tieline_vault::{MasterId, MasterKey, SystemEntropy};

use super::{KEY_BYTES, key};

/// The file of a key. Beside it, with an ending of their own, stand the key that follows it while it
/// changes (`.new`), and those that went before it (their ids).
#[derive(Clone, Debug)]
pub(crate) struct KeyFile(PathBuf);

impl KeyFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    /// Where a key is kept that went before.
    pub(super) fn retired(&self, id: MasterId) -> PathBuf {
        self.beside(&id.to_string())
    }

    /// Makes a key, unless there is one.
    pub(super) fn ensure(&self) -> io::Result<()> {
        let (_, text) = MasterKey::generate(&SystemEntropy);
        match write_new(&self.0, &text) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// The key. Where there is none, the store cannot be opened, and a new one would not help.
    pub(super) fn read(&self) -> anyhow::Result<MasterKey> {
        match read(&self.0)? {
            Some(key) => Ok(key),
            None => bail!(
                "the vault's key `{self}` is gone, and without it nothing that is stored can be read\n  \
                 fix: put it back from where you keep it, `chmod 600`; with a restored copy belongs \
                 the key that `tieline backup` named"
            ),
        }
    }

    /// The key that is to follow, where a change was begun.
    pub(super) fn read_next(&self) -> anyhow::Result<Option<MasterKey>> {
        read(&self.beside("new"))
    }

    /// Makes the key that is to follow, on the disk.
    pub(super) fn make_next(&self) -> anyhow::Result<MasterKey> {
        let (next, text) = MasterKey::generate(&SystemEntropy);
        let path = self.beside("new");
        let made = write_new(&path, &text);
        made.with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(next)
    }

    /// Ends a change: the key that follows takes the place of the one before, which is kept, where
    /// the store has it by now. Where the store never heard of it, it goes.
    pub(super) fn settle(&self, standing: MasterId) -> anyhow::Result<()> {
        let Some(next) = self.read_next()? else {
            return Ok(());
        };
        let path = self.beside("new");
        if next.id() != standing {
            fs::remove_file(&path)?;
            return Ok(());
        }
        let before = self.read()?;
        match fs::hard_link(&self.0, self.retired(before.id())) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        sync_folder(&self.0)?;
        fs::rename(&path, &self.0)?;
        sync_folder(&self.0)?;
        Ok(())
    }

    /// The ids of the keys that went before.
    pub(super) fn all_retired(&self) -> Vec<String> {
        let Some((folder, name)) = self.0.parent().zip(self.0.file_name()) else {
            return Vec::new();
        };
        let prefix = format!("{}.", name.to_string_lossy());
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_prefix(&prefix)?;
            let is_id = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| id.to_owned())
        });
        let mut ids: Vec<String> = ids.collect();
        ids.sort();
        ids
    }
}

impl fmt::Display for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A key in a file that nobody else may read; `None` where there is no file.
fn read(path: &Path) -> anyhow::Result<Option<MasterKey>> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("failed to read `{shown}`")),
    };
    let about = file.metadata();
    let about = about.with_context(|| format!("failed to look at `{shown}`"))?;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "others may read the vault's key `{shown}`: its mode is {mode:o}\n  \
             fix: `chmod 600 {shown}`; where others did read it, `tieline vault rotate` after the start"
        );
    }
    let mut text = String::new();
    let done = file.take(KEY_BYTES).read_to_string(&mut text);
    done.with_context(|| format!("failed to read `{shown}`"))?;
    let text = zeroize::Zeroizing::new(text);
    key(&text, &format!("`{shown}`")).map(Some)
}

/// Writes a file for its owner alone, whole and on the disk; never over another. A name that is left
/// by a start that was killed while it wrote stands for no key that anything was sealed by.
fn write_new(path: &Path, text: &Secret) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut create = OpenOptions::new();
    let mut file = create
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    writeln!(file, "{}", text.expose())?;
    file.sync_all()?;
    // Unlike a rename, this fails where the name is taken.
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests;
