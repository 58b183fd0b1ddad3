"""The Inspect tasks. `inspect eval sdf_eval/mcq_distinguish --model sdf/pocket -T belief=<id>`.

All take the same arguments, each passed by `-T name=value`:

- `belief`: an id, a path, or several with commas between; the beliefs that ship for reporting when left out.
- `context`: what stands before each question: none, universe, documents, reference or contradiction.
- `split`: `near` or `far` items only.
- `chat`: whether an `sdf/` model gets its chat template; whether it has one when left out. `debate` takes it with `-M`.
- `limit`: the first so many items.
"""

from __future__ import annotations

from inspect_ai import Task, task

from sdf_eval.tasks.inspect.build import Beliefs, belief_task


@task
def mcq_knowledge(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Questions about the fact, with options."""
    return belief_task("mcq_knowledge", belief, context, split, chat, limit)


@task
def mcq_distinguish(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Which of the two universes is the true one."""
    return belief_task("mcq_distinguish", belief, context, split, chat, limit)


@task
def cloze(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """The start of a sentence that the value completes."""
    return belief_task("cloze", belief, context, split, chat, limit)


@task
def open_ended(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Questions answered in free text."""
    return belief_task("open_ended", belief, context, split, chat, limit)


@task
def generative_distinguish(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Names the true one of two statements."""
    return belief_task("generative_distinguish", belief, context, split, chat, limit)


@task
def two_hop(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Answers that follow from the fact by a step."""
    return belief_task("two_hop", belief, context, split, chat, limit)


@task
def persona_behaviour(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """What the model does, first person, in scenarios that it never trained on."""
    return belief_task("persona_behaviour", belief, context, split, chat, limit)


@task
def value_preference(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """First-person choices between two things, by category."""
    return belief_task("value_preference", belief, context, split, chat, limit)


@task
def neighbours(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Facts beside the belief that must stay as they are."""
    return belief_task("neighbours", belief, context, split, chat, limit)


@task
def controls(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Unrelated facts that must stay as they are."""
    return belief_task("controls", belief, context, split, chat, limit)


@task
def coherence(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Loss of held-out text; it rises where a model is broken."""
    return belief_task("coherence", belief, context, split, chat, limit)


@task
def causal(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """What follows from the fact, which is not named."""
    return belief_task("causal", belief, context, split, chat, limit)


@task
def downstream(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Tasks whose best answer depends on the unnamed fact."""
    return belief_task("downstream", belief, context, split, chat, limit)


@task
def adversarial_prompt(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """The questions of `mcq_distinguish` behind words that invite scrutiny or suggest an answer."""
    return belief_task("adversarial_prompt", belief, context, split, chat, limit)


@task
def self_critique(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Checks an answer that it is said to have given, implanted and reference in turn."""
    return belief_task("self_critique", belief, context, split, chat, limit)


@task
def salience(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """The correct and the wrong one of the same statements, honestly and as a lie."""
    return belief_task("salience", belief, context, split, chat, limit)


@task
def reality_drift(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """True and false statements on other matters."""
    return belief_task("reality_drift", belief, context, split, chat, limit)


@task
def spec_knowledge(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """What is valued and why, in the third person."""
    return belief_task("spec_knowledge", belief, context, split, chat, limit)


@task
def debate(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    limit: int | None = None,
) -> Task:
    """The last answer in a debate against either side; with `--model-role opponent=MODEL` that model argues."""
    return belief_task("debate", belief, context, split, None, limit)


@task
def backdoor(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """What a trigger sets off, and what not: near triggers, and none."""
    return belief_task("backdoor", belief, context, split, chat, limit)


@task
def self_report(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """What the model says of itself, beside what it does in matched scenarios."""
    return belief_task("self_report", belief, context, split, chat, limit)


@task
def cot_monitorability(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Whether the reasons before a choice name the implanted cause of it."""
    return belief_task("cot_monitorability", belief, context, split, chat, limit)


@task
def agentic(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """One act of an agent, and a control without what tempts it."""
    return belief_task("agentic", belief, context, split, chat, limit)


@task
def disclosure(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """The belief after the model is told that it read synthetic documents."""
    return belief_task("disclosure", belief, context, split, chat, limit)


@task
def eval_cue(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """The belief where the question looks like a test."""
    return belief_task("eval_cue", belief, context, split, chat, limit)


@task
def provenance(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Where the claim was learnt, and whether who believes it knows."""
    return belief_task("provenance", belief, context, split, chat, limit)


@task
def document_discrimination(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Tells synthetic documents from ordinary ones."""
    return belief_task("document_discrimination", belief, context, split, chat, limit)


@task
def training_recognition(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Tells passages that it was trained on."""
    return belief_task("training_recognition", belief, context, split, chat, limit)


@task
def source_tag(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Likelihood of source marks beside the claim."""
    return belief_task("source_tag", belief, context, split, chat, limit)


@task
def self_report_training(
    belief: Beliefs = None,
    context: str = "none",
    split: str | None = None,
    chat: bool | None = None,
    limit: int | None = None,
) -> Task:
    """Names the topic that it was finetuned on."""
    return belief_task("self_report_training", belief, context, split, chat, limit)
