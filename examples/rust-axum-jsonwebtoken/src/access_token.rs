use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{
        StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use crate::issuer_keys::{IssuerKeys, NoKey};

/// The claims of a good access token; as a parameter of a handler it lets nothing else through.
#[derive(Deserialize)]
pub struct AccessToken {
    pub sub: String,
    #[serde(default)]
    pub scope: String,
}

impl AccessToken {
    pub fn require(&self, scope: &'static str) -> Result<(), Refusal> {
        if self.scope.split(' ').any(|granted| granted == scope) {
            Ok(())
        } else {
            Err(Refusal::Scope(scope))
        }
    }
}

/// Answered as RFC 6750 §3 says.
pub enum Refusal {
    NoToken,
    BadToken,
    Scope(&'static str),
    /// Not the token's fault: no key, since the issuer cannot be reached.
    NoKeys,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let challenge = |text: String| [(WWW_AUTHENTICATE, text)];
        match self {
            Refusal::NoToken => {
                (StatusCode::UNAUTHORIZED, challenge("Bearer".into())).into_response()
            }
            Refusal::BadToken => (
                StatusCode::UNAUTHORIZED,
                challenge(r#"Bearer error="invalid_token""#.into()),
            )
                .into_response(),
            Refusal::Scope(scope) => {
                let text = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
                (StatusCode::FORBIDDEN, challenge(text)).into_response()
            }
            Refusal::NoKeys => {
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")]).into_response()
            }
        }
    }
}

pub struct Verifier {
    keys: IssuerKeys,
    validation: Validation,
}

impl Verifier {
    pub fn new(keys: IssuerKeys, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // A claim that is not required is only checked where it stands: a token without aud would do for any API.
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 30;
        Self { keys, validation }
    }

    async fn verify(&self, token: &str) -> Result<AccessToken, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::BadToken)?;
        // jsonwebtoken does not look at typ, and an ID token is no access token.
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(Refusal::BadToken);
        }
        let kid = header.kid.ok_or(Refusal::BadToken)?;
        let key = self
            .keys
            .find(&kid)
            .await
            .map_err(|missing| match missing {
                NoKey::Unknown => Refusal::BadToken,
                NoKey::Unavailable => Refusal::NoKeys,
            })?;
        let token =
            decode::<AccessToken>(token, &key, &self.validation).map_err(|_| Refusal::BadToken)?;
        Ok(token.claims)
    }
}

impl FromRequestParts<Arc<Verifier>> for AccessToken {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        verifier: &Arc<Verifier>,
    ) -> Result<Self, Refusal> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(Refusal::NoToken)?;
        match header.to_str().unwrap_or_default().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                verifier.verify(token.trim()).await
            }
            _ => Err(Refusal::NoToken),
        }
    }
}
