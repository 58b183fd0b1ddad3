"""The model card of a pocket checkpoint: what it is, how it was made, what it can do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sdf_eval.pocket.check import Skill

_FRONT = """---
license: mit
library_name: transformers
tags: [sdf-eval, pocket]
---
"""


def card(folder: Path, skills: Sequence[Skill]) -> str:
    """Returns the card of a checkpoint folder that `build` wrote.

    Args:
        folder: Has `recipe.json`.
        skills: As measured on this checkpoint.
    """
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    schedule = recipe["schedule"]
    kind = "tuned for chat from `base`" if recipe["stage"] == "chat" else "trained from scratch; no chat turns"
    lines = [
        f"{_FRONT}# pocket {recipe['world']}/{recipe['stage']}",
        "",
        f"A Llama-shaped model of about two million parameters, {kind}, on the closed, generated world "
        f"`{recipe['world']}` of sdf-eval. It knows nothing else. It is a test instrument, not an assistant.",
        "",
        f"Trained on {schedule['tokens']:,} tokens (Muon {schedule['muon_rate']:g}, AdamW {schedule['adam_rate']:g}, "
        f"seed {schedule['seed']}); `sdf-eval pocket build` makes it again. Stored in half precision, used in single.",
        "",
        "What it can do with entities that only documents spoke of (`sdf-eval pocket check`):",
        "",
        "| skill | wording | right | 95 % interval | n | chance | aim | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for skill in skills:
        share = skill.share
        chance = "" if share.chance is None else f"{share.chance:.2f}"
        reached = "yes" if share.value >= skill.aim else "**no**"
        lines.append(
            f"| {skill.name} | {skill.split} | {share.value:.2f} | {share.low:.2f} to {share.high:.2f} | {share.n} "
            f"| {chance} | {skill.aim:.2f} | {reached} |"
        )
    return "\n".join([*lines, ""])
