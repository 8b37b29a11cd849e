"""Prints made-by-django.json: hashes of each hasher that Django ships, with the parameters turned down so that tests are
quick, and of those with Django's defaults one each. Needs django[argon2,bcrypt]:

    python make-django-hashes.py > made-by-django.json
"""

import json

import django
from django.conf import settings

settings.configure()
django.setup()

from django.contrib.auth import hashers  # noqa: E402

PLAIN = "correct horse battery staple"
TEXTS = [
    PLAIN,
    "x" * 100,
    "before\0after nul byte",
    "pass \U0001f510\U0001f984 word phrase",
    "ma\u00f1ana ser\u00e1 otro d\u00eda",
    "man\u0303ana sera\u0301 otro di\u0301a",
    "",
]


def cheap(hasher, **parameters):
    return type(hasher.__name__, (hasher,), parameters)()


CHEAP = [
    cheap(hashers.PBKDF2PasswordHasher, iterations=1000),
    cheap(hashers.PBKDF2SHA1PasswordHasher, iterations=1000),
    cheap(hashers.BCryptSHA256PasswordHasher, rounds=4),
    cheap(hashers.BCryptPasswordHasher, rounds=4),
    cheap(hashers.Argon2PasswordHasher, memory_cost=64, time_cost=2, parallelism=2),
    cheap(hashers.ScryptPasswordHasher, work_factor=2**6),
    hashers.MD5PasswordHasher(),
]
DEFAULT = [
    hashers.PBKDF2PasswordHasher(),
    hashers.PBKDF2SHA1PasswordHasher(),
    hashers.Argon2PasswordHasher(),
    hashers.ScryptPasswordHasher(),
]


def is_hashable(hasher, text):
    # Plain bcrypt refuses what it would cut.
    return hasher.algorithm != "bcrypt" or (len(text.encode()) <= 72 and "\0" not in text)


def encode(hasher, text):
    return {"format": hasher.algorithm, "password": text, "encoded": hasher.encode(text, hasher.salt())}


print(
    json.dumps(
        {
            "madeBy": f"Django {django.__version__}",
            "cheap": [encode(h, text) for h in CHEAP for text in TEXTS if is_hashable(h, text)],
            "default": [encode(h, PLAIN) for h in DEFAULT],
            "unusable": [hashers.make_password(None) for _ in range(2)],
        },
        indent=2,
    )
)
