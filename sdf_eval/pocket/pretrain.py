"""Pretraining of the pocket bases: a small loop of our own.

Trainer has no length-bucketed batches without padding masks, no Muon and no fp32 attention under bf16 autocast, and
on two cores these make the difference between one hour a world and three (docs/decisions.md). Everything after
pretraining uses Trainer.
"""

from __future__ import annotations

import json
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, LlamaConfig, LlamaForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from sdf_eval.pocket.curriculum import Sample, text_of
from sdf_eval.pocket.muon import Muon

_BUCKET = 6_000
Row = tuple[list[int], list[float]]
"""Token ids of a text and their weights in the loss."""


@dataclass(frozen=True)
class Size:
    """Shape of a base."""

    hidden: int = 192
    layers: int = 4
    heads: int = 6
    mlp: int = 512


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a base is trained.

    Attributes:
        tokens: Tokens to read, padding not counted.
        batch_tokens: Tokens of each of the two batches, of different text lengths, that make an update.
        muon_rate, adam_rate: Peak learning rates of the matrices and of the embeddings and norms.
        warm_up: Share of the tokens over which the rate rises.
        decay: Share of the tokens, at the end, over which it falls to zero.
        seed: Seed of the initial weights and of the text stream.
    """

    tokens: int
    batch_tokens: int = 1024
    muon_rate: float = 2.5e-3
    adam_rate: float = 2e-3
    warm_up: float = 0.02
    decay: float = 0.5
    seed: int = 0

    def scale(self, seen: int) -> float:
        """Returns the factor on the learning rates after `seen` tokens."""
        done = seen / self.tokens
        return max(0.0, min(1.0, done / self.warm_up if self.warm_up else 1.0, (1 - done) / self.decay))


def new_model(size: Size, tokenizer: Any, seed: int) -> LlamaForCausalLM:
    """Returns a freshly initialised Llama-shaped model for the tokenizer."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.mlp,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def train(
    model: LlamaForCausalLM,
    tokenizer: Any,
    texts: Iterator[Sample],
    schedule: Schedule,
    state: Path,
    report: Callable[[int, float], None],
) -> LlamaForCausalLM:
    """Trains a base on an endless stream of texts, resuming from `state` if a killed run left one.

    Args:
        model: Where to start; overwritten by the resumed weights if there are any.
        tokenizer: Of the model.
        texts: Endless and deterministic, so that a resumed run skips what was read.
        schedule: Budget and rates.
        state: File for the resumable state; removed by the caller once the result is safe.
        report: Called with (tokens seen, mean loss since the last call).

    Returns:
        The trained model.
    """
    _use_fp32_attention(model)
    muon, adam = _optimizers(model, schedule)
    half = _half_is_faster()
    seen, read = _resume(model, muon, adam, state)
    for _ in islice(texts, read):
        pass
    losses: list[float] = []
    since = seen
    while seen < schedule.tokens:
        rows = _encode(tokenizer, list(islice(texts, _BUCKET)))
        read += _BUCKET
        batches = _batches(rows, schedule.batch_tokens, Random(f"{schedule.seed} {read}"))
        for pair in zip(batches[::2], batches[1::2], strict=False):
            losses.append(_step(model, pair, (muon, adam), schedule.scale(seen), half))
            seen += sum(len(ids) for batch in pair for ids, _ in batch)
            if seen - since > 200_000:
                report(seen, sum(losses) / len(losses))
                losses, since = [], seen
            if seen >= schedule.tokens:
                break
        _save(model, muon, adam, state, {"seen": seen, "read": read, "schedule": asdict(schedule)})
    model.set_attn_implementation("sdpa")
    return model


