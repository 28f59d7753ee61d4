"""Find adapters by their entry points, say which are ready, and import one when it is used.

The list is made of what distributions say of themselves: names, extras and
requirements. No adapter is imported for it, so that one that is broken, or
lacks a package, does not stop the others.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import attrs

from svc_policy.adapters.protocol import GROUP, Sink, Source
from svc_policy.errors import UsageError, nearest, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from svc_policy.policy import Policy

State = Literal["ready", "lacking", "broken", "twice"]
Side = Literal["source", "sink"]

_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_OBJECT: Final = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[.*\])?")


@attrs.frozen(kw_only=True)
class Option:
    """What an adapter is told when it is opened: text from the command line, or any value from Python.

    `identifies` is False where another value makes no other transfer: a time
    limit, or an address that the `place` of what is opened tells.
    """

    name: str
    summary: Message
    needed: bool = False
    identifies: bool = True


@attrs.frozen(kw_only=True)
class Adapter:
    """What an entry point of the group ``svc_policy.adapters`` names.

    `source` and `sink` open their side with the policy and the options as
    keywords; None where there is no such side. `page` is where more is written.
    """

    name: str
    summary: Message
    source: Callable[..., Source] | None = None
    sink: Callable[..., Sink] | None = None
    source_options: tuple[Option, ...] = ()
    sink_options: tuple[Option, ...] = ()
    page: str = ""

    def open_source(self, policy: Policy, options: Mapping[str, Any]) -> Source:
        """Open the side that tickets come from.

        Raises:
            UsageError: There is none, an option is unknown, or one that is needed is missing.
        """
        if self.source is None:
            self._refuse_side(message("`{name}` gives no tickets", name=self.name))
        self._check(self.source_options, options)
        return self.source(policy, **options)

    def open_sink(self, policy: Policy, options: Mapping[str, Any]) -> Sink:
        """Open the side that decisions go to.

        Raises:
            UsageError: As :meth:`open_source`.
        """
        if self.sink is None:
            self._refuse_side(message("`{name}` takes no decisions", name=self.name))
        self._check(self.sink_options, options)
        return self.sink(policy, **options)

    def _refuse_side(self, text: Message) -> NoReturn:
        advice = message("`{command}` shows what it does", command=f"svc-policy adapters {self.name}")
        raise UsageError([problem("adapter-side", text, help=advice)])

    def _check(self, known: tuple[Option, ...], given: Mapping[str, Any]) -> None:
        names = [option.name for option in known]
        problems = []
        for name in given:
            if name in names:
                continue
            near = nearest(name, names)
            text = message("`{adapter}` has no option `{name}`", adapter=self.name, name=name)
            advice = (
                message("did you mean `{near}`?", near=near)
                if near
                else message("known here: {known}", known=", ".join(names))
                if names
                else message("it has none")
            )
            problems.append(problem("adapter-option", text, help=advice))
        for option in known:
            if option.needed and given.get(option.name) in (None, ""):
                text = message("`{adapter}` needs the option `{name}`", adapter=self.name, name=option.name)
                problems.append(problem("adapter-option", text, help=option.summary))
        if problems:
            raise UsageError(problems)


@attrs.frozen(kw_only=True)
class Listed:
    """An adapter as its distribution tells of it.

    `lacks` are the requirements of its extras that are not there, with what is
    there in a wrong version; `reason` says why it cannot be used.
    """

    name: str
    distribution: str
    version: str
    object: str
    extras: tuple[str, ...]
    state: State
    lacks: tuple[str, ...] = ()
    reason: Message | None = None


def list_adapters() -> tuple[Listed, ...]:
    """List all adapters by name, those of the library first where two share one; imports none of them."""
    found = sorted(_all(), key=lambda one: (one.name, one.distribution != "svc-policy", one.distribution))
    names = [one.name for one in found]
    return tuple(_told_twice(one, found) if names.count(one.name) > 1 else one for one in found)


def load_adapter(name: str) -> Adapter:
    """Import the adapter of a name.

    Raises:
        UsageError: There is none, there are two, its extra lacks packages, or it cannot be imported.
    """
    found = list_adapters()
    mine = [one for one in found if one.name == name]
    if not mine:
        names = sorted({one.name for one in found})
        near = nearest(name, names)
        advice = (
            message("did you mean `{near}`?", near=near)
            if near
            else message("known here: {known}", known=", ".join(names))
        )
        raise UsageError([problem("adapter-unknown", message("there is no adapter `{name}`", name=name), help=advice)])
    listed = mine[0]
    if listed.state != "ready":
        text = message("the adapter `{name}` cannot be used: {reason}", name=name, reason=listed.reason)
        raise UsageError([problem(f"adapter-{listed.state}", text, help=_way_out(listed))])
    entry = next(entry for _, entry in _entries() if isinstance(entry, metadata.EntryPoint) and entry.name == name)
    try:
        adapter = entry.load()
    except (Exception, SystemExit) as error:  # whatever an import of somebody else's may do
        reason = f"{type(error).__name__}: {_first_line(error)}"
        text = message("the adapter `{name}` cannot be imported: {reason}", name=name, reason=reason)
        advice = message("it belongs to `{distribution}`", distribution=f"{listed.distribution} {listed.version}")
        raise UsageError([problem("adapter-broken", text, help=advice)]) from error
    if not isinstance(adapter, Adapter):
        text = message("`{object}` of the adapter `{name}` is no `Adapter`", name=name, object=listed.object)
        advice = message("it belongs to `{distribution}`", distribution=f"{listed.distribution} {listed.version}")
        raise UsageError([problem("adapter-broken", text, help=advice)])
    return adapter


def open_source(name: str, policy: Policy, **options: Any) -> Source:
    """Open a source by the name of its adapter.

    Raises:
        UsageError: As :func:`load_adapter`; or it gives no tickets; or the options are not its own.
        AdapterError: The system cannot be reached, or has not what was asked for.
    """
    return load_adapter(name).open_source(policy, options)


def open_sink(name: str, policy: Policy, **options: Any) -> Sink:
    """Open a sink by the name of its adapter.

    Raises:
        UsageError: As :func:`open_source`.
        AdapterError: As :func:`open_source`.
    """
    return load_adapter(name).open_sink(policy, options)


def _entries() -> Iterator[tuple[metadata.Distribution, metadata.EntryPoint | Exception]]:
    """Yield the entry points of the group, and what is wrong with those of a distribution that cannot be read."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt")
            if text is None or GROUP not in text:
                continue
            name = str(distribution.metadata["Name"])
            found = distribution.entry_points.select(group=GROUP)
        except Exception as error:  # whatever stands in somebody else's files
            yield distribution, error
            continue
        # Of two of a name the first on the path is the one that is imported.
        if name not in seen:
            seen.add(name)
            yield from ((distribution, entry) for entry in found)


