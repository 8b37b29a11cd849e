import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class MemberManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        member = self.model(email=email, **fields)
        member.set_password(password)
        member.save()
        return member


class Member(AbstractBaseUser, PermissionsMixin):
    """A user model as many projects have one: a UUID, an e-mail address to log in with, fields of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    plan = models.CharField(max_length=20, default="free")
    birthday = models.DateField(null=True)
    balance = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    settings = models.JSONField(default=dict)
    joined = models.DateTimeField()

    objects = MemberManager()
    USERNAME_FIELD = "email"
