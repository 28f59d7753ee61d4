"""A Django app for a django-oscar shop: what the after-sales policy says of each line of an order.

``INSTALLED_APPS = ["svc_policy.adapters.oscar", …]`` before Oscar's own apps, one
``include`` of :mod:`.urls`, and a setting ``SVC_POLICY``: see ``docs/oscar.md``.
Nothing is imported here: Django imports what it needs when its apps are ready.
"""
