"""The smallest project that has users: Django's own, or those of accounts.models when USER_MODEL says so."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "for tests only")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
if os.environ.get("USER_MODEL"):
    INSTALLED_APPS.append("accounts")
    AUTH_USER_MODEL = os.environ["USER_MODEL"]

# A project of SimpleJWT, as it was before the switch; JWK_URL and what goes with it is all that the switch adds.
if os.environ.get("SIMPLEJWT"):
    from datetime import timedelta

    INSTALLED_APPS += ["rest_framework", "rest_framework_simplejwt.token_blacklist"]
    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]
    }
    ROOT_URLCONF = "urls"
    ALLOWED_HOSTS = ["127.0.0.1"]
    SIMPLE_JWT = {"REFRESH_TOKEN_LIFETIME": timedelta(days=7)}
    if os.environ.get("RSA_KEY"):
        SIMPLE_JWT |= {"ALGORITHM": "RS256", "SIGNING_KEY": os.environ["RSA_KEY"]}
    if os.environ.get("ISSUER"):
        SIMPLE_JWT |= {
            "ALGORITHM": "RS256",
            "JWK_URL": os.environ["ISSUER"] + "/.well-known/jwks.json",
            "ISSUER": os.environ["ISSUER"],
            "AUDIENCE": os.environ["AUDIENCE"],
        }

if os.environ.get("POSTGRES_PORT"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": os.environ["POSTGRES_PORT"],
            "USER": "postgres",
            "NAME": os.environ["POSTGRES_DB"],
        }
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SQLITE_PATH"]}}

PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher"
    for name in ["PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt", "MD5"]
]
