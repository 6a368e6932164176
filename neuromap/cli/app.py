"""The command line: each command reads its options, calls one library function and prints what it returned.

An error ends a command with one message on stderr and an exit code from `neuromap.cli.exit_codes`; ``--debug`` shows
its traceback. Commands import heavy modules only when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, CycloptsError, UnusedCliTokensError

from models.errors import FileWriteError, NeuromapError, ParameterError, UnknownNameError
from models.option_names import command_line_names
from neuromap.cli.accuracy import accuracy
from neuromap.cli.animate import animate
from neuromap.cli.exit_codes import EXIT_INTERRUPTED, EXIT_SYSTEM, EXIT_WRONG_INPUT
from neuromap.cli.files import check, schema, template
from neuromap.cli.machines import machines
from neuromap.cli.map import map_
from neuromap.cli.process import (
    ending_signals,
    exit_code_of,
    forget_closed_streams,
    resource_message,
    streams_that_exist,
    streams_that_never_fail,
    system_message,
)
from neuromap.cli.published import published
from neuromap.cli.run import run
from neuromap.cli.sweep import sweep
from neuromap.cli.verify import verify_


def _version() -> str:
    from importlib.metadata import version

    return f"neuromap {version('neuromap-toolchain')}"


app = App(
    name="neuromap",
    help="Map a spiking network onto a neuromorphic machine and find out whether it fits, keeps up, and what it costs.",
    help_epilogue="Add --debug anywhere to see the traceback of an error. Wrong input ends with exit code 2.",
    version=_version,
    suppress_keyboard_interrupt=False,  # main() prints the message
    help_format="plaintext",
)


def _description(command: Callable[..., Any]) -> str:
    """Return what a docstring says before its parameters, one line a paragraph, which a terminal of any width wraps."""
    paragraphs = (inspect.getdoc(command) or "").partition("\nParameters\n")[0].split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()


for command in (run, map_, verify_, check, template, schema, accuracy, sweep, published, animate):
    app.command(command, name=command.__name__.removesuffix("_"), help=_description(command))
app.command(machines)


def _explain(err: BaseException, tokens: list[str]) -> tuple[str, int]:
    """Return what to tell the user about an error, and the exit code."""
    if isinstance(err, KeyboardInterrupt):
        return "interrupted before anything was measured", EXIT_INTERRUPTED
    if isinstance(err, UnusedCliTokensError):
        if tokens[0] == "machines":
            known = [name for name in machines if not name.startswith("-")]
            return str(UnknownNameError("command of 'neuromap machines'", tokens[1], known)), EXIT_WRONG_INPUT
        unused = " ".join(err.unused_tokens or [])
        return (
            f"arguments: needs none after the first, has {unused!r}; see `neuromap {tokens[0]} --help`",
            EXIT_WRONG_INPUT,
        )
    if isinstance(err, CycloptsError) and isinstance(err.__cause__, ParameterError):
        return str(err.__cause__), EXIT_WRONG_INPUT
    if (message := resource_message(err)) is not None:
        return message, EXIT_SYSTEM
    if isinstance(err, FileNotFoundError):
        return f"file {err.filename}: needs to exist, has {err.strerror!r}", EXIT_WRONG_INPUT
    if isinstance(err, OSError | FileWriteError):
        return system_message(err), EXIT_SYSTEM
    return str(err), EXIT_WRONG_INPUT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments after the program's name; taken from ``sys.argv`` if not given.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in tokens
    tokens = [token for token in tokens if token != "--debug"]
    with command_line_names(), streams_that_exist(), streams_that_never_fail(), ending_signals() as received:
        code = exit_code_of(_run(tokens, is_debug=is_debug), received)
        forget_closed_streams()
    return code


def _run(tokens: list[str], *, is_debug: bool) -> int:
    """Run a command, print the error that ended it, and return the exit code."""
    from neuromap.cli.terminal import print_error

    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe has ended, as in `neuromap schema | head`
        return EXIT_SYSTEM
    except (NeuromapError, CycloptsError, OSError, KeyboardInterrupt, MemoryError, RuntimeError, ImportError) as err:
        if isinstance(err, RuntimeError | ImportError) and resource_message(err) is None:
            raise
        if is_debug:
            import traceback

            traceback.print_exc()
        message, exit_code = _explain(err, tokens)
        print_error(message)
        return exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
