//! What a caller's tier includes. Tiers are configuration; a caller without one is not limited.

use super::Caller;
use crate::Error;
use crate::app::App;
use crate::config::access::Tier;
use crate::provider::Model;

impl Caller {
    /// The limits of the caller's tier, if there are any.
    #[must_use]
    pub fn limits<'a>(&self, app: &'a App) -> Option<&'a Tier> {
        self.tier.as_deref().and_then(|name| app.config.tier(name))
    }

    /// The models that answer this caller, the default one first.
    pub fn models<'a>(&self, app: &'a App) -> impl Iterator<Item = &'a Model> {
        let tier = self.limits(app);
        let named = tier.and_then(|tier| tier.models.as_ref());
        let first = named.and_then(|names| app.models.get(names.first()?));
        let first = first.unwrap_or_else(|| app.models.default_model());
        let others = app.models.iter().filter(move |model| {
            model.name() != first.name() && tier.is_none_or(|tier| tier.includes(model.name()))
        });
        std::iter::once(first).chain(others)
    }

    /// The model of this name, or the one that answers by default.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none, [`Error::TierTooLow`] if it is not in the caller's tier.
    pub fn model<'a>(&self, app: &'a App, name: Option<&str>) -> Result<&'a Model, Error> {
        let Some(name) = name else {
            return Ok(self.models(app).next().unwrap_or_else(|| app.models.default_model()));
        };
        let model = app.model(Some(name))?;
        // It may have been asked for by its name at the vendor.
        let name = model.name();
        match self.limits(app).filter(|tier| !tier.includes(name)) {
            None => Ok(model),
            Some(tier) => {
                let other = app.config.tiers.iter().find(|tier| tier.includes(name));
                let which =
                    other.map_or("no tier has it".to_owned(), |other| format!("{} has it", other.name));
                Err(Error::TierTooLow(format!("model `{name}` is not in tier {}; {which}", tier.name)))
            }
        }
    }
}
