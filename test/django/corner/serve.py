"""Serves the project on a free port.

The first line on stdin holds the users as JSON. The answer is a line with the URL and the versions; every further line is
one thing to do to a user, answered by a line when it is done.
"""

import json
import os
import sys
import threading
import warnings
from importlib import metadata

warnings.simplefilter("ignore")
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection
from waitress import create_server

User = get_user_model()
PACKAGES = (
    "Django",
    "djangorestframework",
    "djangorestframework-simplejwt",
    "drf-jwt",
    "djangorestframework-jwt",
    "PyJWT",
)


def versions():
    found = {"Python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def say(line):
    print(json.dumps(line), flush=True)


def do(action, username, password=None):
    user = User.objects.get(username=username)
    if action == "disable":
        user.is_active = False
        user.save()
    elif action == "delete":
        user.delete()
    elif action == "set-password":
        user.set_password(password)
        user.save()
    else:
        raise ValueError(action)


call_command("migrate", verbosity=0)
connection.cursor().execute("PRAGMA journal_mode = WAL")
for row in json.loads(sys.stdin.readline()):
    User.objects.create_user(
        row["username"], row["email"], row["password"], is_active=row["active"]
    )

server = create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=2)
threading.Thread(target=server.run, daemon=True).start()
say({"url": f"http://127.0.0.1:{server.effective_port}", "versions": versions()})
for line in sys.stdin:
    do(**json.loads(line))
    say("done")
