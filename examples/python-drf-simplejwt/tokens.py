import os

from jwt import PyJWKClientConnectionError, get_unverified_header
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken

from issuer_keys import IssuerKeys


class KeysUnavailable(APIException):
    status_code = 503
    default_detail = "The issuer's keys could not be had."
    # Seconds; REST framework makes it `Retry-After`.
    wait = 5


class IssuerBackend(TokenBackend):
    """SimpleJWT's, but an unreachable issuer is no bad token, its keys outlive an outage, and `typ` counts."""

    def __init__(self):
        super().__init__(
            api_settings.ALGORITHM,
            audience=api_settings.AUDIENCE,
            issuer=api_settings.ISSUER,
            leeway=api_settings.LEEWAY,
        )
        self.jwks_client = IssuerKeys(api_settings.JWK_URL, max_age=float(os.environ.get("JWKS_MAX_AGE", 300)))

    def get_verifying_key(self, token):
        if str(get_unverified_header(token).get("typ")).lower() != "at+jwt":
            raise TokenBackendError("Token is invalid")
        try:
            return super().get_verifying_key(token)
        except TokenBackendError as error:
            if isinstance(error.__cause__, PyJWKClientConnectionError):
                raise KeysUnavailable from error
            raise


class IssuedAccessToken(AccessToken):
    _token_backend = IssuerBackend()
