"""Run by `manage.py shell`: users with each of Django's hashers, and what else a row may hold."""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, make_password
from django.contrib.auth.models import Group, Permission

PASSWORD = "correct horse battery staple"
ALGORITHMS = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt", "md5"]
User = get_user_model()
editors = Group.objects.create(name="editors")
editors.permissions.add(Permission.objects.get(codename="view_group"))


def create(name, **fields):
    if User.USERNAME_FIELD == "email":
        from django.utils.timezone import now

        return User.objects.create(email=f"{name}@example.org", joined=now(), **fields)
    return User.objects.create(username=name, email=f"{name}@example.org", first_name=name.title(), **fields)


for algorithm in ALGORITHMS:
    create(algorithm, password=make_password(PASSWORD, hasher=algorithm))
create("unusable", password=make_password(None))
create("inactive", password=make_password(PASSWORD), is_active=False)
staff = create("staff", password=make_password(PASSWORD), is_superuser=True)
staff.groups.add(editors)
staff.user_permissions.add(Permission.objects.get(codename="change_group"))
