//! Reads the configuration again while the hub works. A bad one changes nothing.

use anyhow::Context as _;
use tieline_config::HubSettings;
use tieline_model::Secret;

use super::{Running, catalog, surroundings};

impl Running {
    /// Makes the hub as its files say now, and says what became of that.
    pub(crate) async fn reload(&mut self) {
        if let Some(certificates) = &self.certificates {
            certificates.notify_one();
        }
        let Some(place) = self.place.clone() else {
            if self.certificates.is_some() {
                return;
            }
            tracing::warn!("there is nothing to reload: the hub was started without `--config`");
            return;
        };
        match self.try_reload(&place).await {
            Ok(()) => tracing::info!("`{}` was reloaded", place.name()),
            Err(error) => tracing::error!("the reload changed nothing: {error:#}"),
        }
    }

    async fn try_reload(&mut self, place: &crate::config::Place) -> anyhow::Result<()> {
        let configuration = catalog::read(place)?;
        let plan = catalog::plan(&self.hub, &configuration).await?;
        catalog::apply(&self.hub, plan).await?;
        let settings = configuration.hub;
        for name in need_restart(&self.settings, &settings) {
            tracing::warn!("`{name}` has changed, which takes effect at the next start");
        }
        if changes_surroundings(&self.settings, &settings) {
            let surroundings = surroundings::surroundings(&settings, place.folder.clone());
            let done = self.hub.surround(surroundings).await;
            done.context("failed to open everything anew")?;
        }
        self.proxies.replace(settings.trusted_proxies.clone());
        // What needs a restart is compared with what the process was started with.
        self.settings = HubSettings {
            listen: self.settings.listen,
            admin_listen: self.settings.admin_listen,
            database: self.settings.database.clone(),
            vault: self.settings.vault.clone(),
            tls: self.settings.tls.clone(),
            plain_http: self.settings.plain_http,
            ..settings
        };
        Ok(())
    }
}

/// The settings that differ and cannot change while the hub works.
fn need_restart(before: &HubSettings, after: &HubSettings) -> Vec<&'static str> {
    let exposed = |settings: &HubSettings| {
        let database = settings.database.as_ref().map(Secret::expose);
        database.map(str::to_owned)
    };
    let mut names = Vec::new();
    if before.listen != after.listen {
        names.push("listen");
    }
    if before.admin_listen != after.admin_listen {
        names.push("admin_listen");
    }
    if exposed(before) != exposed(after) {
        names.push("database");
    }
    if before.vault != after.vault {
        names.push("vault");
    }
    if before.tls != after.tls {
        names.push("tls");
    }
    if before.plain_http != after.plain_http {
        names.push("plain_http");
    }
    names
}

fn changes_surroundings(before: &HubSettings, after: &HubSettings) -> bool {
    before.public_url != after.public_url
        || before.egress_allow != after.egress_allow
        || before.egress_agents != after.egress_agents
        || before.retention_bodies != after.retention_bodies
        || before.retention_rows != after.retention_rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_the_database_need_a_restart_and_nothing_else_does() {
        let before = HubSettings::default();
        let after = HubSettings {
            listen: Some("127.0.0.1:1".parse().unwrap()),
            database: Some(Secret::new("x.db").unwrap()),
            public_url: Some("https://hub.example.com".to_owned()),
            plain_http: true,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..HubSettings::default()
        };
        assert_eq!(
            need_restart(&before, &after),
            ["listen", "database", "plain_http"]
        );
        assert!(need_restart(&after, &after).is_empty());
        assert!(changes_surroundings(&before, &after));
        assert!(!changes_surroundings(&after, &after));
    }
}
