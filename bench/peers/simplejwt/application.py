"""SimpleJWT in one file: settings, addresses and what gunicorn serves. `python application.py COUNT` makes sessions."""

import json
import os
import sys
from datetime import timedelta

import django
from django.conf import settings

SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])
# The default is HS256 with the SECRET_KEY.
ALGORITHM = (
    {}
    if SETTINGS["algorithm"] == "HS256"
    else {
        "ALGORITHM": SETTINGS["algorithm"],
        "SIGNING_KEY": SETTINGS["privateKey"],
        "VERIFYING_KEY": SETTINGS["publicKey"],
    }
)

settings.configure(
    DEBUG=False,
    SECRET_KEY=SETTINGS["secretKey"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_simplejwt",
        "rest_framework_simplejwt.token_blacklist",
    ],
    # An API alone needs no more; Django's project template has seven.
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": SETTINGS["database"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True, **ALGORITHM},
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402
from rest_framework_simplejwt.views import TokenRefreshView, TokenVerifyView  # noqa: E402

urlpatterns = [
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/token/verify/", TokenVerifyView.as_view()),
]
application = get_wsgi_application()


def begin_sessions(count):
    """Prints refresh tokens, one a session, as a login makes them."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    user = User(username="ada")
    user.set_unusable_password()
    user.save()
    with transaction.atomic():
        tokens = [RefreshToken.for_user(user) for _ in range(count)]
    # The benchmark asks with it whether a server is there, also long after.
    access = tokens[0].access_token
    access.set_exp(lifetime=timedelta(days=1))
    print(json.dumps({"access": str(access), "refresh": [str(token) for token in tokens]}))


if __name__ == "__main__":
    begin_sessions(int(sys.argv[1]))
