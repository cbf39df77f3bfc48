//! A vendor's key: it can be sent, and nothing else. It has no `Display`, and `Debug` hides it.

use std::fmt;

/// A secret that opens a vendor's API.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key as found in a file or a variable, without the white space around it.
    ///
    /// # Errors
    /// If it is empty or holds what no header can carry; the words never repeat the key.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let key = text.trim();
        if key.is_empty() {
            return Err("it is empty");
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has spaces, line breaks or letters outside ASCII");
        }
        Ok(Self(key.to_owned()))
    }

    /// The key itself, for the one header that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the key out of a text that came from outside.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "[redacted]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
