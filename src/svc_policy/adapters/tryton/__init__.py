"""Tryton: a module that decides customer complaints, and its source and sink.

The folder is a Tryton module, found by the entry point ``svc_policy`` of the
group ``trytond.modules``: models, views and translations are registered by
``tryton.cfg`` and imported by Tryton for databases in which the module is
activated. :mod:`.exchange` has the source and the sink.

Tryton is licensed under the GPL; nothing here is imported unless Tryton asks.
"""
