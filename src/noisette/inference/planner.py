"""From a request to a plan, without the network: nothing here loads PyTorch, so a wrong request is refused at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.imputation import Imputer
from noisette.attributes.parsing import ParsedRequest, parse_request, values_behind
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Value
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import Recipe
from noisette.config.sampling import SamplingSettings
from noisette.data.palette import Palette
from noisette.errors import RequestError, told
from noisette.inference.plan import Plan, Start
from noisette.sampling.presets import Presets
from noisette.sampling.resolve import Capabilities, check_attributes, resolve, without_effect
from noisette.seeds import IMPUTED, KEPT, MOST_SEEDS, random_of, whole_seed, whole_seeds

Request = str | Mapping[str, Any]
"""What a person asks for, such as "Male, Big Shades, no Earring", or {"type": "Female", "Earring": False}."""

Codes = NDArray[np.int16]
"""(N, A), see `AttributeSchema`."""


@dataclass(frozen=True, repr=False)
class Planner:
    """What is known of a model before its network is loaded.

    Attributes:
        name: As `noisette.load` takes it.
        recipe: The recipe that it was trained by.
        trained_schema: The attributes of its data.
        statistics: How common each value is, and which are seen together.
        palette: The colours of its data, where they are few.
        presets: Settings that were found to be enough.
        weights: The SHA-256 of their file.
        step: Of the training.
        notes: What a person should know.
    """

    name: str
    recipe: Recipe
    trained_schema: AttributeSchema
    statistics: Statistics
    palette: Palette | None
    presets: Presets | None
    weights: str
    step: int
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> AttributeSchema:
        """What can be asked for; nothing of a model that was trained without attributes."""
        return self.trained_schema if self.recipe.conditional else AttributeSchema()

    @cached_property
    def capabilities(self) -> Capabilities:
        """What decides which settings it can be drawn with."""
        return Capabilities(self.name, self.recipe, self.schema, self.presets, self.palette is not None)

    def resolve(self, settings: SamplingSettings | None = None, preset: str | None = None) -> SamplingSettings:
        """Every setting of a drawing: what was given, or else what the preset says, or else the recipe.

        Args:
            settings: What is given; nothing unless given.
            preset: fast, balanced or best.

        Returns:
            Settings with nothing left out.

        Raises:
            RequestError: They cannot be.
        """
        return resolve(settings or SamplingSettings(), self.capabilities, preset)

    def parse(
        self, request: Request, *, only: bool = False, allow_unseen: bool = False, impute: bool = False
    ) -> ParsedRequest:
        """What a request means to this model.

        Args:
            request: Text or mapping; see `noisette.attributes.parsing`.
            only: Whether flags that it does not mention are absent.
            allow_unseen: Whether to ask even for what the data never show together.
            impute: Whether what it leaves unspecified will be imputed.

        Returns:
            Its attributes, their codes, and notes for a person.

        Raises:
            RequestError: It cannot be understood, or contradicts itself or the data.
        """
        if not self.recipe.conditional:
            asked = ", ".join(map(str, request)) if isinstance(request, Mapping) else str(request)
            raise RequestError(
                f"{self.name} was trained without attributes, so it cannot be asked for {asked or 'any'}"
            )
        parsed = parse_request(request, self.schema, self.statistics, only=only, allow_unseen=allow_unseen)
        partial = UNKNOWN in parsed.codes and parsed.attributes and not impute
        if self.recipe.condition.drop_each == 0 and partial:
            note = (
                f"{self.name} was only trained on whole requests (condition.drop_each = 0): what is not mentioned may"
                " come out as absent, unless it is imputed (--impute)"
            )
            return ParsedRequest(parsed.attributes, parsed.codes, (*parsed.notes, note))
        return parsed

    def random_request(
        self, seed: int, *, without: Collection[str] = (), start: Start | None = None
    ) -> dict[str, Value]:
        """A plausible request, all attributes known, drawn from the statistics of the data.

        Args:
            seed: 0 or more, below 2**63.
            without: Flags or options that it has not.
            start: Where the drawing starts; of a variation, so much of the other seed's request is kept.

        Returns:
            Values by name.

        Raises:
            RequestError: The model was trained without attributes, or the seed is none.
        """
        return self.random_requests([whole_seed(seed)], without=without, start=start)[0]

    def random_requests(
        self,
        seeds: Sequence[int],
        *,
        without: Collection[str] = (),
        unique: bool = False,
        start: Start | None = None,
    ) -> list[dict[str, Value]]:
        """A plausible request for each seed.

        Args:
            seeds: 0 or more, below 2**63, each.
            without: Flags or options that none of them has.
            unique: Whether a request that is there already is drawn anew. Then each is a function of its seed and of
                those before it; else of its seed alone, as of `random_request`.
            start: Where the drawing starts; of a variation, so much of the other seed's request is kept.

        Returns:
            Values by name, of each.

        Raises:
            RequestError: The model was trained without attributes, a seed is none, or there are not so many different
                requests.
        """
        seeds, start = whole_seeds(seeds), start or Start()
        if not self.recipe.conditional:
            raise RequestError(f"{self.name} was trained without attributes, so no request can be drawn")
        if isinstance(without, str) or not isinstance(without, Sequence | Set | Mapping):
            raise RequestError(f"without are several names, such as ['Earring'], not {told(without)}")
        values = values_behind(without, self.schema)
        if start.around is None:
            if unique:
                return self._imputer.unique_requests(seeds, without=values)
            return [self._imputer.random_request(seed, without=values) for seed in seeds]
        if unique:
            raise RequestError("the requests of a variation share much of one, so they cannot all be unique")
        other = self.schema.encode([self._imputer.random_request(start.around, without=values)])[0]
        nothing = np.full_like(other, UNKNOWN)
        kept = [self._imputer.keep(nothing, other, 1 - start.strength, random_of(seed, KEPT)) for seed in seeds]
        return [
            self._imputer.random_request(seed, without=values, given=row) for seed, row in zip(seeds, kept, strict=True)
        ]

    def plan(
        self,
        request: Request | Sequence[Request] | Codes | None = None,
        *,
        seeds: Sequence[int],
        settings: SamplingSettings | None = None,
        preset: str | None = None,
        only: bool = False,
        allow_unseen: bool = False,
        start: Start | None = None,
    ) -> Plan:
        """Understand, check, resolve and impute, once.

        Args:
            request: For all images, or one for each; what it does not mention is unspecified. Or (N, A) codes of a
                table.
            seeds: One for each image, 0 or more, below 2**63.
            settings: Of the drawing; what is left out is as the preset or the recipe says.
            preset: fast, balanced or best.
            only: Whether flags that a request does not mention are absent.
            allow_unseen: Whether to ask even for what the data never show together.
            start: Where the drawing starts; at each image's own noise unless given.

        Returns:
            A plan, with notes for a person.

        Raises:
            RequestError: Settings cannot be, or the model cannot understand a request.
        """
        seeds, start = whole_seeds(seeds), start or Start()
        resolved = self.resolve(settings, preset)
        attributes, codes, notes = self._requested(request, len(seeds), resolved, only, allow_unseen)
        if request is None and only:
            raise RequestError("only goes with a request: all flags but those that it mentions are absent")
        imputed = self._imputed(codes, seeds, resolved, start)
        asked = imputed is not None or (codes is not None and bool((codes != UNKNOWN).any()))
        notes = (*notes, *without_effect(settings or SamplingSettings(), resolved, self.capabilities, asked=asked))
        if imputed is None and codes is None and self.recipe.conditional and self.recipe.condition.drop_all == 0:
            raise RequestError(
                f"{self.name} never learned to draw without a request (condition.drop_all = 0); ask for something"
            )
        return Plan(
            run=self.name,
            weights=self.weights,
            step=self.step,
            seeds=tuple(seeds),
            attributes=attributes,
            imputed=self._told(codes, imputed),
            sampling=resolved,
            start=start,
            notes=notes,
        )

    def replan(self, plan: Plan) -> Plan:
        """Check a plan that comes from elsewhere, such as a picture, as any other; it keeps what was imputed.

        Args:
            plan: The plan.

        Returns:
            The plan as this model draws it.

        Raises:
            RequestError: This model cannot draw it, or it was changed.
        """
        attributes = plan.attributes
        if isinstance(attributes, tuple) and len(attributes) != len(plan.seeds):
            raise RequestError(
                f"the picture names {len(attributes)} requests for {len(plan.seeds)} seeds; it was changed"
            )
        resolved = self.resolve(plan.sampling)
        seeds = whole_seeds(plan.seeds)
        codes = self._codes(attributes, len(seeds))
        imputed = plan.imputed
        if imputed is None:
            imputed = self._told(codes, self._imputed(codes, seeds, resolved, plan.start))
        again = plan.model_copy(update={"sampling": resolved, "imputed": imputed, "run": self.name})
        self.codes(again)  # refuses what was changed
        return again.model_copy(update={"weights": self.weights, "step": self.step})

    def codes(self, plan: Plan) -> Codes | None:
        """What each image of a plan is conditioned on.

        Args:
            plan: A plan of this model.

        Returns:
            (N, A) codes; None where nothing is asked.

        Raises:
            RequestError: What was imputed is not whole, or not what was asked for.
        """
        asked = self._codes(plan.attributes, len(plan.seeds))
        if plan.imputed is None:
            return asked
        whole = self.schema.encode(plan.imputed)
        flags = np.array([attribute.kind == "flag" for attribute in self.schema.attributes])
        whole = np.where((whole == UNKNOWN) & flags, np.int16(0), whole)
        other = asked is not None and whole.shape == asked.shape and (whole != asked)[asked != UNKNOWN].any()
        if len(whole) != len(plan.seeds) or (whole == UNKNOWN).any() or other:
            raise RequestError(
                "the picture does not say what each of its images shows, or not what it was asked for; it was changed"
            )
        return whole

    def _requested(
        self, request: Any, count: int, settings: SamplingSettings, only: bool, allow_unseen: bool
    ) -> tuple[dict[str, Value] | tuple[dict[str, Value], ...] | None, Codes | None, tuple[str, ...]]:
        """What is asked for by name, the same as codes, and notes."""
        if request is None:
            check_attributes(settings.guidance, {}, self.schema)
            return None, None, ()
        if isinstance(request, np.ndarray):
            self._check_codes(request, count)
            return tuple(self.schema.decode(row) for row in request), request, ()
        one = isinstance(request, str | Mapping) or not isinstance(request, Sequence)
        requests = [request] if one else list(islice(request, MOST_SEEDS))
        parsed = [self.parse(each, only=only, allow_unseen=allow_unseen, impute=settings.impute) for each in requests]
        for each in parsed:
            check_attributes(settings.guidance, each.attributes, self.schema, one=one)
        if not one and len(parsed) != count:
            raise RequestError(f"there are {len(parsed)} requests for {count} seeds; give one for each, or one for all")
        codes = np.stack([each.codes for each in (parsed * count if one else parsed)])
        notes = tuple(dict.fromkeys(note for each in parsed for note in each.notes))
        return parsed[0].attributes if one else tuple(each.attributes for each in parsed), codes, notes

    def _check_codes(self, codes: NDArray[Any], count: int) -> None:
        if codes.ndim and len(codes) != count:
            raise RequestError(f"there are {len(codes)} requests for {count} seeds; give one for each")
        width = len(self.schema.attributes)
        if codes.shape != (count, width) or not np.issubdtype(codes.dtype, np.integer):
            raise RequestError(
                f"codes are whole numbers, ({count}, {width}) for {count} seeds and {width} attributes, not"
                f" {codes.dtype} {codes.shape}"
            )
        most = np.array([len(attribute.values) for attribute in self.schema.attributes])
        if (codes >= most).any() or (codes < UNKNOWN).any():
            raise RequestError("a code is the index of a value of its attribute, or -1 where nothing is known")

    def _codes(self, attributes: Any, count: int) -> Codes | None:
        if attributes is None:
            return None
        return self.schema.encode(attributes if isinstance(attributes, tuple) else [attributes] * count)

    def _imputed(
        self, codes: Codes | None, seeds: Sequence[int], settings: SamplingSettings, start: Start
    ) -> Codes | None:
        """(N, A) with nothing unspecified, each image's by its seed; of a variation in part as the image around which
        it is has it. None where nothing is imputed.
        """
        if not settings.impute:
            return None
        if codes is None:
            codes = np.full((len(seeds), len(self.schema.attributes)), UNKNOWN, dtype=np.int16)
        without = values_behind(settings.guidance.negative, self.schema)

        def impute(row: NDArray[np.int16], seed: int) -> NDArray[np.int16]:
            return self._imputer.impute(row, random_of(seed, IMPUTED), without=without)

        def kept(row: NDArray[np.int16], seed: int, around: int) -> NDArray[np.int16]:
            return self._imputer.keep(row, impute(row, around), 1 - start.strength, random_of(seed, KEPT))

        if start.around is not None:
            codes = np.stack([kept(row, seed, start.around) for row, seed in zip(codes, seeds, strict=True)])
        return np.stack([impute(row, seed) for row, seed in zip(codes, seeds, strict=True)])

    def _told(self, codes: Codes | None, imputed: Codes | None) -> tuple[dict[str, Value], ...] | None:
        """What was imputed, if anything was: it is then drawn the same when the statistics of the data have changed."""
        if imputed is None or (codes is not None and np.array_equal(codes, imputed)):
            return None
        decoded = (self.schema.decode(row) for row in imputed)
        return tuple({name: value for name, value in each.items() if value is not False} for each in decoded)

    @cached_property
    def _imputer(self) -> Imputer:
        return Imputer(self.schema, self.statistics)
