"""Ask the named properties about changed policies, on situations that are drawn once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from svc_policy.errors import PolicyError
from svc_policy.messages import Message
from svc_policy.testing.switching import Changed, Trial

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from svc_policy.policy import Policy

_Drawn = TypeVar("_Drawn")
#: How many examples of each property a changed policy is asked about.
EXAMPLES: Final = 20
#: Properties of the engines and of the sentences: no change of a rule breaks them.
_OF_THE_LIBRARY: Final = frozenset({"explanation_cites_rules", "sql_is_python"})


def judges_of(policy: Policy) -> Judges | None:
    """Make the judges of a policy; None without Hypothesis, which draws what they judge."""
    try:
        import hypothesis  # noqa: F401
    except ImportError:
        return None
    return Judges(policy)


class Judges:
    """The named properties that a policy keeps, with the examples on which changed ones are asked to keep them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._examples: dict[str, Sequence[tuple[Any, ...]]] | None = None

    def broken_by(self, trial: Trial) -> str | None:
        """Name the first property that a changed policy breaks on an example on which the unchanged one keeps it."""
        if trial.way == "seen" or trial.policy is None:
            # What only lists show is judged by no property.
            return None
        for name, examples in self.examples().items():
            judge = _judge_of(name, self.policy, trial.policy)
            if judge is not None and any(_breaks(judge, example) for example in examples):
                return name
        return None

    def examples(self) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        """Give the examples of each property that the policy keeps on them, drawn when they are first wanted."""
        if self._examples is None:
            self._examples = _drawn(self.policy)
        return self._examples


def _drawn(policy: Policy) -> dict[str, Sequence[tuple[Any, ...]]]:
    from svc_policy.testing.properties import NAMED, switched_off

    found: dict[str, Sequence[tuple[Any, ...]]] = {}
    for name in NAMED:
        trial = _trial_of(name, policy) if name not in _OF_THE_LIBRARY else None
        if trial is None or switched_off(policy, name) is not None:
            continue
        examples = drawn_from(trial.drawn, EXAMPLES)
        found[name] = tuple(example for example in examples if not _breaks(trial.judge, example, refused=True))
    return found


def drawn_from(strategy: SearchStrategy[_Drawn], count: int) -> list[_Drawn]:
    """Draw so many examples, the same in every run."""
    from hypothesis import given, settings

    from svc_policy.testing.running import DEFAULT, seeded

    found: list[_Drawn] = []

    def note(example: _Drawn) -> None:
        found.append(example)

    seeded(settings(DEFAULT, max_examples=count), "drawn")(given(strategy)(note))()
    return found


def _trial_of(name: str, policy: Policy) -> Any:
    """Take what a property tries; None where it does not apply to the policy."""
    from svc_policy.testing.properties import NAMED

    trial = NAMED[name].__wrapped__(policy)  # type: ignore[attr-defined]
    return None if isinstance(trial, Message) else trial


def _judge_of(name: str, policy: Policy, changed: Changed) -> Callable[..., Any] | None:
    """Make the judge of a changed policy; what it would draw is of no use here, and is that of the unchanged one."""
    with changed.planned(policy.plan):
        trial = _trial_of(name, changed)
    return None if trial is None else trial.judge


def _breaks(judge: Callable[..., Any], example: tuple[Any, ...], *, refused: bool = False) -> bool:
    """Say whether a property fails on an example; where the policy refuses the ticket, what is to be said of it."""
    from svc_policy.testing.running import Failure

    try:
        return isinstance(judge(*example), Failure)
    except PolicyError:
        return refused
    except Exception:
        if refused:
            raise
        # A changed policy may break anywhere.
        return False


__all__ = ["EXAMPLES", "Judges", "drawn_from", "judges_of"]
