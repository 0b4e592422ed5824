"""What ships with a package and can be had by its name, or an operator's own file of the same kind by its path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from realname.errors import SettingsWrong


class Toml(NamedTuple):
    """text: of the file. beside: the folder of an operator's own; None for a shipped one."""

    text: str
    beside: Path | None


def read_toml(kind: str, package: str, folder: str, name_or_path: str) -> Toml:
    """package/folder/NAME.toml, else the file of that path. kind: what it is, for the error.

    Raises SettingsWrong where it is neither, or no UTF-8.
    """
    shipped = files(package).joinpath(folder, f"{name_or_path}.toml")
    try:
        if shipped.is_file():
            return Toml(shipped.read_text("utf-8"), None)
        path = Path(name_or_path)
        return Toml(path.read_text("utf-8"), path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{kind} {name_or_path!r}: neither shipped nor a readable file") from error
