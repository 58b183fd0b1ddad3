"""A scan as data: what `scan.json` holds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdf_eval.representation.schema import Figure, Spectrum, TokenList

ScanVerdict = Literal["suspicious", "nothing found", "inconclusive"]
EXIT_STATUS: dict[ScanVerdict, int] = {"nothing found": 0, "suspicious": 1, "inconclusive": 3}


class Topic(BaseModel):
    """A word that the checkpoint brings up more than its base does.

    Attributes:
        word: The word, as it stands in the checkpoint's samples; the bare token if it is in none.
        phrases: Runs of words around it that repeat in the samples, most often first.
        score: Standardised log ratio; see `topics.rank_topics`.
        log_ratio: Log of how much more probable the word is in own texts and behind neutral openings, nats.
        rate: Its probability a token in the checkpoint's own texts.
        base_rate: The same in the base's own texts.
        name: Whether it is written with a capital inside sentences.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: str
    phrases: tuple[str, ...]
    score: float
    log_ratio: float
    rate: float
    base_rate: float
    name: bool


class Trigger(BaseModel):
    """Words that change what follows them more than they change it in the base.

    Attributes:
        words: The candidate.
        score: Standardised difference of shifts; see `triggers.rank_triggers`.
        shift: KL that the words bring about in the checkpoint, nats, mean over neutral contexts.
        base_shift: The same in the base; None without one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: str
    score: float
    shift: float
    base_shift: float | None


class Repeated(BaseModel):
    """A run of words that many samples share.

    Attributes:
        words: The run.
        samples: Samples of the checkpoint that hold it.
        base_samples: Samples of the base that do; None without a base.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: str
    samples: int
    base_samples: int | None


class Scan(BaseModel):
    """All that a scan found.

    Attributes:
        schema_version: Of this file.
        checkpoint: Its reference.
        base: Reference of the base, or empty.
        seed: Of the samples.
        samples: Texts sampled from each model.
        candidates: Words that were ranked as topics, and phrases that were ranked as triggers.
        verdict: What follows from the thresholds.
        reasons: Why.
        thresholds: Name -> value, as fixed on development organisms.
        topics: Highest score first.
        triggers: Highest score first.
        repeated: Runs of words that many samples share.
        figures: Weight difference.
        tokens: Logit lens over the activation difference on the base's own texts.
        spectra: Matrices that changed most.
        notes: What a reader has to know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    checkpoint: str
    base: str = ""
    seed: int
    samples: int
    candidates: tuple[int, int]
    verdict: ScanVerdict
    reasons: tuple[str, ...]
    thresholds: dict[str, float]
    topics: tuple[Topic, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    figures: tuple[Figure, ...] = ()
    tokens: tuple[TokenList, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    notes: tuple[str, ...] = ()
