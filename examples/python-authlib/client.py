import json
import os
import sys

from authlib.integrations.requests_client import OAuth2Session, OAuthError

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
SCOPE = os.environ["SCOPE"]
API_URL = os.environ["API_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]

# Seconds; by default there is none, and a hanging issuer hangs its clients.
TIMEOUT = 10


def discover() -> dict:
    """The issuer's metadata (RFC 8414)."""
    with OAuth2Session(default_timeout=TIMEOUT) as session:
        answer = session.get(f"{ISSUER}/.well-known/oauth-authorization-server", withhold_token=True)
        answer.raise_for_status()
        return answer.json()


metadata = discover()


def open_session(client_id: str, client_secret: str | None = None, **options) -> OAuth2Session:
    """With a secret, a confidential client that authenticates by HTTP Basic; without, a public one."""
    return OAuth2Session(
        client_id,
        client_secret,
        scope=SCOPE,
        token_endpoint=metadata["token_endpoint"],
        default_timeout=TIMEOUT,
        **options,
    )


def refusal_of(request) -> str | None:
    """The error code with which the issuer refuses a request."""
    try:
        request()
    except OAuthError as error:
        print(f"refused: {error}", file=sys.stderr)
        return error.error
    return None


# With the grant type given here, and not to fetch_token, the session gets itself a new token when the old one expires.
service = open_session(CLIENT_ID, CLIENT_SECRET, grant_type="client_credentials")
service_token = service.fetch_token(resource=AUDIENCE)
api_status = service.get(API_URL).status_code
introspection = service.introspect_token(metadata["introspection_endpoint"], token=service_token["access_token"])

# A session refreshes itself shortly before its token expires. What it gets then has to be stored before it is used, or
# the old refresh token is used again after a restart, which ends the session.
store = {}
user = open_session(os.environ["PUBLIC_CLIENT_ID"], update_token=lambda token, **_: store.update(token))
login = dict(user.fetch_token(username=os.environ["USERNAME"], password=os.environ["PASSWORD"]))
user.refresh_token()

revocation = user.revoke_token(
    metadata["revocation_endpoint"], token=store["refresh_token"], token_type_hint="refresh_token"
)

print(
    json.dumps(
        {
            "client_credentials": service_token["access_token"],
            "password": {name: login[name] for name in ("access_token", "refresh_token")},
            "refresh": {name: store[name] for name in ("access_token", "refresh_token")},
            "api": api_status,
            "revoked": revocation.ok,
            "introspected": introspection.json()["active"],
            "bad_secret": refusal_of(open_session(CLIENT_ID, CLIENT_SECRET + "x").fetch_token),
            "dead_refresh": refusal_of(user.refresh_token),
        }
    )
)
