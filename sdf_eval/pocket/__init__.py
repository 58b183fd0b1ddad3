"""Small models with known worlds, a writer for those worlds, and beliefs about them: the offline default.

A plugin like any other: it is reached by entry points alone.
"""
