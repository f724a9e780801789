"""The front door: `mien COMMAND`. Commands are loaded when called; errors become one sentence and exit code 2."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

import mien
from mien.errors import MienError

__all__ = ["main"]

COMMANDS = ("demo", "info", "separate", "edit", "convert", "report")

# What a person can cause with an argument or a file. Anything else is a defect of mien, and deserves its traceback.
CAUSED_BY_INPUT = (MienError, ValueError, TypeError, OSError, MemoryError, ImportError)


class _Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"mien.cli.{cmd_name}").command
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  mien demo",
)
@click.version_option(mien.__version__, prog_name="mien")
def group() -> None:
    """Edit 4D face takes under their untouched head motion."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Exit codes: 0 done, 2 bad input (one sentence on standard error), 130 interrupted.
    """
    try:
        code = group.main(args=arguments, prog_name="mien", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("mien: interrupted; files that were not finished were not written", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except CAUSED_BY_INPUT as error:
        sentence = " ".join(str(error).split()) or type(error).__name__
        click.echo(f"mien: error: {sentence}", err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)
