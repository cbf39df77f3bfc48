//! Drives the binary: usage, settings, exit codes, and what each command makes of the API.

#[path = "cli/ask.rs"]
mod ask;
#[path = "cli/bodies.rs"]
mod bodies;
#[path = "cli/documents.rs"]
mod documents;
#[path = "cli/eval.rs"]
mod eval;
#[path = "cli/fake.rs"]
mod fake;
#[path = "cli/keep.rs"]
mod keep;

use fake::{Fake, alone};
use serde_json::{Value, json as value};

#[test]
fn every_command_explains_itself_with_examples() {
    for command in [
        "serve",
        "add",
        "ask",
        "search",
        "eval",
        "documents",
        "sessions",
        "show",
        "history",
        "export",
        "verify",
        "backup",
        "restore",
        "config",
    ] {
        let ran = alone(&[command, "--help"], &[]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("Examples:\n  "), "{command}: {}", ran.out);
    }
    let help = alone(&["--help"], &[]).out;
    assert!(help.contains("IBID_DATA") && !help.contains("worker"), "{help}");
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    for arguments in
        [&["dance"][..], &[], &["ask"], &["serve", "--listen", "nowhere"], &["add", "x", "--jobs", "0"]]
    {
        assert_eq!(alone(arguments, &[]).code, 2, "{arguments:?}");
    }
}

#[test]
fn settings_that_cannot_be_used_end_in_78_and_say_why() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ibid.toml");
    std::fs::write(&file, "[ask]\npasages = 3\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, env, words) in [
        (
            &["--config", file, "config"][..],
            &[][..],
            "line 2: unknown key `pasages`, did you mean `passages`?",
        ),
        (&["config"], &[("IBID_CONFIG", "/nowhere.toml")], "can't read configuration file `/nowhere.toml`"),
        (&["config"], &[("IBID_LISTEN", "here")], "environment variable IBID_LISTEN is `here`"),
        (&["serve", "--listen", "0.0.0.0:4747"], &[], "refusing to listen on 0.0.0.0:4747 (flag --listen)"),
    ] {
        let ran = alone(arguments, env);
        assert_eq!(ran.code, 78, "{arguments:?}");
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn the_settings_shown_are_a_file_that_gives_them_again_without_any_secret() {
    let env = [("IBID_LISTEN", "127.0.0.1:8080"), ("OPENAI_API_KEY", "sk-canary-1234567890")];
    let shown = alone(&["config"], &env);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(
        shown.out.contains("listen = \"127.0.0.1:8080\"") && shown.out.contains("(environment IBID_LISTEN)")
    );
    let as_json = alone(&["config", "--json"], &env);
    assert!(!format!("{}{}{as_json:?}", shown.out, shown.err).contains("canary"));
    let settings: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(settings["settings"][1]["origin"], value!({"from": "environment", "name": "IBID_LISTEN"}));

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("shown.toml");
    std::fs::write(&file, &shown.out).unwrap();
    let key = [("OPENAI_API_KEY", "sk-canary-1234567890")];
    let again = alone(&["--config", file.to_str().unwrap(), "config"], &key);
    assert_eq!(again.code, 0, "{}", again.err);
    let bare = |text: &str| -> toml::Table { toml::from_str(text).unwrap() };
    assert_eq!(bare(&again.out), bare(&shown.out));
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = alone(&["serve", "--listen", &address], &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("is taken by another program") && ran.err.contains("--listen 127.0.0.1:0"),
        "{}",
        ran.err
    );
}

#[test]
fn a_folder_that_is_served_already_is_not_served_twice() {
    let ran = Fake::start().run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is already served at http://127.0.0.1:"), "{}", ran.err);
}

#[test]
fn the_extractor_runs_before_any_setting_is_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let mut command = fake::ibid(home.path(), &["worker"]);
    command.env("IBID_CONFIG", "/nowhere.toml").stdin(std::process::Stdio::null());
    let ran = fake::ran(command.output().unwrap());
    // It is not spoken to through a socket, and says nothing of a file of settings that is not there.
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", ""));
}
