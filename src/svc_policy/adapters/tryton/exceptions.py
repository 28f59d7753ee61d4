"""What Tryton shows to its users."""

from __future__ import annotations

from trytond.exceptions import UserError, UserWarning  # noqa: A004 - Tryton's own name
from trytond.model.exceptions import ValidationError


class PolicyChoiceError(ValidationError):
    """A policy that cannot be chosen: it does not load, does not check, or counts in another currency."""


class StatedFactError(ValidationError):
    """A fact whose value cannot be read."""


class RoleError(ValidationError):
    """A role that the company's policy does not have."""


class UndecidedWarning(UserWarning):
    """A complaint that goes on although its policy cannot decide it."""


class UndecidedError(UserError):
    """A complaint that cannot be approved, as its policy cannot decide it or what it needs is not known."""


class ApprovalError(UserError):
    """An approval that is missing, or that this user may not give."""
