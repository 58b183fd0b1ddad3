"""The study frame: a published claim in one file, with seeds, matched controls and a criterion written before."""
