"""The task class that the generated YAML names: lm-eval's own, told whether a chat template is on."""

from __future__ import annotations

from typing import Any

from lm_eval.api.task import ConfigurableTask

from sdf_eval.tasks.lm_eval.figures import report_standard_errors


class BeliefTask(ConfigurableTask):
    """A configurable lm-eval task that asks in the frame its prompt will stand in.

    lm-eval does not tell `doc_to_text` whether `--apply_chat_template` was given. Raw prompts carry a question-answer
    frame and chat prompts must not, so the documents hold both texts and this class picks one.
    """

    # Read by the parent's constructor.
    _chat = False

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        report_standard_errors()
        super().__init__(config={key: value for key, value in (config or {}).items() if key != "class"})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """Build the documents, without lm-eval's standing warning that custom datasets take `--metadata`."""
        self.dataset = self.config.custom_dataset(**(self.config.metadata or {}), **(self.config.dataset_kwargs or {}))

    def fewshot_context(self, doc: Any, *args: Any, apply_chat_template: bool = False, **options: Any) -> Any:
        """Build the context of one document, raw or for the chat template."""
        self._chat = apply_chat_template
        return super().fewshot_context(doc, *args, apply_chat_template=apply_chat_template, **options)

    def doc_to_text(self, doc: Any, doc_to_text: Any = None) -> Any:
        """The document's raw prompt, or its bare user message where the chat template will frame it."""
        return doc["message"] if self._chat else doc["prompt"]
