"""Commands whose help and errors speak the reader's language, over click.

Help texts are messages; a wrong use is a :class:`~svc_policy.errors.Problem`
like any other, and an exit code says what kind of end it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from svc_policy.cli.session import Session, ready_streams, session_of
from svc_policy.errors import PolicyError, UsageError, nearest, problem, reason_of
from svc_policy.messages import Language, Message, language_of, message

FINDINGS = 1
UNREADABLE = 2
INTERNAL = 3
#: As shells report a program that a signal ended: 128 and the signal's number.
INTERRUPTED = 130
NO_READER = 141
TRACEBACK = "SVC_POLICY_TRACEBACK"

if TYPE_CHECKING:
    _ParameterType = click.ParamType[str]
else:
    _ParameterType = click.ParamType  # not every version of click can name what it gives

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def refuse(code: str, text: Message, help_line: Message | None = None) -> NoReturn:
    """Say that the command was used wrongly.

    Raises:
        UsageError: Always.
    """
    raise UsageError([problem(code, text, help=help_line)])


class WordedOption(click.Option):
    """An option whose help is a message."""

    def __init__(self, *arguments: Any, words: Message, **attributes: Any) -> None:
        self.words = words
        super().__init__(*arguments, **{**attributes, "help": words.template})

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Give the option's names and its help in the reader's language."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        names, text = record
        return names, text.replace(self.words.template, session_of(ctx).words(self.words), 1)


class WordedArgument(click.Argument):
    """An argument with a help of its own."""

    def __init__(self, *arguments: Any, words: Message, **attributes: Any) -> None:
        self.words = words
        super().__init__(*arguments, **attributes)


class _Worded(click.Command):
    """What commands and groups share: their help pages and how they refuse arguments."""

    def __init__(self, *arguments: Any, words: Message, examples: Sequence[str] = (), **attributes: Any) -> None:
        self.words = words
        self.examples = tuple(examples)
        super().__init__(*arguments, **{**attributes, "help": self.words.template})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; what cannot be read is a problem."""
        if not args and isinstance(self, click.Group):
            click.echo(ctx.get_help(), err=True)
            ctx.exit(UNREADABLE)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise UsageError([_problem_of(error, ctx)]) from None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, description, arguments, options, commands and examples."""
        session = session_of(ctx)
        pieces = " ".join(self.collect_usage_pieces(ctx))
        if session.language == "zh":
            pieces = pieces.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
        usage, examples = session.words(message("Usage")), session.words(message("Examples"))
        formatter.write(f"{usage}: {ctx.command_path} {pieces}\n\n")
        formatter.write(f"  {session.words(self.words)}\n")
        arguments = [
            (parameter.make_metavar(ctx), session.words(parameter.words))
            for parameter in self.params
            if isinstance(parameter, WordedArgument)
        ]
        options = [
            record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None
        ]
        listed: list[tuple[str, str]] = []
        if isinstance(self, click.Group):
            found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
            listed = [
                (name, session.words(one.words)) for name, one in found if isinstance(one, _Worded) and not one.hidden
            ]
        for heading, entries in (
            (message("Arguments"), arguments),
            (message("Options"), options),
            (message("Commands"), listed),
        ):
            _write_entries(formatter, session.words(heading), entries)
        if self.examples:
            formatter.write(f"\n{examples}:\n")
            for example in self.examples:
                formatter.write(f"  {example}\n")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Give the option `--help`, worded."""
        if not self.add_help_option:
            return None
        found: click.Option | None = getattr(self, "_worded_help", None)
        if found is None:
            found = self._worded_help = WordedOption(
                ["--help"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_help,
                words=message("show this text and exit"),
            )
        return found


def _show_help(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(context.get_help())
        context.exit()


def _write_entries(formatter: click.HelpFormatter, heading: str, entries: Sequence[tuple[str, str]]) -> None:
    if not entries:
        return
    formatter.write(f"\n{heading}:\n")
    width = max(len(name) for name, _ in entries)
    for name, text in entries:
        formatter.write(f"  {name:<{width}}  {text}\n")


class WordedCommand(_Worded):
    """One command."""


class WordedGroup(_Worded, click.Group):
    """A command with commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its name; a name that is none suggests the nearest."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = nearest(name, self.commands)
            refuse(
                "command-unknown",
                message("there is no command `{name}`", name=name),
                message("did you mean `{near}`?", near=near)
                if near
                else message("`{command}` lists the commands", command=f"{ctx.command_path} --help"),
            )
        return super().resolve_command(ctx, args)


class _NoReaderError(Exception):
    """Nobody reads the results any more."""


class Root(WordedGroup):
    """The whole command line: knows how a run may end."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that went away ends it by our own code, not by click's."""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _NoReaderError from None
        return found

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run, and exit with the code that says how it ended; never with a traceback."""
        ready_streams()
        arguments = list(sys.argv[1:] if args is None else args)
        session = Session(_language_in(arguments))
        if sys.stdout is None:
            # Closed: the first file that is opened would take its place.
            session.note(message("standard output cannot be written: {reason}", reason=message("it is closed")))
            sys.exit(UNREADABLE)
        extra.pop("standalone_mode", None)
        sys.exit(_ended(session, lambda: self._run(arguments, prog_name, session, extra)))

    def _run(self, arguments: list[str], name: str | None, session: Session, extra: dict[str, Any]) -> int:
        found = super().main(arguments, name or "svc-policy", standalone_mode=False, obj=session, **extra)
        return found if isinstance(found, int) else 0


def _ended(session: Session, run: Callable[[], int]) -> int:
    try:
        return run()
    except PolicyError as error:
        session.report(error)
        return UNREADABLE
    except click.ClickException as error:
        session.note(error.format_message())
        return UNREADABLE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (BrokenPipeError, _NoReaderError):
        _let_go_of_output()
        return NO_READER
    except Exception as error:
        if isinstance(error, OSError) and _is_of_output(error):
            with contextlib.suppress(OSError):
                session.note(message("standard output cannot be written: {reason}", reason=reason_of(error)))
            _let_go_of_output()
            return UNREADABLE
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
            return INTERNAL
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        session.note(message("internal error: {reason}", reason=reason))
        session.note(message("to see where, run it again with {variable}=1", variable=TRACEBACK))
        return INTERNAL


def _let_go_of_output() -> None:
    """Let what is still buffered go nowhere; Python would complain of it at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_of_output(error: OSError) -> bool:
    """Say whether an error came of writing results, as to a full disk: of no named file, where results are written."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return error.filename is None and where.startswith(("click.", "rich.", __name__))


def _language_in(arguments: Sequence[str]) -> Language:
    """Find the language before anything is read, so that errors of reading speak it too."""
    chosen: str | None = None
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            chosen = arguments[index + 1]
        elif argument.startswith("--lang="):
            chosen = argument.removeprefix("--lang=")
    return language_of(chosen)


def _problem_of(error: click.UsageError, context: click.Context) -> Any:
    """Put what click refuses into a problem of ours."""
    help_line = message("`{command}` shows how it is used", command=f"{context.command_path} --help")
    if isinstance(error, click.NoSuchOption):
        near = nearest(error.option_name, [name for one in context.command.get_params(context) for name in one.opts])
        if near:
            help_line = message("did you mean `{near}`?", near=near)
        return problem("option-unknown", message("there is no option `{name}`", name=error.option_name), help=help_line)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else error.param.make_metavar(context)
        return problem("argument-missing", message("`{name}` is missing", name=name), help=help_line)
    if isinstance(error, click.BadOptionUsage):
        return problem("option-value", message("option `{name}` needs a value", name=error.option_name), help=help_line)
    if not isinstance(error, click.BadParameter) and context.args == [] and "unexpected" in error.message:
        return problem("argument-surplus", message("there are more arguments than the command takes"), help=help_line)
    return problem("usage", message("{reason}", reason=error.format_message().rstrip(".")), help=help_line)


class Choice(_ParameterType):
    """One of a few words."""

    name = "choice"

    def __init__(self, *words: str) -> None:
        self.words = words

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Show the words."""
        return "|".join(self.words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take one of the words; suggest the nearest to another."""
        if value in self.words:
            return str(value)
        near = nearest(str(value), self.words)
        name = param.opts[0] if isinstance(param, click.Option) else getattr(param, "human_readable_name", "")
        refuse(
            "choice-unknown",
            message("`{value}` is no value of `{name}`", value=value, name=name),
            message("did you mean `{near}`?", near=near)
            if near
            else message("known here: {known}", known=", ".join(self.words)),
        )


class LanguageName(Choice):
    """A language of the library, also by the name of a locale (``zh_CN``)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the language of a locale's name."""
        return super().convert(str(value).lower().replace("-", "_").split("_")[0], param, ctx)


def option(*names: str, words: Message, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Declare an option."""
    return click.option(*names, cls=WordedOption, words=words, **attributes)


def argument(name: str, *, words: Message, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Declare an argument."""
    return click.argument(name, cls=WordedArgument, words=words, **attributes)


def command(name: str, words: Message, *, examples: Sequence[str]) -> Callable[[Callable[..., Any]], WordedCommand]:
    """Declare a command; every one takes `--lang`."""

    def declare(function: Callable[..., Any]) -> WordedCommand:
        return click.command(name, cls=WordedCommand, words=words, examples=examples)(language_option(function))

    return declare


def group(
    name: str, words: Message, *, examples: Sequence[str], kind: type[WordedGroup] = WordedGroup
) -> Callable[[Callable[..., Any]], WordedGroup]:
    """Declare a command with commands."""

    def declare(function: Callable[..., Any]) -> WordedGroup:
        return click.group(name, cls=kind, words=words, examples=examples)(language_option(function))

    return declare


def language_option(function: Decorated) -> Decorated:
    """Declare `--lang`, which holds for the whole run."""
    return option(
        "--lang",
        type=LanguageName("en", "zh"),
        expose_value=False,
        is_eager=True,
        callback=_set_language,
        words=message("language of the texts; that of the environment unless given"),
    )(function)


def _set_language(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        session_of(context).language = language_of(value)


json_option = option("--json", "as_json", is_flag=True, words=message("write JSON"))
pack_argument = argument("pack", words=message("name of a built-in pack, a folder, or a workbook (.xlsx)"))
