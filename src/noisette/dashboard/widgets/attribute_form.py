"""The form in which attributes are ticked, made from a schema: choices, groups of which one can be there, flags."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from noisette.attributes.names import quoted
from noisette.attributes.parsing import impossible, name_of, part_of, values_behind
from noisette.attributes.schema import Value
from noisette.dashboard.services.offers import MOST_SHOWN, Offer, commonest_first, fits, named, offer, share
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.language import say
from noisette.errors import RequestError

_FEW = 12  # attributes that need no search, and values that need no folding
_FEW_VALUES = 40  # of all choices, that need no search
_HEIGHT = 900  # pixels, so that the picture stays beside the form
_NONE = "none"
_WITH, _WITHOUT = "with", "without"
_ALSO, _NEGATIVE, _SEARCH = "also", "negative", "search"


@dataclass(frozen=True)
class AttributeForm:
    """The form of one model; what is selected in it is a request.

    Args:
        model: Each has a form of its own in the session.
    """

    model: OpenModel

    @property
    def selected(self) -> dict[str, str]:
        """What is asked for of each choice, group and flag, as a person would write it."""
        facts = self.model.facts
        found = {name: self._name(name, option) for name in facts["choices"] if (option := self._state(name))}
        for name in facts["groups"]:
            if member := self._state(name):
                found[name] = f"no {quoted(name)}" if member == _NONE else self._name(member, True)
        found |= {flag: self._name(flag, True) for flag in self._state(_WITH) or []}
        found |= {flag: self._absent(flag) for flag in self._state(_WITHOUT) or []}
        if also := (self._state(_ALSO) or "").strip():
            found[_ALSO] = also
        return found

    @property
    def request(self) -> str:
        """What is selected as a person would write it; empty if nothing is selected."""
        return ", ".join(self.selected.values())

    @property
    def negative(self) -> list[str]:
        """The negative attributes."""
        return list(self._state(_NEGATIVE) or [])

    def select(self, values: Mapping[str, Value], negative: Collection[str] = ()) -> None:
        """Put a request into the form, before it is shown.

        Args:
            values: The attributes to select; all others are left open.
            negative: The negative attributes to select.
        """
        facts, left = self.model.facts, dict(values)
        for name in facts["choices"]:
            self._put(name, left.pop(name, None))
        for name, counts in facts["groups"].items():
            present = [member for member in counts if values.get(member) is True]
            absent = all(values.get(member) is False for member in counts)
            self._put(name, present[0] if present else _NONE if absent else None)
            for member in counts if present or absent else ():
                left.pop(member, None)
        for title, value in ((_WITH, True), (_WITHOUT, False)):
            self._put(title, [flag for flag in facts["flags"] if left.get(flag) is value])
        members = (name for name, value in left.items() if name not in facts["flags"] and value is False)
        self._put(_ALSO, ", ".join(map(self._absent, members)))
        self._put(_NEGATIVE, list(negative))

    def select_only(self, values: Mapping[str, Value]) -> None:
        """Select these attributes, which are negative no more."""
        schema = self.model.generator.schema
        there = [values.get(name) == value for name, value in values_behind(self.negative, schema)]
        self.select(values, [name for name, has in zip(self.negative, there, strict=True) if not has])

    def show(self) -> None:
        """Draw the form. What cannot be asked for besides what is selected is not offered, but named."""
        schema, facts = self.model.generator.schema, self.model.facts
        if not schema.attributes:
            st.caption(say("This model is unconditional: it was trained without attributes."))
            return
        never = self._never()
        many = len(schema.attributes) > _FEW or sum(map(len, facts["choices"].values())) > _FEW_VALUES
        with st.container(horizontal=True, vertical_alignment="bottom"):
            search = self._search() if many else ""
            st.button(
                say("Random"),
                icon=":material/casino:",
                help=say("A plausible request, from the statistics of the data"),
                on_click=self._select_random,
            )
            st.button(say("Clear"), icon=":material/close:", on_click=self._clear)
        with st.container(height=_HEIGHT) if many else st.container():
            if not self._found(search):
                st.caption(say('Nothing here is called "{search}".', search=as_markdown(search)))
            for name, counts in facts["choices"].items():
                self._choice(name, counts, search, never)
            for name, counts in facts["groups"].items():
                self._group(name, counts, search, never)
            self._flags(search, never)
            if many:
                st.text_input(
                    say("Also ask for"),
                    placeholder=say("no Beanie, no Cap"),
                    key=self._key(_ALSO),
                    persist_state="session",
                    help=say("Anything as on the command line, commas between"),
                )
            if self.model.generator.model.recipe.condition.drop_all > 0 or self.negative:
                st.multiselect(
                    say("Negative attributes"),
                    self._names(),
                    key=self._key(_NEGATIVE),
                    persist_state="session",
                    help=say("The drawing is led away from these. How strongly is under More settings."),
                )

    def _search(self) -> str:
        written = st.text_input(say("Search"), placeholder=say("hat, beard, ..."), key=self._key(_SEARCH))
        return written.strip().casefold()

    def _found(self, search: str) -> bool:
        """Whether anything that can be asked for has in its name what is searched for."""
        facts = self.model.facts
        values = [(name, each) for of in (facts["choices"], facts["groups"]) for name in of for each in of[name]]
        return any(fits(search, each, name) for name, each in [*values, *(("", flag) for flag in facts["flags"])])

    def _choice(self, name: str, counts: Mapping[str, int], search: str, never: set[tuple[str, Value]]) -> None:
        chosen = self._state(name)
        options = list(counts) if name in self._ranges else commonest_first(counts)
        impossible = [option for option in options if (name, option) in never]
        few = len(options) <= _FEW
        most = None if few or self._state(f"{name}/all") else MOST_SHOWN
        found = offer(options, search=search, about=name, chosen=[chosen] if chosen else [], most=most)
        if not found.shown:
            return
        with nullcontext() if few else self._folded(name, len(options), [chosen] if chosen else [], search):
            self._pills(name, found.shown, counts, label_visibility="visible" if few else "collapsed")
            self._all_of(name, found, len(options))
            self._name_impossible(name, impossible)

    def _group(self, name: str, counts: Mapping[str, int], search: str, never: set[tuple[str, Value]]) -> None:
        chosen = self._state(name)
        members = commonest_first(counts)
        impossible = [each for each in members if (each, True) in never]
        most = None if self._state(f"{name}/all") else MOST_SHOWN
        kept = [chosen] if chosen else []
        found = offer(members, search=search, about=name, chosen=kept, hidden=impossible, most=most)
        if not found.shown and search and not chosen:
            return
        with self._folded(name, len(members), kept, search):
            self._pills(name, [*found.shown, _NONE], counts, label_visibility="collapsed")
            self._all_of(name, found, len(members))
            self._name_impossible(name, impossible)

    def _flags(self, search: str, never: set[tuple[str, Value]]) -> None:
        counts = self.model.facts["flags"]
        flags = commonest_first(counts)
        impossible = [flag for flag in flags if (flag, True) in never]
        for title in (_WITH, _WITHOUT):
            chosen = self._state(title) or []
            hidden = impossible if title == _WITH else []
            most = None if len(flags) <= _FEW or self._state(f"{title}/all") else MOST_SHOWN
            found = offer(flags, search=search, chosen=chosen, hidden=hidden, most=most)
            folded = title == _WITHOUT and len(flags) > _FEW and found.shown
            with self._folded(title, len(flags), chosen, search) if folded else nullcontext():
                if found.shown:
                    self._pills(title, found.shown, counts, label=say(title), selection_mode="multi")
                    self._all_of(title, found, len(flags))
                self._name_impossible(title, hidden)

    def _folded(self, name: str, count: int, chosen: Collection[str], search: str) -> DeltaGenerator:
        """What is opened to be seen; its title names what is chosen inside."""
        names, more = named([say(each) if each == _NONE else each for each in chosen])
        title = f"{say(name) if name == _WITHOUT else as_markdown(name)} ({count})"
        if chosen:
            title += f" · **{as_markdown(names)}{f' + {more}' if more else ''}**"
        # A browser heeds `expanded` once for each key, so what a search opens has one of its own.
        return st.expander(title, expanded=bool(search), key=self._key(f"{name}/{'found' if search else 'open'}"))

    def _all_of(self, name: str, found: Offer, count: int) -> None:
        """Offer the rarer values too, where there are any."""
        if found.more or self._state(f"{name}/all"):
            st.checkbox(say("Show all {count}", count=count), key=self._key(f"{name}/all"))

    def _pills(
        self, name: str, options: list[str], counts: Mapping[str, int], *, label: str | None = None, **how: Any
    ) -> None:
        st.pills(
            label or name,
            options,
            format_func=_with_share(counts, name, self.model.facts),
            key=self._key(name),
            wrap=True,
            persist_state="session",
            **how,
        )

    def _name_impossible(self, name: str, impossible: list[str]) -> None:
        """Why something is not there to be ticked."""
        chosen = self._state(name) or []
        chosen = [chosen] if isinstance(chosen, str) else chosen
        if lost := [each for each in impossible if each not in chosen]:
            names, more = named(lost, MOST_SHOWN)
            names = as_markdown(names) + (f" + {more}" if more else "")
            st.caption(say("never with what is ticked: {names}", names=names))

    @property
    def _ranges(self) -> set[str]:
        """What has an order of its own."""
        return {each.name for each in self.model.generator.schema.attributes if each.kind == "range"}

    def _never(self) -> set[tuple[str, Value]]:
        """What would contradict what is selected."""
        generator = self.model.generator
        if not self.request:
            return set()
        try:
            selected = generator.parse(self.request).attributes
        except RequestError:  # the settings, beside the picture, tell it
            return set()
        return set(impossible(selected, generator.schema, generator.statistics))

    def _names(self) -> list[str]:
        """All flags and options, as negative attributes name them."""
        facts = self.model.facts
        options = [self._name(name, option) for name, counts in facts["choices"].items() for option in counts]
        members = [member for counts in facts["groups"].values() for member in counts]
        return [*options, *(self._name(flag, True) for flag in (*members, *facts["flags"]))]

    def _name(self, name: str, value: Value) -> str:
        return name_of(name, value, self.model.generator.schema)

    def _absent(self, flag: str) -> str:
        return part_of(flag, False, self.model.generator.schema)

    def _select_random(self) -> None:
        """A random request without the negative attributes."""
        number = st.session_state["randoms"] = st.session_state.get("randoms", 0) + 1
        try:
            self.select_only(self.model.generator.random_request(number, without=self.negative))
        except RequestError as error:
            st.toast(as_markdown(error))

    def _clear(self) -> None:
        self.select({})
        self._put("weights", "")  # of what is asked for no longer

    def _key(self, name: str) -> str:
        return f"{self.model.name}/{name}"

    def _state(self, name: str) -> Any:
        return st.session_state.get(self._key(name))

    def _put(self, name: str, value: Any) -> None:
        st.session_state[self._key(name)] = value


def _with_share(counts: Mapping[str, int], about: str, facts: Mapping[str, Any]) -> Callable[[str], str]:
    """A name with how much of the images has it, of those that tell: of the attribute that it is an option of, or of
    the flag itself.
    """
    told_of = about if about in facts["choices"] else None

    def named_with_share(name: str) -> str:
        images = facts["known"].get(told_of or name, facts["images"])
        return f"{name} ({share(counts[name], images)})" if name in counts else say(name)

    return named_with_share
