//! Precedence, bounds and the words of refusal.

use std::collections::HashMap;

use super::*;

fn load(flags: &Flags, env: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    let env: HashMap<_, OsString> = env.iter().map(|(name, value)| (*name, value.into())).collect();
    Config::from_sources(flags, |name| env.get(name).cloned(), None)
}

fn file(text: &str) -> (tempfile::TempDir, Flags) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ibid.toml");
    std::fs::write(&path, text).unwrap();
    (folder, Flags { config: Some(path), ..Flags::default() })
}

fn refusal(text: &str) -> String {
    load(&file(text).1, &[]).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let (_folder, mut flags) = file("listen = '127.0.0.1:1'\ndata = '/from/file'");
    let config = load(&flags, &[]).unwrap();
    assert_eq!((config.listen.port(), config.data.as_path()), (1, Path::new("/from/file")));
    assert_eq!(config.origin("listen"), Origin::File(flags.config.clone().unwrap()));

    let env = [("IBID_LISTEN", "127.0.0.1:2"), ("IBID_DATA", "/from/env")];
    let config = load(&flags, &env).unwrap();
    assert_eq!((config.listen.port(), config.data.as_path()), (2, Path::new("/from/env")));
    assert_eq!(config.origin("data"), Origin::Environment("IBID_DATA".into()));

    flags.listen = Some("127.0.0.1:3".parse().unwrap());
    flags.data = Some("/from/flag".into());
    let config = load(&flags, &env).unwrap();
    assert_eq!((config.listen.port(), config.data.as_path()), (3, Path::new("/from/flag")));
    assert_eq!(config.origin("listen"), Origin::Flag("--listen".into()));
}

#[test]
fn the_file_named_in_the_environment_is_read_unless_a_flag_names_another() {
    let (_one, first) = file("[ask]\npassages = 3");
    let (_two, second) = file("[ask]\npassages = 4");
    let named = first.config.unwrap();
    let env = [("IBID_CONFIG", named.to_str().unwrap())];
    assert_eq!(load(&Flags::default(), &env).unwrap().ask.passages, 3);
    assert_eq!(load(&second, &env).unwrap().ask.passages, 4);
}

#[test]
fn a_reranker_needs_what_its_provider_needs_and_nothing_else() {
    for (table, words) in [
        ("folder = 'm'", "no `provider`"),
        ("model = 'm'", "no `provider`"),
        ("provider = 'local'", "needs `folder`"),
        ("provider = 'local'\nfolder = 'm'\nbase_url = 'http://h'", "nothing about a server"),
        ("provider = 'cohere'\nbase_url = 'http://h'", "needs `model`"),
        ("provider = 'cohere'\nmodel = 'm'", "needs `base_url`"),
        ("provider = 'tei'", "needs `base_url`"),
        ("provider = 'tei'\nbase_url = 'http://h'\nfolder = 'm'", "takes no `folder`"),
        ("provider = 'tei'\nbase_url = 'h'", "is not a URL"),
        ("provider = 'tei'\nbase_url = 'http://h'\napi_key_env = 'NO_SUCH_KEY'", "set NO_SUCH_KEY"),
        ("candidates = 0", "1 to 1000"),
        ("threads = 0", "1 to 256"),
        ("timeout_ms = 60001", "1 to 60000"),
        ("provider = 'colbert'", "unknown variant"),
    ] {
        let refusal = refusal(&format!("[rerank]\n{table}"));
        assert!(refusal.contains(words), "{table}: {refusal}");
    }
    let (folder, flags) = file("[rerank]\nprovider = 'local'\nfolder = 'm'");
    let config = load(&flags, &[]).unwrap();
    assert_eq!(config.rerank.folder, Some(folder.path().join("m")), "beside the file");
    assert_eq!(load(&Flags::default(), &[]).unwrap().rerank, RerankConfig::default());
}

#[test]
fn a_table_that_sets_one_key_leaves_the_others_at_their_defaults() {
    let (_folder, flags) = file("[ingest]\njobs = 3");
    let config = load(&flags, &[]).unwrap();
    assert_eq!(config.ingest, IngestConfig { jobs: 3, ..IngestConfig::default() });
    assert_eq!(config.origin("ingest.jobs"), Origin::File(flags.config.unwrap()));
    assert_eq!(config.origin("ingest.time_s"), Origin::Default);
}

#[test]
fn a_relative_data_folder_in_the_file_counts_from_the_file() {
    let (folder, flags) = file("data = 'library'");
    assert_eq!(load(&flags, &[]).unwrap().data, folder.path().join("library"));
}

#[test]
fn a_data_folder_in_the_home_folder_can_be_written_with_a_tilde() {
    let (_folder, flags) = file("data = '~/library'");
    assert_eq!(load(&flags, &[]).unwrap().data, etcetera::home_dir().unwrap().join("library"));
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
    assert!(
        refusal("# mine\nlisen = '127.0.0.1:1'")
            .ends_with("line 2: unknown key `lisen`, did you mean `listen`?")
    );
    assert!(
        refusal("[ask]\n\npasages = 1").ends_with("line 3: unknown key `pasages`, did you mean `passages`?")
    );
    assert!(refusal("[inject]\njobs = 1").ends_with("line 1: unknown key `inject`, did you mean `ingest`?"));
}

