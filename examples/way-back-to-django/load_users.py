"""Gives the users of a Django project the passwords, names, e-mail addresses and states that they have in Mintage.

    (umask 077; mintage user export --format django --with-password-hashes > users.json)
    DJANGO_SETTINGS_MODULE=project.settings python load_users.py users.json

Unlike `manage.py loaddata` it changes nothing else of a row, and serves any user model. A user who was made in Mintage
is made here too. Whoever was deleted in Mintage stays: the script names them and leaves the decision to you.
"""

import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management.color import no_style  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402

User = get_user_model()
known = {field.name for field in User._meta.concrete_fields}
with open(sys.argv[1], encoding="utf-8") as file:
    entries = json.load(file)

changed, made, failed, seen, knows_keys = 0, 0, 0, set(), False
# Whoever was made in Mintage has no primary key yet and comes last.
for entry in sorted(entries, key=lambda entry: "pk" not in entry):
    if "pk" not in entry and not knows_keys:
        # PostgreSQL counts on from what it gave, not from what it was told.
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [User]):
                cursor.execute(statement)
        knows_keys = True
    theirs = entry["fields"]
    wanted = {
        User.get_email_field_name(): theirs["email"],
        User.USERNAME_FIELD: theirs["username"],
        "password": theirs["password"],
        "is_active": theirs["is_active"],
    }
    wanted = {name: value for name, value in wanted.items() if name in known}
    by = {"pk": entry["pk"]} if "pk" in entry else {User.USERNAME_FIELD: theirs["username"]}
    try:
        with transaction.atomic():
            if User.objects.filter(**by).update(**wanted):
                changed += 1
            else:
                User.objects.create(**{**wanted, **by})
                made += 1
    except DatabaseError as error:
        failed += 1
        print(f"{theirs['username']}: {error}".strip(), file=sys.stderr)
    seen.add(theirs["username"])

for name in User.objects.values_list(User.USERNAME_FIELD, flat=True).iterator():
    if name not in seen:
        print(f"{name} is in Django only", file=sys.stderr)
print(f"changed {changed}, made {made}, failed {failed}")
sys.exit(1 if failed else 0)
