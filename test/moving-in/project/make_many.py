"""Run by `manage.py shell`: USERS of them, of which BROKEN cannot be taken; prints the primary keys of those as JSON."""

import json
import os

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

USERS = int(os.environ["USERS"])
BROKEN = int(os.environ["BROKEN"])
ALGORITHMS = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt", "md5"]
hashes = [make_password(f"password of {name}", hasher=name) for name in ALGORITHMS]
whole = hashes[0].split("$")
harm = [
    lambda user: setattr(user, "password", "$".join([whole[0], "1000000000", *whole[2:]])),
    lambda user: setattr(user, "password", "sha1$a1976$a36cc8cbf81742a8fb52e221aaeab48ed7f58ab4"),
    lambda user: setattr(user, "password", "$".join(whole)[:-5]),
    lambda user: setattr(user, "username", f" {user.username}"),
    lambda user: setattr(user, "username", f"{user.username}\n"),
    lambda user: setattr(user, "email", "no address"),
]
every = USERS // BROKEN if BROKEN else USERS + 1
broken = []
for first in range(1, USERS + 1, 5_000):
    users = []
    for n in range(first, min(first + 5_000, USERS + 1)):
        user = User(
            pk=n,
            username=f"user-{n}",
            email=f"user-{n}@example.org",
            password=hashes[n % len(hashes)],
            is_active=n % 50 != 0,
        )
        if n % every == 0 and len(broken) < BROKEN:
            harm[len(broken) % len(harm)](user)
            broken.append(n)
        users.append(user)
    User.objects.bulk_create(users)
print(json.dumps(broken))
