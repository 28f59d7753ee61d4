"""A django-oscar shop with the app."""
