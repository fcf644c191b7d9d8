"""The settings. Everything that differs between runs comes from the environment."""

from __future__ import annotations

import os

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "django_directory.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_scim", "django_directory"]
# The tables are made at once, as they are now, instead of by the history of Django's own migrations.
MIGRATION_MODULES = {"contenttypes": None, "auth": None}
MIDDLEWARE = ["django_directory.authentication.BearerToken"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DJANGO_DIRECTORY_DATABASE"],
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF",
            # Two requests that read before they write would otherwise refuse each other, with 500.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
AUTH_USER_MODEL = "django_directory.User"
USE_TZ = True
LOGGING_CONFIG = None
SCIM_SERVICE_PROVIDER = {
    "NETLOC": "127.0.0.1",
    "SCHEME": "http",
    "GROUP_MODEL": "django_directory.models.Group",
    "AUTHENTICATION_SCHEMES": [
        {"type": "oauthbearertoken", "name": "OAuth Bearer Token", "description": "A static token", "primary": True}
    ],
}
