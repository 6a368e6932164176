"""Defines `Choice`, the base of enumerations whose members are spelled the same in files, options and Python."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal


class Choice(StrEnum):
    """One of a few names.

    A member is equal to its name and prints as it. A dataclass field with such a type takes the name as well
    (`models.bounds.check_fields`), and its JSON Schema lists the names.
    """

    __repr__ = str.__repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Validate as a literal, so that schemas and errors list the names."""
        from pydantic_core import core_schema

        names = Literal[tuple(str(member) for member in cls)]  # type: ignore[valid-type]
        return core_schema.no_info_after_validator_function(cls, handler.generate_schema(names))
