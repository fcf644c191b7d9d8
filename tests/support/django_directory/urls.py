"""Where the directory is."""

# Django ships no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("scim/v2/", include("django_scim.urls"))]
