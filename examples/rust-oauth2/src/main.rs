use std::{env, error::Error, time::Duration};

use oauth2::{
    AccessToken, ClientId, ClientSecret, IntrospectionUrl, RefreshToken, ResourceOwnerPassword,
    ResourceOwnerUsername, RevocationUrl, Scope, TokenIntrospectionResponse, TokenResponse,
    TokenUrl,
    basic::{BasicClient, BasicRequestTokenError, BasicTokenResponse},
};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let issuer = setting("ISSUER")?;
    let audience = setting("AUDIENCE")?;
    let scope = Scope::new(setting("SCOPE")?);
    // The crate follows what it is given: a redirect would take the secret along to wherever it points.
    let http = Client::builder()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(10))
        .build()?;

    let token_url = TokenUrl::new(setting("TOKEN_ENDPOINT")?)?;
    let service = BasicClient::new(ClientId::new(setting("CLIENT_ID")?))
        .set_client_secret(ClientSecret::new(setting("CLIENT_SECRET")?))
        .set_token_uri(token_url.clone())
        .set_introspection_url(IntrospectionUrl::new(format!(
            "{issuer}/oauth2/introspect"
        ))?);
    let own = service
        .exchange_client_credentials()
        .add_scope(scope.clone())
        .add_extra_param("resource", &audience)
        .request_async(&http)
        .await?;
    let called = call(&http, own.access_token()).await?;
    let introspected = service
        .introspect(own.access_token())
        .request_async(&http)
        .await?;

    // A public client has no secret: its id goes into the body.
    let app = BasicClient::new(ClientId::new(setting("PUBLIC_CLIENT_ID")?))
        .set_token_uri(token_url)
        .set_revocation_url(RevocationUrl::new(format!("{issuer}/oauth2/revoke"))?);
    let logged_in = app
        .exchange_password(
            &ResourceOwnerUsername::new(setting("USERNAME")?),
            &ResourceOwnerPassword::new(setting("PASSWORD")?),
        )
        .add_scope(scope)
        .add_extra_param("resource", &audience)
        .request_async(&http)
        .await?;
    let refreshed = app
        .exchange_refresh_token(refresh_token(&logged_in)?)
        .request_async(&http)
        .await?;

    let revoked = match app.revoke_token(refresh_token(&refreshed)?.into()) {
        Ok(revocation) => {
            revocation.request_async(&http).await?;
            json!(true)
        }
        // Only https will do for this crate, and only for this endpoint.
        Err(error) => {
            eprintln!("The crate does not revoke over {issuer}: {error}");
            let form = [
                ("token", refresh_token(&refreshed)?.secret().as_str()),
                ("client_id", app.client_id()),
            ];
            http.post(format!("{issuer}/oauth2/revoke"))
                .form(&form)
                .send()
                .await?
                .error_for_status()?;
            Value::Null
        }
    };
    let dead = app
        .exchange_refresh_token(refresh_token(&refreshed)?)
        .request_async(&http)
        .await;

    let wrong = service
        .clone()
        .set_client_secret(ClientSecret::new("wrong".into()));
    let refused = wrong
        .exchange_client_credentials()
        .request_async(&http)
        .await;

    let report = json!({
        "client_credentials": own.access_token().secret(),
        "password": pair(&logged_in)?,
        "refresh": pair(&refreshed)?,
        "api": called,
        "revoked": revoked,
        "introspected": introspected.active(),
        "bad_secret": error_code(refused)?,
        "dead_refresh": error_code(dead)?,
    });
    println!("{report}");
    Ok(())
}

fn setting(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("Set {name}.").into())
}

/// Calls the API with the token; the status of its answer.
async fn call(http: &Client, token: &AccessToken) -> Result<u16> {
    let response = http
        .get(setting("API_URL")?)
        .bearer_auth(token.secret())
        .send()
        .await?;
    Ok(response.error_for_status()?.status().as_u16())
}

fn refresh_token(tokens: &BasicTokenResponse) -> Result<&RefreshToken> {
    tokens
        .refresh_token()
        .ok_or_else(|| "no refresh token".into())
}

fn pair(tokens: &BasicTokenResponse) -> Result<Value> {
    let (access, refresh) = (
        tokens.access_token().secret(),
        refresh_token(tokens)?.secret(),
    );
    Ok(json!({ "access_token": access, "refresh_token": refresh }))
}

/// The code of a refusal (RFC 6749 §5.2). Anything else that went wrong is no refusal.
fn error_code<E: Error + 'static>(
    outcome: std::result::Result<BasicTokenResponse, BasicRequestTokenError<E>>,
) -> Result<String> {
    match outcome {
        Err(BasicRequestTokenError::ServerResponse(refusal)) => Ok(refusal.error().as_ref().into()),
        Err(other) => Err(other.into()),
        Ok(_) => Err("It was not refused.".into()),
    }
}
