import logging
import os
import re
from functools import wraps

from flask import Flask, g, request
from joserfc import jwt
from joserfc.errors import JoseError
from waitress import serve

from issuer_keys import IssuerKeys, KeysUnavailable

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]

log = logging.getLogger(__name__)
keys = IssuerKeys(f"{ISSUER.rstrip('/')}/.well-known/jwks.json", max_age=float(os.environ.get("JWKS_MAX_AGE", 300)))
# Without `essential` a token that lacks the claim passes.
claims_registry = jwt.JWTClaimsRegistry(
    leeway=30,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
)
app = Flask(__name__)


class NotAnAccessToken(JoseError):
    error = "not_an_access_token"


def verify(token: str) -> dict:
    """The claims of a good token. Raises a JoseError that says what is wrong, or KeysUnavailable."""
    verified = jwt.decode(token, lambda signed: keys.find(signed.headers().get("kid")), algorithms=["RS256"])
    if str(verified.header.get("typ")).lower() != "at+jwt":
        raise NotAnAccessToken
    # `decode` has looked at the signature and at nothing else.
    claims_registry.validate(verified.claims)
    return verified.claims


def refuse(status: int, challenge: str):
    return "", status, {"WWW-Authenticate": challenge}


def require_scope(scope: str):
    """A view that answers only to a token with that scope, whose claims are then in `g.claims`."""

    def decorate(view):
        @wraps(view)
        def guarded(*args, **kwargs):
            bearer = re.fullmatch(r"Bearer +(\S+)", request.headers.get("Authorization", ""), re.IGNORECASE)
            if not bearer:
                return refuse(401, "Bearer")
            try:
                g.claims = verify(bearer[1])
            except KeysUnavailable as error:
                # Not the token's fault.
                log.error("%s %r", error, error.__cause__)
                return "", 503, {"Retry-After": "5"}
            except (JoseError, ValueError):
                return refuse(401, 'Bearer error="invalid_token"')
            if scope not in g.claims.get("scope", "").split():
                return refuse(403, f'Bearer error="insufficient_scope", scope="{scope}"')
            return view(*args, **kwargs)

        return guarded

    return decorate


@app.get("/orders")
@require_scope("orders:read")
def orders():
    return {"sub": g.claims["sub"], "scope": g.claims["scope"]}, {"Cache-Control": "no-store"}


if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=int(os.environ.get("PORT", 3000)))
