//! Reads configuration files and the environment. Nothing else in the project does.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tieline_config::{Configuration, Diagnostic, Lookup, RoleContexts, Severity, Source};
use tieline_contract::{EndpointContext, RuntimeContext, SinkContext};
use tieline_model::Connector;
use tieline_vault::SystemEntropy;

use crate::wiring::Egress;

/// The types that this hub was built with, for reading.
pub(crate) const TYPES: tieline_config::Types<'static> = tieline_config::Types {
    connectors: tieline_connectors::TYPES,
    runtimes: tieline_runtimes::RUNTIMES,
};

/// Bytes that are read of one file. The parser's own limit is the same.
const FILE_MAX: u64 = tieline_config::document::LENGTH_MAX as u64;

/// What the environment says; `None` where it says nothing, or no text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The files of one configuration, found but not yet read: reading may be repeated.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// As they were given.
    paths: Vec<PathBuf>,
    /// Where they stand: `${file:…}` and commands begin there.
    pub(crate) folder: PathBuf,
}

/// What reading gave.
pub(crate) struct Loaded {
    pub(crate) configuration: Configuration,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Place {
    /// One folder, or files that all stand in one.
    pub(crate) fn new(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let folder_of = |path: &PathBuf| -> anyhow::Result<PathBuf> {
            let about = fs::metadata(path)
                .with_context(|| format!("failed to read `{}`", path.display()))?;
            let folder = if about.is_dir() {
                path.as_path()
            } else {
                path.parent()
                    .filter(|folder| !folder.as_os_str().is_empty())
                    .unwrap_or_else(|| Path::new("."))
            };
            let whole = folder.canonicalize();
            whole.with_context(|| format!("failed to read `{}`", folder.display()))
        };
        let mut folders = paths.iter().map(folder_of);
        let folder = folders.next().context("no configuration was given")??;
        for other in folders {
            if other? != folder {
                bail!(
                    "the files of one configuration stand in one folder: name that folder instead"
                );
            }
        }
        Ok(Self {
            paths: paths.to_vec(),
            folder,
        })
    }

    /// `./tieline.yaml`, where nothing was given.
    pub(crate) fn or_default(paths: &[PathBuf]) -> anyhow::Result<Self> {
        if !paths.is_empty() {
            return Self::new(paths);
        }
        let default = PathBuf::from("./tieline.yaml");
        if !default.exists() {
            bail!(
                "there is no `./tieline.yaml` here\n  \
                 fix: name a file or a folder, or make one with `tieline connectors new webhook`"
            );
        }
        Self::new(&[default])
    }

    /// For people: what the files were given as.
    pub(crate) fn name(&self) -> String {
        let names: Vec<String> = self
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.join(", ")
    }

    /// Reads everything and opens every role once, or says everything that is wrong.
    pub(crate) fn load(&self) -> anyhow::Result<Result<Loaded, Vec<Diagnostic>>> {
        let mut texts = Vec::new();
        for path in self.files()? {
            let text =
                read_file(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
            texts.push((path.display().to_string(), text));
        }
        let sources: Vec<_> = texts
            .iter()
            .map(|(file, text)| Source { file, text })
            .collect();
        let lookup = Lookup {
            variable: &variable,
            file: &|path| read_file(&self.folder.join(path)),
        };
        let (configuration, mut diagnostics) = tieline_config::read(&sources, &lookup, &TYPES);
        let Some(configuration) = configuration else {
            return Ok(Err(diagnostics));
        };
        diagnostics.extend(self.open_roles(&configuration));
        let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
        Ok(if failed {
            Err(diagnostics)
        } else {
            Ok(Loaded {
                configuration,
                warnings: diagnostics,
            })
        })
    }

    /// The files, those of a folder in the order of their names.
    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.paths {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let entries = fs::read_dir(path)
                .and_then(Iterator::collect::<io::Result<Vec<_>>>)
                .with_context(|| format!("failed to read the folder `{}`", path.display()))?;
            let mut found: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
            found.retain(|file| is_configuration(file) && file.is_file());
            found.sort();
            if found.is_empty() {
                bail!(
                    "the folder `{}` holds no .yaml, .yml or .json file",
                    path.display()
                );
            }
            files.extend(found);
        }
        Ok(files)
    }

    /// What only opening can find. Nothing is connected to.
    fn open_roles(&self, configuration: &Configuration) -> Vec<Diagnostic> {
        let egress = Egress::new(&configuration.hub);
        // One that has no secret yet gets one when it is made.
        let secrets = |connector: &Connector| {
            let mut secrets = connector.secrets.clone();
            if secrets.is_empty() {
                secrets.push(tieline_vault::connector_secret(&SystemEntropy).into());
            }
            secrets
        };
        let contexts = RoleContexts {
            runtime: &|agent| RuntimeContext {
                agent: agent.name.clone(),
                folder: self.folder.clone(),
                environment: Vec::new(),
                egress: Arc::clone(&egress.agents),
            },
            endpoint: &|connector| EndpointContext {
                connector: connector.name.clone(),
                mode: connector.mode,
                secrets: secrets(connector),
            },
            sink: &|connector| SinkContext {
                connector: connector.name.clone(),
                secrets: secrets(connector),
                egress: Arc::clone(&egress.outside),
            },
        };
        tieline_config::open_roles(configuration, &TYPES, &contexts)
    }
}

fn is_configuration(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(|extension| extension.to_str());
    !hidden && matches!(extension, Some("yaml" | "yml" | "json"))
}

/// A text, read no further than a configuration may be long.
fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One byte more shows that there is more; the reader of the text then refuses it.
    File::open(path)?
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// All diagnostics as lines.
pub(crate) fn lines(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
