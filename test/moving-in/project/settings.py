"""The smallest project that has users: Django's own, or those of accounts.models when USER_MODEL says so."""

import os

SECRET_KEY = "for tests only"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
if os.environ.get("USER_MODEL"):
    INSTALLED_APPS.append("accounts")
    AUTH_USER_MODEL = os.environ["USER_MODEL"]

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