def _stated(distribution: metadata.Distribution, key: str) -> str:
    try:
        return str(distribution.metadata[key] or "")
    except Exception:  # whatever stands in somebody else's files
        return ""


def _all() -> Iterator[Listed]:
    for distribution, entry in _entries():
        name, version = _stated(distribution, "Name"), _stated(distribution, "Version")
        if isinstance(entry, Exception):
            reason = message("its entry points cannot be read: {reason}", reason=_first_line(entry))
            unread = Listed(name=name or "?", distribution=name, version=version, object="", extras=(), state="broken")
            yield attrs.evolve(unread, reason=reason)
            continue
        # Made anew: what a distribution says of itself may be unreadable.
        try:
            extras = tuple(entry.extras)
        except (AttributeError, ValueError):
            extras = ()
        listed = Listed(
            name=entry.name, distribution=name, version=version, object=entry.value, extras=extras, state="ready"
        )
        match = _OBJECT.fullmatch(entry.value)
        if match is None:
            reason = message("`{object}` is no `module:object`", object=entry.value)
            yield attrs.evolve(listed, state="broken", reason=reason)
            continue
        try:
            lacks = tuple(_lacking(distribution, extras))
        except Exception as error:  # whatever stands in somebody else's metadata
            reason = message("its requirements cannot be read: {reason}", reason=_first_line(error))
            yield attrs.evolve(listed, state="broken", reason=reason)
            continue
        if (nowhere := _unknown_extra(distribution, extras)) is not None:
            reason = message("`{distribution}` has no extra `{extra}`", distribution=name, extra=nowhere)
            yield attrs.evolve(listed, state="broken", reason=reason)
        elif lacks:
            reason = message("it lacks {packages}", packages=", ".join(f"`{one}`" for one in lacks))
            yield attrs.evolve(listed, state="lacking", lacks=lacks, reason=reason)
        elif not _is_there(match["module"]):
            reason = message("there is no module `{module}`", module=match["module"])
            yield attrs.evolve(listed, state="broken", reason=reason)
        else:
            yield listed


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _unknown_extra(distribution: metadata.Distribution, extras: Iterable[str]) -> str | None:
    """Find the first extra that a distribution says nothing of: nobody could install it."""
    from packaging.utils import canonicalize_name

    known = set(distribution.metadata.get_all("Provides-Extra") or ())
    known.update(found[1] for text in distribution.requires or () for found in _EXTRA.finditer(text))
    names = {canonicalize_name(one) for one in known}
    return next((extra for extra in extras if canonicalize_name(extra) not in names), None)


