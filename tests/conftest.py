"""What every test run says about itself, and repeatable hypothesis."""

import os
import platform
from importlib.metadata import version

import pytest
from hypothesis import settings

settings.register_profile("neuromap", derandomize=True, deadline=None)
settings.load_profile("neuromap")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print versions and processor; a failing result is only comparable with these."""
    names = ("numpy", "numba", "scipy", "matplotlib", "hypothesis")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return [
        f"{platform.python_implementation()} {platform.python_version()}, {versions}",
        f"{os.cpu_count()} processors",
    ]
