"""The service over HTTP: decisions, policies and the policy desk; see ``docs/serve.md``. Needs the extra ``serve``."""
