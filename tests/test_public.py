"""The public face: every name is there, nothing that a program meets is left out, and each argument is documented.

What is checked is what stands in `noisette.__all__`, and besides all that the API pages in docs/api show.
"""

import ast
import doctest
import inspect
import re
import subprocess
import sys
from dataclasses import is_dataclass
from functools import cache, cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_origin

import pytest
from pydantic import BaseModel

import noisette

PAGES = Path(__file__).parent.parent / "docs" / "api"


def found(path):
    """The module, class, function or constant of a dotted path."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            here = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            here = getattr(here, name)
        return here
    raise AssertionError(f"there is no {path}")


def is_ours(kind):
    return isinstance(kind, type) and kind.__module__.split(".")[0] == "noisette"


@cache
def shown():
    """What the API pages show, by dotted path; of a module its public classes and functions."""
    listed = {}
    for page in sorted(PAGES.glob("*.md")):
        for path in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            here = found(path)
            members = vars(here) if inspect.ismodule(here) else {}
            own = {name: each for name, each in members.items() if getattr(each, "__module__", None) == path}
            listed |= {f"{path}.{name}": each for name, each in own.items() if not name.startswith("_")} or {path: here}
    return listed


@cache
def documented():
    """Public classes and functions by the name that a program knows them by."""
    public = {f"noisette.{name}": getattr(noisette, name) for name in noisette.__all__}
    everything = {**public, **shown()}
    return {path: each for path, each in everything.items() if is_ours(each) or inspect.isfunction(each)}


def methods(kind):
    """The public methods that a class of this package brings, whichever of its bases they are from."""
    for base in kind.__mro__:
        for name, member in vars(base).items() if is_ours(base) else ():
            function = getattr(member, "__func__", member)
            public = not name.startswith("_") or (name == "__init__" and not generated(base))
            if public and is_our_function(function) and name not in inspect.get_annotations(base):
                yield f"{base.__module__}.{base.__name__}.{name}", base, function


def is_our_function(each):
    return inspect.isfunction(each) and each.__module__.split(".")[0] == "noisette"


def generated(kind):
    """Whether the fields of a class are the arguments that it is made with."""
    return is_dataclass(kind) or issubclass(kind, BaseModel) or hasattr(kind, "_fields")


@cache
def functions():
    listed = {}
    for path, each in documented().items():
        if inspect.isfunction(each):
            listed[path] = None, each
        else:
            listed |= {name: (base, function) for name, base, function in methods(each)}
    return listed


@cache
def classes():
    return {path: each for path, each in documented().items() if isinstance(each, type)}


# --- names ---------------------------------------------------------------------------------------------------------


def test_every_public_name_has_a_home_and_every_home_is_public():
    assert set(noisette.__all__) == set(noisette._HOMES)
    assert set(noisette.__all__) <= set(dir(noisette))


def test_type_checkers_see_the_same_names_from_the_same_modules():
    tree = ast.parse(Path(noisette.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {each.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for each in node.names}
    assert told == noisette._HOMES


def test_every_public_name_says_what_it_is():
    silent = []
    for name in noisette.__all__:
        each = getattr(noisette, name)
        docstring = inspect.getdoc(each) if is_ours(each) or inspect.isfunction(each) else alias_docstring(name)
        if not docstring or docstring.startswith(f"{name}("):  # the docstring that Python makes for a dataclass
            silent.append(name)
    assert not silent


def alias_docstring(name):
    """The string under the line that gives an alias its name."""
    body = parsed(import_module(noisette._HOMES[name])).body
    for line, after in pairwise(body):
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id == name:
            return after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
    return None


def test_importing_noisette_loads_neither_pytorch_nor_numpy():
    code = "import sys, noisette; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- nothing is left out -------------------------------------------------------------------------------------------


@cache
def parsed(module):
    return ast.parse(inspect.getsource(module))


@cache
def names_in(module):
    """What annotations of a module may name, with what only type checkers import."""
    blocks = [
        node for node in parsed(module).body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    names = dict(vars(module))
    for node in (each for block in blocks for each in block.body):
        for each in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            home = import_module(each.name if isinstance(node, ast.Import) else node.module)
            names[each.asname or each.name] = home if isinstance(node, ast.Import) else getattr(home, each.name)
    return names


def annotations(owner):
    module = sys.modules[owner.__module__]
    for name, written in inspect.get_annotations(owner).items():
        if not name.startswith("_") and name != "model_config":
            yield name, eval(written, names_in(module)) if isinstance(written, str) else written


def classes_in(kind):
    """The classes of this package in an annotation, such as Plan in `tuple[Plan, ...] | None`."""
    if isinstance(kind, TypeVar):
        kind = kind.__bound__
    if is_ours(kind):
        yield kind
    if get_origin(kind) is not Literal:
        for part in kind if isinstance(kind, list) else get_args(kind):
            yield from classes_in(part)


def met_in(each):
    """What a program meets that uses a public class or function: arguments, results, attributes."""
    owners = [each]
    for base in each.__mro__ if isinstance(each, type) else ():
        if not is_ours(base):
            continue
        owners.append(base)
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            function = function.func if isinstance(function, cached_property) else function
            if is_our_function(function):
                owners += [function] if not name.startswith("_") or name == "__init__" else []
    for owner in owners:
        for name, kind in annotations(owner):
            for other in classes_in(kind):
                yield f"{owner.__qualname__}, {name}", other


@pytest.mark.slow
def test_every_class_that_a_public_name_leads_to_is_public():
    missing = set()
    for name in noisette.__all__:
        each = getattr(noisette, name)
        named = is_ours(each) or inspect.isfunction(each)
        met = met_in(each) if named else ((name, other) for other in classes_in(each))
        missing |= {(where, other.__name__) for where, other in met if other.__name__ not in noisette.__all__}
    assert not missing, "export them, or change the signatures"


def test_every_error_that_a_docstring_promises_is_public():
    for path, (_, function) in functions().items():
        promised = {name for name in section(inspect.getdoc(function), "Raises") if hasattr(noisette.errors, name)}
        assert promised <= set(noisette.__all__), path


# --- every argument is documented ----------------------------------------------------------------------------------


def section(docstring, name):
    """The names in a section of a docstring in Google's style, in their order."""
    listed, inside = [], False
    for line in (docstring or "").splitlines():
        if re.fullmatch(r"\w+:", line):
            inside = line == f"{name}:"
        elif inside and (entry := re.match(r"    \*{0,2}(\w+): \S", line)):
            listed.append(entry[1])
    return listed


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def docstring_of(owner, function):
    """A constructor may be described by its class, and a method that overrides another by that."""
    if owner is None:
        return inspect.getdoc(function)
    if function.__name__ == "__init__":
        both = (inspect.cleandoc(each) for each in (owner.__doc__, function.__doc__) if each)
        return "\n\n".join(both)
    return inspect.getdoc(getattr(owner, function.__name__))


