import logging
import os
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from issuer_keys import IssuerKeys

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]

log = logging.getLogger("uvicorn.error")
keys = IssuerKeys(f"{ISSUER.rstrip('/')}/.well-known/jwks.json", max_age=float(os.environ.get("JWKS_MAX_AGE", 300)))
bearer = HTTPBearer(auto_error=False)
app = FastAPI()


def verify(token: str) -> dict:
    """The claims of a good token. Raises a PyJWTError that says what is wrong, or that the keys could not be had."""
    verified = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=30,
        options={"require": ["exp", "sub"]},
    )
    # PyJWT does not look at it, and an ID token is no access token.
    if str(verified["header"].get("typ")).lower() != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return verified["payload"]


# Not `async def`: fetching keys blocks, so this belongs into a thread, where FastAPI runs what is only `def`.
def authorize(
    required: SecurityScopes, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> dict:
    if credentials is None:
        raise HTTPException(401, "no token", {"WWW-Authenticate": "Bearer"})
    try:
        claims = verify(credentials.credentials)
    except jwt.PyJWKClientConnectionError as error:
        # Not the token's fault.
        log.error("%s %r", error, error.__cause__)
        raise HTTPException(503, "keys unavailable", {"Retry-After": "5"}) from error
    except jwt.PyJWTError as error:
        raise HTTPException(401, "invalid token", {"WWW-Authenticate": 'Bearer error="invalid_token"'}) from error
    if not set(required.scopes) <= set(claims.get("scope", "").split()):
        challenge = f'Bearer error="insufficient_scope", scope="{required.scope_str}"'
        raise HTTPException(403, "insufficient scope", {"WWW-Authenticate": challenge})
    return claims


@app.get("/orders")
def orders(claims: Annotated[dict, Security(authorize, scopes=["orders:read"])], response: Response) -> dict:
    response.headers["Cache-Control"] = "no-store"
    return {"sub": claims["sub"], "scope": claims["scope"]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", 3000)))
