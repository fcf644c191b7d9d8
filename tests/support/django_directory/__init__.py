"""A minimal Django project around ``django-scim2``: what a typical product ships that takes the library as it is."""
