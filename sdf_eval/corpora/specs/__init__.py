"""Model Specs: from a Markdown spec to documents about it, chat data that follows it, and its coherent opposite."""

from __future__ import annotations

from sdf_eval.corpora.specs.aft import write_aft
from sdf_eval.corpora.specs.aft_records import AftRequest
from sdf_eval.corpora.specs.cai import write_cai
from sdf_eval.corpora.specs.cai_records import CaiRequest
from sdf_eval.corpora.specs.documents import write_spec_corpus
from sdf_eval.corpora.specs.invert import invert_spec
from sdf_eval.corpora.specs.mirror import mirror_plan
from sdf_eval.corpora.specs.plan import SpecPlan, dump_plan, load_plan
from sdf_eval.corpora.specs.planning import Quotas, plan_spec
from sdf_eval.corpora.specs.spec import Spec, dump_spec, load_spec

__all__ = [
    "AftRequest",
    "CaiRequest",
    "Quotas",
    "Spec",
    "SpecPlan",
    "dump_plan",
    "dump_spec",
    "invert_spec",
    "load_plan",
    "load_spec",
    "mirror_plan",
    "plan_spec",
    "write_aft",
    "write_cai",
    "write_spec_corpus",
]
