use std::{
    collections::HashMap,
    sync::RwLock,
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use tokio::sync::Mutex;

/// What the issuer says in `Cache-Control`: a key that it withdraws is trusted this long.
const MAX_AGE: Duration = Duration::from_secs(300);
/// How long the keys that the issuer showed last stay good while it cannot be reached.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// Anybody can invent a key id, so one that is unknown is not always a reason to ask again.
const PAUSE: Duration = Duration::from_secs(5);

/// Why there is no key.
pub enum NoKey {
    /// The issuer does not publish it.
    Unknown,
    /// The issuer could not be asked.
    Unavailable,
}

struct Shown {
    keys: HashMap<String, DecodingKey>,
    at: Instant,
}

struct Asked {
    at: Instant,
    answered: bool,
}

/// The public keys of an issuer. jsonwebtoken reads a key set, but neither fetches nor keeps one.
pub struct IssuerKeys {
    http: reqwest::Client,
    url: String,
    shown: RwLock<Option<Shown>>,
    asked: Mutex<Option<Asked>>,
}

impl IssuerKeys {
    pub fn new(url: String) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self {
            http,
            url,
            shown: RwLock::default(),
            asked: Mutex::default(),
        })
    }

    pub async fn find(&self, kid: &str) -> Result<DecodingKey, NoKey> {
        if let Some(key) = self.known(kid, MAX_AGE) {
            return Ok(key);
        }
        let answered = self.refresh().await;
        let missing = if answered {
            NoKey::Unknown
        } else {
            NoKey::Unavailable
        };
        self.known(kid, PATIENCE).ok_or(missing)
    }

    fn known(&self, kid: &str, age: Duration) -> Option<DecodingKey> {
        let shown = self.shown.read().expect("no panic while it is held");
        shown
            .as_ref()
            .filter(|shown| shown.at.elapsed() < age)?
            .keys
            .get(kid)
            .cloned()
    }

    /// Asks the issuer, one request at a time, and not again before the pause is over. Whether it answered.
    async fn refresh(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if let Some(last) = asked.as_ref().filter(|last| last.at.elapsed() < PAUSE) {
            return last.answered;
        }
        let answered = match self.ask().await {
            Ok(shown) => {
                *self.shown.write().expect("no panic while it is held") = Some(shown);
                true
            }
            Err(error) => {
                eprintln!("The issuer's keys could not be fetched: {error}");
                false
            }
        };
        *asked = Some(Asked {
            at: Instant::now(),
            answered,
        });
        answered
    }

    async fn ask(&self) -> reqwest::Result<Shown> {
        let at = Instant::now();
        let set: JwkSet = self
            .http
            .get(&self.url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let keys = set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
            .collect();
        Ok(Shown { keys, at })
    }
}
