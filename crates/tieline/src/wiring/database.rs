//! Which store the hub uses.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use tieline_store_sqlite::{OpenError, SqliteStore};

use super::vault::KeySource;

/// The store's file where nobody says otherwise.
const FILE: &str = "tieline.db";

/// Opens the store with the keys that it needs. `database` is a path, `sqlite:` and a path, or
/// nothing.
pub(crate) async fn open(
    database: Option<&str>,
    folder: &Path,
    keys: &KeySource,
) -> anyhow::Result<SqliteStore> {
    let path = database_path(database, folder)?;
    // One that is there has its key: a new one would open nothing of it.
    let is_new = path.metadata().map_or(0, |about| about.len()) == 0;
    let vault = keys.vault(is_new).await?;
    let opened = SqliteStore::open(&path, vault);
    let store = opened.map_err(|error| {
        let fix = match &error {
            OpenError::WrongKey { .. } => format!("\n  fix: {}", keys.how_to_give_the_right_one()),
            _ => String::new(),
        };
        anyhow!("failed to {:#}{fix}", anyhow::Error::new(error))
    })?;
    keys.settle(&store).await?;
    Ok(store)
}

/// The store's file. `database` is as for [`open`].
pub(crate) fn database_path(database: Option<&str>, folder: &Path) -> anyhow::Result<PathBuf> {
    let Some(database) = database else {
        return Ok(folder.join(FILE));
    };
    let path = match database.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        // The rest may hold a password.
        Some(("postgres" | "postgresql", _)) => bail!(
            "PostgreSQL is not in this build yet\n  \
             fix: leave `--database` out, and the hub keeps everything in SQLite in its data folder"
        ),
        Some((scheme, rest)) if rest.starts_with("//") => {
            bail!(
                "`{scheme}:` is no database that the hub knows\n  fix: write a path, or `sqlite:PATH`"
            )
        }
        _ => database,
    };
    if path.is_empty() {
        bail!("the database has no path\n  fix: write a path, or `sqlite:PATH`");
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_path_and_nothing_else_yet() {
        let folder = Path::new("/data");
        let read =
            |text: Option<&str>| database_path(text, folder).map(|path| path.display().to_string());
        assert_eq!(read(None).unwrap(), "/data/tieline.db");
        assert_eq!(read(Some("sqlite:/x/y.db")).unwrap(), "/x/y.db");
        assert_eq!(read(Some("sqlite:///x/y.db")).unwrap(), "/x/y.db");
        assert_eq!(read(Some("sqlite:y.db")).unwrap(), "y.db");
        assert_eq!(read(Some("./y.db")).unwrap(), "./y.db");
        for bad in [
            "postgres://me:canary@h/d",
            "postgresql://me:canary@h/d",
            "mysql://canary/d",
            "sqlite:",
            "",
        ] {
            let error = read(Some(bad)).unwrap_err().to_string();
            assert!(
                error.contains("fix:") && !error.contains("canary"),
                "{error}"
            );
        }
    }
}
