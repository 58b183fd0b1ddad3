"""What a run found, as data and as pages: the results schema, the table, Markdown and HTML."""
