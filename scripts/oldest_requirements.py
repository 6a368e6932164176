"""Print the oldest version of every dependency that pyproject.toml allows, as requirements for pip.

    python scripts/oldest_requirements.py [EXTRA ...]

Only lower bounds (``name>=version``) are understood, which is what pyproject.toml has; anything else is an error.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)>=(?P<version>[0-9.]+)(,<[0-9.]+)?")


def oldest(requirements: list[str]) -> list[str]:
    """Return ``name==version`` for every ``name>=version``.

    Raises
    ------
    ValueError
        For a requirement without a lower bound.
    """
    pinned = []
    for requirement in requirements:
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise ValueError(f"requirement {requirement!r}: needs the form name>=version, optionally ,<version")
        pinned.append(f"{found['name']}=={found['version']}")
    return pinned


def main(extras: list[str]) -> None:
    """Print the pinned requirements of the package and of the extras named."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    print("\n".join(dict.fromkeys(oldest(requirements))))


if __name__ == "__main__":
    main(sys.argv[1:])
