use super::*;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    models: Vec<ModelConfig>,
}

fn nothing(_: &str) -> Option<String> {
    None
}

/// The names of the models a file resolves to, or the words of its first mistake.
fn check(file: &str, env: Environment<'_>) -> Result<Vec<String>, String> {
    let file: File = toml::from_str(file).map_err(|error| error.to_string())?;
    let models = resolve_in(file.models, env).map_err(|error| error.to_string())?;
    Ok(models.into_iter().map(|model| model.name).collect())
}

fn mistake(file: &str) -> String {
    check(file, &nothing).expect_err("a mistake was expected")
}

#[test]
fn without_file_and_keys_only_extractive_exists() {
    assert_eq!(check("", &nothing).unwrap(), ["extractive"]);
}

#[test]
fn each_key_in_the_environment_brings_a_model_of_its_vendor() {
    let both = |variable: &str| match variable {
        "XAI_API_KEY" | "ANTHROPIC_API_KEY" => Some("k".to_owned()),
        "OPENAI_API_KEY" => Some("  ".to_owned()),
        _ => None,
    };
    assert_eq!(check("", &both).unwrap(), ["grok-4.5", "claude-sonnet-4-6", "extractive"]);
}

#[test]
fn a_file_decides_alone_but_extractive_stays() {
    let file = "[[models]]\nname = 'demo'\nprovider = 'scripted'";
    let keys = |_: &str| Some("k".to_owned());
    assert_eq!(check(file, &keys).unwrap(), ["demo", "extractive"]);
    let file = "[[models]]\nname = 'quotes'\nprovider = 'extractive'";
    assert_eq!(check(file, &keys).unwrap(), ["quotes"]);
}

#[test]
fn mistakes_say_what_to_do() {
    let local = "base_url = 'http://127.0.0.1:1/v1'";
    for (file, words) in [
        ("[[models]]\nname = 'm'\nprovider = 'gemini'", "is `openai` with a `base_url`"),
        ("[[models]]\nname = ' '\nprovider = 'extractive'", "empty `name`"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'", "set OPENAI_API_KEY in the environment"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'\napi_key_env = 'MINE'", "set MINE in the environment"),
        ("[[models]]\nname = 'm'\nprovider = 'xai'\napi_key_env = 'A'\napi_key_file = 'b'", "keep one"),
        ("[[models]]\nname = 'm'\nprovider = 'xai'\napi_key_file = '/no/such/key'", "`/no/such/key`"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'\nbase_url = 'localhost:80'", "begin with http://"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'\nbase_url = 'nonsense'", "is not a URL"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'\nbase_url = 'http://u:p@h/v1'", "user name"),
        ("[[models]]\nname = 'm'\nprovider = 'openai'\nbase_url = 'http://h/v1?a=1'", "query"),
        ("[[models]]\nname = 'm'\nprovider = 'extractive'\nscript = 's.json'", "remove it"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\nfallback = 'x'", "names `x`"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\nfallback = 'm'", "not another"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\ncontext_tokens = 10", "1024 or more"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\ntimeouts = { idle_s = -1.0 }", "above 0"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\ntimeouts = { idle_s = nan }", "above 0"),
        ("[[models]]\nname = 'm'\nprovider = 'scripted'\ncolour = 'red'", "colour"),
        (
            "[[models]]\nname = 'm'\nprovider = 'scripted'\n[[models]]\nname = 'm'\nprovider = 'extractive'",
            "two models are named `m`",
        ),
    ] {
        let said = mistake(file);
        assert!(said.contains(words), "{file}\n{said}");
    }
    assert!(check(&format!("[[models]]\nname = 'm'\nprovider = 'openai'\n{local}"), &nothing).is_ok());
}

#[test]
fn a_key_of_the_vendor_is_not_sent_to_another_server() {
    let mut model = ModelConfig::new("m", Vendor::OpenAi);
    let env = |_: &str| Some("sk-canary".to_owned());
    assert_eq!(model.api_key_in(&env).unwrap().unwrap().expose(), "sk-canary");
    model.base_url = Some("http://127.0.0.1:11434/v1/".to_owned());
    assert_eq!(model.api_key_in(&env).unwrap(), None);
    assert_eq!(model.endpoint(), Some("http://127.0.0.1:11434/v1"));
}

#[test]
fn a_key_file_is_trimmed_and_debug_hides_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "  sk-canary\r\n").unwrap();
    let model = ModelConfig { api_key_file: Some(path.clone()), ..ModelConfig::new("m", Vendor::Anthropic) };
    let key = model.api_key_in(&nothing).unwrap().unwrap();
    assert_eq!(key.expose(), "sk-canary");
    assert_eq!(format!("{key:?}"), "[redacted]");
    assert_eq!(key.redact("bad key sk-canary!"), "bad key [redacted]!");

    std::fs::write(&path, "sk canary").unwrap();
    let words = model.api_key_in(&nothing).unwrap_err().to_string();
    assert!(words.contains("spaces") && !words.contains("canary"), "{words}");
}
