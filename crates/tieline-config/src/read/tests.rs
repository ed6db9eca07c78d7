//! What files become, and the full text of every mistake.

use std::time::Duration;

use proptest::prelude::*;
use tieline_model::{Mode, OnError, Retry};

use crate::samples::{SECRET, TYPES, good, read_all, said};
use crate::{AgentReach, ClientCertificates, Lookup, Severity, Source, read};

const EXAMPLE: &str = "\
agents:
  - name: triage                 # ^[a-z0-9][a-z0-9-]{0,62}$
    runtime: http
    url: http://127.0.0.1:9000/run
    timeout: 5m                  # of one attempt
    concurrency: 8               # runs at once
    retry: { attempts: 3, backoff: { initial: 1s, max: 5m } }
  - name: audit
    runtime: command
    command: [\"python3\", \"audit.py\"]
connectors:
  - name: orders                 # its address is /c/orders
    type: webhook
    mode: inbound
    secret: ${ORDERS_SECRET}
    agents:                      # at least one
      - triage
      - { agent: audit, when: 'input.total > 100', session: 'input.customer' }
    settings: { max_body: 1MiB }
  - name: results
    type: webhook
    mode: outbound
    agents: [triage]
    settings: { url: https://example.com/hook }
shutdown: { grace: 30s }
public_url: https://hub.example.com
";

/// An agent to stand before what is tested.
const AGENT: &str = "agents:\n  - { name: triage, runtime: echo }\n";

fn wrong(text: &str) -> String {
    let (configuration, diagnostics) = read_all(&[("hub.yaml", text)]);
    assert!(configuration.is_none(), "{text}");
    said(&diagnostics)
}

/// What is wrong with one connector of the agent above, by its fields.
fn wrong_connector(fields: &str) -> String {
    wrong(&format!(
        "{AGENT}connectors:\n  - {}\n",
        fields.replace('\n', "\n    ")
    ))
}

#[test]
fn the_example_of_the_manual_reads_clean() {
    let (configuration, diagnostics) = read_all(&[("hub.yaml", EXAMPLE)]);
    assert_eq!(said(&diagnostics), "");
    let configuration = configuration.unwrap();
    let [triage, audit] = configuration.agents.as_slice() else {
        panic!("two agents are in the file");
    };
    assert_eq!(
        (triage.timeout, triage.concurrency),
        (Duration::from_mins(5), 8)
    );
    assert_eq!(triage.retry, Retry::default());
    assert_eq!(triage.settings.keys().collect::<Vec<_>>(), ["url"]);
    assert_eq!((audit.concurrency, audit.settings.len()), (4, 1));
    let [orders, results] = configuration.connectors.as_slice() else {
        panic!("two connectors are in the file");
    };
    assert_eq!(orders.secrets.first().unwrap().expose(), SECRET);
    assert_eq!(orders.mode, Mode::Inbound);
    let link = &orders.links[1];
    assert_eq!(
        (link.agent.as_str(), link.on_error),
        ("audit", OnError::Hold)
    );
    assert_eq!(link.when.as_deref(), Some("input.total > 100"));
    assert!(results.secrets.is_empty());
    let hub = &configuration.hub;
    assert_eq!(hub.public_url.as_deref(), Some("https://hub.example.com"));
    assert_eq!(hub.shutdown_grace.0, Duration::from_secs(30));
}

#[test]
fn every_mistake_of_a_file_comes_at_once_in_the_order_of_its_lines() {
    let text = "\
agents:
  - name: triage
    runtime: http
    ulr: http://127.0.0.1:9000/run
    timeout: 5 minutes
    concurency: 8
  - name: Audit
    runtime: comand
connectors:
  - name: orders
    type: webhook
    mode: inbond
    agents: [triag]
  - name: results
    type: webhook
    mode: outbound
    secret: ${MISSING}
    agents: []
    settings: { url: 5 }
conectors: []
shutdown: { grace: 30 }
";
    let wanted = "\
hub.yaml:2:5: agents[0].url: is missing
  fix: add `url: …`
hub.yaml:4:5: agents[0].ulr: unknown field
  fix: did you mean `url`?
hub.yaml:5:5: agents[0].timeout: is no duration
  fix: write a duration as a number and a unit: `500ms`, `30s`, `5m`, `2h`, `3d`
hub.yaml:6:5: agents[0].concurency: unknown field
  fix: did you mean `concurrency`?
hub.yaml:7:5: agents[1].name: is no name
  fix: write 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit
hub.yaml:8:5: agents[1].runtime: unknown runtime
  fix: did you mean `command`?
hub.yaml:12:5: connectors[0].mode: is none of the known values
  fix: did you mean `inbound`?
hub.yaml:13:14: connectors[0].agents[0]: there is no agent `triag`
  fix: did you mean `triage`?
hub.yaml:17:5: connectors[1].secret: the environment has no variable `MISSING`
  fix: set `MISSING`, or write `$${` for the text itself
hub.yaml:18:5: connectors[1].agents: has 0 items, too few
  fix: write at least 1
hub.yaml:19:17: connectors[1].settings.url: expected a text, found a whole number
  fix: put it in quotes
hub.yaml:20:1: conectors: unknown field
  fix: did you mean `connectors`?
hub.yaml:21:13: shutdown.grace: expected a duration, found a whole number
  fix: write it with a unit, as in `30s`";
    assert_eq!(wrong(text), wanted);
}

#[test]
fn links_are_checked() {
    let text = "name: a\ntype: webhook\nmode: sync\nagents:\n  - triage\n  \
                - { agent: triage, when: 'input.total >', on_error: stop }\n  - { agnt: x }";
    let wanted = "\
hub.yaml:9:11: connectors[0].agents[1].agent: agent `triage` is linked twice
  fix: keep one link to it
hub.yaml:9:26: connectors[0].agents[1].when: is no expression: line 1, column 14: …
  fix: write CEL over `input`, `event`, `connector` and `files`
hub.yaml:9:49: connectors[0].agents[1].on_error: is none of the known values
  fix: write one of `hold`, `skip`, `run`
hub.yaml:10:9: connectors[0].agents[2].agent: is missing
  fix: add `agent: …`
hub.yaml:10:11: connectors[0].agents[2].agnt: unknown field
  fix: did you mean `agent`?";
    // What the compiler of expressions says is its own affair.
    let cut = |line: &str| match line.split_once("column 14: ") {
        Some((before, _)) => format!("{before}column 14: …"),
        None => line.to_owned(),
    };
    let said = wrong_connector(text);
    assert_eq!(said.lines().map(cut).collect::<Vec<_>>().join("\n"), wanted);
}

#[test]
fn secrets_types_and_modes_are_checked() {
    for (fields, wanted) in [
        (
            "name: a\ntype: webhook\nmode: inbound\nagents: [triage]\nsecret: short",
            "hub.yaml:8:5: connectors[0].secret: is no secret\n  fix: a secret is 24 to 512 \
             printable ASCII characters without spaces",
        ),
        (
            "name: a\ntype: webhook\nmode: inbound\nagents: [triage]\nsecret: ['${A_SECRET}', '']",
            "hub.yaml:8:29: connectors[0].secret[1]: is empty\n  fix: write 1 character or more",
        ),
        (
            "name: a\ntype: mail\nmode: sync\nagents: [triage]",
            "hub.yaml:6:5: connectors[0].mode: `mail` does not work in this mode\n  fix: write \
             `outbound`",
        ),
        (
            "name: a\ntype: fax\nmode: sync\nagents: [triage]",
            "hub.yaml:5:5: connectors[0].type: unknown type\n  fix: write one of `webhook`, `mail`",
        ),
        (
            "name: a\ntype: mail\nmode: outbound\nagents: triage\nsettings:",
            "hub.yaml:7:5: connectors[0].agents: expected a list, found a text\n  fix: write it \
             as a list, as in `[…]`\nhub.yaml:8:5: connectors[0].settings: expected fields, found \
             nothing\n  fix: write fields",
        ),
        (
            "triage",
            "hub.yaml:4:5: connectors[0]: is no connector\n  fix: write `name`, `type`, `mode` \
             and `agents`",
        ),
    ] {
        assert_eq!(wrong_connector(fields), wanted, "{fields}");
    }
}

#[test]
fn a_setting_that_is_missing_is_shown_at_what_it_is_missing_from() {
    let fields = "name: a\ntype: webhook\nmode: outbound\nagents: [triage]";
    let wanted = "hub.yaml:4:5: connectors[0].settings.url: is missing\n  fix: add `url: …`";
    assert_eq!(wrong_connector(fields), wanted);
}

#[test]
fn names_are_given_once_over_all_files() {
    let one = "agents:\n  - { name: a, runtime: echo }\n  - { name: a, runtime: echo }\n\
               shutdown: { grace: 1s }\n";
    let two = "shutdown: {}\nagents:\n  - { name: a, runtime: echo }\n";
    let (configuration, diagnostics) = read_all(&[("1.yaml", one), ("2.yaml", two)]);
    assert!(configuration.is_none());
    let wanted = "\
1.yaml:3:7: agents[1].name: another agent has this name, at 1.yaml:2:7
  fix: give one of them another name
2.yaml:1:1: shutdown: stands in two files, first at 1.yaml:4:1
  fix: keep one of them
2.yaml:3:7: agents[0].name: another agent has this name, at 1.yaml:2:7
  fix: give one of them another name";
    assert_eq!(said(&diagnostics), wanted);
}

#[test]
fn files_are_put_together() {
    let agents = "agents: [{ name: a, runtime: echo }]\nlisten: 127.0.0.1:9\n";
    let connectors = "connectors:\n  - { name: c, type: webhook, mode: sync, agents: [a] }\n\
                      egress: { allow: [10.0.0.0/8], agents: public }\n";
    let files = [
        ("1.yaml", agents),
        ("2.yaml", connectors),
        ("3.yaml", "# nothing\n"),
    ];
    let (configuration, diagnostics) = read_all(&files);
    assert_eq!(said(&diagnostics), "");
    let configuration = configuration.unwrap();
    assert_eq!(
        (configuration.agents.len(), configuration.connectors.len()),
        (1, 1)
    );
    assert_eq!(configuration.hub.listen, "127.0.0.1:9".parse().ok());
    assert_eq!(configuration.hub.egress_allow.len(), 1);
    assert_eq!(configuration.hub.egress_agents, AgentReach::Public);
}

#[test]
fn settings_of_the_hub_are_checked() {
    let text = "listen: localhost\npublic_url: hub.example.com\n\
                egress: { allow: [10.0.0.0/8, ten], agents: all }\n";
    let wanted = "\
hub.yaml:1:1: listen: is no address to listen on
  fix: write an IP address and a port, as in `127.0.0.1:8080`
hub.yaml:2:1: public_url: is no address of a hub
  fix: write it as in `https://hub.example.com`, without a query
hub.yaml:3:31: egress.allow[1]: is no network
  fix: write it as in `10.0.0.0/8`, one machine as in `10.0.0.1/32`
hub.yaml:3:37: egress.agents: is none of the known values
  fix: write one of `private`, `public`";
    assert_eq!(wrong(text), wanted);
    assert_eq!(
        good("public_url: https://hub/x/\n")
            .hub
            .public_url
            .as_deref(),
        Some("https://hub/x")
    );
}

#[test]
fn tls_and_proxies_are_checked() {
    let text = "tls: { certificate: a.pem, client_certificates: required }\n\
                trusted_proxies: [10.0.0.0/8, proxy]\n";
    let wanted = "\
hub.yaml:1:1: tls.key: is missing
  fix: add `key: …`
hub.yaml:1:1: tls.client_ca: is needed to know good certificates of clients
  fix: name the file with the certificates of their issuers
hub.yaml:2:31: trusted_proxies[1]: is no network
  fix: write it as in `10.0.0.0/8`, one machine as in `10.0.0.1/32`";
    assert_eq!(wrong(text), wanted);
    let wanted = "\
hub.yaml:1:40: tls.client_ca: has no effect: clients are not asked for certificates
  fix: set `client_certificates` to `optional` or `required`, or remove this";
    let idle = "tls: { certificate: a.pem, key: a.key, client_ca: ca.pem }\n";
    assert_eq!(wrong(idle), wanted);
    let hub = good(
        "tls: { certificate: a.pem, key: a.key, client_ca: ca.pem, client_certificates: optional }\n\
         plain_http: true\ntrusted_proxies: [\"::1/128\"]\n",
    )
    .hub;
    let tls = hub.tls.unwrap();
    assert_eq!(tls.client_certificates, ClientCertificates::Optional);
    assert!(hub.plain_http && hub.trusted_proxies.len() == 1);
}

#[test]
fn a_file_that_cannot_be_read_hides_no_mistake_of_the_others_and_adds_none() {
    let bad = "agents: [\n";
    let other = "connectors:\n  - { name: c, type: webhook, mode: sync, agents: [a], x: 1 }\n";
    let (configuration, diagnostics) = read_all(&[("1.yaml", bad), ("2.yaml", other)]);
    assert!(configuration.is_none());
    let said = said(&diagnostics);
    assert!(said.starts_with("1.yaml:"), "{said}");
    assert_eq!(said.matches("  fix: ").count(), 1, "{said}");
    assert!(
        said.contains("2.yaml:2:56: connectors[0].x: unknown field"),
        "{said}"
    );
}

#[test]
fn what_is_no_set_of_fields_is_refused() {
    for (text, wanted) in [
        (
            "- a\n",
            "hub.yaml:1:1: expected fields at the top\n  fix: write `agents:` and `connectors:`",
        ),
        (
            "agents: { a: 1 }\n",
            "hub.yaml:1:1: agents: expected a list\n  fix: write each one below it, after a `-`",
        ),
        (
            "agents:\n  - { name: a, runtime: http, url: x, timeout: 0s }\n",
            "hub.yaml:2:39: agents[0].timeout: is too short\n  fix: write at least `1ms`",
        ),
    ] {
        assert_eq!(wrong(text), wanted);
    }
}

#[test]
fn literal_secrets_and_open_connectors_are_warned_of() {
    let text = format!(
        "agents:\n  - {{ name: a, runtime: http, url: x, secret: literal }}\nconnectors:\n  - name: \
         c\n    type: webhook\n    mode: sync\n    agents: [a]\n    secret: [{SECRET}, \
         \"${{OLD_SECRET}}\"]\n    settings: {{ auth: none }}\n"
    );
    let (configuration, diagnostics) = read_all(&[("hub.yaml", &text)]);
    assert!(configuration.is_some());
    let wanted = "\
hub.yaml:2:39: warning: agents[0].secret: a secret stands in the file itself
  fix: write `${NAME}` or `${file:PATH}`, and keep the secret there
hub.yaml:8:14: warning: connectors[0].secret[0]: a secret stands in the file itself
  fix: write `${NAME}` or `${file:PATH}`, and keep the secret there
hub.yaml:9:17: warning: connectors[0].settings.auth: anybody may call this connector
  fix: leave `auth` out, and callers need the connector's secret";
    assert_eq!(said(&diagnostics), wanted);
}

#[test]
fn no_diagnostic_repeats_what_the_environment_holds() {
    let canary = "canary-4711";
    let lookup = Lookup {
        variable: &|_| Some(canary.to_owned()),
        file: &|_| Ok(canary.to_owned()),
    };
    let text = "agents:\n  - { name: a, runtime: '${X}', timeout: '${X}', retry: '${X}' }\n\
                connectors:\n  - { name: '${X} ', type: '${X}', mode: '${X}', agents: ['${X} '] }\n  \
                - { name: c, type: webhook, mode: inbound, agents: [a], secret: '${file:x}', \
                settings: { max_body: '${X}' } }\nlisten: ${X}\npublic_url: ${X}\n\
                egress: { allow: ['${X}'], agents: '${X}' }\nshutdown: ${X}\n";
    let source = Source {
        file: "hub.yaml",
        text,
    };
    let (_, diagnostics) = read(&[source], &lookup, &TYPES);
    let said = said(&diagnostics);
    assert!(diagnostics.len() > 12, "{said}");
    assert!(!said.contains(canary), "{said}");
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(
        text in "(agents|connectors|listen|egress|shutdown|x): [-a-z0-9:{}\\[\\],&*'$ \\n]{0,80}"
    ) {
        let (configuration, diagnostics) = read_all(&[("hub.yaml", &text)]);
        let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
        prop_assert_eq!(configuration.is_none(), failed);
    }
}

#[test]
fn what_has_ended_is_kept_long_enough_to_be_found_by_a_repeated_key() {
    let hub = |text: &str| {
        let (configuration, diagnostics) = read_all(&[("hub.yaml", text)]);
        assert_eq!(said(&diagnostics), "", "{text}");
        let hub = configuration.unwrap().hub;
        [hub.retention_bodies, hub.retention_rows].map(|span| span.to_string())
    };
    assert_eq!(hub(AGENT), ["7d", "30d"]);
    let shorter = format!("{AGENT}retention: {{ bodies: 1h, rows: 4d }}\n");
    assert_eq!(hub(&shorter), ["1h", "4d"]);
    for (written, wanted) in [
        ("{ rows: 3d }", "retention.rows: is too short"),
        ("{ bodies: 31d }", "retention.bodies: is longer than `rows`"),
        ("{ bodies: 7 }", "retention.bodies: expected a duration"),
    ] {
        let said = wrong(&format!("{AGENT}retention: {written}\n"));
        assert!(said.contains(wanted), "{said}");
    }
}
