"""The run from belief files to results, and the statistics that it reports."""