#[test]
fn an_unknown_key_of_a_model_is_refused_too() {
    let text = "[[models]]\nname = 'm'\nproviderr = 'extractive'";
    assert!(refusal(text).ends_with("line 3: unknown key `providerr`, did you mean `provider`?"));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line() {
    assert!(refusal("[ask]\npassages = 'many'").contains("line 2: invalid type"));
    assert!(refusal("listen = 'here'").contains("`here` is not an address such as 127.0.0.1:4747"));
    assert!(refusal("listen = ").contains("line 1"));
}

#[test]
fn a_named_file_must_exist() {
    let flags = Flags { config: Some("/nowhere/ibid.toml".into()), ..Flags::default() };
    assert!(matches!(load(&flags, &[]), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn a_value_out_of_bounds_is_refused_with_who_set_it() {
    let message = refusal("[ingest]\njobs = 0");
    assert!(message.starts_with("setting `ingest.jobs` must be at least 1 (file "), "{message}");
    assert!(refusal("[ask]\ncache_s = 40000000").contains("`ask.cache_s` must be at most a year"));
    assert!(refusal("[ask]\ncontext_tokens = 10").contains("`ask.context_tokens` must be at least 500"));
}

#[test]
fn an_address_that_other_machines_can_reach_is_refused() {
    for address in ["0.0.0.0:4747", "[::]:4747", "192.168.1.5:80"] {
        let error = load(&Flags::default(), &[("IBID_LISTEN", address)]).unwrap_err();
        assert!(matches!(error, ConfigError::NotLoopback { .. }), "{address}");
    }
    for address in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:80", "localhost:80", "8080"] {
        assert!(load(&Flags::default(), &[("IBID_LISTEN", address)]).is_ok(), "{address}");
    }
}

#[test]
fn an_address_that_is_none_names_the_variable() {
    let error = load(&Flags::default(), &[("IBID_LISTEN", "nonsense")]).unwrap_err().to_string();
    assert!(error.starts_with("environment variable IBID_LISTEN is `nonsense`"), "{error}");
}

#[test]
fn two_models_of_one_name_are_refused() {
    let table = "[[models]]\nname = 'm'\nprovider = 'extractive'\n";
    assert!(refusal(&table.repeat(2)).contains("two models are named `m`"));
}

#[test]
fn a_certificate_needs_its_key_and_no_wait_is_endless() {
    let told = refusal("[server]\ntls_cert = 'cert.pem'");
    assert!(told.contains("server.tls_key") && told.contains("go together"), "{told}");
    let told = refusal("[server]\nhead_timeout_s = 99999999999");
    assert!(told.contains("server.head_timeout_s") && told.contains("a year"), "{told}");
    let told = refusal("[server]\nmax_connections = 0");
    assert!(told.contains("server.max_connections"), "{told}");

    let (folder, flags) = file("[server]\ntls_cert = 'cert.pem'\ntls_key = '/keys/key.pem'");
    let server = load(&flags, &[]).unwrap().server;
    assert_eq!(server.tls_cert, Some(folder.path().join("cert.pem")));
    assert_eq!(server.tls_key.as_deref(), Some(Path::new("/keys/key.pem")));
}

#[test]
fn no_file_breaks_its_reader_and_every_refusal_is_in_words() {
    let whole = "listen = '127.0.0.1:4747'\ndata = 'd'\n[ingest]\njobs = 2\nsandbox = 'required'\n[ask]\npassages = 12\n\
                 cache_s = 60\n[server]\nidle_timeout_s = 75\n[limits]\nwindow_s = 60\n[research]\nrounds = 2\n";
    let models = "[[models]]\nname = 'm'\nprovider = 'openai'\nmodel = 'x'\nbase_url = 'http://127.0.0.1:1/v1'\nfallback = 'n'\n\
                  [models.timeouts]\nfirst_token_s = 30.0\n[[models]]\nname = 'n'\nprovider = 'scripted'\ndelay_ms = 0\n";
    let team = "[access]\nmode = 'jwt'\nhosts = ['a.b']\n[jwt]\nalgorithm = 'HS256'\nsecret_env = 'NONE'\naudience = 'a'\n\
                issuer = 'i'\n[[tiers]]\nname = 'BASIC'\nmodels = ['m']\nmessages_per_day = 5\n[storage]\nmin_free_bytes = 1\n";
    let examples = [whole, models, team].map(|example| example.as_bytes().to_vec());
    let words = [
        "[",
        "]",
        "[[models]]\n",
        " = ",
        "'",
        "\"",
        "-1",
        "1e400",
        "\n",
        "mode = 'keys'\n",
        "{",
        "}",
        "0x",
        "inf",
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ibid.toml");
    crate::fuzz::fuzz("configuration", &examples, &words, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let text = String::from_utf8_lossy(bytes);
        let value: String = text.chars().take(40).collect();
        let flags = Flags { config: Some(path.clone()), ..Flags::default() };
        match load(&flags, &[("IBID_LISTEN", &value)]).and(load(&flags, &[])) {
            Ok(config) => assert!(config.listen.ip().is_loopback() || config.access.mode != Mode::None),
            Err(refusal) => assert!(!refusal.to_string().trim().is_empty()),
        }
    });
}
