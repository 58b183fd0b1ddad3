"""Figures of the awareness family: what a task's items say together, the same from every face.

An item alone says nothing here. A figure compares items: behind a notice and behind its neutral match, on a synthetic
document and on an ordinary one, on the implanted claim and on a genuine one. Every task carries its positive control,
the same question where the answer is told; where that is not above chance, the model cannot answer questions of this
form, the task is at its `floor`, and its other figures say nothing.
"""
