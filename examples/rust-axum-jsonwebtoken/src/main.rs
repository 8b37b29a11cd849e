mod access_token;
mod issuer_keys;

use std::{env, error::Error, sync::Arc};

use access_token::{AccessToken, Refusal, Verifier};
use axum::{Json, Router, http::header::CACHE_CONTROL, response::IntoResponse, routing::get};
use issuer_keys::IssuerKeys;
use serde_json::json;

async fn orders(token: AccessToken) -> Result<impl IntoResponse, Refusal> {
    token.require("orders:read")?;
    Ok((
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "sub": token.sub, "scope": token.scope })),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer =
        env::var("ISSUER").map_err(|_| "Set ISSUER to the issuer, as its tokens say it in iss.")?;
    let audience = env::var("AUDIENCE").map_err(|_| "Set AUDIENCE to the name of this API.")?;
    let port = env::var("PORT").unwrap_or("3000".into()).parse()?;
    let jwks_url =
        env::var("JWKS_URL").unwrap_or_else(|_| format!("{issuer}/.well-known/jwks.json"));

    let verifier = Verifier::new(IssuerKeys::new(jwks_url)?, &issuer, &audience);
    let app = Router::new()
        .route("/orders", get(orders))
        .with_state(Arc::new(verifier));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "{}",
        json!({ "listening": format!("http://{}", listener.local_addr()?) })
    );
    Ok(axum::serve(listener, app).await?)
}