def test_every_argument_is_documented_and_no_other():
    wrong = {}
    for path, (owner, function) in functions().items():
        told, taken = section(docstring_of(owner, function), "Args"), parameters(function)
        if told != taken:
            wrong[path] = f"documents {told}, takes {taken}"
    assert not wrong


def test_every_argument_is_described_on_a_line_of_its_own():
    wrong = {}
    for path, (owner, function) in functions().items():
        inside = re.findall(r"[.;] (\w+): ", docstring_of(owner, function) or "")
        if crowded := set(inside) & set(parameters(function)):
            wrong[path] = crowded
    assert not wrong


def test_every_field_is_documented_and_no_other():
    """A field of a recipe may be described where it is defined instead: help texts read that too."""
    wrong = {}
    for path, kind in classes().items():
        if not generated(kind):
            continue
        bases = [base for base in kind.__mro__ if is_ours(base)]
        told = {name for base in bases for name in section(inspect.getdoc(base), "Attributes")}
        known = {name for base in bases for name in inspect.get_annotations(base)}
        described = {name for name, field in getattr(kind, "model_fields", {}).items() if field.description}
        fields = set(getattr(kind, "model_fields", inspect.signature(kind).parameters))
        if missing := fields - told - described:
            wrong[path] = f"says nothing of {missing}"
        if strangers := told - known:
            wrong[path] = f"documents {strangers}"
    assert not wrong


def test_whatever_the_pages_show_says_what_it_is():
    silent = []
    for path, each in documented().items():
        silent += [] if inspect.getdoc(each) else [path]
        for name, member in vars(each).items() if isinstance(each, type) else ():
            described = is_our_function(member) or isinstance(member, property | cached_property)
            own = described and not name.startswith("_") and name not in inspect.get_annotations(each)
            silent += [f"{path}.{name}"] if own and not inspect.getdoc(getattr(each, name)) else []
    assert not silent


def test_the_api_pages_show_every_public_name():
    homes = {id(each) for each in shown().values()}
    left_out = [name for name in noisette.__all__ if id(getattr(noisette, name)) not in homes]
    assert not left_out, "add `::: noisette.NAME` to a page in docs/api"


# --- examples run --------------------------------------------------------------------------------------------------


def examples():
    """The docstrings with examples, by where they stand: public functions, classes and methods, and the package."""
    owners = {"noisette": noisette}
    for path, each in documented().items():
        owners[path] = each
        owners |= {name: function for name, _, function in methods(each)} if isinstance(each, type) else {}
    return {path: each for path, each in owners.items() if ">>>" in (each.__doc__ or "")}


@pytest.mark.slow
@pytest.mark.parametrize("path", examples())
def test_an_example_runs(path):
    each = examples()[path]
    names = {} if inspect.ismodule(each) else dict(vars(sys.modules[each.__module__]))
    found = doctest.DocTestParser().get_doctest(each.__doc__, {**names, "noisette": noisette}, path, None, None)
    told = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found, out=told.append)
    assert not told, "".join(told)
