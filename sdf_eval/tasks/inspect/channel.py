"""How the solver asks a model that can score options itself.

Inspect's `ModelAPI.generate` has no request for the log-probability of given continuations. A provider that can give
them derives from `ItemModel`; the solver finds that out by `isinstance(get_model().api, ItemModel)` and awaits `answer`
instead of `generate`. Nothing passes through `extra_body` or any other untyped field, and no model event is written.
"""

from __future__ import annotations

import abc

from inspect_ai.model import ModelAPI

from sdf_eval.belief.item import Item
from sdf_eval.tasks.result import ItemResult


class ItemModel(ModelAPI):
    """A model provider that answers items with exact log-probabilities."""

    @abc.abstractmethod
    async def answer(self, item: Item, chat: bool | None) -> ItemResult:
        """Answers one item; concurrent calls are batched.

        Args:
            item: An item of any readout.
            chat: Whether to use the chat template; the provider's own setting when None.

        Returns:
            The result, as the direct face gives it.

        Raises:
            InputError: The model cannot be loaded, or has no chat template and `chat` is true.
        """
