//! What goes by itself: sessions nobody has used for as long as is configured, and records that are
//! only kept for a time. What has gone of sessions is remembered for a while, to say so.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::access::{User, quota};
use crate::app::App;
use crate::session::Session;
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, idempotency, sessions};

/// How often what is old is looked for.
const SWEEP: Duration = Duration::from_secs(5 * 60);
/// How long it is remembered that a session has expired.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Records read at a time.
const PAGE: usize = 500;

/// That a session has expired.
#[derive(Serialize, Deserialize)]
pub(crate) struct Expired {
    pub(crate) owner: User,
    at: Timestamp,
}

/// Removes what is old, until the server stops.
pub async fn sweep(app: &Arc<App>) {
    loop {
        if let Err(error) = sweep_once(app).await {
            tracing::warn!(%error, "what is old is kept for now");
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

/// Removes what is old now.
///
/// # Errors
/// If the store fails.
pub async fn sweep_once(app: &App) -> Result<(), Error> {
    idempotency::forget_old(app).await?;
    quota::forget_old(app).await?;
    let before = app.store.now() - REMEMBERED;
    forget::<Expired>(app, keys::EXPIRED, |_, expired| expired.at < before).await?;
    expire_sessions(app).await
}

/// Whether a session has expired, even if it is not swept yet.
pub(crate) fn is_over(app: &App, session: &Session) -> bool {
    let after = app.config.sessions.expire_s;
    after > 0 && session.updated_at + Duration::from_secs(after) <= app.store.now()
}

/// Removes the records below a prefix that are old by their key or what they say.
///
/// # Errors
/// If the store fails.
pub async fn forget<T: DeserializeOwned>(
    app: &App,
    prefix: &str,
    is_old: impl Fn(&str, &T) -> bool,
) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        let page = app.store.scan::<T>(prefix, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let old: Vec<_> = page.iter().filter(|(key, record)| is_old(key, &record.value)).collect();
        if !old.is_empty() {
            let batch = old.iter().fold(Batch::new(), |batch, (key, _)| batch.delete(key.as_str()));
            app.store.commit(batch).await?;
        }
    }
}

async fn expire_sessions(app: &App) -> Result<(), Error> {
    if app.config.sessions.expire_s == 0 {
        return Ok(());
    }
    let mut after: Option<String> = None;
    loop {
        let page =
            app.store.scan::<Session>(keys::SESSIONS, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (_, session) in page {
            if is_over(app, &session.value) {
                expire(app, session).await?;
            }
        }
    }
}

async fn expire(app: &App, session: Record<Session>) -> Result<(), Error> {
    let expired = Expired { owner: session.value.owner.clone(), at: app.store.now() };
    let batch = Batch::new().put(keys::expired(session.value.id), &expired);
    // One that changed meanwhile is used after all.
    sessions::remove(app, batch, &session).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::config::{Config, Flags};
    use crate::sessions::NewSession;

    #[tokio::test]
    async fn a_session_out_of_use_goes_with_what_hangs_on_it_and_one_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ibid.toml");
        std::fs::write(&file, "[sessions]\nexpire_s = 3600\n").unwrap();
        let data = Some(folder.path().join("data"));
        let flags = Flags { config: Some(file), data, ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let caller = Caller::on_behalf_of(User::new("ada").unwrap());
        let [old, new] = [(); 2].map(|()| sessions::create(&app, &caller, NewSession::default(), None));
        let (old, new) = (old.await.unwrap(), new.await.unwrap());
        let stored = sessions::get(&app, &caller, old.id).await.unwrap();
        let aged = Session { updated_at: old.updated_at - Duration::from_secs(3601), ..old.clone() };
        let message = keys::message(old.id, new.id);
        let said = crate::session::Message::new(
            new.id,
            crate::session::Role::User,
            "What is it?".to_owned(),
            old.created_at,
        );
        assert!(sessions::update(&app, Batch::new().put(&message, &said), &stored, &aged).await.unwrap());

        sweep_once(&app).await.unwrap();
        let gone = sessions::get(&app, &caller, old.id).await;
        assert!(matches!(gone, Err(Error::Expired { .. })), "{gone:?}");
        assert!(app.store.get::<Session>(&keys::session(old.id)).await.unwrap().is_none());
        // The app sweeps by itself too, and may still be at it.
        let swept = async {
            while app.store.get::<serde::de::IgnoredAny>(&message).await.unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), swept).await.expect("its messages go with it");
        let (listed, _) =
            sessions::list(&app, &caller, &sessions::Grouping::default(), None, 10).await.unwrap();
        assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [new.id]);
        let other = sessions::get(&app, &Caller::local(), old.id).await;
        assert!(matches!(other, Err(Error::NotFound { .. })));
    }
}
