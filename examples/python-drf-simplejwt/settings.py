import os
import secrets

# Django wants one; nothing is signed with it here.
SECRET_KEY = secrets.token_urlsafe(50)
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "JWK_URL": f"{os.environ['ISSUER'].rstrip('/')}/.well-known/jwks.json",
    "ISSUER": os.environ["ISSUER"],
    "AUDIENCE": os.environ["AUDIENCE"],
    "LEEWAY": 30,
    # The default, `user_id`, is missing from a client's own tokens. Of a user both say the same.
    "USER_ID_CLAIM": "sub",
    "AUTH_TOKEN_CLASSES": ["tokens.IssuedAccessToken"],
}
