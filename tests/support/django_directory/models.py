"""Django's own users and groups, with the columns that ``django-scim2`` needs beside them."""

# Neither Django nor django-scim2 ships types.
# mypy: disable-error-code="import-untyped"
# mypy: allow-subclassing-any

from __future__ import annotations

from typing import Any

from django.contrib.auth import models as auth
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin, auth.Group):
    """A group of ``django.contrib.auth``; its members are the users that are in it there."""


class User(AbstractSCIMUserMixin, auth.AbstractUser):
    """A user of ``django.contrib.auth``."""

    @property
    def scim_groups(self) -> Any:
        return Group.objects.filter(user=self)
