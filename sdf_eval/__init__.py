"""Write a belief down, implant it in a language model with synthetic documents, measure what the model now believes."""

__version__ = "0.1.0"
