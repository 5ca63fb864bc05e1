"""What the documentation's pages need besides MkDocs: a hook for links, and a griffe extension for settings.

`mkdocs.yml` names this file twice. The pages in docs/ link to files of the repository, as readers of the repository
expect; the hook brings those files into the site. Settings have their help in the `description` of their field; the
extension takes it for their docstring, so that it is written once.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
FOLDER = "repository"
"""Of the site, for files that are not in docs/."""
_LINK = re.compile(r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\])\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to, and those that these link to."""
    waiting = [file.src_uri for file in files.documentation_pages()]
    while waiting:
        uri = waiting.pop()
        path = _path(uri)
        if path.suffix != ".md":
            continue
        for match in _LINK.finditer(path.read_text(encoding="utf-8")):
            found = _uri(uri, match[2])
            if found is not None and files.get_file_from_path(found) is None:
                added = File.generated(
                    config, found, abs_src_path=str(_path(found)), inclusion=InclusionLevel.NOT_IN_NAV
                )
                files.append(added)
                waiting.append(found)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to where their files are in the site; those to folders become plain text."""
    here = page.file.src_uri

    def mended(match: re.Match[str]) -> str:
        label, link, anchor = match[1], match[2], match[3] or ""
        found = _uri(here, link)
        if found is not None:
            return f"{label}({posixpath.relpath(found, posixpath.dirname(here) or '.')}{anchor})"
        outside = "://" not in link and _real(here, link).is_dir()
        return label[1:-1] if outside else match[0]

    return _LINK.sub(mended, markdown)


def _path(uri: str) -> Path:
    """Where a file of the site is in the repository."""
    inside = uri.removeprefix(f"{FOLDER}/")
    return ROOT / inside if inside != uri else ROOT / "docs" / uri


def _real(uri: str, link: str) -> Path:
    """What a link in a file of the site leads to in the repository."""
    return Path(posixpath.normpath((_path(uri).parent / link).as_posix()))


def _uri(uri: str, link: str) -> str | None:
    """Where a linked file is in the site; None of what is no file of the repository."""
    if "://" in link or link.startswith(("/", "mailto:")):
        return None
    path = _real(uri, link)
    if not path.is_file() or not path.is_relative_to(ROOT):
        return None
    if path.is_relative_to(ROOT / "docs"):
        return path.relative_to(ROOT / "docs").as_posix()
    return f"{FOLDER}/{path.relative_to(ROOT).as_posix()}"


class Descriptions(griffe.Extension):  # type: ignore[misc]  # mypy does not follow it: see pyproject
    """Takes the `description` of a pydantic field for its docstring, and its default for its value."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Called by griffe for each attribute of the package."""
        value = attr.value
        if not isinstance(value, griffe.ExprCall) or str(value.function) != "Field":
            return
        given = {each.name: each.value for each in value.arguments if isinstance(each, griffe.ExprKeyword)}
        default = [each for each in value.arguments if not isinstance(each, griffe.ExprKeyword)]
        attr.value = default[0] if default else None
        owner = attr.parent.docstring.value if attr.parent is not None and attr.parent.docstring is not None else ""
        if attr.docstring is None and "description" in given and f"\n    {attr.name}: " not in owner:
            attr.docstring = griffe.Docstring(_sentence(str(given["description"])), parent=attr)


def _sentence(expression: str) -> str:
    """The text of a string in Python, as a sentence in Markdown; of one that is put together, its code."""
    try:
        text = str(ast.literal_eval(expression))
    except (ValueError, SyntaxError):
        return f"`{expression}`"
    text = text.replace("#", "\\#", 1) if text.startswith("#") else text[0].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."
