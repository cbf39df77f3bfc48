//! What can be wrong with the configured models, each in words that say what to do.

use thiserror::Error;

use super::Vendor;

/// What is wrong with the configured models.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A model without a name.
    #[error("a `[[models]]` table has an empty `name`: give it one")]
    Unnamed,
    /// The name is not unique.
    #[error("two models are named `{0}`: rename one")]
    Duplicate(String),
    /// The vendor asks for a key and there is none.
    #[error(
        "model `{name}` has no key: set {variable} in the environment, or `api_key_env` or `api_key_file`"
    )]
    NoKey {
        /// The model.
        name: String,
        /// Where the key was looked for.
        variable: String,
    },
    /// Two places for one key.
    #[error("model `{0}` has both `api_key_env` and `api_key_file`: keep one")]
    TwoKeys(String),
    /// The key is there but can't be read or sent.
    #[error("the key of model `{name}` in `{file}` can't be used: {cause}")]
    BadKey {
        /// The model.
        name: String,
        /// Where the key was looked for.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The base URL can't be called.
    #[error("`base_url` of model `{name}` {problem}: write it like `http://127.0.0.1:11434/v1`")]
    BadUrl {
        /// The model.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A number that makes no sense.
    #[error("`{field}` of model `{name}` must be {must}")]
    BadNumber {
        /// The model.
        name: String,
        /// The setting.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A setting that another kind of model has.
    #[error("`{field}` of model `{name}` has no meaning for provider `{provider}`: remove it")]
    Misplaced {
        /// The model.
        name: String,
        /// The setting.
        field: &'static str,
        /// Its provider.
        provider: Vendor,
    },
    /// The second model does not exist.
    #[error("`fallback` of model `{name}` names `{fallback}`, which is not another configured model")]
    NoFallback {
        /// The model.
        name: String,
        /// What it names.
        fallback: String,
    },
    /// The script can't be read.
    #[error("the script `{file}` of model `{name}` can't be used: {cause}")]
    BadScript {
        /// The model.
        name: String,
        /// The script.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The HTTP client could not be set up.
    #[error("no HTTP client for model `{name}`: {cause}")]
    NoClient {
        /// The model.
        name: String,
        /// What went wrong.
        cause: String,
    },
}
