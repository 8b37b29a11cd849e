import json
import os
import sys

import requests
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
SCOPE = os.environ["SCOPE"]
TOKEN_ENDPOINT = os.environ["TOKEN_ENDPOINT"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
PUBLIC_CLIENT_ID = os.environ["PUBLIC_CLIENT_ID"]

# Seconds; by default there is none, and a hanging issuer hangs its clients.
TIMEOUT = 10


def refusal_of(request) -> str | None:
    """The error code with which the issuer refuses a request."""
    try:
        request()
    except OAuth2Error as error:
        print(f"refused: {error}", file=sys.stderr)
        return error.error
    return None


def fetch_service_token(session: OAuth2Session, secret: str) -> dict:
    return session.fetch_token(
        TOKEN_ENDPOINT, auth=HTTPBasicAuth(CLIENT_ID, secret), resource=AUDIENCE, timeout=TIMEOUT
    )


def refresh(session: OAuth2Session) -> dict:
    # A refresh says neither who the client is, unless it is told to, nor for how long it waits.
    return session.refresh_token(TOKEN_ENDPOINT, client_id=PUBLIC_CLIENT_ID, timeout=TIMEOUT)


def revoke(session: OAuth2Session) -> bool:
    # oauthlib writes the request; requests-oauthlib has nothing that sends it.
    client = LegacyApplicationClient(PUBLIC_CLIENT_ID)
    url, headers, body = client.prepare_token_revocation_request(
        f"{ISSUER}/oauth2/revoke", session.token["refresh_token"], "refresh_token", client_id=PUBLIC_CLIENT_ID
    )
    return requests.post(url, data=body, headers=headers, timeout=TIMEOUT).ok


service = OAuth2Session(client=BackendApplicationClient(CLIENT_ID, scope=SCOPE))
service_token = fetch_service_token(service, CLIENT_SECRET)
api_status = service.get(os.environ["API_URL"], timeout=TIMEOUT).status_code

user = OAuth2Session(client=LegacyApplicationClient(PUBLIC_CLIENT_ID, scope=SCOPE))
login = user.fetch_token(
    TOKEN_ENDPOINT,
    username=os.environ["USERNAME"],
    password=os.environ["PASSWORD"],
    # Else a public client says who it is by HTTP Basic with an empty secret, which not every issuer takes.
    include_client_id=True,
    timeout=TIMEOUT,
)
refreshed = refresh(user)
revoked = revoke(user)

print(
    json.dumps(
        {
            "client_credentials": service_token["access_token"],
            "password": {name: login[name] for name in ("access_token", "refresh_token")},
            "refresh": {name: refreshed[name] for name in ("access_token", "refresh_token")},
            "api": api_status,
            "revoked": revoked,
            "introspected": None,
            "bad_secret": refusal_of(lambda: fetch_service_token(service, CLIENT_SECRET + "x")),
            "dead_refresh": refusal_of(lambda: refresh(user)),
        }
    )
)
