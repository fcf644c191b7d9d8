"""Make the tables and serve: ``python -m django_directory PORT``; token from SCIM_TOKEN."""

# Django ships no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import os
import sys

import django
import uvicorn
from django.core.asgi import get_asgi_application
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "django_directory.settings"
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
uvicorn.run(get_asgi_application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False)
