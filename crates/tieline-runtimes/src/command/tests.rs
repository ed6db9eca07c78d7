//! Against real processes: what a program may do, and what becomes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_contract::erased::DynRuntime;
use tieline_contract::{Callback, Verdict};
use tokio::time::{Instant, sleep, timeout};

use crate::tests::{Said, assignment, completed, context, failed, fault, open, open_in, refused};

const SECRET: &str = "canary-0123456789";

/// An agent that is a shell script.
fn script(script: &str, more: &Value) -> Box<dyn DynRuntime> {
    let mut settings = json!({"command": ["sh", "-c", script]});
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    open("command", settings)
}

/// Waits until a process is gone, and was reaped where it is a child of this one.
async fn gone(pid: &str) -> bool {
    let place = PathBuf::from("/proc").join(pid);
    let reaped_elsewhere = || {
        fs::read_to_string(place.join("stat")).is_ok_and(|stat| stat.contains(") Z "))
            && !parent_is_this(&place)
    };
    let until = Instant::now() + Duration::from_secs(5);
    while place.exists() && !reaped_elsewhere() {
        if Instant::now() > until {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
    true
}

fn parent_is_this(place: &Path) -> bool {
    let parent = format!("PPid:\t{}", std::process::id());
    fs::read_to_string(place.join("status")).is_ok_and(|text| text.lines().any(|l| l == parent))
}

/// What a script wrote into a file, as soon as it is whole.
async fn written(file: &Path) -> String {
    let read = async {
        loop {
            match fs::read_to_string(file) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(Duration::from_secs(10), read).await.unwrap()
}

#[tokio::test]
async fn standard_output_is_the_output_as_text() {
    for (says, output) in [
        ("printf 'a \"b\"\\n\\n'", r#""a \"b\"\n""#),
        ("printf x", r#""x""#),
        (":", r#""""#),
        ("printf '{\"chunk\":1}\\n'", r#""{\"chunk\":1}""#),
    ] {
        let agent = script(says, &json!({}));
        let mut said = Said::default();
        let (out, usage) = completed(agent.run(&assignment("1"), &mut said).await);
        assert_eq!(out, output, "{says}");
        assert!(usage.is_none() && said.0.is_empty());
    }
}

#[tokio::test]
async fn the_run_object_comes_on_standard_input() {
    let agent = script("cat", &json!({"output": "json"}));
    let assignment = assignment("{\"total\":120}");
    let (output, _) = completed(agent.run(&assignment, &mut Said::default()).await);
    assert_eq!(output, assignment.document().unwrap());
}

#[tokio::test]
async fn json_is_kept_as_it_was_written_or_refused() {
    let agent = script(
        "printf '\\n { \"a\" : 1.50 }\\n'",
        &json!({"output": "json"}),
    );
    let (output, _) = completed(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(output, "{ \"a\" : 1.50 }");
    for says in [
        ":",
        "echo nonsense",
        "echo '{} {}'",
        "printf '\"\\377\"'",
        "head -c 200 /dev/zero | tr '\\0' '['",
    ] {
        let agent = script(says, &json!({"output": "json"}));
        let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (Verdict::Never, "bad-output")
        );
    }
    let agent = script("printf '\\377'", &json!({}));
    let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Never, "bad-output")
    );
}

#[tokio::test]
async fn chunks_are_lines_of_their_own_and_no_output() {
    let says = r#"echo '{"chunk": {"a":1}}'; printf '{"chu'; sleep 0.05; echo 'nk":"b"}'
        echo '{"chunk":1,"more":2}'; echo '{"chunk":'; printf '{"chunk":2}'"#;
    let agent = script(says, &json!({"stream": true}));
    let mut said = Said::default();
    let (output, _) = completed(agent.run(&assignment("1"), &mut said).await);
    assert_eq!(said.0, ["{\"a\":1}", "\"b\"", "2"]);
    let rest: String = serde_json::from_slice(&output).unwrap();
    assert_eq!(rest, "{\"chunk\":1,\"more\":2}\n{\"chunk\":");
}

#[tokio::test]
async fn the_exit_status_is_the_verdict() {
    let agent = script("echo out; echo why >&2; exit 3", &json!({}));
    let error = failed(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(error.code, "command-failed");
    assert_eq!(error.message, "exit status 3: why");

    let agent = script("exit 75", &json!({}));
    let later = fault(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(
        (later.verdict, later.error.code.as_str()),
        (Verdict::Later, "tempfail")
    );

    let agent = script("kill -TERM $$", &json!({}));
    let killed = fault(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(
        (killed.verdict, killed.error.code.as_str()),
        (Verdict::Crashed, "killed")
    );
    assert!(
        killed
            .error
            .message
            .contains("killed by signal 15 (SIGTERM)"),
        "{}",
        killed.error.message
    );
}

#[tokio::test]
async fn of_standard_error_the_end_is_told_without_secrets() {
    let says = "seq 1 5000 >&2; cat >&2; echo \"$TOKEN$TOKEN last\" >&2; exit 1";
    let agent = script(says, &json!({"env": {"TOKEN": SECRET, "EMPTY": ""}}));
    let mut assignment = assignment("1");
    let (url, token) = ("/callback".to_owned(), "settle-canary".to_owned());
    assignment.callback = Some(Callback { url, token });
    let error = failed(agent.run(&assignment, &mut Said::default()).await);
    assert!(error.message.len() <= 2048 + 20, "{}", error.message.len());
    assert!(error.message.ends_with("****** last"), "{}", error.message);
    assert!(!error.message.contains("canary"), "{}", error.message);
    assert!(error.message.contains("4999\n5000\n"), "{}", error.message);
}

#[tokio::test]
async fn a_program_sees_only_its_own_environment() {
    let folder = TempDir::new().unwrap();
    let mut context = context();
    context.folder = folder.path().to_owned();
    context
        .environment
        .push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    let settings = json!({"command": ["env"], "env": {"TOKEN": SECRET, "BLANK": " "}});
    let agent = open_in("command", settings, &context);
    let assignment = assignment("1");
    let (output, _) = completed(agent.run(&assignment, &mut Said::default()).await);
    let output: String = serde_json::from_slice(&output).unwrap();
    let names: std::collections::BTreeSet<&str> = output
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .collect();
    let expected = ["BLANK", "LANG", "PATH", "TIELINE_RUN_ID", "TOKEN"];
    assert!(names.iter().eq(&expected), "{names:?}");
    assert!(output.contains(&format!("TIELINE_RUN_ID={}", assignment.run_id)));
    assert!(output.contains(&format!("TOKEN={SECRET}")) && output.contains("BLANK= "));

    let settings = json!({"command": ["pwd", "-P"]});
    let agent = open_in("command", settings, &context);
    let (output, _) = completed(agent.run(&assignment, &mut Said::default()).await);
    let place: PathBuf = serde_json::from_slice::<String>(&output).unwrap().into();
    assert_eq!(place, folder.path().canonicalize().unwrap());
}

#[tokio::test]
async fn too_much_output_ends_the_group() {
    let folder = TempDir::new().unwrap();
    let pid = folder.path().join("pid");
    let says = format!("sleep 300 & echo $! > {}; yes", pid.display());
    for more in [
        json!({"max_output": "1MiB"}),
        json!({"max_output": "1MiB", "stream": true}),
    ] {
        let agent = script(&says, &more);
        let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
        assert_eq!(fault.verdict, Verdict::Never);
        assert_eq!(fault.error.code, "output-too-large");
        assert!(gone(&written(&pid).await).await);
    }
}

#[tokio::test]
async fn large_output_and_error_at_once_do_not_block() {
    let says = "head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 9000000 /dev/zero | tr '\\0' o";
    let agent = script(says, &json!({}));
    let (output, _) = completed(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(output.len(), 9_000_002);
}

#[tokio::test]
async fn a_program_need_not_read_its_input() {
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    for says in [
        "echo done",
        "exec <&-; sleep 0.1; echo done",
        "head -c 9 >&2; echo done",
    ] {
        let agent = script(says, &json!({}));
        let (output, _) = completed(agent.run(&assignment(&large), &mut Said::default()).await);
        assert_eq!(output, "\"done\"", "{says}");
    }
    let agent = script("wc -c", &json!({}));
    let assignment = assignment(&large);
    let (output, _) = completed(agent.run(&assignment, &mut Said::default()).await);
    let counted: String = serde_json::from_slice(&output).unwrap();
    assert_eq!(
        counted.trim(),
        assignment.document().unwrap().len().to_string()
    );
}

#[tokio::test]
async fn the_whole_group_ends_with_the_attempt() {
    let folder = TempDir::new().unwrap();
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    let says = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM HUP; echo $$ > {}; sleep 300; :' & echo $$ > {}; wait",
        other.display(),
        own.display()
    );
    let agent = script(&says, &json!({}));
    let assignment = assignment("1");
    let mut said = Said::default();
    let pids = {
        let attempt = agent.run(&assignment, &mut said);
        let pids = async { (written(&own).await, written(&other).await) };
        tokio::select! {
            ended = attempt => panic!("ended by itself: {ended:?}"),
            pids = pids => pids,
        }
    };
    // The future is dropped: so does the engine at the deadline and on a cancel.
    assert!(
        gone(&pids.0).await,
        "the program is left, or was not reaped"
    );
    assert!(gone(&pids.1).await, "a process of its group is left");
}

#[tokio::test]
async fn who_lingers_after_the_end_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let pid = folder.path().join("pid");
    let says = format!("sleep 300 & echo $! > {}; echo done", pid.display());
    let agent = script(&says, &json!({}));
    let begun = Instant::now();
    let (output, _) = completed(agent.run(&assignment("1"), &mut Said::default()).await);
    assert_eq!(output, "\"done\"");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(gone(&written(&pid).await).await);
}

#[tokio::test]
async fn many_run_at_once() {
    let agent = script("sleep 0.05; cat >/dev/null; echo ok", &json!({}));
    let assignment = assignment("1");
    let mut said: Vec<Said> = (0..24).map(|_| Said::default()).collect();
    let attempts = said.iter_mut().map(|said| agent.run(&assignment, said));
    for result in futures_util::future::join_all(attempts).await {
        assert_eq!(completed(result).0, "\"ok\"");
    }
}

#[tokio::test]
async fn a_program_that_cannot_run_says_why() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("plain"), "x").unwrap();
    let mut context = context();
    context.folder = folder.path().to_owned();
    for (program, code) in [
        ("no-such-program-here", "command-not-found"),
        ("./no-such-file", "command-not-found"),
        ("./plain", "command-not-executable"),
    ] {
        let agent = open_in("command", json!({"command": [program]}), &context);
        let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (Verdict::Never, code)
        );
        let message = fault.error.message;
        assert!(message.contains(program), "{message}");
        assert!(
            message.contains(&context.folder.display().to_string()),
            "{message}"
        );
    }
    context.folder = folder.path().join("gone");
    let agent = open_in("command", json!({"command": ["true"]}), &context);
    let fault = fault(agent.run(&assignment("1"), &mut Said::default()).await);
    assert!(
        fault.error.message.contains("is not there"),
        "{}",
        fault.error.message
    );
}

#[test]
fn settings_are_checked() {
    for (settings, why) in [
        (json!({}), "command: "),
        (json!({"command": []}), "command: "),
        (json!({"command": "ls"}), "command: "),
        (
            json!({"command": [" "]}),
            "command[0]: the program has no name",
        ),
        (
            json!({"command": ["a\0"]}),
            "command[0]: a NUL cannot be passed on",
        ),
        (
            json!({"command": ["a"], "env": {"A=B": "x"}}),
            "env.A=B: this is no name",
        ),
        (
            json!({"command": ["a"], "env": {"TIELINE_RUN_ID": "x"}}),
            "env.TIELINE_RUN_ID: ",
        ),
        (
            json!({"command": ["a"], "env": {"A": "\0"}}),
            "env.A: a NUL",
        ),
        (json!({"command": ["a"], "env": {"A": 1}}), "env.A: "),
        (
            json!({"command": ["a"], "max_output": "65MiB"}),
            "max_output: 65MiB is out of range",
        ),
        (
            json!({"command": ["a"], "max_output": "0B"}),
            "max_output: ",
        ),
        (json!({"command": ["a"], "output": "yaml"}), "output: "),
        (
            json!({"command": ["a"], "shell": true}),
            "shell: unknown field",
        ),
    ] {
        let said = refused("command", settings);
        assert!(said.contains(why), "{said}");
    }
}