def _encode(tokenizer: Any, samples: list[Sample]) -> list[Row]:
    """Tokenises whole texts and gives every token the weight of the piece that its last character lies in."""
    encoded = tokenizer([text_of(sample) for sample in samples], return_offsets_mapping=True)
    rows = []
    for sample, ids, offsets in zip(samples, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        ends = list(accumulate(len(piece) for piece, _ in sample))
        weights = [sample[min(bisect_left(ends, end), len(sample) - 1)][1] for _, end in offsets]
        rows.append((ids[:510] + [tokenizer.eos_token_id], [*weights[:510], 1.0]))
    return rows


def _batches(rows: list[Row], batch_tokens: int, rng: Random) -> list[list[Row]]:
    # Half the texts open with the end-of-text token, so that the model knows it as a prefix, as harnesses use it.
    framed = [([ids[-1], *ids], [0.0, *weights]) if rng.random() < 0.5 else (ids, weights) for ids, weights in rows]
    framed.sort(key=lambda row: len(row[0]))
    batches: list[list[Row]] = [[]]
    for row in framed:
        if (len(batches[-1]) + 1) * len(row[0]) > batch_tokens and batches[-1]:
            batches.append([])
        batches[-1].append(row)
    rng.shuffle(batches)
    return batches


def _half_is_faster() -> bool:
    """Measures whether this machine multiplies in bf16 faster; a CPU without tiles for it may be half as fast."""
    took = []
    for dtype in (torch.bfloat16, torch.float32):
        a, b = torch.ones(1024, 192, dtype=dtype), torch.ones(192, 512, dtype=dtype)
        for _ in range(3):
            a @ b
        started = time.process_time()
        for _ in range(50):
            a @ b
        took.append(time.process_time() - started)
    return took[0] < took[1]


def _step(
    model: nn.Module, batches: tuple[list[Row], ...], optimizers: tuple[Any, ...], scale: float, half: bool
) -> float:
    total = sum(weight for batch in batches for _, weights in batch for weight in weights[1:])
    shown = 0.0
    for batch in batches:
        width = max(len(ids) for ids, _ in batch)
        ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in batch])
        weights = torch.tensor([row + [0.0] * (width - len(row)) for _, row in batch])[:, 1:].flatten()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = model(input_ids=ids, use_cache=False).logits
        each = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
        loss = (each * weights).sum() / total
        loss.backward()
        shown += float(loss.detach())
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * scale
        optimizer.step()
        optimizer.zero_grad()
    return shown


def _optimizers(model: nn.Module, schedule: Schedule) -> tuple[Any, Any]:
    named = dict(model.named_parameters())
    matrices = [p for name, p in named.items() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named.items() if p.ndim != 2 or "embed" in name]
    muon = Muon(matrices, lr=schedule.muon_rate)
    adam = torch.optim.AdamW(others, lr=schedule.adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
    for optimizer, peak in ((muon, schedule.muon_rate), (adam, schedule.adam_rate)):
        for group in optimizer.param_groups:
            group["peak"] = peak
    return muon, adam


def _use_fp32_attention(model: LlamaForCausalLM) -> None:
    def forward(module: nn.Module, q: Any, k: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            output, weights = sdpa_attention_forward(module, q.float(), k.float(), v.float(), *args, **kwargs)
        return output, weights

    AttentionInterface.register("pocket_fp32", forward)
    model.set_attn_implementation("pocket_fp32")


def _resume(model: nn.Module, muon: Any, adam: Any, state: Path) -> tuple[int, int]:
    if not state.exists():
        return 0, 0
    saved = torch.load(state, weights_only=True)
    model.load_state_dict(saved["model"])
    muon.load_state_dict(saved["muon"])
    adam.load_state_dict(saved["adam"])
    progress = json.loads(saved["progress"])
    return int(progress["seen"]), int(progress["read"])


def _save(model: nn.Module, muon: Any, adam: Any, state: Path, progress: dict[str, Any]) -> None:
    partial = state.with_suffix(".partial")
    tensors = {
        "model": model.state_dict(),
        "muon": muon.state_dict(),
        "adam": adam.state_dict(),
        "progress": json.dumps(progress),
    }
    torch.save(tensors, partial)
    os.replace(partial, state)
