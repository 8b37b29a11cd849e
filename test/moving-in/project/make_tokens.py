"""Run by `manage.py shell`: USERS users, each with a refresh token of SimpleJWT, prints those as JSON, by what became of them."""

import json
import os
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

USERS = int(os.environ["USERS"])
password = make_password("correct horse battery staple", hasher="md5")
User.objects.bulk_create(User(username=f"user-{n}", password=password) for n in range(USERS))
kinds = ["good"] * 7 + ["blacklisted", "expired", "access"]
tokens = {kind: [] for kind in kinds}
for n, user in enumerate(User.objects.order_by("pk")):
    kind = kinds[n % len(kinds)]
    token = AccessToken.for_user(user) if kind == "access" else RefreshToken.for_user(user)
    if kind == "blacklisted":
        token.blacklist()
    if kind == "expired":
        token.set_exp(from_time=timezone.now() - timedelta(days=2), lifetime=timedelta(days=1))
    tokens[kind].append(str(token))
print(json.dumps(tokens))
