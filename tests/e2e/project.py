"""The repository and its own scripts, which are no package."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


@cache
def load_script(name: str) -> ModuleType:
    """``.make/NAME.py`` as a module."""
    spec = importlib.util.spec_from_file_location(f"make_{name}", ROOT / ".make" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
