"""A command used wrongly, said in the reader's language: the parser speaks English only.

In:     what the parser raised.
Out:    one sentence on standard error; what is not known here in the parser's own words.
"""

import re

import typer
from typer.exceptions import TyperException

from gis_data.catalogue import text

# What the parser says -> key of our sentence in ``command.wrong``.
SAID = {
    r"Missing \w+ '(?P<name>[^']+)'": "missing",
    r"No such option: (?P<name>\S+)": "option",
    r"No such command '(?P<name>[^']+)'": "command",
    r"Option '(?P<name>[^']+)' requires an argument": "no_value",
    r"Option '(?P<name>[^']+)' does not take a value": "flag",
    r"Got unexpected extra argument\S* \((?P<name>.+)\)": "extra",
    r"Invalid value for '(?P<name>[^']+)'": "value",
}


def say_wrong_use(wrong: TyperException) -> None:
    """Say what was wrong; the parser's own words are the help, where no command was given."""
    context = getattr(wrong, "ctx", None)
    for pattern, key in SAID.items():
        if found := re.match(pattern, wrong.format_message()):
            command = context.info_name if context is not None else ""
            typer.echo(text(f"command.wrong.{key}", command=command, name=found["name"]), err=True)
            return
    wrong.show()  # type: ignore[attr-defined]  # every error of the parser has it; the class that says so is private
