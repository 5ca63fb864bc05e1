"""The boxes to tick, made from a schema: choices, groups of which one can be there, flags.

What is ticked is a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from noisette.attributes.facts import attribute_facts
from noisette.attributes.parsing import impossible
from noisette.attributes.schema import Value
from noisette.dashboard.words import plain, say
from noisette.errors import RequestError
from noisette.inference.generator import Generator

_FEW = 12  # attributes that need no search
_HEIGHT = 900  # pixels, so that the picture stays beside the boxes
_NONE = "none"
_WITH, _WITHOUT = "with", "without"
_ALSO, _EXCLUDED, _SEARCH = "also", "excluded", "search"


@dataclass(frozen=True)
class Boxes:
    """The boxes of one model. name: of the model, so that each has its own. facts: see `attribute_facts`."""

    name: str
    generator: Generator
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, generator: Generator) -> Boxes:
        nothing: dict[str, Any] = {"choices": {}, "groups": {}, "flags": {}}
        return cls(
            name,
            generator,
            attribute_facts(generator.schema, generator.statistics) if generator.schema.attributes else nothing,
        )

    @property
    def ticked(self) -> dict[str, str]:
        """What is asked for of each choice, group and flag, as a person would write it."""
        found = {name: f"{name}={chosen}" for name in self.facts["choices"] if (chosen := self._state(name))}
        for name in self.facts["groups"]:
            if chosen := self._state(name):
                found[name] = f"no {name}" if chosen == _NONE else chosen
        found |= {flag: flag for flag in self._state(_WITH) or []}
        found |= {flag: f"no {flag}" for flag in self._state(_WITHOUT) or []}
        if also := (self._state(_ALSO) or "").strip():
            found[_ALSO] = also
        return found

    @property
    def excluded(self) -> list[str]:
        """What to keep away from."""
        return list(self._state(_EXCLUDED) or [])

    def tick(self, values: Mapping[str, Value], excluded: list[str] | None = None) -> None:
        """Put a request into the boxes; to be called before they are drawn."""
        left = dict(values)
        for name in self.facts["choices"]:
            self._put(name, left.pop(name, None))
        for name, counts in self.facts["groups"].items():
            worn = [member for member in counts if values.get(member) is True]
            absent = all(values.get(member) is False for member in counts)
            self._put(name, worn[0] if worn else _NONE if absent else None)
            for member in counts if worn or absent else ():
                left.pop(member, None)
        for title, value in ((_WITH, True), (_WITHOUT, False)):
            self._put(title, [flag for flag in self.facts["flags"] if left.get(flag) is value])
        self._put(
            _ALSO,
            ", ".join(
                f"no {name}" for name, value in left.items() if name not in self.facts["flags"] and value is False
            ),
        )
        self._put(_EXCLUDED, list(excluded or []))

    def show(self) -> None:
        """Draw the boxes. What cannot be asked for besides what is ticked is not offered, but told."""
        if not self.generator.schema.attributes:
            st.caption(say("This run was trained without attributes: it draws what it likes."))
            return
        never = self._never()
        many = len(self.generator.schema.attributes) > _FEW
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = (
                (
                    st.text_input(say("Search"), placeholder=say("hat, beard, ..."), key=self._key(_SEARCH))
                    if many
                    else ""
                )
                .strip()
                .casefold()
            )
            st.button(
                say("Random"),
                icon=":material/casino:",
                help=say("A plausible request, from the statistics of the data"),
                on_click=self._roll,
            )
            st.button(say("Clear"), icon=":material/close:", on_click=self._clear)
        with st.container(height=_HEIGHT) if many else st.container():
            for name, counts in self.facts["choices"].items():
                self._pills(name, list(counts), counts)
                self._tell(name, [option for option in counts if (name, option) in never])
            for name, counts in self.facts["groups"].items():
                self._group(name, counts, wanted, never)
            flags = self.facts["flags"]
            for title in (_WITH, _WITHOUT):
                shown = [flag for flag in flags if wanted in flag.casefold() or flag in (self._state(title) or [])]
                if title == _WITH:
                    shown = [flag for flag in shown if (flag, True) not in never or flag in (self._state(title) or [])]
                if shown:
                    self._pills(title, shown, flags, label=say(title), selection_mode="multi")
                if title == _WITH:
                    self._tell(title, [flag for flag in flags if (flag, True) in never])
            if many:
                st.text_input(
                    say("Also ask for"),
                    placeholder=say("no Beanie, no Cap"),
                    key=self._key(_ALSO),
                    persist_state="session",
                    help=say("Anything as on the command line, commas between"),
                )
            if self.generator.model.recipe.condition.drop_all > 0 or self.excluded:
                st.multiselect(
                    say("Keep away from"),
                    self._names(),
                    key=self._key(_EXCLUDED),
                    persist_state="session",
                    help=say(
                        "Ticked as excluded: the drawing is led away from it. How strongly is under More settings."
                    ),
                )

    def _group(self, name: str, counts: Mapping[str, int], wanted: str, never: set[tuple[str, Value]]) -> None:
        ticked = self._state(name)
        shown = [
            each
            for each in counts
            if ((each, True) not in never and wanted in f"{name} {each}".casefold()) or ticked == each
        ]
        if not shown and wanted:
            return
        title = f"{name} ({len(counts)})" + (
            f" · **{say(ticked) if ticked == _NONE else plain(ticked)}**" if ticked else ""
        )
        with st.expander(title, expanded=bool(wanted), key=self._key(f"{name}/open")):
            self._pills(name, [*shown, _NONE], counts, label_visibility="collapsed")
            self._tell(name, [each for each in counts if (each, True) in never])

    def _pills(
        self, name: str, options: list[str], counts: Mapping[str, int], *, label: str | None = None, **how: Any
    ) -> None:
        st.pills(
            label or name,
            options,
            format_func=_counted(counts),
            key=self._key(name),
            wrap=True,
            persist_state="session",
            **how,
        )

    def _tell(self, name: str, names: list[str]) -> None:
        """What cannot be, and why it is not there to be ticked."""
        ticked = self._state(name) or []
        if lost := [each for each in names if each not in ([ticked] if isinstance(ticked, str) else ticked)]:
            st.caption(say("never with what is ticked: {names}", names=plain(", ".join(lost))))

    def _never(self) -> set[tuple[str, Value]]:
        """What would contradict what is ticked."""
        asked = ", ".join(self.ticked.values())
        if not asked:
            return set()
        try:
            said = self.generator.understand(asked).attributes
        except RequestError:  # told beside the picture
            return set()
        return set(impossible(said, self.generator.schema, self.generator.statistics))

    def _names(self) -> list[str]:
        """Of all flags and options, as exclusions name them."""
        options = [f"{name}={option}" for name, counts in self.facts["choices"].items() for option in counts]
        members = [member for counts in self.facts["groups"].values() for member in counts]
        return [*options, *members, *self.facts["flags"]]

    def _roll(self) -> None:
        """A random request that has nothing of what is excluded."""
        number = st.session_state["rolled"] = st.session_state.get("rolled", 0) + 1
        try:
            self.take(self.generator.random_request(number, without=self.excluded))
        except RequestError as error:
            st.toast(plain(error))

    def take(self, values: Mapping[str, Value]) -> None:
        """Tick these, and exclude nothing of them any more."""
        self.tick(values, [name for name in self.excluded if not _has(values, name)])

    def _clear(self) -> None:
        self.tick({})
        self._put("weights", "")  # of what is asked for no longer

    def _key(self, name: str) -> str:
        return f"{self.name}/{name}"

    def _state(self, name: str) -> Any:
        return st.session_state.get(self._key(name))

    def _put(self, name: str, value: Any) -> None:
        st.session_state[self._key(name)] = value


def _has(values: Mapping[str, Value], name: str) -> bool:
    """Whether a flag, or an option as `choice=option`, is among the values."""
    flag, _, option = name.partition("=")
    return values.get(flag) == (option or True)


def _counted(counts: Mapping[str, int]) -> Callable[[str], str]:
    """A name with how many images have it."""
    return lambda name: f"{name} ({counts[name]:,})" if name in counts else say(name)