def _told_twice(one: Listed, found: Iterable[Listed]) -> Listed:
    owners = ", ".join(f"`{other.distribution}`" for other in found if other.name == one.name)
    return attrs.evolve(one, state="twice", reason=message("there are several of this name: {owners}", owners=owners))


def _way_out(listed: Listed) -> Message:
    if listed.state == "lacking":
        extras = f"[{','.join(listed.extras)}]" if listed.extras else ""
        return message("{command}", command=f"pip install '{listed.distribution}{extras}'")
    if listed.state == "twice":
        return message("uninstall all but one of them")
    return message("it belongs to `{distribution}`", distribution=f"{listed.distribution} {listed.version}")


def _lacking(distribution: metadata.Distribution | None, extras: Iterable[str]) -> Iterator[str]:
    """List what a distribution requires, with some of its extras and theirs, and is not installed so."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen: set[tuple[str, str]] = set()
    waiting = [(distribution, ("", *extras))]
    told: set[str] = set()
    while waiting:
        owner, wanted = waiting.pop(0)
        if owner is None:
            continue
        name = canonicalize_name(str(owner.metadata["Name"]))
        fresh = [extra for extra in wanted if (name, canonicalize_name(extra)) not in seen]
        seen.update((name, canonicalize_name(extra)) for extra in fresh)
        for text in owner.requires or ():
            requirement = Requirement(text)
            if not _is_wanted(requirement, fresh):
                continue
            there = _installed(requirement.name)
            if there is None:
                shown = f"{requirement.name}{requirement.specifier}"
            elif not requirement.specifier.contains(there.version, prereleases=True):
                shown = f"{requirement.name}{requirement.specifier} ({there.version})"
            else:
                # What it requires itself is what its own installation saw to.
                waiting.append((there, tuple(requirement.extras)))
                continue
            if shown not in told:
                told.add(shown)
                yield shown


def _is_wanted(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    # Without a marker it is a requirement of the distribution itself, which is looked at once.
    return any(extra == "" if marker is None else marker.evaluate({"extra": extra}) for extra in extras)


def _installed(name: str) -> metadata.Distribution | None:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.distribution(name)
    return None


def _is_there(module: str) -> bool:
    """Say whether a module can be found, without importing even its package."""
    found: ModuleSpec | None = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        try:
            if depth == 1:
                found = importlib.util.find_spec(name)
            elif found is None or found.submodule_search_locations is None:
                return False
            else:
                found = _within(name, list(found.submodule_search_locations))
        except (ImportError, ValueError, AttributeError):
            # A module that is imported, and says nothing of where it came from, is there.
            return name in sys.modules
        if found is None:
            return False
    return True


def _within(name: str, places: list[str]) -> ModuleSpec | None:
    found = PathFinder.find_spec(name, places)
    if found is None:
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            found = None if find is None else find(name, places, None)
            if found is not None:
                break
    return found
